# SPDX-License-Identifier: GPL-2.0
"""Reports the results of all lines: a table of tests against lines."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from host import archive, matrixhtml, matrixmerge, shard, streams, verdict
from host.common import BUILD
from host.ktap import Result

JSON, PAGE = "results.json", "index.html"
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
    width = max(map(len, names), default=0)
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


def clear(directory: Path) -> None:
    """Remove what write() left, so that an interrupted run leaves no older results."""
    for name in ("summary", JSON, PAGE, shard.FILE, *streams.FILES):
        (directory / name).unlink(missing_ok=True)


def write(directory: Path, runs: Sequence[Run], text: str) -> None:
    """Write summary, results.json, index.html, ktap and junit.xml to a directory."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "summary").write_text(text + "\n", encoding="utf-8")
    (directory / JSON).write_text(json.dumps([matrixmerge.as_json(run) for run in runs], indent=1)
                                  + "\n", encoding="utf-8")
    streams.write(directory, streams.ktap_of_lines(runs), runs)
    page = matrixhtml.page(runs, directory, BUILD / "bench")
    (directory / PAGE).write_text("\n".join(page) + "\n", encoding="utf-8")
