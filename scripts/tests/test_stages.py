# SPDX-License-Identifier: GPL-2.0
"""The stages of a run: what is recorded, and where the table of them is shown."""

import os
import tempfile
import threading
import unittest
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest import mock

from host import runner, stages
from host.ktap import Result
from host.stages import Stage, Stages


class Recorded(unittest.TestCase):
    def setUp(self) -> None:
        self.now = 100.0
        self.stages = Stages(lambda: self.now)

    def test_begin_and_end(self) -> None:
        self.now = 101
        with self.stages.stage("building"):
            self.now = 103.5
        self.assertEqual([Stage("building", "", 101, 103.5)], self.stages.merged("6.12"))

    def test_stage_that_fails(self) -> None:
        with self.assertRaises(ValueError), self.stages.stage("building"):
            self.now = 102
            raise ValueError
        self.assertEqual([Stage("building", "", 100, 102)], self.stages.merged(""))

    def test_several_guests_are_one_stage(self) -> None:
        for begin, end in ((105, 108), (103, 106), (104, 107)):
            self.stages.record("booting", begin, end, "6.12")
        self.assertEqual([Stage("booting", "6.12", 103, 108)], self.stages.merged("6.12"))

    def test_by_begin(self) -> None:
        for name, begin in (("c", 103), ("a", 101), ("b", 102)):
            self.stages.record(name, begin, 110)
        self.assertEqual(["a", "b", "c"], [one.name for one in self.stages.merged("6.12")])

    def test_not_those_of_other_lines(self) -> None:
        for line in ("6.12", "6.1", ""):
            self.stages.record(f"of {line or 'all'}", 100, 101, line)
        self.assertEqual(["of 6.12", "of all"], [one.name for one in self.stages.merged("6.12")])

    def test_threads(self) -> None:
        """Stages that overlap in time do not disturb each other."""
        together = threading.Barrier(8)

        def work(number: int) -> None:
            with self.stages.stage(f"thread {number}"):
                together.wait(30)

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(work, range(8)))
        self.assertEqual({f"thread {number}" for number in range(8)},
                         {one.name for one in self.stages.merged("")})

    def test_table(self) -> None:
        self.stages.record("running programs", 112.25, 140, "6.12")
        self.stages.record("booting", 104, 112.3, "6.12")
        self.assertEqual(["stage              begins  seconds",
                          "booting               4.0      8.3",
                          "running programs     12.2     27.8"], self.stages.table("6.12"))

    def test_no_stage_no_table(self) -> None:
        self.assertEqual([], self.stages.table("6.12"))


class Shown(unittest.TestCase):
    """A run writes the table to its summary, and prints it with V=1."""

    def setUp(self) -> None:
        self.enterContext(mock.patch.object(stages, "table", lambda line: [f"stages of {line}"]))
        self.run_ = runner.Run("6.12", Path(self.enterContext(tempfile.TemporaryDirectory())))
        self.run_.results = [Result("prog.a", "pass", "")]

    def shown(self, value: str) -> list[str]:
        with mock.patch.dict(os.environ, {"V": value}):
            return self.run_.shown()

    def test_with_v(self) -> None:
        shown = self.shown("1")
        self.assertEqual(["stages of 6.12", ""], shown[-2:])
        self.assertRegex("\n".join(shown[:-2]), "pass +prog.a")

    def test_without_v(self) -> None:
        self.assertEqual([], self.shown("0"))

    def test_summary(self) -> None:
        self.run_.report()
        summary = (self.run_.out / "summary").read_text(encoding="utf-8").splitlines()
        after = summary.index("stages of 6.12")
        self.assertEqual(["", *self.run_.closing()], summary[after + 1:])
