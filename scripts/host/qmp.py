# SPDX-License-Identifier: GPL-2.0
"""A QEMU's monitor, by QMP."""

import json
import socket
import time

from host.common import Failure

LIMIT = 30		# seconds that a command may take


class Gone(Failure):
    """QEMU has ended."""


class Refused(Failure):
    """QEMU's own error to a command."""

    def __init__(self, text, reason):
        super().__init__(f"{text}: {reason}")
        self.reason = reason


class Stream:
    """Lines to and from a QEMU by one end of a socket pair, each with a time limit.

    QEMU inherits the other end as a file descriptor: nothing is to be waited for or removed,
    and whenever it dies there is an end of file. WHOSE: what errors call it.
    """

    def __init__(self, whose):
        self.whose = whose
        self._ours, self.theirs = socket.socketpair()
        self._input = b""

    def attach(self):
        """QEMU has its end now; ours must see that one close."""
        self.theirs.close()

    def send(self, line, limit=LIMIT):
        try:
            self._ours.settimeout(limit)
            self._ours.sendall(line.encode() + b"\n")
        except TimeoutError:
            raise Failure(f"{self.whose} reads nothing for {limit:.0f} s") from None
        except OSError:
            raise Gone(f"{self.whose} is gone") from None

    def receive(self, deadline):
        """The next line; None when there is none by DEADLINE, of time.monotonic()."""
        while b"\n" not in self._input:
            try:
                # A deadline in the past still takes what has already come.
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

    def close(self):
        self._ours.close()
        self.theirs.close()


class Qmp:
    """The monitor of one QEMU, which is started with words() and the descriptor theirs():

        monitor = Qmp("the source")
        process = Popen([..., *monitor.words()], pass_fds=[monitor.fileno()])
        monitor.connect()
        monitor.command("query-status")["status"]
    """

    def __init__(self, whose="QEMU"):
        self.whose, self._stream = whose, Stream(whose)
        self.events, self.version = [], None

    def fileno(self):
        """What QEMU must inherit: Popen's pass_fds."""
        return self._stream.theirs.fileno()

    def words(self):
        """For QEMU's command line."""
        return ["-chardev", f"socket,id=qmp,fd={self.fileno()}", "-qmp", "chardev:qmp"]

    def connect(self, limit=LIMIT):
        """Wait until QEMU, just started, greets; then its version is known."""
        self._stream.attach()
        greeting = self._next(time.monotonic() + limit)
        if not greeting:
            raise Failure(f"{self.whose} says nothing for {limit:.0f} s")
        self.version = greeting["QMP"]["version"]
        self.command("qmp_capabilities", limit=limit)

    def command(self, name, arguments=None, limit=LIMIT, **more):
        """What a command returns. ARGUMENTS: a dictionary; or keywords, where - is not needed.

        Refused: QEMU's own error. Failure: no answer within LIMIT seconds, or QEMU is gone.
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

    def event(self, name, limit=LIMIT):
        """Wait for an event, unless one is waiting to be taken; returns its data. Others stay."""
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

    def any_event(self, deadline):
        """The next event, its name and data; None when there is none by DEADLINE."""
        event = self.events.pop(0) if self.events else self._next(deadline)
        return event and (event["event"], event.get("data", {}))

    def forget_events(self, limit=LIMIT):
        """Those of before now."""
        self.command("query-version", limit=limit)
        self.events.clear()

    def _next(self, deadline):
        line = self._stream.receive(deadline)
        return line and json.loads(line)

    def close(self):
        self._stream.close()
