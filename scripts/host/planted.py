# SPDX-License-Identifier: GPL-2.0
"""Kernels that lose an object or a page in an error path, and the sweeps that must find it:
planted.conf."""

import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from host import busted, common
from host.common import SCRIPTS, Failure


class Row(NamedTuple):
    """A row of planted.conf.

    LINE: the kernel to sweep. K: repetitions of each failure. STACK: matches FUNCTION<CALLER<...
    of the calls that lose something when they fail. FINDINGS: each must be reported for these.
    """

    line: str
    operation: str
    k: int
    stack: re.Pattern[str]
    findings: list[re.Pattern[str]]


def rows() -> Iterator[Row]:
    """Yield the rows of planted.conf."""
    known = busted.rows()
    for line in common.rows(SCRIPTS / "kernels/planted.conf"):
        name, operation, k, stack, finding = line.split(maxsplit=4)
        if name not in known:
            raise Failure(f"planted.conf: there is no busted kernel {name!r}")
        yield Row(known[name].line, operation, int(k), re.compile(stack),
                  [re.compile(one) for one in finding.split(" & ")])


def _losses(target: Any) -> list[str]:
    """Return the findings on this call that known-issues does not have."""
    texts = [text for text, known in target.findings() if not known]
    return [] if target.good() else texts or [target.verdict()]


def _counter(text: str) -> str | None:
    """Return the counter of a finding; None if it is about something else."""
    named = re.search(r": (\S+) [-+]", text)
    return named[1] if named else None


def _others(losses: Sequence[str], found: Sequence[str]) -> list[str]:
    """Return the losses that are about other counters than those FOUND. A single failure reports
    the same counter again, with its noise."""
    counters = {_counter(text) for text in found}
    return [text for text in losses if text not in found and _counter(text) not in counters]


def problems(row: Row, report: Any) -> Iterator[str]:
    """Yield a line for each difference between what a sweep found and what was planted: each
    stack that loses something, what it loses, and no other stack. REPORT: a sweepreport.Report."""
    if not report.ended:
        yield "the sweep has no end"
    seen = 0
    for target in report.targets.values():
        stack, losses = "<".join((target.function, *target.stack())), _losses(target)
        expected = bool(row.stack.search(stack))
        seen += expected
        found = [[text for text in losses if one.fullmatch(text)] for one in row.findings]
        if expected:
            yield from (f"not found: {one.pattern}: {stack}"
                        for one, texts in zip(row.findings, found) if not texts)
        yield from (f"found too: {text}: {stack}"
                    for text in _others(losses, sum(found, []) if expected else []))
    if not seen:
        yield f"no stack is like {row.stack.pattern}"
