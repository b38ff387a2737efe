# SPDX-License-Identifier: GPL-2.0
"""Writes results for other programs to read: KTAP, and JUnit XML.

Each KTAP document has one plan and one numbering at each level. That of a line is flat, so that a
reader that knows no subtests counts the same as one that does; that of many lines has each line as
a subtest, with its header before its name, as kunit.py demands. scripts/README.md says what each
reader makes of both.
"""

import re
import xml.etree.ElementTree as xml
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from host import verdict
from host.ktap import Result

FILES = ("ktap", "junit.xml")
DIRECTIVES = {"skip": "SKIP", "xfail": "XFAIL", "LOST": "LOST"}
# A reason that begins so would be a directive.
DIRECTIVE = re.compile(r"(skip|todo|xfail|time=)", re.I)
# What XML cannot hold.
CONTROL = re.compile(r"[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Run(Protocol):
    """The parts of a runner.Run that are written."""

    line: str
    seconds: float
    results: list[Result]


def _words(text: str) -> str:
    """Return a text in one line."""
    return " ".join(text.split())


def _ktap_line(number: int, result: Result) -> str:
    ok = "ok" if result.outcome in (*verdict.GOOD, "skip") else "not ok"
    directive, reason = DIRECTIVES.get(result.outcome, ""), _words(result.reason)
    if not directive and DIRECTIVE.match(reason):
        directive = "reason:"
    comment = f"{directive} {reason}".strip().replace("#", r"\#")
    name = _words(result.name).replace("#", "_")
    return f"{ok} {number} {name}{f' # {comment}' if comment else ''}"


def _level(results: Sequence[Result]) -> Iterator[str]:
    """Yield a plan and a line for each result. What a failed test printed comes before its line,
    as comments that no reader takes for the name of a subtest."""
    yield f"1..{len(results)}"
    for number, result in enumerate(results, 1):
        yield from (f"#   {_words(line)}" for line in result.detail)
        yield _ktap_line(number, result)


def ktap(results: Sequence[Result]) -> str:
    """Return a KTAP document of these results, without subtests."""
    return "".join(f"{line}\n" for line in ("KTAP version 1", *_level(results)))


def ktap_of_lines(runs: Sequence[Run]) -> str:
    """Return a KTAP document that has all lines as subtests."""
    lines = ["KTAP version 1", f"1..{len(runs)}"]
    for number, run in enumerate(runs, 1):
        lines += [f"    {line}" for line in ("KTAP version 1", f"# Subtest: {run.line}",
                                             *_level(run.results))]
        skipped = run.results and all(result.outcome == "skip" for result in run.results)
        outcome = "ok" if verdict.good(run.results) else "not ok"
        lines.append(f"{outcome} {number} {run.line}{' # SKIP' if skipped else ''}")
    return "".join(f"{line}\n" for line in lines)


def _case(suite: xml.Element, run: Run, result: Result) -> None:
    """Add a test with its whole name. Readers take what is before the last dot of the class as a
    package: the line, whose own dots would be taken for more of them."""
    program = result.name.partition(".")[0]
    if " " in program:	# not of a program: "load errpath.ko", "kernel log"
        program = "guest"
    case = xml.SubElement(suite, "testcase", name=CONTROL.sub("?", result.name),
                          classname=f"{run.line.replace('.', '_')}.{program}")
    tag = {"fail": "failure", "LOST": "error", "skip": "skipped"}.get(result.outcome)
    reason = CONTROL.sub("?", result.reason)
    if tag:
        xml.SubElement(case, tag, message=reason).text = CONTROL.sub("?", "\n".join(result.detail))
    elif reason:
        xml.SubElement(case, "system-out").text = f"{result.outcome}: {reason}"


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


def write(directory: Path, text: str, runs: Sequence[Run]) -> None:
    """Write KTAP (TEXT) and JUnit XML to a directory."""
    for name, content in zip(FILES, (text, junit(runs))):
        (directory / name).write_text(content, encoding="utf-8")
