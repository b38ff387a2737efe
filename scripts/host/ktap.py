# SPDX-License-Identifier: GPL-2.0
"""Reads the results that the guest's init wrote."""

import re
from collections import namedtuple

# outcome: pass, fail, skip or xfail; detail: what a failed test said, line by line
Result = namedtuple("Result", "name outcome reason detail", defaults=((),))

RESULT = re.compile(r"(not ok|ok) \d+ ?(?:- )?(.*?)(?: ?# ?(SKIP|XFAIL|TIMEOUT|.*?)(?: (.*))?)?")
PLAN = re.compile(r"1\.\.(\d+)(?: # SKIP ?(.*))?")
# What the kselftest harness says around each test, besides reasons.
CHATTER = re.compile(r"\s*(RUN|OK|FAIL|SKIP|XFAIL)\s|Starting \d+ tests|(PASSED|FAILED): |Totals: |"
                     r"TAP version ")
SOURCE_LINE = re.compile(r"\S+\.[ch]:\d+:")


def _result(text):
    """A result line's (name, outcome, reason); None for any other line."""
    match = RESULT.fullmatch(text)
    if not match:
        return None
    verdict, name, directive, reason = match.groups()
    if verdict == "ok" and directive in ("SKIP", "XFAIL"):
        return Result(name, directive.lower(), reason or "")
    words = " ".join(word for word in (directive, reason) if word)
    return Result(name, "pass" if verdict == "ok" else "fail", words)


def _reason(said, outcome):
    """Of what a program said before a result, the line that tells most."""
    if outcome == "pass":
        return next((line for line in said if line.startswith("FIXED")), "")
    return next(filter(SOURCE_LINE.match, said), said[-1] if said else "")


class _Program:
    """What a program said, and the results among it."""

    def __init__(self, name):
        self.name = name
        self.results = []
        self.said = []
        self.plan = None
        self.skip_reason = ""

    def line(self, text):
        result, plan = _result(text), PLAN.fullmatch(text)
        if result:
            self.results.append(self._explained(result))
            self.said = []
        elif plan:
            self.plan, self.skip_reason = int(plan[1]), plan[2] or ""
        elif text.strip("# ") and not CHATTER.match(text.removeprefix("# ")):
            self.said.append(text.removeprefix("# ").strip())

    def _explained(self, result):
        return result._replace(name=f"{self.name}.{result.name}",
                               reason=result.reason or _reason(self.said, result.outcome),
                               detail=tuple(self.said) if result.outcome == "fail" else ())

    def not_done(self):
        """How many of its planned tests have no result."""
        return (self.plan or 0) - len(self.results)

    def end(self, own):
        """Its results, given the RESULT that init made of its exit."""
        failed = any(result.outcome == "fail" for result in self.results)
        if own.outcome == "fail" and not failed:
            own = own._replace(detail=tuple(self.said))
        elif own.outcome != "fail" and self.plan not in (None, len(self.results)):
            own = own._replace(outcome="fail",
                               reason=f"planned {self.plan} tests, reported {len(self.results)}")
        elif own.outcome == "skip":
            own = own._replace(reason=self.skip_reason or _reason(self.said, "skip"))
        elif self.results:
            return self.results		# they say all that is to say, whatever it exited with
        return [*self.results, own]


def parse(text):
    """All results, and the _Program that had begun but not ended (or None)."""
    results, program = [], None
    for line in text.splitlines():
        if line.startswith("## begin "):
            program = _Program(line.removeprefix("## begin "))
        elif program and line.startswith("# "):
            program.line(line[2:])
        elif line.startswith("Bail out!"):
            results.append(Result("guest", "fail", line))
        elif _result(line):
            own = _result(line)
            results += program.end(own) if program else [own]
            program = None
    if program:
        results += program.results
    return results, program
