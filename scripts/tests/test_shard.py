# SPDX-License-Identifier: GPL-2.0
"""Shards: which part each has, what merge makes of them, and what it refuses."""

import argparse
import contextlib
import io
import json
import os
import subprocess
import tempfile
import types
import unittest
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from host import matrixmerge, runner, shard, sweepmerge, sweepresults
from host.common import SCRIPTS, Failure
from host.ktap import Result
from host.shard import Shard
from host.sweepreport import Report

OF = 5
LINE = os.environ.get("KERNEL", "6.12")
START: Any = {"event": "start", "operation": "chain", "what": "five functions", "point": "alloc",
         "scope": "", "skip": "", "kernel": "6.12.1"}
SET = {"operation": "chain", "kernel": "6.12.1", "settings": ""}


def call(number: int, event: str = "target", stack: Sequence[str] = ()) -> Any:
    return {"event": event, "hash": f"{number:016x}", "occurrence": 1, "first": "",
            "request": "GFP_KERNEL,8", "function": "kmalloc",
            "frames": [f"{name}+0x1/0x2" for name in stack or (f"f{number}",)]}


def judged(number: int, result: str = "pass") -> list[Any]:
    """The records of a call that failed."""
    hash_ = f"{number:016x}"
    run = {"steps": [["do", -12]], "signal": 0, "wrong": "", "where": ""}
    leak = {"what": "slab.a", "difference": 1, "lasting": 1, "known": 0}
    return [call(number), {"event": "failed", "hash": hash_, "fired": 1, "run": run},
            {"event": "judged", "hash": hash_, "result": result, "reason": "",
             "findings": [leak] if result == "fail" else []}]


def end(targets: int) -> Any:
    return {"event": "end", "targets": targets, "survey": "0" * 16}


class Parts(unittest.TestCase):
    def test_each_name_is_in_one_shard(self) -> None:
        names = [f"6.12 program{number}" for number in range(200)]
        counts = [sum(Shard(number, OF).has(name) for name in names) for number in range(1, OF + 1)]
        self.assertEqual(200, sum(counts))
        self.assertGreater(min(counts), 200 / OF / 2, counts)

    def test_stays_where_it_is(self) -> None:
        self.assertEqual([2], [number for number in range(1, OF + 1)
                               if Shard(number, OF).has("6.12 knobs")])

    def test_words(self) -> None:
        self.assertEqual(Shard(2, 5), shard.parse("2/5"))
        self.assertEqual("2/5", str(shard.parse("02/5")))
        for text in ("", "2", "0/5", "6/5", "2/5/7", "-1/5", "2/0", "a/b", "2/5 ", "²/5"):
            with self.assertRaisesRegex(argparse.ArgumentTypeError, "as 2/5, not", msg=text):
                shard.parse(text)


class Files(unittest.TestCase):
    def setUp(self) -> None:
        self.directory = Path(self.enterContext(tempfile.TemporaryDirectory()))

    def write(self, number: int, of: int = OF, what: str = "sweep", found: Any = None,
              **changes: str) -> None:
        shard.write(self.directory / f"{len([*self.directory.iterdir()])}", what,
                    {**SET, **changes}, Shard(number, of), found)

    def collect(self) -> list[shard.Record]:
        return shard.collect([self.directory])


class OneSet(Files):
    def test_by_number(self) -> None:
        for number in (3, 1, 2):
            self.write(number)
        records = self.collect()
        self.assertEqual([1, 2, 3], [record.shard.number for record in records])
        self.assertEqual([Shard(4, 5), Shard(5, 5)], shard.missing(records))

    def test_refused(self) -> None:
        cases: list[tuple[dict[str, Any], str]] = [({"kernel": "6.12.2"}, "kernel differs: 6.12.1 in .* 6.12.2 in "),
                             ({"operation": "fork"}, "operation differs: chain in "),
                             ({"settings": "ERRPATH_K=5"}, "settings differs:  in "),
                             ({"command": "true"}, "command differs: None in "),
                             ({"of": 4}, "number of shards differs: 5 in .* 4 in "),
                             ({"what": "matrix"}, "kind differs: sweep in .* matrix in "),
                             ({"number": 1}, "shard 1/5 is there twice")]
        for change, text in cases:
            with self.subTest(change), tempfile.TemporaryDirectory() as directory:
                self.directory = Path(directory)
                self.write(1)
                given: dict[str, Any] = {"number": 2, **change}
                self.write(**given)
                with self.assertRaisesRegex(Failure, text):
                    self.collect()

    def test_not_a_shard(self) -> None:
        for text in ("", "[]", "{}", '{"what": "sweep", "set": {}, "shard": [1], "found": []}'):
            (self.directory / shard.FILE).write_text(text)
            with self.assertRaisesRegex(Failure, "shard.json is not the file of a shard", msg=text):
                self.collect()


