# SPDX-License-Identifier: GPL-2.0
"""The matrix as one HTML page without external resources: programs and tests against kernel lines,
the bugs they showed, the sweeps, and the plots of benchmarks."""

import json
import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Protocol

from host import closing, known, sweepjson, sweephtml, verdict
from host.common import ROOT
from host.ktap import Result

STYLE = """
body { font: 14px/1.4 sans-serif; margin: 1em auto; padding: 0 1em; max-width: 80em; }
h1 { font-size: 1.4em; } h2 { font-size: 1.15em; margin-top: 1.6em; }
.wide { overflow-x: auto; } svg { max-width: 100%; height: auto; }
table { border-collapse: collapse; } td, th { padding: .15em .6em; text-align: left; }
th { font-weight: 600; } th, .tests td { white-space: nowrap; } tr { border-bottom: 1px solid #ddd; }
th.name { position: sticky; left: 0; background: #fff; }
.bad { color: #b00020; font-weight: 600; } .known { color: #7a5200; } .good { color: #11682b; }
.skip { color: #666; } summary { cursor: pointer; }
"""
KINDS = {"pass": "good", "xfail": "known", "skip": "skip"}	# all others: bad
COUNTS = {"bad": "failed", "good": "ok", "known": "xfail", "skip": "skipped"}
WORDS = {"pass": "ok", "fail": "FAIL"}
BUG = re.compile(r"\[([\w.-]+)\]")


class Run(Protocol):
    """The parts of a runner.Run that are shown."""

    line: str
    title: str
    seconds: float
    results: list[Result]


def _program(name: str) -> str:
    """The program of a test; "guest" for what is of none: "load errpath.ko", "kernel log"."""
    program = name.partition(".")[0]
    return "guest" if " " in program else program


def _worst(results: Sequence[Result]) -> str:
    """The class of the worst result; skip only if all are skipped."""
    kinds = [KINDS.get(result.outcome, "bad") for result in results]
    return next((kind for kind in ("bad", "known", "good", "skip") if kind in kinds), "skip")


def _count(results: Sequence[Result]) -> str:
    """A cell of a program: how many of its tests ended how."""
    if not results:
        return "<td class='skip'>-</td>"
    kinds = Counter(KINDS.get(result.outcome, "bad") for result in results)
    text = ", ".join(f"{kinds[kind]} {word}" for kind, word in COUNTS.items() if kinds[kind])
    return f"<td class='{_worst(results)}'>{text}</td>"


def _cell(results: Sequence[Result]) -> str:
    """A cell of a test, with the reason as its tooltip."""
    if not results:
        return "<td class='skip'>-</td>"
    words = " ".join(WORDS.get(result.outcome, result.outcome) for result in results)
    reasons = "; ".join(filter(None, (result.reason for result in results)))
    return f"<td class='{_worst(results)}' title='{escape(reasons, quote=True)}'>{words}</td>"


def _table(runs: Sequence[Run], head: str, rows: Mapping[str, str]) -> Iterator[str]:
    """A table with a column for each line. ROWS: cells by the name of the row."""
    yield f"<div class='wide'><table class='tests'><tr><th class='name'>{head}</th>"
    yield "".join(f"<th>{escape(run.line)}</th>" for run in runs) + "</tr>"
    yield from (f"<tr><th class='name'>{escape(name)}</th>{cells}</tr>"
                for name, cells in rows.items())
    yield "</table></div>"


def _tests(runs: Sequence[Run]) -> Iterator[str]:
    """Programs against lines, and below it the tests of each program that did not just pass."""
    names = list(dict.fromkeys(result.name for run in runs for result in run.results))
    programs = list(dict.fromkeys(map(_program, names)))
    yield from _table(runs, "program", {
        program: "".join(_count([result for result in run.results
                                 if _program(result.name) == program]) for run in runs)
        for program in programs})
    for program in programs:
        of = [result for run in runs for result in run.results if _program(result.name) == program]
        kind = _worst(of)
        opened = " open='open'" if kind == "bad" else ""
        yield f"<details{opened}><summary class='{kind}'>{escape(program)}</summary>"
        yield from _table(runs, "test", {
            name.removeprefix(f"{program}."): "".join(
                _cell([result for result in run.results if result.name == name]) for run in runs)
            for name in names if _program(name) == program})
        yield "</details>"


