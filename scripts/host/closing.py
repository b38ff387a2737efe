# SPDX-License-Identifier: GPL-2.0
"""The end of a run: at most ten lines that say what was learned of a kernel."""

import re
from collections.abc import Iterable, Iterator, Sequence

from host import issues, verdict
from host.issues import Bug
from host.ktap import Result

LINES = 10
KNOWN = "known: "
NAMED = re.compile(r"\[([\w.-]+)\] (.*)")	# [BUG] OBSERVATION
OOPS = re.compile(r"oops in (\S+)\(\): ")
SKIPS = 2	# lines that are kept for reasons of skips, however many bugs there are


def _observations(result: Result, bugs: dict[str, Bug]) -> Iterator[tuple[str, str]]:
    """Yield the name of each bug that a test showed ("" where it has none), and how it showed."""
    name = ""
    for text in result.reason.removeprefix(KNOWN).split("; "):
        named, oops = NAMED.fullmatch(text), OOPS.match(text)
        if named:
            name, text = named[1], named[2]
        elif oops:
            name = issues.of_oops(bugs, result.name, oops[1])
        yield name, text


def _bugs(results: Iterable[Result], bugs: dict[str, Bug]) -> list[str]:
    """Return a line for each bug that was shown, and by how many tests."""
    tests: dict[str, set[str]] = {}
    for result in results:
        if result.outcome != "xfail":
            continue
        for name, observation in _observations(result, bugs):
            reason = bugs[name].reason() if name in bugs else observation
            text = f"{name}: {reason}" if name else reason or "no reason given"
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
        return f"bugs found in this kernel ({issues.MANUAL} describes them):"
    return "no known bug was found; the failures above may be new ones" if failed else (
        "no bug was found in this kernel")


def failures(results: Sequence[Result]) -> list[str]:
    """Return the failed and lost tests in full; they do not count for the ten lines."""
    return list(verdict.table([result for result in results
                               if result.outcome not in (*verdict.GOOD, "skip")]))


def block(head: str, evidence: str, results: Sequence[Result], known: dict[str, Bug],
          lines: int = LINES) -> list[str]:
    """Return the closing block. HEAD: the kernel. EVIDENCE: where the files are. LINES: the most
    that there may be."""
    found, skips = _bugs(results, known), _skips(results)
    *notes, totals = (text for text in verdict.totals(results) if "(xfail)" not in text)
    bugs = _bugs_line(bool(found), not verdict.good(results))
    room = lines - len([head, bugs, *notes, evidence, totals])
    found = _first(found, room - min(SKIPS, len(skips)), "bug")
    skips = _first(skips, room - len(found), "reason")
    return [head, bugs, *found, *skips, *notes, evidence, totals]
