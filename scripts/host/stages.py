# SPDX-License-Identifier: GPL-2.0
"""Records when the stages of a run begin and end, for a table that shows where its time goes."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

HEAD = ("stage", "begins", "seconds")


class Stage(NamedTuple):
    """A stage of the work for a kernel line; LINE is empty if the work is for all lines."""

    name: str
    line: str
    begin: float
    end: float


class Stages:
    """The stages of a program. Any number of threads record them."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """CLOCK: returns the time in seconds. The stages are shown relative to the time now."""
        self._clock, self._zero = clock, clock()
        self._lock = threading.Lock()
        self._stages: list[Stage] = []

    def record(self, name: str, begin: float, end: float, line: str = "") -> None:
        """Add a stage that has ended."""
        with self._lock:
            self._stages.append(Stage(name, line, begin, end))

    @contextlib.contextmanager
    def stage(self, name: str, line: str = "") -> Iterator[None]:
        """Record the time that the body of the with statement takes, also if it raises."""
        begin = self._clock()
        try:
            yield
        finally:
            self.record(name, begin, self._clock(), line)

    def merged(self, line: str) -> list[Stage]:
        """Return the stages of a kernel line, and those for all lines, by their begin. Stages of
        the same name (of several guests) are one, from the first begin to the last end."""
        found: dict[str, Stage] = {}
        with self._lock:
            for one in self._stages:
                if one.line in ("", line):
                    other = found.get(one.name, one)
                    found[one.name] = one._replace(begin=min(one.begin, other.begin),
                                                   end=max(one.end, other.end))
        return sorted(found.values(), key=lambda one: one.begin)

    def table(self, line: str) -> list[str]:
        """Return the stages of a kernel line as lines of text, in seconds."""
        rows = [(one.name, f"{one.begin - self._zero:.1f}", f"{one.end - one.begin:.1f}")
                for one in self.merged(line)]
        width = max(len(name) for name, _, _ in [HEAD, *rows])
        return [f"{name:{width}}  {begins:>7}  {seconds:>7}" for name, begins, seconds
                in [HEAD, *rows]] if rows else []


_program = Stages()
record, stage, table = _program.record, _program.stage, _program.table
