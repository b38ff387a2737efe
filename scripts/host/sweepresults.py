# SPDX-License-Identifier: GPL-2.0
"""The report of a sweep as results of tests, each of which fails one call: KTAP and JUnit XML."""

from collections.abc import Iterator
from pathlib import Path

from host import streams, sweepjson
from host.ktap import Result


class Run:
    """A sweep, in the place of a kernel line that was run."""

    def __init__(self, report: sweepjson.Sweep, seconds: float) -> None:
        self.line, self.seconds = report["kernel"], seconds
        self.results = [*results(report)]


def _outcome(target: sweepjson.Target) -> str:
    if not target["good"]:
        return "LOST" if target["outcome"] in ("oops", "hang") else "fail"
    if target["outcome"] == "did not fire":
        return "skip"
    return "xfail" if target["known"] else "pass"


def _result(operation: str, target: sweepjson.Target) -> Result:
    name = (f"sweep.{operation}.{'<'.join(target['stack'])}#{target['occurrence']} "
            f"[{target['hash'][:sweepjson.ID]}]")
    return Result(name, _outcome(target), target["verdict"])


def results(report: sweepjson.Sweep) -> Iterator[Result]:
    """Yield a result for each call, in an order that does not depend on the guests; and one for the
    sweep itself if it has none, or is not complete."""
    operation = report["operation"]
    yield from sorted(_result(operation, target) for target in report["targets"])
    if report["unavailable"]:
        yield Result(f"sweep.{operation}", "skip", report["unavailable"])
    elif not report["complete"]:
        yield Result(f"sweep.{operation}", "fail",
                     "; ".join(["not complete", *report["missing"]]))


def write(report: sweepjson.Sweep, out: Path, seconds: float) -> None:
    """Write ktap and junit.xml to the directory OUT."""
    run = Run(report, seconds)
    streams.write(out, streams.ktap(run.results), [run])
