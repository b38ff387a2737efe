# SPDX-License-Identifier: GPL-2.0
"""The closing block of a run, and the progress while it runs."""

import contextlib
import io
import tempfile
import threading
import unittest
from collections.abc import Generator
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

from host import closing, known, runner
from host.ktap import Result
from host.progress import Progress, Watch

BUGS = {bug: known.Bug(bug, ("6.1+",), reason, "open", (), ()) for bug, reason in (
    ("map-left", "a failed add leaves the map"),
    ("unchecked", "init() does not check its table"))}


def block(*results: Result) -> list[str]:
    return closing.block("6.12: Linux", "evidence: here", results, BUGS)


def xfail(name: str, reason: str) -> Result:
    return Result(name, "xfail", reason)


class Block(unittest.TestCase):
    def test_bugs_in_words(self) -> None:
        lines = block(xfail("prog.add.one", "known: [map-left] meminfo.DirectMap +2048 once"),
                      xfail("prog.add.two", "known: [map-left] meminfo.DirectMap +4096 once; "
                            "[map-left] errno retry EEXIST"),
                      xfail("oops.dimm.table", "known: [unchecked] oops in init_pud(): BUG: NULL"))
        self.assertEqual(["6.12: Linux", "known bugs that this kernel has "
                          "(selftests/KNOWN-BUGS.md describes them):", "  map-left: a failed add leaves the map (2 tests)",
                          "  unchecked: init() does not check its table (1 test)",
                          "evidence: here", "3 passed, 0 failed, 0 skipped"], lines)

    def test_without_names(self) -> None:
        lines = block(xfail("prog.a", "known: x +1 once; kmsg WARNING: .*"))
        self.assertEqual(["  x +1 once (1 test)", "  kmsg WARNING: .* (1 test)"], lines[2:4])

    def test_skips_are_counted_by_reason(self) -> None:
        lines = block(*(Result(f"a.{n}", "skip", "no THP") for n in range(63)),
                      Result("b", "skip", "no BPF"))
        self.assertEqual(["no known bug was found in this kernel", "skipped 63 tests: no THP",
                          "skipped 1 test: no BPF"], lines[1:4])

    def test_ten_lines(self) -> None:
        results = [*(xfail(f"a.{n}", f"known: [bug-{n}] x") for n in range(20)),
                   *(Result(f"b.{n}", "skip", f"no {n}") for n in range(20)),
                   Result("c", "LOST", "hang"), Result("d", "pass", "FIXED in this kernel: x")]
        lines = block(*results)
        self.assertEqual(10, len(lines))
        self.assertIn("  and 19 bugs more: see summary", lines)
        self.assertIn("  and 19 reasons more: see summary", lines)
        self.assertEqual("21 passed, 1 failed, 20 skipped", lines[-1])
        self.assertGreater(len(closing.block("", "", results, {}, 1000)), 40)

    def test_failures_may_be_new_bugs(self) -> None:
        failed = Result("a", "fail", "leak", ("one", "two"))
        self.assertIn("the failures above may be new ones", block(failed)[1])
        self.assertEqual(["  FAIL   a  leak", "           one", "           two"],
                         closing.failures([failed, Result("b", "pass", "")]))


class Programs(unittest.TestCase):
    """A line as each program ends."""

    def setUp(self) -> None:
        self.out = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.printed = self.enterContext(contextlib.redirect_stdout(io.StringIO()))
        self.progress = Progress()
        self.progress.expect(3)
        self.watch = Watch(self.progress, "6.12")
        (self.out / "ktap").touch()
        self.watch.boots(self.out, ["one", "two", "three"])

    def guest_writes(self, text: str) -> None:
        with (self.out / "ktap").open("a", encoding="utf-8") as file:
            file.write(text)
        self.watch.look()

    def lines(self) -> list[str]:
        return self.printed.getvalue().splitlines()

    def test_ends(self) -> None:
        self.guest_writes("ok 1 load errpath.ko\n## begin one\n# ok 1 a\n# not ok 2 b\n# ok 1 one\n")
        self.assertEqual([], self.lines())	# a program cannot fake its end
        self.guest_writes("not ok 2 o")
        self.guest_writes("ne # exit=1\n## begin two\nok 3 two\n")
        self.assertRegex(self.lines()[0],
                         r"^errpath: 6\.12: one: 3 tests, 1 FAILED, \d+ s \(1 of 3 programs done\)$")
        self.assertRegex(self.lines()[1], r"two: no tests, \d+ s \(2 of 3")

    def test_lost(self) -> None:
        self.guest_writes("## begin one\n")
        self.watch.ends(Result("one", "LOST", "hang"))
        self.watch.over()
        self.assertRegex(self.lines()[0], r"one: guest LOST, \d+ s \(1 of 3")
        self.assertRegex(self.lines()[1], r"did not run: three two \(3 of 3")


class FakeSession:
    """A session that runs until it is stopped; or that ends once another one runs."""

    def __init__(self, behind: "FakeSession | None" = None, error: str = "") -> None:
        self.behind, self.error, self.begun = behind, error, threading.Event()
        self.stopped = False

    def run(self, stop: threading.Event, _: Watch) -> None:
        self.begun.set()
        if not self.behind:
            self.stopped = stop.wait(30)
            return
        self.behind.begun.wait(30)
        if self.error:
            raise ValueError(self.error)


class Scheduled(unittest.TestCase):
    """Lines run side by side, and none is left behind."""

    def setUp(self) -> None:
        self.out = Path(self.enterContext(tempfile.TemporaryDirectory()))

    def run_lines(self, **sessions: list[FakeSession]) -> Generator[runner.Run, None, None]:
        def prepare(run: runner.Run, *_: object) -> None:
            run.sessions = sessions[run.line]	# type: ignore[assignment]
            run.unavailable = None if run.sessions else "gone"

        self.enterContext(mock.patch.object(runner.Run, "prepare", prepare))
        self.enterContext(mock.patch.object(runner.Run, "collect", lambda run: None))
        scheduler = runner.Scheduler(SimpleNamespace(results=self.out),	# type: ignore[arg-type]
                                     Progress(lines=False))
        return scheduler.run(self.out, {line: {"it": "1"} for line in sessions}, 1)

    def test_unavailable_lines_come_last(self) -> None:
        first = FakeSession()
        first.begun.set()
        runs = list(self.run_lines(gone=[], good=[FakeSession(behind=first)]))
        self.assertEqual(["good", "gone"], [run.line for run in runs])

    def test_interrupted(self) -> None:
        endless = FakeSession()
        runs = self.run_lines(good=[FakeSession(behind=endless)], endless=[endless])
        self.assertEqual("good", next(runs).line)
        runs.close()
        self.assertTrue(endless.stopped)

    def test_error_stops_all(self) -> None:
        endless = FakeSession()
        with self.assertRaisesRegex(ValueError, "broken"):
            list(self.run_lines(bad=[FakeSession(endless, "broken")], endless=[endless]))
        self.assertTrue(endless.stopped)
