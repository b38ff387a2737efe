# SPDX-License-Identifier: GPL-2.0
"""The table of the matrix, and lines that cannot run."""

import re
import runpy
import tempfile
import unittest
import xml.etree.ElementTree as xml
from pathlib import Path
from unittest import mock

from host import arch, archive, common, known, matrix, matrixhtml, runner, shard, sweepreport
from host.common import SCRIPTS
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

    def test_an_interrupted_run_leaves_no_older_results(self) -> None:
        directory = Path(self.enterContext(tempfile.TemporaryDirectory()))
        matrix.write(directory, RUNS, "table")
        shard.write(directory, "matrix", {}, shard.Shard(1, 2), [])
        (directory / "kept").write_text("of another program")
        self.assertTrue({"summary", "ktap", "junit.xml", "results.json", "index.html",
                         "shard.json", "kept"} <= {file.name for file in directory.iterdir()})
        matrix.clear(directory)
        self.assertEqual(["kept"], [file.name for file in directory.iterdir()])

    def test_the_matrix_clears_before_it_runs(self) -> None:
        directory = Path(self.enterContext(tempfile.TemporaryDirectory()))
        matrix.write(directory / "matrix", RUNS, "table")
        with mock.patch.object(common, "main"):
            program = runpy.run_path(str(SCRIPTS / "matrix"))
        with (mock.patch.object(runner, "run", side_effect=KeyboardInterrupt),
              self.assertRaises(KeyboardInterrupt)):
            program["main"](["6.12", "--results", str(directory)])
        self.assertEqual([], [*(directory / "matrix").iterdir()])


class Page(unittest.TestCase):
    """The page is well-formed, shows all results, and loads nothing."""

    def setUp(self) -> None:
        self.directory = Path(self.enterContext(tempfile.TemporaryDirectory()))

    def page(self, runs: list[Run]) -> str:
        return "\n".join(matrixhtml.page(runs, self.directory / "matrix", self.directory))

    def test_results(self) -> None:
        page = self.page(RUNS)
        for cell in ("<td class='good' title=''>ok</td>", "<td class='bad' title='it &amp; that'>FAIL</td>",
                     "<td class='bad'>1 failed, 1 skipped</td>", "<td class='known'>1 ok, 1 xfail</td>",
                     "<td class='bad' title='hang'>LOST</td>"):
            self.assertIn(cell, page)

    def test_no_external_resource(self) -> None:
        (self.directory / "cost.svg").write_text("<?xml version='1.0'?><svg><text>x</text></svg>")
        page = self.page(RUNS)
        self.assertIn("<svg><text>x</text></svg>", page)
        self.assertNotRegex(page, r"(src|srcset)=|@import|url\(|<link|<script|href='(http|//)")

    def test_well_formed(self) -> None:
        page = self.page(RUNS).partition("<body>")[2].partition("</body>")[0]
        xml.fromstring(f"<body>{page}</body>")

    def test_bugs_link_to_the_manual(self) -> None:
        bug = next(iter(known.bugs()))
        page = self.page([run("one", Result("prog.a", "xfail", f"known: [{bug}] x +1"))])
        href = re.search(r"<a href='(.*)#" + re.escape(bug), page)
        assert href
        manual = (self.directory / "matrix" / href[1]).resolve()
        self.assertRegex(manual.read_text(encoding="utf-8"), rf"(?m)^### {bug}$")

    def test_sweeps(self) -> None:
        out = self.directory / "6.12/sweeps/chain"
        out.mkdir(parents=True)
        report = sweepreport.Report([])
        report.start = {**sweepreport.NO_START, "operation": "chain"}	# type: ignore[misc]
        report.write(out)
        self.assertRegex(self.page(RUNS), r"<a href='\.\./6\.12/sweeps/chain/report\.html'>chain</a>"
                         r"</td><td>6\.12</td>\n?<td> <span class='bad'>not complete")


class Unavailable(unittest.TestCase):
    ROWS = {line: archive.Row(line, "suite", arch.X86, "release", need, "*")
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
