# SPDX-License-Identifier: GPL-2.0
"""The closing block of a run, and the progress while it runs."""

import contextlib
import io
import tempfile
import threading
import time
import unittest
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

from host import arch, build, closing, common, known, runner, session
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
                            "[map-left] errno retry EEXIST; or not"),
                      xfail("oops.dimm.table", "known: [unchecked] oops in init_pud(): BUG: NULL"))
        self.assertEqual(["6.12: Linux", "known bugs that this kernel has "
                          "(selftests/KNOWN-BUGS.md describes them):", "  map-left: a failed add leaves the map (2 tests)",
                          "  unchecked: init() does not check its table (1 test)",
                          "evidence: here", "3 passed, 0 failed, 0 skipped"], lines)

    def test_without_names(self) -> None:
        lines = block(xfail("prog.a", "known: x +1 once; kmsg WARNING: .*"))
        self.assertEqual(["  x +1 once (1 test)", "  kmsg WARNING: .* (1 test)"], lines[2:4])

    def test_without_reasons(self) -> None:
        lines = block(xfail("prog.a", ""), Result("b", "skip", ""))
        self.assertEqual(["  no reason given (1 test)", "skipped 1 test: no reason given"],
                         lines[2:4])

    def test_skips_are_counted_by_reason(self) -> None:
        lines = block(Result("b", "skip", "no BPF"),
                      *(Result(f"a.{n}", "skip", "no THP") for n in range(63)))
        self.assertEqual(["no known bug was found in this kernel", "skipped 63 tests: no THP",
                          "skipped 1 test: no BPF"], lines[1:4])

    def test_ten_lines(self) -> None:
        results = [*(xfail(f"a.{n}", f"known: [bug-{n}] x") for n in range(20)),
                   *(Result(f"b.{n}", "skip", f"no {n}") for n in range(20)),
                   Result("c", "LOST", "hang"), Result("d", "pass", "FIXED in this kernel: x")]
        lines = block(*results)
        self.assertEqual(10, len(lines))
        self.assertEqual(["  bug-0: x (1 test)", "  and 19 bugs more: see summary"], lines[2:4])
        self.assertIn("  and 19 reasons more: see summary", lines)
        self.assertEqual("21 passed, 1 failed, 20 skipped", lines[-1])
        self.assertGreater(len(closing.block("", "", results, {}, 1000)), 40)

    def test_all_that_fits(self) -> None:
        bugs = [xfail(f"a.{n}", f"known: [bug-{n}] x") for n in range(6)]
        lines = block(*bugs)
        self.assertEqual([f"  bug-{n}: x (1 test)" for n in range(6)], lines[2:8])
        self.assertEqual(10, len(block(*bugs, xfail("a", "known: [bug] x"))))
        lines = block(*bugs[:5], Result("b", "skip", "no THP"))
        self.assertEqual(["  bug-4: x (1 test)", "skipped 1 test: no THP"], lines[6:8])

    def test_failures_may_be_new_bugs(self) -> None:
        failed = Result("a", "fail", "leak", ("one", "two"))
        lost = Result("c", "LOST", "hang")
        for result in (failed, lost):
            self.assertIn("the failures above may be new ones", block(result)[1])
        self.assertEqual(["  FAIL   a  leak", "           one", "           two",
                          "  LOST   c  hang"],
                         closing.failures([failed, Result("b", "pass", ""), lost,
                                           Result("d", "skip", ""), xfail("e", "")]))


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

    def guest_writes(self, text: str, look: bool = True) -> None:
        with (self.out / "ktap").open("a", encoding="latin-1") as file:
            file.write(text)
        if look:
            self.watch.look()

    def lines(self) -> list[str]:
        return self.printed.getvalue().splitlines()

    def test_ends(self) -> None:
        self.guest_writes("ok 1 load errpath.ko\n## begin one\n# ok 1 a\n# not ok 2 \xff\n# ok 1 one\n")
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

    def test_lost_behind_a_program(self) -> None:
        self.guest_writes("## begin one\n")
        self.guest_writes("ok 1 one\n", look=False)
        self.watch.ends(Result("one", "LOST", "hang"))
        self.assertEqual(1, len(self.lines()))
        self.assertRegex(self.lines()[0], "one: no tests")

    def test_expected_oops(self) -> None:
        self.guest_writes("## begin one\n")
        self.watch.ends(xfail("one", "known: oops"))
        self.assertRegex(self.lines()[0], "one: ended its guest")

    def test_next_guest(self) -> None:
        self.guest_writes("## begin one\n" + 9 * "# ok 1 a\n")
        self.watch.ends(Result("one", "LOST", "hang"))
        (self.out / "ktap").write_text("")
        self.watch.boots(self.out, ["two", "three"])
        self.guest_writes("## begin two\n# ok 1 a\nok 1 two\n## begin three\nok 2 three\n")
        self.watch.over()
        self.assertRegex(self.lines()[1], r"two: 1 tests, \d+ s \(2 of 3")
        self.assertRegex(self.lines()[2], r"three: no tests, \d+ s \(3 of 3")
        self.assertEqual(3, len(self.lines()))

    def test_what_did_not_run_is_in_order(self) -> None:
        self.watch.boots(self.out, "ihgfedcba")
        self.watch.over()
        self.assertRegex(self.lines()[0], "did not run: a b c d e f g h i ")

    def test_lines_are_not_wanted(self) -> None:
        self.watch = Watch(Progress(lines=False), "6.12")
        self.watch.boots(self.out, ["one"])
        self.guest_writes("## begin one\nok 1 one\n")
        self.assertEqual([], self.lines())


