# SPDX-License-Identifier: GPL-2.0
"""A guest whose console is our standard input and output: a prompt, or one command.

The guest reports a command by a port of its own: "begin" as it starts; then "exit STATUS", or "oops"
if the kernel has oopsed since. A guest that ends without a report ended by itself: by a panic, a
reset, or because the command powered it off.
"""

import os
import re
import select
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from host import guest, load, oops
from host.common import Failure, say

COMMAND_LIMIT = 600	# seconds that a command may take, by default
# Exit statuses for what a command itself did not decide, as those of ssh and timeout.
ENDED, LATE = 255, 124
POWER_OFF = 30		# seconds that the guest may take to power off after the command
REPORT = re.compile(r"begin\n(?:exit (\d+)|(oops))\n")


def command_limit() -> int:
    """Return the seconds that a command may take: LIMIT."""
    return int(os.environ.get("LIMIT") or COMMAND_LIMIT)


def _console(out: Path) -> list[str]:
    """Return QEMU's options for a console on our terminal, which Ctrl-A X ends. A file has a
    copy."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "console").write_bytes(b"")
    log = guest.option(out / "console")
    return ["-chardev", f"stdio,id=console,mux=on,signal=off,logfile={log}",
            "-mon", "chardev=console,mode=readline", "-serial", "chardev:console",
            "-device", "virtio-serial-pci"]


def _oops(out: Path) -> str:
    """Return the first line of the oops on the console; "" if there is none."""
    lines = oops.split((out / "console").read_text(encoding="utf-8", errors="replace"))[1]
    return oops.first_line(lines) if lines else ""


def _by_itself(out: Path, when: str) -> int:
    """Say that the guest ended by itself, and return the exit status for that."""
    reason = _oops(out) or "it was reset or powered off"
    print(f"errpath: the guest ended {when}: {reason}", file=sys.stderr)
    return ENDED


class _Running:
    """A guest that runs."""

    def __init__(self, arguments: Sequence[str]) -> None:
        host = guest.Host()
        self.process = host.start(arguments)
        host.serve()
        self._hang_up = select.poll()
        if os.isatty(0):
            self._hang_up.register(0, 0)

    def wait(self, seconds: float) -> bool:
        """Wait so long for the guest's end; returns true if it has ended, and ends it with the
        terminal."""
        if self._hang_up.poll(0):
            self.end()
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        if self.process.returncode > 0:
            raise Failure(f"qemu failed (exit {self.process.returncode})")
        return True

    def end(self) -> None:
        self.process.kill()
        self.process.wait()


def interactive(arguments: Sequence[str], out: Path) -> int:
    """Run a guest with a prompt; returns 0, or ENDED if its kernel oopsed. OUT: a directory."""
    running = _Running([*arguments, *_console(out)])
    try:
        while not running.wait(0.1):
            pass
    finally:
        running.end()
    return _by_itself(out, "by itself") if _oops(out) else 0


class _Command:
    """The command of a guest, and its time limits."""

    def __init__(self, out: Path, limit: float, boot_limit: float) -> None:
        self.file, self.limit, self.boot_limit = out / "command", limit, boot_limit
        self.file.write_bytes(b"")
        self.started, self.began, self.reported = time.monotonic(), 0.0, 0.0

    def report(self) -> re.Match[str] | None:
        """What the guest reported: None if the command did not end."""
        return REPORT.match(self.file.read_text(encoding="ascii", errors="replace"))

    def late(self) -> str | None:
        """Return what takes too long; None if nothing does. The limit of the command counts from
        its start."""
        now = time.monotonic()
        if not self.began and self.file.stat().st_size:
            self.began = now
        if not self.began:
            late = now > self.started + self.boot_limit * load.factor()
            return f"the guest did not boot in {now - self.started:.0f} s ({load.text()})" \
                if late else None
        if now > self.began + self.limit and not self.report():
            return f"the command did not end within {self.limit:.0f} s: LIMIT=SECONDS gives it longer"
        return None

    def over(self) -> bool:
        """True if the command ended, but the guest does not power off."""
        if self.report() and not self.reported:
            self.reported = time.monotonic()
        return bool(self.reported) and time.monotonic() > self.reported + POWER_OFF


def one_command(arguments: Sequence[str], out: Path, limit: float, boot_limit: float) -> int:
    """Run a guest that executes one command with our standard output; returns its exit status, 128
    + N if signal N ended it, ENDED if the guest ended or oopsed meanwhile, LATE at the time limit.

    OUT: a directory. LIMIT: seconds that the command may take. BOOT_LIMIT: seconds until it must
    have started, on an idle machine.
    """
    console = _console(out)
    command, late = _Command(out, limit, boot_limit), None
    running = _Running([*arguments, *console,
                        "-chardev", f"file,id=command,path={guest.option(command.file)}",
                        "-device", "virtserialport,chardev=command,name=errpath.command"])
    try:
        while not running.wait(0.05) and not late and not command.over():
            late = command.late()
    finally:
        running.end()
    report = command.report()
    if late and not report:
        say(late)
        return LATE
    if not report or report[2]:
        return _by_itself(out, "during the command") if not report else _oopsed(out)
    return int(report[1])


def _oopsed(out: Path) -> int:
    """Say that the kernel oopsed, and return the exit status for that."""
    print(f"errpath: the kernel oopsed during the command: {_oops(out)}", file=sys.stderr)
    return ENDED
