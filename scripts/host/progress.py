# SPDX-License-Identifier: GPL-2.0
"""Shows what the guests do: a status line on a terminal, or a line as each program ends."""

import re
import sys
import threading
import time
from collections.abc import Iterable
from pathlib import Path

from host import common
from host.ktap import Result

BEGIN = "## begin "
END = re.compile(r"(?:not )?ok \d+ (\S+)")
TEST = re.compile(r"# (not )?ok \d+ ")


class Progress:
    """All programs of a run, on any number of guests in any number of threads."""

    def __init__(self, lines: bool = True) -> None:
        """LINES: print a line for each program where there is no terminal for a status line."""
        self._terminal, self._lines = sys.stdout.isatty(), lines
        self._lock = threading.Lock()
        self._total, self._done = 0, 0
        self._doing: dict[str, str] = {}	# what each guest does

    def expect(self, programs: int) -> None:
        """Add programs that will run."""
        with self._lock:
            self._total += programs

    def doing(self, guest: str, what: str) -> None:
        """Note what a guest does; an empty WHAT: it ended."""
        with self._lock:
            self._doing[guest] = what
            if not what:
                del self._doing[guest]
            if self._terminal:
                common.status("; ".join([self._count(), *(f"{name}: {now}" for name, now
                                                          in self._doing.items())]))

    def done(self, guest: str, text: str, programs: int = 1) -> None:
        """Count programs that ended."""
        with self._lock:
            self._done += programs
            if self._lines and not self._terminal:
                common.say(f"{guest}: {text} ({self._count()})")

    def _count(self) -> str:
        return f"{self._done} of {self._total} programs done"

    def close(self) -> None:
        """Remove the status line."""
        if self._terminal:
            common.status("")


class Watch:
    """Follows the programs of one session, in the KTAP that its guests write."""

    def __init__(self, progress: Progress | None = None, guest: str = "") -> None:
        """GUEST: its name in messages."""
        self._progress, self._guest = progress or Progress(lines=False), guest
        self._file, self._read = Path(), 0
        self._left: set[str] = set()		# programs that did not end yet
        self._program, self._began = "", 0.0	# the one that runs, and since when
        self._tests, self._failed = 0, 0	# of its tests

    def boots(self, out: Path, programs: Iterable[str]) -> None:
        """A guest that writes to the directory OUT begins to boot."""
        self._file, self._read, self._left = out / "ktap", 0, set(programs)
        self._program = ""
        self._progress.doing(self._guest, "boots")

    def look(self) -> None:
        """Read what the guest has written since the last call."""
        if self._file.stat().st_size == self._read:
            return
        with self._file.open("rb") as file:
            file.seek(self._read)
            text = file.read()
        text = text[:text.rfind(b"\n") + 1]	# the last line may be incomplete
        self._read += len(text)
        for line in text.decode(errors="replace").splitlines():
            self._line(line)

    def _line(self, line: str) -> None:
        if line.startswith(BEGIN):
            self._program, self._began = line.removeprefix(BEGIN), time.monotonic()
            self._tests = self._failed = 0
            self._progress.doing(self._guest, self._program)
        elif test := TEST.match(line):
            self._tests += 1
            self._failed += bool(test[1])
        elif (end := END.match(line)) and end[1] == self._program and end[1] in self._left:
            failed = f", {self._failed} FAILED" if self._failed else ""
            self._end(f"{self._tests or 'no'} tests{failed}")

    def _end(self, how: str) -> None:
        self._left.discard(self._program)
        self._progress.done(self._guest, f"{self._program}: {how}, "
                            f"{time.monotonic() - self._began:.0f} s")
        self._program = ""

    def ends(self, lost: Result | None) -> None:
        """The guest ended. LOST: the result of the program that ended it, if one did."""
        self.look()
        if lost and self._program in self._left:
            self._end("guest LOST" if lost.outcome == "LOST" else "ended its guest")

    def over(self) -> None:
        """No guest of this session follows."""
        self._progress.doing(self._guest, "")
        if self._left:
            self._progress.done(self._guest, f"did not run: {' '.join(sorted(self._left))}",
                                len(self._left))
