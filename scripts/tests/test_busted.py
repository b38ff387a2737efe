# SPDX-License-Identifier: GPL-2.0
"""Which results of a busted kernel pass, and which do not."""

import re
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from host import archive, built, busted, changes
from host.common import Failure
from host.ktap import Result
from host.runner import Run

ROW = busted.Row("busted-it", "small", "busted-it", "prog", [
    busted.Red("prog.a*", re.compile("page: .* -1 unexplained")),
    busted.Red("prog.b", re.compile("Expected"))])
RED = (Result("prog.a1", "fail", "it", ("page: 1 before, 0 after: -1 unexplained",)),
       Result("prog.b", "fail", "b.c:1: Expected 0 (0) == 1 (1)"))
GREEN = (Result("prog.c", "pass", ""), Result("prog.d", "xfail", "known"))


def judged(*results: Result, unavailable: str | None = None) -> tuple[str, str]:
    run = Run(ROW.line, Path())
    run.results, run.unavailable = list(results), unavailable
    result = busted.judge(ROW, run)
    return result.outcome, " ".join((result.reason, *result.detail))


class Judged(unittest.TestCase):
    def refused(self, pattern: str, *results: Result, unavailable: str | None = None) -> None:
        outcome, why = judged(*results, unavailable=unavailable)
        self.assertEqual("fail", outcome)
        self.assertRegex(why, pattern)

    def test_just_these(self) -> None:
        self.assertEqual(("pass", "2 red, such as prog.a1"), judged(*RED, *GREEN))

    def test_green(self) -> None:
        self.refused("does not fail with 'page.*: prog.a.*does not fail .*: prog.b", *GREEN)

    def test_one_is_missing(self) -> None:
        self.refused("does not fail with 'Expected': prog.b", RED[0], *GREEN)

    def test_one_too_many(self) -> None:
        self.refused("fails too: prog.c: x", *RED, Result("prog.c", "fail", "x"))

    def test_another_difference(self) -> None:
        self.refused("fails too: prog.a2: .*", *RED, Result("prog.a2", "fail", "it", ("-2",)))

    def test_lost(self) -> None:
        self.refused("LOST prog.e: hang", *RED, Result("prog.e", "LOST", "hang"))

    def test_lost_instead(self) -> None:
        self.refused("LOST prog.b: hang", RED[0], Result("prog.b", "LOST", "hang, Expected"))

    def test_skipped_instead(self) -> None:
        self.refused("does not fail .*: prog.b", RED[0], Result("prog.b", "skip", "Expected"))

    def test_not_built(self) -> None:
        self.refused("make failed", unavailable="make failed")


class Rows(unittest.TestCase):
    def test_each_names_a_test(self) -> None:
        rows = busted.rows()
        self.assertLessEqual(16, len(rows))
        for row in rows.values():
            self.assertTrue(row.red, row.line)
            archive.row_of(row.line)

    def test_second_line(self) -> None:
        row = busted.rows()["accounting-small-arm64"]
        self.assertEqual(("busted-accounting-small-arm64", "small-arm64", "busted-accounting"),
                         row[:3])
        built_row = archive.row_of(row.line)
        assert isinstance(built_row, built.Row)
        self.assertEqual((["busted-accounting"], "arm64"), (built_row.changes, built_row.arch.name))

    def test_modules_of_the_base_fit(self) -> None:
        """No header changes."""
        for row in busted.rows().values():
            for script in changes.scripts(row.change):
                names = script.read_text(encoding="utf-8").splitlines()[0].split()[1:]
                self.assertEqual([], [name for name in names if not name.endswith(".c")], script)


class Table(unittest.TestCase):
    """A table of this test."""

    def rows(self, text: str) -> dict[str, list[str]]:
        directory = Path(self.enterContext(tempfile.TemporaryDirectory()))
        (directory / "kernels").mkdir()
        (directory / "kernels/busted.conf").write_text("-near prog\n" + text, encoding="utf-8")
        with mock.patch.object(busted, "SCRIPTS", directory):
            return {name: [red.regexp.pattern for red in row.red]
                    for name, row in busted.rows().items()}

    def test_each_line_has_its_tests(self) -> None:
        self.assertEqual({"it": ["all of it", "one"], "it-b": ["all of it"], "other": ["x"]},
                         self.rows("it a,b near\n\tprog.* all of it\n\t@a prog.* one\n"
                                   "other a near\n\tprog.* x\n"))

    def test_no_such_line(self) -> None:
        with self.assertRaisesRegex(Failure, "busted.conf: @c: the row above has no such line"):
            self.rows("it a,b near\n\t@c prog.* one\n")
