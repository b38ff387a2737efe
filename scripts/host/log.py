# SPDX-License-Identifier: GPL-2.0
"""Scans a kernel log for what should not be there, and for what was announced.

scripts/log-deny    regexps, one a line: a line that matches is a problem
scripts/log-allow   REGEXP | REASON: not a problem, even though denied
A test announces messages by writing to /dev/kmsg
    errpath: expect begin ID: REGEXP      ...      errpath: expect end ID
Lines between the two that match are no problem; that none matches is one.
"""

import re
from collections import namedtuple

from host import oops
from host.common import SCRIPTS, Failure

Problem = namedtuple("Problem", "program text")

PREFIX = re.compile(r"<\d+>\[[^]]*\] ")
ESCAPE = re.compile(r"\\x([0-9a-f]{2})")	# /dev/kmsg's, the backslash's own among them
BEGIN = re.compile(r"errpath: expect begin ([^:\s]+): (.+)")
END = re.compile(r"errpath: expect end (\S+)")
TEST = re.compile(r"errpath: test (\S+)")


def _compile(regexp, where):
    try:
        return re.compile(regexp)
    except re.error as error:
        raise Failure(f"{where}: bad regexp {regexp!r}: {error}") from None


def _entries(path):
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise Failure(f"cannot read {path}: {error.strerror}; "
                      "without it a dirty log would look clean") from None
    return [line for line in lines if line.strip() and not line.startswith("#")]


def deny_list(path=SCRIPTS / "log-deny"):
    entries = _entries(path)
    if not entries:
        raise Failure(f"{path} is empty; without it a dirty log would look clean")
    return [_compile(entry, path) for entry in entries]


def allow_list(path=SCRIPTS / "log-allow"):
    allowed = []
    for entry in _entries(path):
        regexp, separator, reason = entry.rpartition(" | ")
        if not separator or not reason.strip():
            raise Failure(f"{path}: no ' | REASON' behind {entry!r}")
        allowed.append(_compile(regexp.strip(), path))
    return allowed


class _Scan:
    def __init__(self, deny, allow):
        self.deny, self.allow = deny, allow
        self.program = "boot"
        self.expected = {}	# ID: [regexp, how often seen]
        self.problems = []

    def problem(self, text):
        self.problems.append(Problem(self.program, text))

    def begin(self, name, regexp):
        try:
            self.expected[name] = [re.compile(regexp), 0]
        except re.error as error:
            self.problem(f"expect {name}: bad regexp {regexp!r}: {error}")

    def end(self, name):
        regexp, seen = self.expected.pop(name, (None, 1))
        if not regexp:
            self.problem(f"expect end {name}: was not begun")
        if not seen:
            self.problem(f"announced but absent: {regexp.pattern}")

    def _announced(self, text):
        matching = [entry for entry in self.expected.values() if entry[0].search(text)]
        for entry in matching:
            entry[1] += 1
        return bool(matching)

    def line(self, text):
        marker = TEST.fullmatch(text)
        begin, end = BEGIN.fullmatch(text), END.fullmatch(text)
        if marker:
            self.program = marker[1]
        elif begin:
            self.begin(*begin.groups())
        elif end:
            self.end(end[1])
        elif oops.EXPECT.fullmatch(text):
            pass	# it names an oops but is none
        elif not self._announced(text) and any(rule.search(text) for rule in self.deny):
            if not any(rule.search(text) for rule in self.allow):
                self.problem(text)

    def finish(self):
        for name in self.expected:
            self.problem(f"expect begin {name}: has no end")


def _plain(line):
    return ESCAPE.sub(lambda match: chr(int(match[1], 16)), PREFIX.sub("", line, count=1))


def scan(text, deny, allow, complete=True):
    """The problems of a kernel log, in the form that the guest's init writes it."""
    run = _Scan(deny, allow)
    for line in text.splitlines():
        run.line(_plain(line))
    if complete:
        run.finish()
    return run.problems
