# SPDX-License-Identifier: GPL-2.0
"""The oops that ended a guest, and whether a test had announced exactly this oops.

When known-issues names the function that oopses and a regexp for the whole first line, the test
announces the oops by writing to /dev/kmsg, with a level that reaches the console:
    errpath: expect oops TEST: FUNCTION REGEXP      ...      errpath: expect no oops
"""

import re
from typing import NamedTuple


class Oops(NamedTuple):
    """An announced oops."""

    test: str
    function: str | None
    line: str		# its first line, without the time
    regexp: str		# that was announced for this line


EXPECT = re.compile(r"errpath: expect oops (\S+): (\S+) (.+)")
EXPECT_NONE = re.compile(r"errpath: expect no oops")
ANNOUNCED = re.compile(rf"{EXPECT.pattern}|{EXPECT_NONE.pattern}")
FIRST = re.compile(r"(BUG: |Oops|kernel BUG at |Unable to handle kernel |Internal error: |"
                   r"general protection fault|Kernel panic).*")
FUNCTION = re.compile(r"(?:\bRIP: \w+:|\bpc : )([^+]+)\+")	# x86-64, arm64


def split(text: str, since: re.Pattern[str] | None = None) -> tuple[list[str], list[str]]:
    """Split a console or kernel log into the lines before the oops, and those from there on.

    Only lines after the last one that matches SINCE can be the oops. By default that is the last
    announcement of a test, as the kernel survived whatever it reported before.
    """
    lines, since = text.splitlines(), since or ANNOUNCED
    first = max((number for number, line in enumerate(lines) if since.search(line)), default=0)
    at = next((number for number, line in enumerate(lines) if number >= first
               and FIRST.search(line) and not EXPECT.search(line)), len(lines))
    return lines[:at], lines[at:]


def first_line(lines: list[str]) -> str:
    """Return the first line of an oops, without the time."""
    match = FIRST.search(lines[0])
    return match[0].strip() if match else lines[0]


def function(lines: list[str]) -> str | None:
    """Return the function that oopsed, or None. A panic without an oops is in panic()."""
    if "Kernel panic" in first_line(lines):
        return "panic"
    return next((found[1] for found in map(FUNCTION.search, lines) if found), None)


def known(console: str, since: re.Pattern[str] | None = None) -> Oops | None:
    """Return the Oops that ended the guest if a test had announced it. SINCE: see split()."""
    before, lines = split(console, since)
    said = [line for line in before if ANNOUNCED.search(line)]
    expect = EXPECT.search(said[-1]) if said else None
    if not expect or not lines:
        return None
    oops = Oops(expect[1], function(lines), first_line(lines), expect[3].strip())
    same = oops.function == expect[2] and re.fullmatch(oops.regexp, oops.line)
    return oops if same else None