def _failures(runs: Sequence[Run]) -> Iterator[str]:
    for run in runs:
        text = "\n".join(closing.failures(run.results))
        if text:
            yield f"<h3>{escape(run.title)}</h3><pre class='wide'>{escape(text)}</pre>"


def _bugs(runs: Sequence[Run], manual: str) -> Iterator[str]:
    """The bugs of known-issues that showed, with a link to what the manual says of each."""
    bugs = known.bugs()
    shown: dict[str, dict[str, set[str]]] = {}
    for run in runs:
        for result in run.results:
            for bug in BUG.findall(result.reason) if result.outcome == "xfail" else ():
                shown.setdefault(bug, {}).setdefault(run.line, set()).add(result.name)
    for bug in [bug for bug in bugs if bug in shown]:
        where = ", ".join(f"{escape(line)} ({len(names)})" for line, names in shown[bug].items())
        yield (f"<tr><td><a href='{manual}#{escape(bug)}'>{escape(bug)}</a></td>"
               f"<td>{escape(bugs[bug].reason)}</td><td>{where}</td></tr>")


def _sweeps(results: Path, page: Path) -> Iterator[str]:
    """The sweeps whose reports are in the results of the lines."""
    for file in sorted(results.glob("*/sweeps/*/report.json")):
        report: sweepjson.Sweep = json.loads(file.read_text(encoding="utf-8"))
        grades = [sweephtml.grade(target) for target in report["targets"]]
        counts = ", ".join(f"<span class='{kind}'>{grades.count(kind)} {word}</span>"
                           for kind, word in (("bad", "found"), ("known", "known"), ("good", "right"))
                           if kind in grades)
        link = escape(os.path.relpath(file.with_name("report.html"), page), quote=True)
        done = "" if report["complete"] else " <span class='bad'>not complete</span>"
        yield (f"<tr><td><a href='{link}'>{escape(report['operation'])}</a></td>"
               f"<td>{escape(file.parents[2].name)}</td>"
               f"<td>{counts or escape(report['unavailable'] or '')}{done}</td></tr>")


def _rows(title: str, head: Sequence[str], rows: Iterator[str]) -> Iterator[str]:
    """A section with a table, if there are rows."""
    found = [*rows]
    if found:
        yield f"<h2>{title}</h2><div class='wide'><table><tr>"
        yield "".join(f"<th>{word}</th>" for word in head) + "</tr>"
        yield from found
        yield "</table></div>"


def _plots(bench: Path) -> Iterator[str]:
    """The plots of benchmarks, which are SVG without external resources."""
    files = sorted(bench.glob("**/*.svg"))
    if files:
        yield "<h2>Costs</h2>"
    for file in files:
        text = file.read_text(encoding="utf-8")
        yield f"<details><summary>{escape(file.stem)}</summary>{text[text.index('<svg'):]}</details>"


def page(runs: Sequence[Run], directory: Path, bench: Path) -> Iterator[str]:
    """The lines of the page, which will be in DIRECTORY, beside the results of the lines. BENCH:
    directory with plots."""
    manual = escape(os.path.relpath(ROOT / closing.MANUAL, directory), quote=True)
    results = [result for run in runs for result in run.results]
    yield "<!DOCTYPE html><html lang='en'><head><meta charset='utf-8'>"
    yield "<meta name='viewport' content='width=device-width, initial-scale=1'>"
    yield f"<title>errpath: matrix</title><style>{STYLE}</style></head><body>"
    yield f"<h1>errpath on {', '.join(escape(run.line) for run in runs)}</h1>"
    yield from (f"<p>{escape(line)}</p>" for line in verdict.totals(results))
    yield f"<p>{'; '.join(f'{escape(run.title)}, {run.seconds:.0f} s' for run in runs)}</p>"
    yield from _failures(runs)
    yield "<h2>Tests</h2>"
    yield from _tests(runs)
    yield from _rows("Known bugs that showed", ("bug", "what", "kernel lines (tests)"),
                     _bugs(runs, manual))
    yield from _rows("Sweeps", ("operation", "kernel line", "calls"),
                     _sweeps(directory.parent, directory))
    yield from _plots(bench)
    yield "</body></html>"
