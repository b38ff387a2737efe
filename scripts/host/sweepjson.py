# SPDX-License-Identifier: GPL-2.0
"""The form of report.json, which selftests/sweeps/README.md describes."""

from typing import NamedTuple, TypedDict

ID = 8		# digits of a target's hash that reports for people show


class Step(NamedTuple):
    """One step of an operation: its name, and 0 or -errno."""

    name: str
    err: int


class Finding(TypedDict):
    """Something that the failure of a call left behind."""

    text: str
    known: bool			# known-issues has it


class Target(TypedDict):
    """One call that was failed."""

    hash: str
    function: str		# the allocator that was called
    occurrence: int		# of this stack within the operation, from 1
    first: str			# hash of the call that failed before it in the same run, or empty
    stack: list[str]		# functions, the caller first, up to the operation's
    frames: list[str]		# FUNCTION+OFFSET/SIZE [MODULE], the caller first, to the end
    outcome: str		# one of sweepreport.OUTCOMES
    more: str			# details of the outcome, or empty
    good: bool
    known: bool			# not all is right, and known-issues explains all of it
    verdict: str		# outcome and findings in one line
    steps: list[Step]		# of the run in which the call failed
    again: list[Step]		# of the run after it
    findings: list[Finding]
    where: str			# of a lost guest: the oops, or the stack where it hangs


class Sweep(TypedDict):
    """The whole report."""

    operation: str
    what: str
    kernel: str
    point: str
    scope: str
    skip: str
    complete: bool
    missing: list[str]		# of a merged report: shards and calls
    unavailable: str | None	# why the operation cannot run
    targets: list[Target]
