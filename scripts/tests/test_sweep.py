# SPDX-License-Identifier: GPL-2.0
"""scripts/sweep with real guests: what it must find, and how it goes on after a lost guest or an
interruption; and its reports."""

import contextlib
import json
import os
import re
import signal
import subprocess
import tempfile
import time
import types
import unittest
import unittest.mock
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeAlias, cast

from host import reproducer, sweep, sweepjson, sweepproto, sweepreport
from host.common import SCRIPTS, Failure
from host.kernel import Kernel

LINE = os.environ.get("KERNEL", "6.12")
CHAIN = ["errpath_alloc_chain1", "errpath_alloc_chain2", "errpath_alloc_chain3",
         "errpath_alloc_chain4", "errpath_alloc_chain5"]
# What, difference, lasting and known of a finding.
Finding: TypeAlias = tuple[str, int, int, int]


class SweepTest(unittest.TestCase):
    def setUp(self) -> None:
        stack = contextlib.ExitStack()
        self.addCleanup(stack.close)
        self.results = Path(stack.enter_context(tempfile.TemporaryDirectory()))

    def command(self, operation: str, *options: str) -> list[str | Path]:
        return [SCRIPTS / "sweep", LINE, operation, "--results", self.results, *options]

    def sweep(self, operation: str, *options: str) -> tuple[int, str, list[sweepjson.Target]]:
        """Sweep to the end; returns exit code, output, and the targets of the report."""
        done = subprocess.run(self.command(operation, *options), text=True, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return done.returncode, done.stdout, self.report(operation, done.stdout)

    def report(self, operation: str, output: str) -> list[sweepjson.Target]:
        file = self.results / LINE / "sweeps" / operation / "report.json"
        self.assertTrue(file.is_file(), output)
        report: sweepjson.Sweep = json.loads(file.read_text())
        self.assertTrue(report["complete"], output)
        return report["targets"]


class AddMemory(SweepTest):
    def test_finds_what_is_known(self) -> None:
        code, output, calls = self.sweep("add_memory", "--occurrences", "2")
        self.assertEqual(0, code, output)
        self.assertGreater(len({tuple(call["stack"]) for call in calls}), 20, output)
        self.assertNotIn("did not fire", {call["outcome"] for call in calls}, output)
        found = {(call["stack"][0], call["occurrence"]): call["verdict"] for call in calls
                 if call["findings"] or call["outcome"] == "errno changed"}
        self.assertRegex(found["__request_region", 1], "errno changed .*EEXIST")
        self.assertRegex(found["sparse_add_section", 1], r"DirectMap \+262144 kB")
        self.assertRegex(found["sparse_add_section", 2], "again: add EEXIST")
        freed = [call for call in calls if "add_sysfs_fw_map_entry" in call["stack"]]
        self.assertGreater(len(freed), 3, output)
        for call in freed:
            self.assertRegex(call["verdict"], "use-after-free", output)


class Chain(SweepTest):
    def by_function(self, calls: Iterable[sweepjson.Target]) -> dict[str, sweepjson.Target]:
        return {call["stack"][0]: call for call in calls}

    def test_lost_guests(self) -> None:
        code, output, calls = self.sweep("chain", "--append", "ERRPATH_LOSE=2:guest,4:task")
        self.assertEqual(1, code, output)
        outcomes = {name: call["outcome"] for name, call in self.by_function(calls).items()}
        self.assertEqual(dict(zip(CHAIN, ("handled", "oops", "handled", "hang", "handled"))),
                         outcomes, output)
        self.assertIn("chain_fails", self.by_function(calls)[CHAIN[3]]["where"])
        tasks, = self.results.glob("*/sweeps/chain/guest-*/tasks")
        self.assertRegex(tasks.read_text(), r"\Ahangs: sweep \(D\) in chain_fails < "
                         r"errpath_alloc_chain3 < errpath_alloc_chain2 < ")
        self.assertIn("RIP=", (tasks.parent / "registers").read_text())
        self.fails_at_the_prompt(self.by_function(calls))

    def at(self, prefix: str, *options: str) -> "subprocess.CompletedProcess[str]":
        """Go to the moment before a failure of the sweep that self.results has."""
        return subprocess.run(self.command("chain", "--shell", prefix, *options), text=True,
                              check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)

    def fails_at_the_prompt(self, calls: dict[str, sweepjson.Target]) -> None:
        """A command that runs the operation sees the failure, once."""
        report = (self.results / LINE / "sweeps/chain/report.txt").read_text()
        handled, oops = (calls[CHAIN[number]]["hash"][:sweepjson.ID] for number in (2, 1))
        self.assertRegex(report, rf"(?m)^    1 x \S+ < {CHAIN[2]} .*\[{handled}\]$")
        done = self.at(handled, "--gdb", "--run", "./sweep run chain; ./sweep run chain; exit 7")
        self.assertEqual(7, done.returncode, done.stdout)
        self.assertRegex(done.stdout, rf"{CHAIN[2]} fails when you run: \./sweep run chain")
        self.assertEqual(["ENOMEM", "0"], re.findall(r"(?m)^chain: (\w+)\r?$", done.stdout))
        self.assertRegex(done.stdout, r"(?m)^errpath: gdb's stub: gdb -ex 'target remote /")
        done = self.at(oops, "--run", "./sweep run chain")
        self.assertEqual(255, done.returncode, done.stdout)
        self.assertRegex(done.stdout, "errpath: the guest ended during the command: Kernel panic - "
                         "not syncing: errpath_alloc: lost on purpose")

    def test_leaks_are_named_by_their_stack(self) -> None:
        code, output, calls = self.sweep(
            "chain", "--k", "10", "--append",
            "ERRPATH_LOSE=1:object,2:page,3:object,4:page,5:object")
        self.assertEqual(1, code, output)
        leaks = {name: [finding["text"] for finding in call["findings"]]
                 for name, call in self.by_function(calls).items()}
        lost = ["slab.kmalloc-192 +1", "pages.unaccounted +1"]
        self.assertEqual({name: [f"leak: {lost[number % 2]}"]
                          for number, name in enumerate(CHAIN)}, leaks, output)

    def test_one_failure_shows_one_object_or_page(self) -> None:
        code, output, calls = self.sweep(
            "chain", "--append", "ERRPATH_LOSE=1:object,2:page,3:object,4:page,5:object")
        self.assertEqual(1, code, output)
        self.assertIn("each in a twin", output)
        lost = ["leak: slab.kmalloc-192 +1", "leak: pages.unaccounted +1"]
        self.assertEqual({name: [lost[number % 2]] for number, name in enumerate(CHAIN)},
                         {name: [finding["text"] for finding in call["findings"]]
                          for name, call in self.by_function(calls).items()}, output)

    def test_two_sweeps_agree(self) -> None:
        code, output, _ = self.sweep("chain", "--again")
        self.assertEqual(0, code, output)
        self.assertIn("first against second: 5 calls in both, 5 of them alike", output)

    def test_goes_on_after_an_interruption(self) -> None:
        records = self.results / LINE / "sweeps/chain/guest-1/sweep"
        with subprocess.Popen(self.command("chain"), stdout=subprocess.DEVNULL,
                              env={**os.environ, "JOBS": "1", "TWINS": "0"}) as run:
            while not records.is_file() or records.read_text().count('"judged"') < 2:
                self.assertIsNone(run.poll())
                time.sleep(0.1)
            run.send_signal(signal.SIGTERM)
        self.assertEqual(143, run.returncode)
        with unittest.mock.patch.dict(os.environ, TWINS="0"):
            code, output, calls = self.sweep("chain")
        self.assertEqual(0, code, output)
        self.assertIn("going on with", output)
        self.assertEqual({name: "handled" for name in CHAIN},
                         {name: call["outcome"] for name, call in self.by_function(calls).items()})
        second = [json.loads(line) for line in
                  (records.parent.parent / "guest-2/sweep").read_text().splitlines()]
        self.assertLess(sum(event["event"] == "judged" for event in second), len(CHAIN) - 1)


    def test_twins_go_on_after_an_interruption(self) -> None:
        sweeps = self.results / LINE / "sweeps/chain"
        with subprocess.Popen(self.command("chain"), stdout=subprocess.DEVNULL) as run:
            while len([hash_ for hash_ in self.judged_in(sweeps) if set(hash_) != {"0"}]) < 2:
                self.assertIsNone(run.poll())
                time.sleep(0.1)
            run.send_signal(signal.SIGTERM)
        self.assertEqual(143, run.returncode)
        before = {hash_ for hash_ in self.judged_in(sweeps) if set(hash_) != {"0"}}
        code, output, calls = self.sweep("chain")
        self.assertEqual(0, code, output)
        self.assertIn("going on with", output)
        self.assertIn(f"{len(CHAIN) - len(before)} calls to fail", output)
        self.assertEqual({name: "handled" for name in CHAIN},
                         {name: call["outcome"] for name, call in self.by_function(calls).items()})

    def judged_in(self, sweeps: Path) -> list[str]:
        """The calls that the guests of a sweep judged so far."""
        return [hash_ for records in sweeps.glob("guest-*/sweep")
                for hash_ in self.judged(records.parent)]

    def judged(self, guest: Path) -> list[str]:
        """The calls that a guest judged."""
        records = [json.loads(line) for line in (guest / "sweep").read_text().splitlines()]
        return [event["hash"] for event in records if event["event"] == "judged"]

    def test_two_guests_share_the_calls(self) -> None:
        done = subprocess.run(self.command("chain"), text=True, check=False,
                              env={**os.environ, "JOBS": "2", "TWINS": "0"},
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.assertEqual(0, done.returncode, done.stdout)
        self.report("chain", done.stdout)
        one, other = (self.judged(self.results / LINE / f"sweeps/chain/guest-{number}")
                      for number in (1, 2))
        self.assertTrue(one and other, done.stdout)
        self.assertEqual(len(CHAIN), len({*one, *other}))
        self.assertEqual(len(CHAIN), len(one) + len(other))


class NoPrompt(SweepTest):
    """SHELL=ID of what is no call of a sweep is one line."""

    def refused(self, prefix: str, *options: str) -> str:
        done = subprocess.run(self.command("chain", "--shell", prefix, *options), text=True,
                              check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
        self.assertEqual(125, done.returncode)
        self.assertEqual(1, done.stdout.count("\n"), done.stdout)
        return done.stdout

    def swept(self, *hashes: str) -> None:
        """Make the results of a sweep with these calls."""
        guest = self.results / LINE / "sweeps/chain/guest-1"
        guest.mkdir(parents=True)
        (guest.parent / "settings").write_text('["", ""]')
        (guest / "sweep").write_text("".join(
            json.dumps({**target(1, []), "hash": name}) + "\n" for name in hashes))

    def test_no_sweep(self) -> None:
        self.assertRegex(self.refused("1a"), "chain has no results: run the sweep without SHELL=")

    def test_wrong_id(self) -> None:
        self.swept("1a00", "1a01")
        self.assertRegex(self.refused("2b", "--run", "true"), "SHELL=2b: no calls of this sweep")
        self.assertRegex(self.refused("1a", "--run", "true"), "SHELL=1a: 2 calls of this sweep")
        self.assertRegex(self.refused("", "--run", "true"), "SHELL=: no calls of this sweep")

    def test_no_terminal(self) -> None:
        self.swept("1a00", "1a01")
        self.assertRegex(self.refused("1a00"), 'SHELL=ID needs a terminal; without one, CMD="..."')


class Lanes(unittest.TestCase):
    """A sweep is complete if the guests of all lanes ended, and had found the same targets."""

    def ended(self, *guests: tuple[str, str]) -> bool:
        """Whether a sweep is complete. GUESTS: lane, and survey or nothing, of each guest."""
        with tempfile.TemporaryDirectory() as directory:
            for number, (lane, survey) in enumerate(guests, 1):
                out = Path(directory, f"guest-{number}")
                out.mkdir()
                (out / "lane").write_text(lane)
                end = {"event": "end", "targets": 5, "survey": survey.zfill(16)}
                (out / "sweep").write_text(f"{json.dumps(end)}\n" if survey else "")
            kernel = cast(Kernel, types.SimpleNamespace(line="6.12", release="6.12.117"))
            return sweep.Sweep(kernel, [], Path(), "chain", Path(directory)).ended()

    def test_complete(self) -> None:
        self.assertTrue(self.ended(("0/1", "a")))
        self.assertTrue(self.ended(("0/2", "a"), ("1/2", "a")))
        self.assertTrue(self.ended(("0/2", ""), ("1/2", "a"), ("0/2", "a")))
        self.assertTrue(self.ended(("0/2", "a"), ("1/2", "b"), ("0/1", "c")))

    def test_not_complete(self) -> None:
        self.assertFalse(self.ended())
        self.assertFalse(self.ended(("0/2", "a")))
        self.assertFalse(self.ended(("0/2", "a"), ("1/2", "")))
        self.assertFalse(self.ended(("0/2", "a"), ("1/2", "b")))
        self.assertFalse(self.ended(("0/2", "a"), ("1/3", "a")))


def target(number: int, frames: list[str]) -> sweepproto.Target:
    return {"event": "target", "hash": str(number), "function": "kmalloc", "occurrence": 1,
            "request": "GFP_KERNEL,8",
            "first": "", "frames": frames}


class Lost(unittest.TestCase):
    """The event of a guest that did not run to its end."""

    BEGIN = "[    1.0] errpath: expect oops sweep.add.a<b#1: f.isra.0 BUG: NULL, address: 0+d0\n"
    INJECT = "[    1.5] errpath: inject alloc: kmalloc() fails, call 1, pid 1 (sweep), caller a\n"
    OOPS = ("[    2.0] BUG: NULL, address: 00d0\n[    2.1] Oops: 0000 [#1]\n"
            "[    2.2] RIP: 0010:f.isra.0+0x1/0x2\n[    2.3] RIP: 0010:panic+0x1/0x2\n")
    WARNING = "[    1.2] WARNING: CPU: 0 PID: 1 at a.c:1 g+0x1/0x2\n"

    def event(self, console: str, *records: Any, ending: str = "ended") -> sweepproto.Lost | None:
        """The event of a guest that had announced the call 1. RECORDS: further ones."""
        with tempfile.TemporaryDirectory() as directory:
            out = Path(directory)
            (out / "console").write_text(console)
            (out / "ending").write_text(ending)
            return sweep.lost(out, [target(1, []), *records])

    def lost(self, console: str, *records: Any, ending: str = "ended") -> sweepproto.Lost:
        event = self.event(console, *records, ending=ending)
        self.assertIsNotNone(event)
        return cast(sweepproto.Lost, event)

    def test_known_oops(self) -> None:
        lost = self.lost(self.BEGIN + self.INJECT + self.OOPS)
        self.assertEqual(("oops", "in f.isra.0(): BUG: NULL, address: 0+d0", True),
                         (lost["how"], lost["text"], lost["known"]))

    def test_known_panic(self) -> None:
        begin = "[    1.0] errpath: expect oops sweep.add.a#1: panic Kernel panic: stack of .*\n"
        console = begin + self.INJECT + "[    1.9] Kernel panic: stack of f\n"
        self.assertTrue(self.lost(console)["known"])
        self.assertFalse(self.lost(console.replace("of f", "off"))["known"])

    def test_any_other_oops(self) -> None:
        for console in (self.INJECT + self.OOPS,
                        self.BEGIN.replace("f.isra.0", "g") + self.INJECT + self.OOPS,
                        self.BEGIN.replace("0+d0", "0+") + self.INJECT + self.OOPS,
                        self.BEGIN + self.INJECT + self.WARNING + self.OOPS,
                        self.BEGIN + "[    1.1] errpath: expect no oops\n" + self.INJECT
                        + self.OOPS):
            lost = self.lost(console)
            self.assertEqual(("oops", False), (lost["how"], lost["known"]), console)

    def test_what_the_log_had_before_the_failure_is_not_charged(self) -> None:
        before = self.INJECT + self.WARNING + "[    1.3] BUG: Bad page state in process x\n"
        lost = self.lost(before + self.BEGIN + self.INJECT + self.OOPS)
        self.assertTrue(lost["known"])
        self.assertEqual([], lost["log"])

    def test_announced_lines_of_the_log_are_known(self) -> None:
        said = "[    1.1] errpath: expect begin sweep.add.a#0: WARNING: .* g\\+\n"
        for begin, known in ((said, True), (said.replace("g", "h"), False)):
            lost = self.lost(self.BEGIN + begin + self.INJECT + self.WARNING + self.OOPS)
            self.assertEqual(known, lost["known"])
            self.assertEqual(0 if known else 1, len(lost["log"]))

    def test_hang_and_broken(self) -> None:
        run = run_of()
        run["where"] = "[<0>] f+0x1/0x2"
        hang: sweepproto.Hang = {"event": "hang", "hash": "1", "run": run}
        console = self.BEGIN + self.INJECT + "[    1.9] BUG: Bad page state in process x\n"
        cases: tuple[tuple[tuple[Any, ...], str, str, bool], ...] = (
                ((hang,), "ended", "hang", False), ((), "hang", "hang", False),
                (({"event": "broken", "hash": "1", "result": "fail"},), "ended", "broken", False),
                (({"event": "broken", "hash": "1", "result": "xfail"},), "ended", "broken", True))
        for records, ending, how, known in cases:
            lost = self.lost(console, *records, ending=ending)
            self.assertEqual((how, known), (lost["how"], lost["known"]))

    def test_nobody_is_charged(self) -> None:
        self.assertIsNone(self.event(self.OOPS, {"event": "judged", "hash": "1"}))


def run_of(*steps: tuple[str, int], signal_: int = 0, wrong: str = "") -> sweepproto.Run:
    return {"steps": list(steps), "signal": signal_, "wrong": wrong, "where": ""}


class Repeats(unittest.TestCase):
    """How often a reproducer fails the call."""

    def times(self, text: str, settings: str = "") -> int:
        found = cast(sweepjson.Target, {"findings": [{"text": text, "known": False}]})
        return reproducer._times(found, settings)

    def test_little_leaks(self) -> None:
        self.assertEqual(10, self.times("leak: slab.kmalloc-192 +1"))
        self.assertEqual(10, self.times("leak: pages.unaccounted +1"))
        self.assertEqual(4, self.times("leak: slab.kmalloc-192 +1", "ERRPATH_K=4"))

    def test_others(self) -> None:
        self.assertEqual(1, self.times("leak: meminfo.DirectMap +262144 kB", "ERRPATH_K=4"))


class Reports(unittest.TestCase):
    START: sweepproto.Start = {"event": "start", "operation": "add", "what": "an add",
                               "point": "alloc", "scope": "stack:add", "skip": "",
                               "kernel": "6.12.117"}

    def one(self, run: sweepproto.Run, findings: Iterable[Finding] = (), result: str = "pass",
            again: Iterable[tuple[str, int]] = (("add", 0),)
            ) -> tuple[sweepreport.Report, sweepreport.Target]:
        """The report of a sweep with one target, and this target."""
        events: list[Any] = [
            self.START, target(1, ["inner+0x1/0x2", "add.isra.0+0x3/0x4", "main+0x5/0x6"]),
            {"event": "failed", "hash": "1", "fired": 1, "run": run},
            {"event": "again", "hash": "1", "run": run_of(*again)},
            {"event": "judged", "hash": "1", "result": result, "reason": "",
             "findings": [{"what": what, "difference": difference, "lasting": lasting,
                           "known": known} for what, difference, lasting, known in findings]},
            {"event": "end", "targets": 1, "survey": "0" * 16}]
        report = sweepreport.Report(events)
        return report, report.targets["1"]

    def test_outcomes(self) -> None:
        for run, outcome in ((run_of(("add", -12)), ("handled", "add ENOMEM")),
                             (run_of(("add", -17)), ("errno changed", "add EEXIST")),
                             (run_of(("add", 0), ("remove", 0)), ("swallowed", "")),
                             (run_of(("add", 0), signal_=7), ("killed", "signal 7")),
                             (run_of(("add", 0), wrong="data intact"), ("wrong", "data intact"))):
            self.assertEqual(outcome, self.one(run)[1].outcome())

    def test_stack_ends_with_the_operation(self) -> None:
        self.assertEqual(("inner", "add"), self.one(run_of(("add", -12)))[1].stack())

    def test_what_stays_is_reported_once(self) -> None:
        both = [("slab.a", 1, 0, 0), ("slab.a", 1, 1, 0), ("meminfo.DirectMap", 2, 0, 1)]
        found = self.one(run_of(("add", -12)), both, "fail")[1].findings()
        self.assertEqual([("leak: slab.a +1", False),
                          ("left until it succeeds again: meminfo.DirectMap +2 kB", True)], found)

    def test_no_success_afterwards_is_reported(self) -> None:
        found = self.one(run_of(("add", -12)), again=(("add", -17),))[1].findings()
        self.assertEqual([("does not succeed again: add EEXIST", False)], found)

    def test_a_sweep_that_was_cut_short_is_not_good(self) -> None:
        report, call = self.one(run_of(("add", -12)))
        self.assertTrue(report.good())
        report.ended = False
        self.assertFalse(report.good())
        report.ended = True
        assert call.judged
        call.judged["result"] = "fail"
        self.assertFalse(report.good())

    def test_a_sweep_that_failed_nothing_is_not_good(self) -> None:
        start: Any = {**self.START, "scope": ""}
        end: Any = {"event": "end", "targets": 0, "survey": "0" * 16}
        for under, first, said in (
                ("", start, "no allocation matches: the operation makes none that can be failed"),
                ("", self.START, "no allocation matches: the operation makes none below its scope, "
                 "stack:add"),
                ("typo", start, "no allocation matches ERRPATH_UNDER=typo: give functions that are")):
            report = sweepreport.Report([first, end])
            report.under = under
            self.assertFalse(report.good())
            self.assertIn(f"NOTHING FAILED: {said}", "\n".join(report.text()))
        elsewhere: Any = {**target(2, []), "event": "elsewhere"}
        report = sweepreport.Report([start, elsewhere, end])
        report.shard = "shard 1/2"
        self.assertTrue(report.good(), "another shard has the calls")
        self.assertNotIn("NOTHING FAILED", "\n".join(report.text()))

    def test_calls_that_were_not_reached_again(self) -> None:
        report, _ = self.one(run_of(("add", -12)))
        report.unreached = 2
        self.assertIn("  2 calls were found once, and not again: they were not failed",
                      [*report.text()])
        self.assertTrue(report.good())
        report.targets.clear()
        self.assertFalse(report.good())
        self.assertIn("NOTHING FAILED: the 2 allocations", "\n".join(report.text()))

    def test_a_sweep_whose_calls_did_not_fire_is_not_good(self) -> None:
        report, call = self.one(run_of(("add", 0)))
        self.assertTrue(report.good())
        assert call.failed
        call.failed["fired"] = 0
        self.assertFalse(report.good())
        self.assertIn("NOTHING FAILED: the 1 allocations that were to fail were not reached again",
                      "\n".join(report.text()))
        report.elsewhere["2"] = report.targets["1"]
        self.assertTrue(report.good(), "another shard can have failed its calls")

    def test_a_sweep_that_is_unavailable_is_no_result(self) -> None:
        skipped = sweepreport.Report([self.START, {"event": "unavailable", "why": "no device"}])
        self.assertFalse(skipped.good())
        done, _ = self.one(run_of(("add", -12)))
        cases: list[tuple[list[sweepreport.Report], bool, bool]] = [
            ([skipped], False, False), ([skipped], True, False), ([skipped, skipped], True, False),
            ([skipped, done], True, True), ([skipped, done], False, False), ([done], False, True),
            ([], True, False)]
        for reports, skips, good in cases:
            self.assertEqual(good, sweepreport.all_good(reports, skips), (reports, skips))

    def test_log_lines_of_all_kernels(self) -> None:
        for text, line in (
                ("WARNING: CPU: 0 PID: 12 at lib/refcount.c:28 refcount_warn+0xbe/0x110",
                 "WARNING: at lib/refcount.c refcount_warn"),
                ("WARNING: lib/refcount.c:28 at refcount_warn+0x1/0x2, CPU#1: sweep/12",
                 "WARNING: lib/refcount.c at refcount_warn")):
            self.assertEqual(line, sweepreport.log_line(text))

    def test_differences(self) -> None:
        one, _ = self.one(run_of(("add", -12)))
        other, call = self.one(run_of(("add", -17)))
        self.assertEqual(["6.12.117 against 6.12.117: 1 calls in both, 1 of them alike"],
                         [*sweepreport.differences(one, one)])
        self.assertEqual(["first against second: 1 calls in both, 0 of them alike",
                          "inner < add #1", "    first: handled (add ENOMEM)",
                          "    second: errno changed (add EEXIST)"],
                         [*sweepreport.differences(one, other, ("first", "second"))])
        call.occurrence = 2
        self.assertEqual(3, len([*sweepreport.differences(one, other)]))

    def test_stacks_are_compared_by_what_both_kernels_have(self) -> None:
        one, call = self.one(run_of(("add", -12)))
        other, again = self.one(run_of(("add", -12)))
        call.frames = ["page_noprof+0x1/0x2", "asks+0x1/0x2", "inner+0x1/0x2", "add+0x3/0x4"]
        again.frames = ["asks+0x2/0x3", "new+0x5/0x6", "inner+0x1/0x2", "add+0x3/0x4"]
        self.assertRegex([*sweepreport.differences(one, other)][0], "1 calls in both, 1 of them")
        again.frames[0] = "asks_too+0x2/0x3"
        self.assertRegex([*sweepreport.differences(one, other)][0], "0 calls in both")

    def test_how_often_a_stack_occurs_is_no_difference(self) -> None:
        one, _ = self.one(run_of(("add", -12)))
        other, call = self.one(run_of(("add", -12)))
        call.occurrence = 2
        self.assertEqual(1, len([*sweepreport.differences(one, other)]))
        call.frames = ["elsewhere+0x1/0x2", "add+0x3/0x4"]
        self.assertEqual(3, len([*sweepreport.differences(one, other)]))

    def test_stacks_that_differ_by_offsets_are_all_compared(self) -> None:
        def twice(err: int) -> sweepreport.Report:
            report, call = self.one(run_of(("add", -12)))
            events: list[sweepproto.Event] = [
                self.START, target(2, ["inner+0x9/0xa", "add+0x3/0x4"]),
                {"event": "failed", "hash": "2", "fired": 1, "run": run_of(("add", err))}]
            report.targets["2"] = sweepreport.Report(events).targets["2"]
            return report
        self.assertEqual(1, len([*sweepreport.differences(twice(-12), twice(-12))]))
        self.assertEqual(4, len([*sweepreport.differences(twice(-12), twice(-17))]))

    def test_all_formats_are_written(self) -> None:
        report, _ = self.one(run_of(("add", -12)), [("slab.<a>", 1, 1, 0)], "fail")
        with tempfile.TemporaryDirectory() as directory:
            report.write(Path(directory))
            page = Path(directory, "report.html").read_text()
            self.assertIn("slab.&lt;a&gt; +1", page)
            self.assertNotIn("<a>", page)
            self.assertFalse(json.loads(Path(directory, "report.json").read_text())
                             ["targets"][0]["good"])
            self.assertIn("FOUND: ", Path(directory, "report.txt").read_text())

    def reproduced(self, findings: Iterable[Finding], *output: str,
                   times: int = 1) -> str | None:
        """What a script did not show of FINDINGS that had this OUTPUT; None if nothing."""
        report, _ = self.one(run_of(("add", -12)), findings, "fail")
        found = reproducer.chosen(report.as_json())["reproduce-1"]
        self.assertIn(f"seq {times})", reproducer.script(report.as_json(), found, times))
        with tempfile.TemporaryDirectory() as directory:
            out = Path(directory)
            (out / "ktap").write_text("# x\n" + "".join(f"# {line}\n" for line in output))
            for name in ("console", "kmsg"):
                (out / name).write_text("")
            return reproducer.shown(found, out, "ended", times)

    def test_reproducer_must_move_what_the_sweep_saw_move(self) -> None:
        leak = [("slab.a", 1, 1, 0)]
        for failing, last, shown in (("failing 1a:1", 11, True), ("failing 1a:1", 10, False),
                                     ("failing :1", 11, False)):
            why = self.reproduced(leak, failing, "before slab.a 10", f"lasting slab.a {last}")
            self.assertEqual(shown, why is None, why)

    def test_reproducer_repeats_what_is_too_little_at_once(self) -> None:
        leak = [("slab.a", 1, 1, 0)]
        for last, shown in ((110, True), (59, False)):
            why = self.reproduced(leak, "failing 1a:1", "before slab.a 10",
                                  f"lasting slab.a {last}", times=100)
            self.assertEqual(shown, why is None, why)

    def test_unknown_operation(self) -> None:
        with self.assertRaisesRegex(Failure, "add_memory"):
            sweep.known("no_such")


if __name__ == "__main__":
    unittest.main()
