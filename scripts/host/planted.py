# SPDX-License-Identifier: GPL-2.0
"""Kernels that lose an object or a page in an error path, and the sweeps that must name it:
planted.conf."""

import re
from collections import namedtuple

from host import busted
from host.common import SCRIPTS, Failure

# LINE: what is swept; K: repeats of each failure; STACK: regexp of FUNCTION<CALLER<..., the
# calls that lose by failing; FINDINGS: regexps of what, each of which must be told
Row = namedtuple("Row", "line operation k stack findings")


def rows():
    """The rows of planted.conf."""
    text = (SCRIPTS / "kernels/planted.conf").read_text(encoding="utf-8")
    known = busted.rows()
    for name, operation, k, stack, finding in (line.split(maxsplit=4) for line in
                                               text.splitlines() if line and line[0] != "#"):
        if name not in known:
            raise Failure(f"planted.conf: there is no busted kernel {name!r}")
        yield Row(known[name].line, operation, int(k), re.compile(stack),
                  [re.compile(one) for one in finding.split(" & ")])


def _losses(row, target):
    """What this call's failure shows that known-issues does not have, in words."""
    texts = [text for text, known in target.findings() if not known]
    return [] if target.good() else texts or [target.verdict()]


def _counter(text):
    """The counter that a finding is of; None where it is of something else."""
    named = re.search(r": (\S+) [-+]", text)
    return named and named[1]


def _others(losses, found):
    """Those that are not of a counter which FOUND is of: one failure alone tells of the same
    with the noise of one."""
    counters = {_counter(text) for text in found}
    return [text for text in losses if text not in found and _counter(text) not in counters]


def problems(row, report):
    """Lines that tell where a sweep did not find just what was planted: each stack that loses,
    with what it loses, and no other."""
    if not report.ended:
        yield "the sweep has no end"
    seen = 0
    for target in report.targets.values():
        stack, losses = "<".join((target.function, *target.stack())), _losses(row, target)
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