class Terminal(unittest.TestCase):
    """A status line that is replaced."""

    def test_status(self) -> None:
        out = Path(self.enterContext(tempfile.TemporaryDirectory()))
        shown: list[str] = []
        self.enterContext(mock.patch.object(common, "status", shown.append))
        self.enterContext(mock.patch("sys.stdout.isatty", lambda: True))
        printed = self.enterContext(mock.patch.object(common, "say"))
        progress = Progress()
        progress.expect(2)
        watches = [Watch(progress, name) for name in ("one", "two")]
        for watch, text in zip(watches, ("## begin a\nok 1 a\n", "## begin b\n")):
            watch.boots(out, text.split()[2])
            (out / "ktap").write_text(text)
            watch.look()
            (out / "ktap").write_text(text + "# ok 1 c\n")
            watch.look()
            watch.over()
        progress.close()
        self.assertEqual(["0 of 2 programs done; one: boots", "0 of 2 programs done; one: a",
                          "1 of 2 programs done", "1 of 2 programs done; two: boots",
                          "1 of 2 programs done; two: b", "1 of 2 programs done", ""], shown)
        printed.assert_not_called()


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


class Meter:
    """How many do something at the same time, at most."""

    def __init__(self) -> None:
        self._lock, self._now, self.most = threading.Lock(), 0, 0

    def run(self, *_: object) -> None:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
        time.sleep(0.05)	# others that may begin do so meanwhile
        with self._lock:
            self._now -= 1


Sessions = Sequence[FakeSession | Meter]


class Scheduled(unittest.TestCase):
    """Lines run side by side, and none is left behind."""

    def setUp(self) -> None:
        self.out = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.progress = mock.create_autospec(Progress, instance=True)
        self.prepared: list[str] = []
        self.collected: list[str] = []

    def run_lines(self, preparing: Callable[[], object] = lambda: None, last: bool = True,
                  **sessions: Sessions) -> Generator[runner.Run, None, None]:
        def prepare(run: runner.Run, *_: object) -> None:
            self.prepared.append(run.line)
            preparing()
            run.sessions = sessions[run.line]	# type: ignore[assignment]
            run.unavailable = None if run.sessions else "gone"

        self.enterContext(mock.patch.object(runner.Run, "prepare", prepare))
        self.enterContext(mock.patch.object(runner.Run, "collect",
                                            lambda run: self.collected.append(run.line)))
        scheduler = runner.Scheduler(SimpleNamespace(results=self.out),	# type: ignore[arg-type]
                                     self.progress)
        installed: "Future[Path]" = Future()
        installed.set_result(self.out)
        return scheduler.run({arch.X86: installed},
                             {line: {"it": "1", "too": "1"} for line in sessions}, 1, last)

    def test_unavailable_lines_come_last(self) -> None:
        first = FakeSession()
        first.begun.set()
        runs = list(self.run_lines(gone=[], good=[FakeSession(behind=first)]))
        self.assertEqual(["good", "gone"], [run.line for run in runs])
        self.assertEqual(["good"], self.collected)
        self.assertEqual({0, 2}, {call.args[0] for call in self.progress.expect.mock_calls})
        self.progress.close.assert_called_once_with()

    def test_unavailable_lines_come_at_once(self) -> None:
        """So that others are not waited for."""
        endless = FakeSession()
        runs = self.run_lines(last=False, gone=[], endless=[endless])
        self.assertEqual("gone", next(runs).line)
        runs.close()
        self.assertTrue(endless.stopped or not endless.begun.is_set())

    def test_interrupted(self) -> None:
        endless = FakeSession()
        runs = self.run_lines(good=[FakeSession(behind=endless)], endless=[endless])
        self.assertEqual("good", next(runs).line)
        runs.close()
        self.assertTrue(endless.stopped)
        self.progress.close.assert_called_once_with()

    def test_interrupted_before_a_line_is_prepared(self) -> None:
        self.enterContext(mock.patch.object(build, "JOBS", "1"))
        interrupted = threading.Event()
        good = FakeSession()
        good.begun.set()
        runs = self.run_lines(lambda: "second" in self.prepared and interrupted.wait(30),
                              first=[FakeSession(behind=good)], second=[], third=[])
        self.assertEqual("first", next(runs).line)
        threading.Timer(0.1, interrupted.set).start()
        runs.close()
        self.assertEqual(["first", "second"], self.prepared)

    def test_error_stops_all(self) -> None:
        endless = FakeSession()
        with self.assertRaisesRegex(ValueError, "broken"):
            list(self.run_lines(bad=[FakeSession(endless, "broken")], endless=[endless]))
        self.assertTrue(endless.stopped)

    def test_not_more_than_the_machine_can_take(self) -> None:
        self.enterContext(mock.patch.object(build, "JOBS", "1"))
        lines, guests = Meter(), Meter()
        runs = self.run_lines(lines.run, one=[guests, guests], two=[guests, guests], three=[guests])
        self.assertEqual(3, len(list(runs)))
        self.assertEqual((1, 2), (lines.most, guests.most))

    def test_names_of_guests(self) -> None:
        run = runner.Run("6.12", self.out)
        for sessions, names in ((["a"], ["6.12"]), (["a", "b"], ["6.12, guest 1", "6.12, guest 2"])):
            run.sessions = sessions	# type: ignore[assignment]
            self.assertEqual(names, [name for name, _ in runner._named(run)])
