# SPDX-License-Identifier: GPL-2.0
"""Kernels with one bug in an error path each, and the tests that must detect it: busted.conf."""

import fnmatch
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

from host import common
from host.common import SCRIPTS, Failure
from host.ktap import Result

PREFIX = "busted-"


class Red(NamedTuple):
    """Tests that must fail, and what each must print."""

    glob: str
    regexp: re.Pattern[str]


class Row(NamedTuple):
    """A row of busted.conf, on one of its lines. LINE: the kernel with the bug; BASE: the line
    without it; CHANGE: the bug, in changes/; PROGRAMS: the selftests to run."""

    line: str
    base: str
    change: str
    programs: str
    red: list[Red]


class Run(Protocol):
    """The parts of a runner.Run that are judged here."""

    line: str
    unavailable: str | None
    results: list[Result]


def _red(rows: Sequence[Row], words: str) -> None:
    """Add the test of an indented line to those of ROWS whose line it is for."""
    if words.startswith("@"):
        only, words = words[1:].split(maxsplit=1)
        rows = [row for row in rows if row.base == only]
        if not rows:
            raise Failure(f"busted.conf: @{only}: the row above has no such line")
    glob, regexp = words.split(maxsplit=1)
    for row in rows:
        row.red.append(Red(glob, re.compile(regexp)))


def rows() -> dict[str, Row]:
    """Return the rows by name."""
    table: dict[str, Row] = {}
    programs: dict[str, str] = {}
    last: list[Row] = []
    for line in common.rows(SCRIPTS / "kernels/busted.conf"):
        if line[0] == "\t":
            _red(last, line.strip())
        elif line[0] == "-":
            name, names = line.split()
            programs[name[1:]] = names.replace(",", " ")
        else:
            name, bases, near = line.split()
            first, *others = bases.split(",")
            here = {name: first, **{f"{name}-{base}": base for base in others}}
            last = [Row(PREFIX + one, base, PREFIX + name, programs[near], [])
                    for one, base in here.items()]
            table.update(zip(here, last))
    return table


def _matches(red: Red, result: Result) -> bool:
    """True if this failure is one that the row names."""
    return (fnmatch.fnmatchcase(result.name, red.glob) and
            bool(red.regexp.search("\n".join((result.reason, *result.detail)))))


def _problems(row: Row, results: Sequence[Result]) -> Iterator[str]:
    failed = [result for result in results if result.outcome == "fail"]
    for result in results:
        if result.outcome == "LOST":
            yield f"LOST {result.name}: {result.reason}"
    for result in failed:
        if not any(_matches(red, result) for red in row.red):
            yield f"fails too: {result.name}: {' / '.join(result.detail[:3]) or result.reason}"
    for red in row.red:
        if not any(_matches(red, result) for result in failed):
            yield f"does not fail with {red.regexp.pattern!r}: {red.glob}"


def judge(row: Row, run: Run) -> Result:
    """Judge the run of a busted kernel: it passes if exactly the tests of the row failed, as the
    row says. It fails if the kernel could not be built, or its guest was lost."""
    if run.unavailable:
        return Result(row.line, "fail", run.unavailable)
    if not row.red:
        raise Failure(f"busted.conf: {row.line} names no test")
    problems = list(_problems(row, run.results))
    if problems:
        return Result(row.line, "fail", problems[0], tuple(problems[1:]))
    failed = [result for result in run.results if result.outcome == "fail"]
    return Result(row.line, "pass", f"{len(failed)} red, such as {failed[0].name}")
