# SPDX-License-Identifier: GPL-2.0
"""No program disappears: each one that was asked for has a result, whatever its guest does."""

import os
import tempfile
import unittest
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

from host import examine, guest, load, runner, session, template, verdict
from host.common import Failure
from host.ktap import Result

NAMES = ("one", "two", "three")
END = "errpath: end of log\n"


def ran(name: str) -> str:
    return f"## begin {name}\nok 1 {name}\n"


class Fake:
    """A guest that leaves a text on its port ktap, and then ends as ENDING says."""

    def __init__(self, out: Path, text: str, ending: str | Failure = "ended",
                 status: str = "") -> None:
        self.ending, self.started, self.spoke = ending, 0.0, 0.0
        for name, content in (("ktap", text), ("status", status), ("console", ""),
                              ("kmsg", END if status else "")):
            (out / name).write_text(content, encoding="utf-8")

    def poll(self) -> str:
        if isinstance(self.ending, Failure):
            raise self.ending
        return self.ending

    def end(self) -> None:
        pass


class Programs(unittest.TestCase):
    def setUp(self) -> None:
        self.out = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.ran: list[list[str]] = []	# the programs of each guest

    def run_guests(self, *guests: Sequence[object]) -> dict[str, str]:
        """Run the programs in guests like these; returns outcomes by name of the result."""
        kernel = SimpleNamespace(line="6.12", slow=1, must=[])
        one = session.Session(kernel, [], Path(), dict.fromkeys(NAMES, 9),	# type: ignore[arg-type]
                              self.out)
        ways = iter(guests)

        def boot(programs: Mapping[str, int], out: Path) -> Fake:
            self.ran.append(list(programs))
            out.mkdir(parents=True, exist_ok=True)
            return Fake(out, *next(ways))	# type: ignore[arg-type]

        with mock.patch.object(one, "_boot", boot):
            results = one.run()
        self.assertFalse(verdict.good(results) and len(guests) > 1, results)
        return {result.name: result.outcome for result in results if result.name in NAMES}

    def test_all_well(self) -> None:
        self.assertEqual(dict.fromkeys(NAMES, "pass"),
                         self.run_guests(["".join(map(ran, NAMES)), "ended", "0\n"]))

    def test_lost_during_a_program(self) -> None:
        self.assertEqual({"one": "pass", "two": "LOST", "three": "pass"}, self.run_guests(
            [ran("one") + "## begin two\n"], [ran("three"), "ended", "0\n"]))
        self.assertEqual([list(NAMES), ["three"]], self.ran)

    def test_lost_between_programs(self) -> None:
        self.assertEqual(dict.fromkeys(NAMES, "pass"), self.run_guests(
            [ran("one")], [ran("two") + ran("three"), "ended", "0\n"]))
        self.assertEqual([list(NAMES), ["two", "three"]], self.ran)

    def test_init_gives_up(self) -> None:
        said = ran("one") + "## begin two\nBail out! the program cannot be killed\n"
        self.assertEqual({"one": "pass", "two": "LOST", "three": "pass"}, self.run_guests(
            [said, "ended", "1\n"], [ran("three"), "ended", "0\n"]))

    def test_init_gives_up_and_cannot_end(self) -> None:
        said = ran("one") + "## begin two\nBail out! the program cannot be killed\n"
        self.assertEqual({"one": "pass", "two": "LOST", "three": "pass"}, self.run_guests(
            [said, "hang", "hang\n"], [ran("three"), "ended", "0\n"]))

    def test_qemu_dies(self) -> None:
        self.assertEqual({"one": "pass", "two": "LOST", "three": "pass"}, self.run_guests(
            [ran("one") + "## begin two\n", Failure("qemu failed")],
            [ran("three"), "ended", "0\n"]))

    def test_no_guest_boots(self) -> None:
        self.assertEqual(dict.fromkeys(NAMES, "LOST"),
                         self.run_guests(["", "silent"], ["", "silent"]))

    def test_there_is_no_guest(self) -> None:
        with mock.patch.object(Fake, "__init__", side_effect=Failure("no image")):
            self.assertEqual(dict.fromkeys(NAMES, "LOST"), self.run_guests(["", ""]))


