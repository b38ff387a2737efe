# SPDX-License-Identifier: GPL-2.0
"""The reports of the matrix: table, KTAP and JUnit; and lines that cannot run."""

import unittest
import xml.etree.ElementTree as xml
from pathlib import Path

from host import archive, matrix
from host.ktap import Result
from host.runner import Run


def run(line: str, *results: Result, unavailable: str | None = None) -> Run:
    one = Run(line, Path())
    one.title, one.seconds = f"{line}: Linux", 3
    one.results, one.unavailable = list(results), unavailable
    return one


RUNS = [run("one", Result("prog.a", "pass", ""), Result("prog.b", "xfail", "known: x +1")),
        run("two", Result("prog.a", "fail", "it & that", ("said so",)),
            Result("prog.b", "skip", "none here"), Result("guest", "LOST", "hang"))]


class Reports(unittest.TestCase):
    def test_table(self) -> None:
        lines = [line.split() for line in matrix.table(RUNS)]
        self.assertEqual([["one", "two"], ["prog.a", "ok", "FAIL"], ["prog.b", "xfail", "skip"],
                          ["guest", "-", "LOST"]], lines[:4])
        self.assertIn(["FAIL", "prog.a", "it", "&", "that"], lines)
        self.assertIn(["said", "so"], lines)
        self.assertNotIn(["pass", "prog.a"], lines)

    def test_ktap(self) -> None:
        text = "\n".join(matrix.ktap(RUNS))
        self.assertIn("KTAP version 1\n1..2\n# Subtest: one\n    KTAP version 1\n    1..2\n"
                      "    ok 1 prog.a\n    ok 2 prog.b # XFAIL known: x +1\nok 1 one\n", text)
        self.assertIn("    # said so\n    not ok 1 prog.a # it & that\n", text)
        self.assertIn("    ok 2 prog.b # SKIP none here\n    not ok 3 guest # LOST hang\n"
                      "not ok 2 two", text)

    def test_junit(self) -> None:
        suites = xml.fromstring(matrix.junit(RUNS))
        one, two = suites
        self.assertEqual({"name": "two", "tests": "3", "failures": "1", "errors": "1",
                          "skipped": "1", "time": "3"}, two.attrib)
        self.assertEqual("said so", two.findtext("testcase[@name='a']/failure"))
        self.assertEqual(["hang"], [error.get("message") for error in
                                    two.findall("testcase[@name='guest']/error")])
        self.assertEqual("one.prog", one[0].get("classname"))

    def test_junit_of_a_module(self) -> None:
        suite, = xml.fromstring(matrix.junit([run("one", Result("load errpath.ko", "pass", ""))]))
        self.assertEqual(("one.guest", "load errpath.ko"),
                         (suite[0].get("classname"), suite[0].get("name")))


class Unavailable(unittest.TestCase):
    ROWS = {line: archive.Row(line, "suite", "release", need, "*")
            for line, need in (("must", "required"), ("may", "optional"))}

    def outcome(self, line: str) -> str:
        result = matrix.unavailable(run(line, unavailable="the suite is gone"), self.ROWS)
        self.assertEqual("the suite is gone", result.reason)
        return result.outcome

    def test_required(self) -> None:
        self.assertEqual("fail", self.outcome("must"))

    def test_optional(self) -> None:
        self.assertEqual("skip", self.outcome("may"))

    def test_users_own(self) -> None:
        self.assertEqual("fail", self.outcome("user"))
