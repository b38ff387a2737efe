# SPDX-License-Identifier: GPL-2.0
"""Reports the results of all lines: a table of tests against lines, KTAP, and JUnit XML."""

import xml.etree.ElementTree as xml
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from host import archive, verdict
from host.ktap import Result

CELLS = {"pass": "ok", "xfail": "xfail", "skip": "skip", "fail": "FAIL", "LOST": "LOST"}


class Run(Protocol):
    """The parts of a runner.Run that are reported here."""

    line: str
    title: str
    seconds: float
    results: list[Result]
    unavailable: str | None


def unavailable(run: Run, rows: Mapping[str, archive.Row]) -> Result:
    """Return the result of a line that could not run: a failure, unless kernels.conf calls the
    line optional."""
    required = run.line not in rows or rows[run.line].need == "required"
    return Result("unavailable", "fail" if required else "skip", run.unavailable or "")


def _cell(run: Run, name: str) -> str:
    found = [result.outcome for result in run.results if result.name == name]
    return " ".join(CELLS[outcome] for outcome in found) if found else "-"


def table(runs: Sequence[Run]) -> Iterator[str]:
    """Yield a row for each test with a column for each line, and then all results other than
    plain passes with their reasons."""
    names = list(dict.fromkeys(result.name for run in runs for result in run.results))
    width = max(map(len, names))
    columns = [max(len(run.line), 5) for run in runs]
    yield " " * width + "".join(f"  {run.line:>{size}}" for run, size in zip(runs, columns))
    for name in names:
        yield f"{name:{width}}" + "".join(f"  {_cell(run, name):>{size}}"
                                          for run, size in zip(runs, columns))
    yield ""
    for run in runs:
        explained = [result for result in run.results if result.outcome != "pass" or result.reason]
        yield f"{run.title}, {run.seconds:.0f} s"
        yield from verdict.table(explained)


def _ktap_line(number: int, result: Result) -> str:
    verdict_ = "ok" if result.outcome in (*verdict.GOOD, "skip") else "not ok"
    directive = {"skip": " # SKIP", "xfail": " # XFAIL", "LOST": " # LOST"}.get(result.outcome, "")
    reason = f"{directive or ' #'} {result.reason}" if result.reason else directive
    return f"{verdict_} {number} {result.name}{reason}"


def ktap(runs: Sequence[Run]) -> Iterator[str]:
    """Yield a KTAP document that has all lines as subtests."""
    yield "KTAP version 1"
    yield f"1..{len(runs)}"
    for number, run in enumerate(runs, 1):
        yield f"# Subtest: {run.line}"
        yield "    KTAP version 1"
        yield f"    1..{len(run.results)}"
        for place, result in enumerate(run.results, 1):
            yield from (f"    # {line}" for line in result.detail)
            yield f"    {_ktap_line(place, result)}"
        skipped = all(result.outcome == "skip" for result in run.results)
        outcome = "ok" if verdict.good(run.results) else "not ok"
        yield f"{outcome} {number} {run.line}{' # SKIP' if skipped else ''}"


def _case(suite: xml.Element, run: Run, result: Result) -> None:
    program, _, test = result.name.partition(".")
    if " " in program:	# not of a program: "load errpath.ko", "kernel log"
        program, test = "guest", result.name
    case = xml.SubElement(suite, "testcase", classname=f"{run.line}.{program}",
                          name=test or program)
    tag = {"fail": "failure", "LOST": "error", "skip": "skipped"}.get(result.outcome)
    if tag:
        xml.SubElement(case, tag, message=result.reason).text = "\n".join(result.detail)
    elif result.reason:
        xml.SubElement(case, "system-out").text = f"{result.outcome}: {result.reason}"


def junit(runs: Sequence[Run]) -> str:
    """Return a JUnit document that has all lines as test suites."""
    suites = xml.Element("testsuites", name="errpath")
    for run in runs:
        count = [result.outcome for result in run.results]
        suite = xml.SubElement(suites, "testsuite", name=run.line, time=f"{run.seconds:.0f}",
                               tests=str(len(count)), failures=str(count.count("fail")),
                               errors=str(count.count("LOST")), skipped=str(count.count("skip")))
        for result in run.results:
            _case(suite, run, result)
    xml.indent(suites)
    return xml.tostring(suites, encoding="unicode") + "\n"


def write(directory: Path, runs: Sequence[Run], text: str) -> None:
    """Write summary, ktap and junit.xml to a directory."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, content in (("summary", text + "\n"), ("ktap", "\n".join(ktap(runs)) + "\n"),
                          ("junit.xml", junit(runs))):
        (directory / name).write_text(content, encoding="utf-8")
