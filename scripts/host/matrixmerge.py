# SPDX-License-Identifier: GPL-2.0
"""Merges the shards of a matrix to one. A shard has some programs of each line."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from host import runner, shard
from host.common import Failure
from host.ktap import Result
from host.runner import Run


def as_json(run: Any) -> dict[str, Any]:
    """Return a run as JSON has it."""
    return {"line": run.line, "title": run.title, "seconds": run.seconds,
            "unavailable": run.unavailable, "results": [result._asdict() for result in run.results]}


def _run(data: Mapping[str, Any]) -> Run:
    run = Run(data["line"], Path())
    run.title, run.seconds, run.unavailable = data["title"], data["seconds"], data["unavailable"]
    run.results = [Result(one["name"], one["outcome"], one["reason"], tuple(one["detail"]))
                   for one in data["results"]]
    return run


def set_of(programs: Mapping[str, Iterable[str]], append: str) -> dict[str, str]:
    """Return what must be the same in all shards. PROGRAMS: of all shards, by line."""
    return {"append": append, **{f"programs of {line}": " ".join(names)
                                 for line, names in programs.items()}}


def programs_of(record: shard.Record) -> dict[str, list[str]]:
    """Return the programs of all shards by line."""
    return {name.removeprefix("programs of "): text.split() for name, text in record.set.items()
            if name.startswith("programs of ")}


def _check_kernels(runs: Sequence[tuple[Run, Path]]) -> None:
    """Raise a Failure if two shards had different kernels as the same line."""
    seen: dict[str, tuple[Run, Path]] = {}
    for run, path in runs:
        if run.unavailable:
            continue
        other, where = seen.setdefault(run.line, (run, path))
        if run.title != other.title:
            raise Failure(f"not of one set, as the kernel differs: {other.title} in {where}, "
                          f"{run.title} in {path}")


def _missing(line: str, names: Sequence[str], record: Sequence[shard.Record]) -> Iterator[Result]:
    """Yield a failure for each program of a line that a missing shard has."""
    for one in shard.missing([*record]):
        for name in names:
            if one.has(f"{line} {name}"):
                yield Result(name, "fail", f"shard {one} is missing")


def merge(records: Sequence[shard.Record]) -> list[Run]:
    """Return a run for each line, with the results of all shards. What is missing failed."""
    runs = [(_run(data), record.path) for record in records for data in record.found]
    _check_kernels(runs)
    merged = []
    for line, names in programs_of(records[0]).items():
        parts = [run for run, _ in runs if run.line == line]
        whole = Run(line, Path())
        whole.title = next((run.title for run in parts if not run.unavailable), line)
        whole.seconds = sum(run.seconds for run in parts)
        order = {name: number for number, name in enumerate(names)}
        whole.results = sorted(
            [*runner.merged([result for run in parts for result in run.results]),
             *_missing(line, names, records)],
            key=lambda result: order.get(result.name.partition(".")[0], len(order)))
        merged.append(whole)
    return merged
