# SPDX-License-Identifier: GPL-2.0
"""A client of QEMU's monitor protocol, QMP."""

import json
import socket
import time
from collections.abc import Mapping
from typing import Any

from host.common import Failure

LIMIT = 30.0		# seconds that a command may take


class Gone(Failure):
    """QEMU has ended."""


class Refused(Failure):
    """QEMU's error to a command. REASON: its description in QEMU's words."""

    def __init__(self, text: str, reason: str) -> None:
        super().__init__(f"{text}: {reason}")
        self.reason = reason


class Stream:
    """Lines to and from QEMU through a socket pair, each with a time limit.

    QEMU inherits the other end as a file descriptor. So there is no file to wait for or to
    remove, and when QEMU dies in any way, this end reads an end of file. WHOSE: the name of this
    QEMU in errors.
    """

    def __init__(self, whose: str) -> None:
        self.whose = whose
        self._ours, self.theirs = socket.socketpair()
        self._input = b""

    def attach(self) -> None:
        """Close our copy of QEMU's end, once QEMU has been started."""
        self.theirs.close()

    def send(self, line: str, limit: float = LIMIT) -> None:
        """Send a line within LIMIT seconds; raises Failure, or Gone if QEMU has ended."""
        try:
            self._ours.settimeout(limit)
            self._ours.sendall(line.encode() + b"\n")
        except TimeoutError:
            raise Failure(f"{self.whose} reads nothing for {limit:.0f} s") from None
        except OSError:
            raise Gone(f"{self.whose} is gone") from None

    def receive(self, deadline: float) -> str | None:
        """The next line, or None if there is none by DEADLINE, as of time.monotonic(). Raises
        Gone if QEMU has ended."""
        while b"\n" not in self._input:
            try:
                # With a deadline in the past, still return a line that has already arrived.
                self._ours.settimeout(max(deadline - time.monotonic(), 0.001))
                data = self._ours.recv(1 << 16)
            except TimeoutError:
                return None
            except OSError:
                data = b""
            if not data:
                raise Gone(f"{self.whose} is gone")
            self._input += data
        line, _, self._input = self._input.partition(b"\n")
        return line.decode()

    def close(self) -> None:
        self._ours.close()
        self.theirs.close()


class Qmp:
    """The monitor of one QEMU, which is started with words() and inherits fileno():

        monitor = Qmp("the source")
        process = Popen([..., *monitor.words()], pass_fds=[monitor.fileno()])
        monitor.connect()
        monitor.command("query-status")["status"]
    """

    def __init__(self, whose: str = "QEMU") -> None:
        self.whose, self._stream = whose, Stream(whose)
        self.events: list[dict[str, Any]] = []	# received, but not taken yet
        self.version: dict[str, Any] = {}	# of the greeting

    def fileno(self) -> int:
        """The file descriptor that QEMU must inherit: for Popen's pass_fds."""
        return self._stream.theirs.fileno()

    def words(self) -> list[str]:
        """The options for QEMU's command line. A QEMU can have several monitors."""
        name = f"qmp{self.fileno()}"
        return ["-chardev", f"socket,id={name},fd={self.fileno()}", "-qmp", f"chardev:{name}"]

    def connect(self, limit: float = LIMIT) -> None:
        """Wait for the greeting of a QEMU that was just started, and set VERSION."""
        self._stream.attach()
        greeting = self._next(time.monotonic() + limit)
        if not greeting:
            raise Failure(f"{self.whose} says nothing for {limit:.0f} s")
        self.version = greeting["QMP"]["version"]
        self.command("qmp_capabilities", limit=limit)

    def command(self, name: str, arguments: Mapping[str, Any] | None = None,
                limit: float = LIMIT, **more: Any) -> Any:
        """Run a command and return its result. Arguments are given as a mapping, or as keywords
        if their names have no dash.

        Raises Refused with QEMU's error, or Failure if there is no answer within LIMIT seconds,
        or if QEMU has ended.
        """
        arguments = {**(arguments or {}), **more}
        self._stream.send(json.dumps({"execute": name, "arguments": arguments}), limit)
        deadline = time.monotonic() + limit
        while answer := self._next(deadline):
            if "error" in answer:
                raise Refused(f"{self.whose}: {name}", answer["error"]["desc"])
            if "return" in answer:
                return answer["return"]
            self.events.append(answer)
        raise Failure(f"{self.whose}: {name} has no answer for {limit:.0f} s")

    def event(self, name: str, limit: float = LIMIT) -> Any:
        """Take the first event NAME, for which this waits if none was received yet; return its
        data. Other events are kept. Raises Failure after LIMIT seconds."""
        deadline = time.monotonic() + limit
        while True:
            for event in self.events:
                if event["event"] == name:
                    self.events.remove(event)
                    return event.get("data", {})
            answer = self._next(deadline)
            if not answer:
                raise Failure(f"{self.whose}: no event {name} for {limit:.0f} s")
            self.events.append(answer)

    def any_event(self, deadline: float) -> tuple[str, Any] | None:
        """The name and data of the next event, or None if there is none by DEADLINE."""
        event = self.events.pop(0) if self.events else self._next(deadline)
        return (event["event"], event.get("data", {})) if event else None

    def forget_events(self, limit: float = LIMIT) -> None:
        """Drop the events until now."""
        self.command("query-version", limit=limit)
        self.events.clear()

    def _next(self, deadline: float) -> dict[str, Any] | None:
        line = self._stream.receive(deadline)
        message: dict[str, Any] | None = json.loads(line) if line else None
        return message

    def close(self) -> None:
        self._stream.close()
