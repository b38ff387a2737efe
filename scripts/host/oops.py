# SPDX-License-Identifier: GPL-2.0
"""The oops that a guest ended in, and whether a test had announced just this one.

A test announces it by writing to /dev/kmsg, loud enough for the console
    errpath: expect oops TEST: FUNCTION REGEXP      ...      errpath: expect no oops
when known-issues names the function that oopses, and a regexp for the whole of the first line.
"""

import re
from collections import namedtuple

Oops = namedtuple("Oops", "test function line regexp")

EXPECT = re.compile(r"errpath: expect oops (\S+): (\S+) (.+)")
EXPECT_NONE = re.compile(r"errpath: expect no oops")
ANNOUNCED = re.compile(rf"{EXPECT.pattern}|{EXPECT_NONE.pattern}")
FIRST = re.compile(r"(BUG: |Oops|kernel BUG at |general protection fault|Kernel panic).*")
FUNCTION = re.compile(r"\bRIP: \w+:([^+]+)\+")


def split(text, since=None):
    """The lines of a console or log before its first oops, and those from there on.

    SINCE: a regexp; only what comes after the last line that it matches is looked at: usually
    what a test announced, for what was before that was survived.
    """
    lines, since = text.splitlines(), since or ANNOUNCED
    first = max((number for number, line in enumerate(lines) if since.search(line)), default=0)
    at = next((number for number, line in enumerate(lines) if number >= first
               and FIRST.search(line) and not EXPECT.search(line)), len(lines))
    return lines[:at], lines[at:]


def first_line(lines):
    """What an oops says first, without the time."""
    return FIRST.search(lines[0])[0].strip()


def function(lines):
    """The function that an oops was in, or None. A panic without an oops is in panic()."""
    if "Kernel panic" in first_line(lines):
        return "panic"
    return next((found[1] for found in map(FUNCTION.search, lines) if found), None)


def known(console, since=None):
    """The Oops that a console ends in, if it is the one announced; or None. SINCE: as above."""
    before, lines = split(console, since)
    said = [line for line in before if ANNOUNCED.search(line)]
    expect = EXPECT.search(said[-1]) if said else None
    if not expect or not lines:
        return None
    oops = Oops(expect[1], function(lines), first_line(lines), expect[3].strip())
    same = oops.function == expect[2] and re.fullmatch(oops.regexp, oops.line)
    return oops if same else None
