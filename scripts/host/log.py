# SPDX-License-Identifier: GPL-2.0
"""Scans a kernel log for messages that indicate a problem, except those that a test announced.

scripts/log-deny    regexps, one on each line: a message that matches is a problem
scripts/log-allow   REGEXP | REASON: a message that is no problem although log-deny matches it
A test announces messages by writing to /dev/kmsg
    errpath: expect begin ID: REGEXP      ...      errpath: expect end ID
A message between the two that matches is no problem; it is one if none matches.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from host import oops
from host.common import SCRIPTS, Failure, lines_of


class Problem(NamedTuple):
    """A message that indicates a problem, and the test program that ran at the time."""

    program: str
    text: str


Regexps = Sequence[re.Pattern[str]]

PREFIX = re.compile(r"<\d+>\[[^]]*\] ")
ESCAPE = re.compile(r"\\x([0-9a-f]{2})")	# of /dev/kmsg, which escapes backslashes too
BEGIN = re.compile(r"errpath: expect begin ([^:\s]+): (.+)")
END = re.compile(r"errpath: expect end (\S+)")
TEST = re.compile(r"errpath: test (\S+)")


def _compile(regexp: str, where: Path) -> re.Pattern[str]:
    try:
        return re.compile(regexp)
    except re.error as error:
        raise Failure(f"{where}: bad regexp {regexp!r}: {error}") from None


def _entries(path: Path) -> list[str]:
    try:
        lines = lines_of(path)
    except OSError as error:
        raise Failure(f"cannot read {path}: {error.strerror}; "
                      "without it a log with splats would pass") from None
    return [line for line in lines if line.strip() and not line.startswith("#")]


def deny_list(path: Path = SCRIPTS / "log-deny") -> list[re.Pattern[str]]:
    """Read the regexps of messages that are problems."""
    entries = _entries(path)
    if not entries:
        raise Failure(f"{path} is empty; without it a log with splats would pass")
    return [_compile(entry, path) for entry in entries]


def allow_list(path: Path = SCRIPTS / "log-allow") -> list[re.Pattern[str]]:
    """Read the regexps of a list REGEXP | REASON."""
    allowed = []
    for entry in _entries(path):
        regexp, separator, reason = entry.rpartition(" | ")
        if not separator or not reason.strip():
            raise Failure(f"{path}: no ' | REASON' behind {entry!r}")
        allowed.append(_compile(regexp.strip(), path))
    return allowed


class _Announcement:
    """A regexp that a test announced, and whether a message matched it."""

    def __init__(self, regexp: str) -> None:
        self.regexp, self.seen = re.compile(regexp), False


class _Scan:
    """The state of a scan, line by line."""

    def __init__(self, deny: Regexps, allow: Regexps) -> None:
        self.deny, self.allow = deny, allow
        self.program = "boot"
        self.expected: dict[str, _Announcement] = {}
        self.problems: list[Problem] = []

    def problem(self, text: str) -> None:
        self.problems.append(Problem(self.program, text))

    def begin(self, name: str, regexp: str) -> None:
        try:
            self.expected[name] = _Announcement(regexp)
        except re.error as error:
            self.problem(f"expect {name}: bad regexp {regexp!r}: {error}")

    def end(self, name: str) -> None:
        announced = self.expected.pop(name, None)
        if not announced:
            self.problem(f"expect end {name}: was not begun")
        elif not announced.seen:
            self.problem(f"announced but absent: {announced.regexp.pattern}")

    def _announced(self, text: str) -> bool:
        matching = [one for one in self.expected.values() if one.regexp.search(text)]
        for one in matching:
            one.seen = True
        return bool(matching)

    def line(self, text: str) -> None:
        marker = TEST.fullmatch(text)
        begin, end = BEGIN.fullmatch(text), END.fullmatch(text)
        if marker:
            self.program = marker[1]
        elif begin:
            self.begin(*begin.groups())
        elif end:
            self.end(end[1])
        elif oops.EXPECT.fullmatch(text):
            pass	# an announcement, not an oops
        elif not self._announced(text) and any(rule.search(text) for rule in self.deny):
            if not any(rule.search(text) for rule in self.allow):
                self.problem(text)

    def finish(self) -> None:
        for name in self.expected:
            self.problem(f"expect begin {name}: has no end")


def _plain(line: str) -> str:
    """Return the text of a message, without level and time, unescaped."""
    return ESCAPE.sub(lambda match: chr(int(match[1], 16)), PREFIX.sub("", line, count=1))


def scan(text: str, deny: Regexps, allow: Regexps, complete: bool = True) -> list[Problem]:
    """Return the problems of a kernel log as the guest's init writes it. COMPLETE: an
    announcement without end is a problem too."""
    run = _Scan(deny, allow)
    for line in text.splitlines():
        run.line(_plain(line))
    if complete:
        run.finish()
    return run.problems
