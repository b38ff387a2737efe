# SPDX-License-Identifier: GPL-2.0
"""Kernels with one error-path bug each, and the tests that must see it: busted.conf."""

import fnmatch
import re
from collections import namedtuple

from host.common import SCRIPTS, Failure
from host.ktap import Result

PREFIX = "busted-"
# LINE: what to run; BASE: the line that is busted; PROGRAMS: selftests; RED: pairs of a glob and
# a regexp
Row = namedtuple("Row", "line base programs red")


def rows():
    """The rows by name."""
    table, programs = {}, {}
    text = (SCRIPTS / "kernels/busted.conf").read_text(encoding="utf-8")
    for line in text.splitlines():
        if line and line[0] == "\t" and table:
            glob, _, regexp = line.strip().partition(" ")
            row.red.append((glob, re.compile(regexp.strip())))
        elif line and line[0] == "-":
            name, names = line.split()
            programs[name[1:]] = names.replace(",", " ")
        elif line and line[0] != "#":
            name, base, near = line.split()
            row = table[name] = Row(PREFIX + name, base, programs[near], [])
    return table


def _tells(pair, result):
    """Is this failure the one that a row's pair names?"""
    glob, regexp = pair
    return (fnmatch.fnmatchcase(result.name, glob) and
            regexp.search("\n".join((result.reason, *result.detail))))


def _problems(row, results):
    failed = [result for result in results if result.outcome == "fail"]
    for result in results:
        if result.outcome == "LOST":
            yield f"LOST {result.name}: {result.reason}"
    for result in failed:
        if not any(_tells(pair, result) for pair in row.red):
            yield f"fails too: {result.name}: {' / '.join(result.detail[:3]) or result.reason}"
    for pair in row.red:
        if not any(_tells(pair, result) for result in failed):
            yield f"does not fail with {pair[1].pattern!r}: {pair[0]}"


def judge(row, run):
    """What a busted kernel's run tells: it passes when just the row's tests failed, as the row
    says. A kernel that cannot be built, or is lost, has shown nothing."""
    if run.unavailable:
        return Result(row.line, "fail", run.unavailable)
    if not row.red:
        raise Failure(f"busted.conf: {row.line} names no test")
    problems = list(_problems(row, run.results))
    if problems:
        return Result(row.line, "fail", problems[0], tuple(problems[1:]))
    failed = [result for result in run.results if result.outcome == "fail"]
    return Result(row.line, "pass", f"{len(failed)} red, such as {failed[0].name}")