class Results(unittest.TestCase):
    def test_of_a_guest_that_hangs(self) -> None:
        with tempfile.TemporaryDirectory() as directory:
            out = Path(directory)
            Fake(out, "## begin two\nBail out! the program cannot be killed\n", "hang", "hang\n")
            (out / examine.TASKS).write_text(f"{examine.HANGS}two (D) in f < g\n", encoding="ascii")
            results, _ = verdict.judge(out, "hang", NAMES, [])
        self.assertEqual([("two", "LOST", "hang, during two: gave up: the program cannot be killed; "
                           "two (D) in f < g")],
                         [(result.name, result.outcome, result.reason) for result in results])

    def test_each_lost_guest_counts(self) -> None:
        lost = Result("guest", "LOST", "silent")
        load_ = Result("load errpath.ko", "pass", "")
        self.assertEqual([load_, lost, lost], runner.merged([load_, lost, load_, lost]))

    def test_none_are_not_good(self) -> None:
        self.assertFalse(verdict.good([]))

    def test_of_earlier_runs_are_removed(self) -> None:
        with tempfile.TemporaryDirectory() as directory:
            out = Path(directory)
            for name in ("summary", "junit.xml", "ktap", "output", "counters", "initramfs",
                         "one+two/ktap", "guest/after-one/ktap", "guest/ktap", "zero-guest/ktap",
                         "sweeps/fork/guest-1/ktap"):
                (out / name).parent.mkdir(parents=True, exist_ok=True)
                (out / name).touch()
            runner.Run("6.12", out).clear()
            left = sorted(str(file.relative_to(out)) for file in out.rglob("*") if file.is_file())
        self.assertEqual(["initramfs", "sweeps/fork/guest-1/ktap", "zero-guest/ktap"], left)


class Boot(unittest.TestCase):
    """The limit of a boot follows the load of the machine."""

    def setUp(self) -> None:
        self.processors = len(os.sched_getaffinity(0))

    def at_load(self, each: float) -> "mock._patch[mock.MagicMock]":
        """Patch the load for each processor."""
        return mock.patch("os.getloadavg", return_value=(each * self.processors, 0.0, 0.0))

    def test_of_a_guest(self) -> None:
        with (tempfile.TemporaryDirectory() as directory,
              mock.patch.object(guest, "Host") as host,
              mock.patch.object(examine, "examine")):
            host.return_value.start.return_value.poll.return_value = None
            one = guest.Guest([], Path(directory), 5, 60)
            for each, seconds, ending in ((0.5, 59, None), (3, 179, None), (3, 181, "silent"),
                                          (0.5, 61, "silent")):
                with (self.subTest(each=each, seconds=seconds), self.at_load(each),
                      mock.patch("time.monotonic", return_value=one.started + seconds)):
                    self.assertEqual(ending, one.poll())
            # A guest that gives up does not get the rest of its time.
            for name, content in ("ktap", b"Bail out!\n"), ("status", guest.GAVE_UP):
                (one.out / name).write_bytes(content)
            self.assertEqual("hang", one.poll())

    def test_of_a_template(self) -> None:
        with tempfile.TemporaryDirectory() as directory, self.at_load(4):
            Path(directory, template.INIT.file).touch()
            process = mock.Mock(poll=mock.Mock(return_value=None))
            with (mock.patch("time.monotonic", side_effect=[0, 39, 41, 42]),
                  mock.patch("time.sleep"),
                  self.assertRaisesRegex(Failure, "within 42 s .load")):
                template._boot(process, template.INIT, Path(directory), 10)

    def test_text(self) -> None:
        with self.at_load(2):
            self.assertEqual(f"load {2.0 * self.processors:.1f} on {self.processors} processors",
                             load.text())


if __name__ == "__main__":
    unittest.main()