class OfSweep(Files):
    """Five shards merged say the same as one sweep."""

    def write_shards(self, *leave_out: int, results: Mapping[int, str] | None = None) -> None:
        """Write five shards of eleven calls, of which shard N has those with number % 5 = N - 1."""
        for number in range(1, OF + 1):
            if number not in leave_out:
                self.write(number, found=sweepmerge.found(self.events(number, results or {}), 1.5))

    def events(self, number: int, results: Mapping[int, str]) -> Any:
        ours = [target for target in range(11) if number in (0, target % OF + 1)]
        elsewhere = [call(target, "elsewhere") for target in range(11) if target not in ours]
        records = [judged(target, results.get(target, "pass")) for target in ours]
        return [START, *elsewhere, *(record for part in records for record in part), end(11)]

    def merge(self) -> Report:
        return sweepmerge.merge(self.collect())

    def test_same_as_one(self) -> None:
        results = {3: "fail", 7: "xfail"}
        self.write_shards(results=results)
        merged, one = self.merge(), Report(self.events(0, results))
        self.assertEqual({name: target.as_json() for name, target in one.targets.items()},
                         {name: target.as_json() for name, target in merged.targets.items()})
        self.assertEqual([*sweepresults.results(one.as_json())],
                         [*sweepresults.results(merged.as_json())])
        self.assertTrue(merged.ended)
        self.assertFalse(merged.good())
        self.assertEqual(7.5, merged.seconds)

    def test_missing(self) -> None:
        self.write_shards(2, 4)
        merged = self.merge()
        self.assertFalse(merged.good())
        self.assertEqual(["shard 2/5 is missing", "shard 4/5 is missing"], merged.missing[:2])
        self.assertIn("no shard failed kmalloc < f1", merged.missing)
        self.assertEqual(2 + 4, len(merged.missing))
        self.assertIn("  shard 2/5 is missing", [*merged.text()])
        last = [*sweepresults.results(merged.as_json())][-1]
        self.assertEqual(("sweep.chain", "fail"), last[:2])
        self.assertIn("shard 2/5 is missing", last.reason)

    def test_not_complete(self) -> None:
        self.write_shards(2)
        self.write(2, found=sweepmerge.found(self.events(2, {})[:-1], 1))
        self.assertEqual(["shard 2/5 is not complete"], self.merge().missing)

    def test_calls_that_not_all_shards_found(self) -> None:
        """One that occurs once more by chance is not missing if others with its stack failed."""
        self.write_shards(1)
        chance, other = call(21, "elsewhere", ["f2"]), call(22, "elsewhere")
        self.write(1, found=sweepmerge.found([chance, *self.events(1, {})], 1))
        self.assertTrue(self.merge().good())
        self.directory = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.write_shards(1)
        self.write(1, found=sweepmerge.found([other, *self.events(1, {})], 1))
        self.assertEqual(["no shard failed kmalloc < f22"], self.merge().missing)

    def test_worst_of_two(self) -> None:
        """A call that two shards found after another failure."""
        self.write_shards(1, 2, 3)
        for number, result in ((1, "pass"), (2, "fail"), (3, "pass")):
            events = self.events(number, {})
            self.write(number, found=sweepmerge.found([*events[:-1], *judged(30, result),
                                                       events[-1]], 1))
        self.assertFalse(self.merge().targets[f"{30:016x}"].good())

    def test_nothing_matches(self) -> None:
        for number in range(1, OF + 1):
            self.write(number, found=sweepmerge.found([START, end(0)], 1),
                       settings="nokaslr ERRPATH_UNDER=typo,b")
        merged = self.merge()
        self.assertTrue(merged.ended)
        self.assertFalse(merged.good())
        self.assertIn("NOTHING FAILED: no allocation matches ERRPATH_UNDER=typo,b: ",
                      "\n".join(merged.text()))

    def test_unavailable(self) -> None:
        for number in range(1, OF + 1):
            self.write(number, found=sweepmerge.found(
                [START, {"event": "unavailable", "why": "no module"}], 1))
        merged = self.merge()
        self.assertFalse(merged.good())
        self.assertEqual([Result("sweep.chain", "skip", "no module")],
                         [*sweepresults.results(merged.as_json())])


