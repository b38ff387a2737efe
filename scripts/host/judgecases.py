# SPDX-License-Identifier: GPL-2.0
"""Patches of which scripts/judge must say what it said before: judge.conf."""

import difflib
import json
import os
import re
import statistics
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from host import common, variables
from host.common import SCRIPTS, Failure

CHANGES = SCRIPTS / "kernels/changes"
PAGES = SCRIPTS / "judged"
# Bars: times that fewer calls fail than in whole operations; seconds in guests of both kernels.
FEWER, SECONDS = 4, 60
# What differs from run to run, and from point release to point release.
VARIES = ((re.compile(r"\b\d+ s in guests"), "SECONDS s in guests"),
          (re.compile(r"\bLinux \d+\.\d+\.\d+"), "Linux VERSION"),
          (re.compile(r"PATCH=.*"), "PATCH=FILES"))


class Case(NamedTuple):
    """A row of judge.conf, which describes the columns."""

    name: str
    series: str
    status: int
    variables: dict[str, str]
    options: list[str]
    patches: list[Path]


def cases(names: Sequence[str] = ()) -> Iterator[Case]:
    """Yield the rows of judge.conf; NAMES: only these."""
    rows = [line.split() for line in common.rows(SCRIPTS / "judge.conf")]
    known = [name for name, *_ in rows]
    for name in names:
        if name not in known:
            raise Failure(f"judge.conf has no row {name!r}; there are: {' '.join(known)}")
    for name, series, status, options, patches in rows:
        if not names or name in names:
            words = [] if options == "-" else options.split(",")
            given = dict(word.split("=", 1) for word in words if word[0] != "-")
            yield Case(name, series, int(status), given, [word for word in words if word[0] == "-"],
                       [CHANGES / f"{patch}.patch" for patch in patches.split(",")])


def stable(page: str) -> str:
    """Return a page without what differs from run to run."""
    for pattern, instead in VARIES:
        page = pattern.sub(instead, page)
    return page


def judge(case: Case, results: Path) -> tuple[int, str, str]:
    """Judge the patches of a case; returns exit status, page and output."""
    # make nightly can have another kernel for its other targets.
    given = {name: value for name, value in os.environ.items()
             if name not in ("KERNEL", *variables.OWN_KERNEL)}
    given.update(case.variables, SOURCE=case.series, PATCH=" ".join(map(str, case.patches)))
    done = subprocess.run([SCRIPTS / "judge", *case.options, "--results", results], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                          env=given)
    page = results / "page.txt"
    return done.returncode, page.read_text(encoding="utf-8") if page.is_file() else "", done.stdout


def problems(case: Case, results: Path, write: bool = False) -> list[str]:
    """Judge a case; returns what is not as judge.conf and its page say. WRITE: write the page."""
    status, page, output = judge(case, results)
    if not page:
        return [f"no page: {output.strip().splitlines()[-1] if output.strip() else ''}"]
    file = PAGES / f"{case.name}.txt"
    if write:
        file.write_text(stable(page), encoding="utf-8")
    found = [] if status == case.status else [f"exit status {status}, not {case.status}"]
    if not file.is_file():
        return found
    expected = file.read_text(encoding="utf-8")
    return [*found, *difflib.unified_diff(expected.splitlines(), stable(page).splitlines(),
                                          file.name, "this page", lineterm="")]


class Cost(NamedTuple):
    """What the last patch of a case cost. FAILED: calls of the kernel with it; ALL: those of the
    whole operations. FUNCTIONS: that it touches."""

    seconds: float
    functions: int
    failed: int
    all: int

    def text(self) -> str:
        return f"{self.failed} of {self.all} calls failed, {self.seconds:.0f} s in guests"


def cost(results: Path) -> Cost | None:
    """Return what a case cost; None if it has no page, or failed no call."""
    file = results / "page.json"
    if not file.is_file():
        return None
    page = json.loads(file.read_text(encoding="utf-8"))[-1]
    failed = sum(counts[-1] for counts in page["operations"].values())
    return Cost(page["seconds"], len(page["functions"]), failed,
                sum(page["calls"].values())) if failed else None


def bars(costs: Sequence[Cost]) -> Iterator[str]:
    """Yield lines about what judging must not exceed."""
    if costs:
        fewer = statistics.median(one.all / one.failed for one in costs)
        yield (f"calls failed: {fewer:.1f} times fewer than in whole operations, the median of "
               f"{len(costs)} cases (bar: {FEWER})")
    of_one = [one.seconds for one in costs if one.functions == 1]
    if of_one:
        yield (f"a patch of one function: {min(of_one):.0f} to {max(of_one):.0f} s in guests, "
               f"{len(of_one)} cases (bar: {SECONDS})")


def run(names: Sequence[str], results: Path, write: bool) -> bool:
    """Judge the cases and print a line for each; true if all are as before."""
    good = True
    costs = []
    for case in [*cases(names)]:
        found = problems(case, results / case.name, write)
        took = cost(results / case.name)
        costs += [took] if took else []
        print("\n".join([f"{'FAIL' if found else 'pass'}  {case.name}"
                         + (f": {took.text()}" if took else ""),
                         *(f"      {text}" for text in found)]), flush=True)
        good &= not found
    print("\n".join(bars(costs)), flush=True)
    return good
