# SPDX-License-Identifier: GPL-2.0
"""What the failures below some functions show: of one kernel, or of two that are compared."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from host import likely, sweepproto, sweepreport
from host.likely import Likelihood
from host.sweepreport import Report, Stack, Target

# Kinds of results, those that matter most first.
WORSE = "worse"
STILL_WRONG = "still wrong"
FOUND = "found"
BETTER = "better"
CHANGED = "changed"
UNTOLD = "not told"
NEW = "only after"
GONE = "only before"
KNOWN = "known bug"
SAME = "not changed"
FINE = "as expected"
KINDS = (WORSE, STILL_WRONG, FOUND, BETTER, CHANGED, UNTOLD, NEW, GONE, KNOWN, SAME, FINE)
BAD = (WORSE, STILL_WRONG, FOUND)

NOT_FIRED = "did not fire"


class Result(NamedTuple):
    """The result of one failed call. BEFORE, AFTER: the call on both kernels; of one kernel only
    AFTER; None where a kernel does not make the call."""

    kind: str		# one of KINDS
    operation: str
    before: Target | None
    after: Target | None

    @property
    def target(self) -> Target:
        """The call, on the kernel that is judged if it makes the call."""
        target = self.after or self.before
        assert target
        return target

    def order(self) -> tuple[str, Stack, str, int]:
        """What results are sorted by, as the order of guests is chance."""
        return self.operation, self.target.stack(), self.target.function, self.target.occurrence

    def is_of_nothing(self) -> bool:
        """True if it is about the operation with nothing failed."""
        return self.target.hash == sweepproto.NOTHING

    def likelihood(self) -> Likelihood:
        return likely.likelihood(self.target.request, self.target.function)


def _rank(target: Target) -> int:
    """How bad an outcome is: less is worse. That an operation succeeds all the same is as good as
    that it returns ENOMEM."""
    fine = sweepreport.OUTCOMES.index("swallowed")
    return min(sweepreport.OUTCOMES.index(target.outcome()[0]), fine)


def _findings(target: Target) -> set[str]:
    return {text for text, _ in target.findings()}


def _kind(before: Target, after: Target) -> str:
    """Compare the results of a call on two kernels."""
    if NOT_FIRED in (before.outcome()[0], after.outcome()[0]):
        return UNTOLD
    ranks = (_rank(before), _rank(after))
    if ranks[1] < ranks[0] or ranks[0] == ranks[1] and _findings(after) - _findings(before):
        return WORSE
    if ranks[0] < ranks[1] or _findings(before) - _findings(after):
        return BETTER if after.good() else STILL_WRONG
    if not after.good():
        return STILL_WRONG
    return SAME if before.verdict() == after.verdict() else CHANGED


def _usual(calls: dict[sweepreport.Key, Target]) -> set[tuple[sweepreport.Stack, str]]:
    """Stacks with their verdicts: how often a stack occurs can be chance."""
    return {(key[0], target.verdict()) for key, target in calls.items()}


def _of_nothing(operation: str, one: Report | None, two: Report) -> Iterator[Result]:
    """Yield a result if the operation goes wrong on the kernel that is judged with nothing failed:
    then what a failure leads to cannot be told."""
    if two.nothing and not two.nothing.good():
        before = one.nothing if one else None
        kind = (FOUND if not one else WORSE if not before or before.good() else STILL_WRONG)
        yield Result(kind, operation, before, two.nothing)


def broken(operation: str, text: str) -> Result:
    """Return the result of an operation that ends the kernel that is judged in the oops TEXT, with
    nothing failed, but not the other one."""
    target = Target({"hash": sweepproto.NOTHING, "occurrence": 1, "first": "", "request": "-",
                     "function": "", "frames": []}, [])
    target.lost = {"event": "lost", "hash": sweepproto.NOTHING, "how": "oops", "text": text,
                   "log": [], "known": False, "later": False, "guest": ""}
    return Result(WORSE, operation, None, target)


def compared(operation: str, one: Report, two: Report) -> Iterator[Result]:
    """Yield the results of an operation on two kernels."""
    if of_nothing := [*_of_nothing(operation, one, two)]:
        yield from of_nothing
        return
    mine, theirs = sweepreport.paired(one, two)
    for key, after in theirs.items():
        before = mine.get(key)
        if before:
            yield Result(_kind(before, after), operation, before, after)
        elif (key[0], after.verdict()) not in _usual(mine):
            yield Result(NEW if after.good() else WORSE, operation, None, after)
    for key, before in mine.items():
        if key not in theirs and (key[0], before.verdict()) not in _usual(theirs):
            yield Result(GONE, operation, before, None)


def alone(operation: str, report: Report) -> Iterator[Result]:
    """Yield the results of an operation on one kernel."""
    if of_nothing := [*_of_nothing(operation, None, report)]:
        yield from of_nothing
        return
    for target in report.targets.values():
        plain = target.outcome()[0] in ("handled", "swallowed") and not target.findings()
        if target.outcome()[0] == NOT_FIRED:
            kind = UNTOLD
        elif not target.good():
            kind = FOUND
        else:
            kind = FINE if plain else KNOWN
        yield Result(kind, operation, None, target)


def status(results: Sequence[Result]) -> int:
    """Return the exit status: 0, 1 if a call is worse or still wrong, 125 if nothing is known: no
    call failed on the kernel that is judged."""
    if any(result.kind in BAD for result in results):
        return 1
    return 125 if all(result.kind in (UNTOLD, GONE) for result in results) else 0