class OfMatrix(Files):
    """Each program of each line is in one shard."""

    PROGRAMS = {line: [f"p{number}" for number in range(8)] for line in ("6.1", "6.12")}

    def runs(self, part: Shard | None) -> Iterator[Any]:
        for line, names in self.PROGRAMS.items():
            results = [Result(f"{name}.test", "pass", "") for name in names
                       if not part or part.has(f"{line} {name}")]
            if results:
                yield types.SimpleNamespace(
                    line=line, title=f"{line}: Linux {line}.9", seconds=2, unavailable=None,
                    results=[*results, Result("kernel log", "pass", "")])

    def write_matrix(self, number: int, title: str = "") -> None:
        data = [matrixmerge.as_json(run) for run in self.runs(Shard(number, OF))]
        for run in data:
            run["title"] = title or run["title"]
        whole: dict[str, Any] = {**matrixmerge.set_of(self.PROGRAMS, "word")}
        self.write(number, what="matrix", found=data, **whole)

    def merge(self) -> dict[str, list[Result]]:
        return {run.line: run.results for run in matrixmerge.merge(self.collect())}

    def test_same_as_one(self) -> None:
        for number in range(1, OF + 1):
            self.write_matrix(number)
        self.assertEqual({run.line: run.results for run in self.runs(None)}, self.merge())

    def test_missing(self) -> None:
        missing = next(one for one in (Shard(number, OF) for number in range(1, OF + 1))
                       if one.has("6.12 p0"))
        for number in {*range(1, OF + 1)} - {missing.number}:
            self.write_matrix(number)
        expected = {line: [name for name in names if missing.has(f"{line} {name}")]
                    for line, names in self.PROGRAMS.items()}
        self.assertEqual(expected, {
            line: [result.name for result in results
                   if result == Result(result.name, "fail", f"shard {missing} is missing")]
            for line, results in self.merge().items()})

    def test_other_kernel(self) -> None:
        for number in range(1, OF + 1):
            self.write_matrix(number, "6.1: Linux 6.1.10" if number == 3 else "6.1: Linux 6.1.9")
        with self.assertRaisesRegex(Failure, "kernel differs: 6.1: Linux 6.1.9 in .*6.1.10 in "):
            self.merge()

    def test_chosen(self) -> None:
        """The programs that the shards run are all programs, each once."""
        with contextlib.redirect_stdout(io.StringIO()):
            choice = runner.options([], "matrix", None, "*", shards=True)
            whole = runner.programs(["6.1", "6.12"], choice)
            found: dict[str, list[str]] = {"6.1": [], "6.12": []}
            for number in range(1, OF + 1):
                choice = runner.options(["--shard", f"{number}/{OF}"], "matrix", None, "*",
                                        shards=True)
                self.assertEqual(f"shard-{number}-of-{OF}", choice.results.name)
                for line, names in runner._programs(["6.1", "6.12"], choice, None).items():
                    found[line] += names
        self.assertEqual({line: sorted(names) for line, names in whole.items()},
                         {line: sorted(names) for line, names in found.items()})


class InGuests(unittest.TestCase):
    """The operation chain has five calls: five shards, some of which can be empty."""

    def sweep(self, results: Path, *words: str) -> None:
        done = subprocess.run([SCRIPTS / "sweep", LINE, "chain", "--results", results, *words],
                              text=True, check=False, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
        self.assertEqual(0, done.returncode, done.stdout)

    def report(self, directory: Path) -> dict[str, Any]:
        report = json.loads((directory / "report.json").read_text(encoding="utf-8"))
        self.assertTrue(report["complete"])
        return {target["hash"]: target for target in report["targets"]}

    def test_five_merged_say_the_same_as_one(self) -> None:
        results = Path(self.enterContext(tempfile.TemporaryDirectory()))
        for number in range(1, OF + 1):
            self.sweep(results, "--shard", f"{number}/{OF}")
        self.sweep(results)
        done = subprocess.run([SCRIPTS / "merge", "--results", results / "merged",
                               *results.glob("shard-*")], text=True, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.assertEqual(0, done.returncode, done.stdout)
        one, merged = (self.report(results / name) for name in (f"{LINE}/sweeps/chain", "merged"))
        self.assertEqual(5, len(one))
        self.assertEqual(one, merged)
        ktap = [(results / name / "ktap").read_text(encoding="utf-8")
                for name in (f"{LINE}/sweeps/chain", "merged")]
        self.assertEqual(*ktap)


if __name__ == "__main__":
    unittest.main()
