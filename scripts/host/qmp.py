# SPDX-License-Identifier: GPL-2.0
"""QEMU's monitor, by its JSON protocol."""

import json
import time


class Gone(Exception):
    """QEMU has ended."""


class Refused(Exception):
    """QEMU will not, and says why."""


class Lines:
    """Whole lines from a socket."""

    def __init__(self, connection):
        self.connection, self.rest = connection, b""

    def read(self, deadline=None):
        """The next line; None when there is none until DEADLINE. Raises Gone."""
        while b"\n" not in self.rest:
            left = deadline and deadline - time.monotonic()
            if left is not None and left <= 0:
                return None
            try:
                self.connection.settimeout(left)
                more = self.connection.recv(4096)
            except TimeoutError:
                return None
            except OSError:
                more = b""
            if not more:
                raise Gone
            self.rest += more
        line, _, self.rest = self.rest.partition(b"\n")
        return line.decode(errors="replace")

    def write(self, line):
        try:
            self.connection.settimeout(None)
            self.connection.sendall(line.encode() + b"\n")
        except OSError:
            raise Gone from None


class Monitor:
    """One conversation; not for two threads at once."""

    def __init__(self, connection):
        self.lines, self.events = Lines(connection), []
        self.lines.read()	# its greeting
        self.command("qmp_capabilities")

    def command(self, name, **arguments):
        """What a command returns. Raises Refused."""
        words = {key.replace("_", "-"): value for key, value in arguments.items()}
        self.lines.write(json.dumps({"execute": name, "arguments": words}))
        while True:
            message = json.loads(self.lines.read())
            if "return" in message:
                return message["return"]
            if "error" in message:
                raise Refused(message["error"]["desc"])
            self.events.append(message)

    def forget_events(self):
        """Those of before now."""
        self.command("query-version")
        self.events.clear()

    def event(self, deadline):
        """The next event: its name and data; None when there is none until then."""
        if not self.events:
            line = self.lines.read(deadline)
            if line is None:
                return None
            self.events.append(json.loads(line))
        message = self.events.pop(0)
        return message["event"], message.get("data", {})
