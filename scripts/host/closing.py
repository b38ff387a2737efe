# SPDX-License-Identifier: GPL-2.0
"""The end of a run: at most ten lines that say what was learned of a kernel."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from host import verdict
from host.known import Bug
from host.ktap import Result

LINES = 10
KNOWN = "known: "
NAMED = re.compile(r"\[([\w.-]+)\] (.*)")	# [BUG] OBSERVATION
MANUAL = "selftests/KNOWN-BUGS.md"
SKIPS = 2	# lines that are kept for reasons of skips, however many bugs there are


def _observations(result: Result) -> Iterator[tuple[str, str]]:
    """Yield the id of each bug that a test showed ("" where it has none), and how it showed."""
    bug = ""
    for text in result.reason.removeprefix(KNOWN).split("; "):
        named = NAMED.fullmatch(text)
        if named:
            bug, text = named[1], named[2]
        yield bug, text


def _bugs(results: Iterable[Result], bugs: Mapping[str, Bug]) -> list[str]:
    """Return a line for each bug that was shown, and by how many tests."""
    tests: dict[str, set[str]] = {}
    for result in results:
        if result.outcome != "xfail":
            continue
        for bug, observation in _observations(result):
            reason = bugs[bug].reason if bug in bugs else observation
            text = f"{bug}: {reason}" if bug else reason or "no reason given"
            tests.setdefault(text, set()).add(result.name)
    return [f"  {text} ({_count(len(names), 'test')})" for text, names in tests.items()]


def _skips(results: Iterable[Result]) -> list[str]:
    """Return a line for each reason of skipped tests, the most frequent ones first."""
    reasons: dict[str, int] = {}
    for result in results:
        if result.outcome == "skip":
            reasons[result.reason] = reasons.get(result.reason, 0) + 1
    return [f"skipped {_count(count, 'test')}: {reason or 'no reason given'}" for reason, count
            in sorted(reasons.items(), key=lambda pair: -pair[1])]


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"


def _first(lines: list[str], room: int, what: str) -> list[str]:
    """Return as many of the lines as there is room for; the last one counts those left out."""
    if len(lines) <= room:
        return lines
    return [*lines[:room - 1], f"  and {_count(len(lines) - room + 1, what)} more: see summary"]


def _bugs_line(found: bool, failed: bool) -> str:
    if found:
        return f"known bugs that this kernel has ({MANUAL} describes them):"
    return "no known bug was found; the failures above may be new ones" if failed else (
        "no known bug was found in this kernel")


def failures(results: Sequence[Result]) -> list[str]:
    """Return the failed and lost tests in full; they do not count for the ten lines."""
    return list(verdict.table([result for result in results
                               if result.outcome not in (*verdict.GOOD, "skip")]))


def block(head: str, evidence: str, results: Sequence[Result], bugs: Mapping[str, Bug],
          lines: int = LINES) -> list[str]:
    """Return the closing block. HEAD: the kernel. EVIDENCE: where the files are. BUGS: those of
    known-issues by id. LINES: the limit."""
    found, skips = _bugs(results, bugs), _skips(results)
    *notes, totals = (text for text in verdict.totals(results) if "(xfail)" not in text)
    title = _bugs_line(bool(found), not verdict.good(results))
    room = lines - len([head, title, *notes, evidence, totals])
    found = _first(found, room - min(SKIPS, len(skips)), "bug")
    skips = _first(skips, room - len(found), "reason")
    return [head, title, *found, *skips, *notes, evidence, totals]
