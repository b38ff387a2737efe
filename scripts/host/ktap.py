# SPDX-License-Identifier: GPL-2.0
"""Parser of the results that the guest's init writes (KTAP)."""

import re
from typing import NamedTuple


class Result(NamedTuple):
    """The result of a test, or of what is judged like one (a program, the kernel log, a guest)."""

    name: str
    outcome: str			# pass, xfail, skip, fail or LOST
    reason: str
    detail: tuple[str, ...] = ()	# lines that a failed test printed


RESULT = re.compile(r"(not ok|ok) \d+ ?(?:- )?(.*?)(?: ?# ?(SKIP|XFAIL|TIMEOUT|.*?)(?: (.*))?)?")
PLAN = re.compile(r"1\.\.(\d+)(?: # SKIP ?(.*))?")
# Lines of the kselftest harness that never are the reason of a failure.
CHATTER = re.compile(r"\s*(RUN|OK|FAIL|SKIP|XFAIL)\s|Starting \d+ tests|(PASSED|FAILED): |Totals: |"
                     r"TAP version ")
SOURCE_LINE = re.compile(r"\S+\.[ch]:\d+:")


def _result(text: str) -> Result | None:
    """Parse a result line; None for any other line."""
    match = RESULT.fullmatch(text)
    if not match:
        return None
    verdict, name, directive, reason = match.groups()
    if verdict == "ok" and directive in ("SKIP", "XFAIL"):
        return Result(name, directive.lower(), reason or "")
    words = " ".join(word for word in (directive, reason) if word)
    return Result(name, "pass" if verdict == "ok" else "fail", words)


def _reason(said: list[str], outcome: str) -> str:
    """Choose the most informative of the lines that a program printed before a result."""
    if outcome == "pass":
        return next((line for line in said if line.startswith("FIXED")), "")
    return next(filter(SOURCE_LINE.match, said), said[-1] if said else "")


class Program:
    """The output of one program, and the results in it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.results: list[Result] = []
        self.said: list[str] = []	# lines since the last result
        self.plan: int | None = None
        self.skip_reason = ""

    def line(self, text: str) -> None:
        """Parse one line of the program's output."""
        result, plan = _result(text), PLAN.fullmatch(text)
        if result:
            self.results.append(self._explained(result))
            self.said = []
        elif plan:
            self.plan, self.skip_reason = int(plan[1]), plan[2] or ""
        elif text.strip("# ") and not CHATTER.match(text.removeprefix("# ")):
            self.said.append(text.removeprefix("# ").strip())

    def _explained(self, result: Result) -> Result:
        return result._replace(name=f"{self.name}.{result.name}",
                               reason=result.reason or _reason(self.said, result.outcome),
                               detail=tuple(self.said) if result.outcome == "fail" else ())

    def not_done(self) -> int:
        """Count the planned tests that have no result."""
        return (self.plan or 0) - len(self.results)

    def end(self, own: Result) -> list[Result]:
        """Return all results, given the result OWN that init made of the program's exit."""
        failed = any(result.outcome == "fail" for result in self.results)
        if own.outcome == "fail" and not failed:
            own = own._replace(detail=tuple(self.said))
        elif own.outcome != "fail" and self.plan not in (None, len(self.results)):
            own = own._replace(outcome="fail",
                               reason=f"planned {self.plan} tests, reported {len(self.results)}")
        elif own.outcome == "skip":
            own = own._replace(reason=self.skip_reason or _reason(self.said, "skip"))
        elif self.results:
            return self.results	# the exit status adds nothing to the tests' own results
        return [*self.results, own]


def parse(text: str) -> tuple[list[Result], Program | None]:
    """Return all results, and the Program that began but did not end (or None)."""
    results: list[Result] = []
    program: Program | None = None
    for line in text.splitlines():
        if line.startswith("## begin "):
            program = Program(line.removeprefix("## begin "))
        elif program and line.startswith("# "):
            program.line(line[2:])
        elif own := _result(line):
            results += program.end(own) if program else [own]
            program = None
    if program:
        results += program.results
    return results, program
