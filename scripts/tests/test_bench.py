# SPDX-License-Identifier: GPL-2.0
"""Costs that a guest printed: how they are parsed, judged, and shown as table and plot."""

import math
import re
import tempfile
import unittest
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from host import costs, guest, plot
from host.common import ROOT, Failure

OUTPUT = """## begin bench
# bench ftrace none not-loaded 16
# bench ftrace hook empty 55
# bench ftrace errpath disarmed 16
# bench ftrace errpath task-mismatch 64
# bench ftrace fail_function task-mismatch 256
# bench tasks errpath 1 64
# bench tasks errpath 60 80
# bench: tasks: an error, not a cost
ok 1 bench
"""
SVG = "{http://www.w3.org/2000/svg}"


class Parser(unittest.TestCase):
    def test_lines(self) -> None:
        self.assertEqual({"ftrace": {"none": {"not-loaded": 16}, "hook": {"empty": 55},
                                     "errpath": {"disarmed": 16, "task-mismatch": 64},
                                     "fail_function": {"task-mismatch": 256}},
                          "tasks": {"errpath": {"1": 64, "60": 80}}}, costs.parse(OUTPUT))

    def test_a_cost_is_printed_only_once(self) -> None:
        with self.assertRaisesRegex(Failure, "ftrace none not-loaded twice"):
            costs.parse(OUTPUT + "# bench ftrace none not-loaded 17\n")


class Bars(unittest.TestCase):
    def missed(self, row: str, line: str = "6.12") -> list[str]:
        """Return what a table of one row finds in OUTPUT."""
        with tempfile.TemporaryDirectory() as directory:
            conf = Path(directory) / "bench.conf"
            conf.write_text(f"# comment\n{row}\n", encoding="utf-8")
            return costs.missed(costs.bars(line, conf), costs.parse(OUTPUT))

    def test_limits(self) -> None:
        """Each limit is tried with the cost itself, and with what is just below."""
        for met, other in (("64", "63"),
                           ("hook:empty + 9", "hook:empty + 8"),
                           ("none:not-loaded + 48", "none:not-loaded + 47.5"),
                           ("fail_function:task-mismatch / 4", "fail_function:task-mismatch / 4.1"),
                           ("errpath:task-mismatch", "errpath:disarmed")):
            with self.subTest(met):
                self.assertEqual([], self.missed(f"6.12 ftrace errpath task-mismatch <= {met}"))
                self.assertEqual(1, len(self.missed(f"6.12 ftrace errpath task-mismatch <= {other}")))

    def test_equal(self) -> None:
        row = "* ftrace errpath {} == none:not-loaded"
        self.assertEqual([], self.missed(row.format("disarmed")))
        self.assertEqual(1, len(self.missed(row.format("task-mismatch"))))
        self.assertEqual(1, len(self.missed("* ftrace none not-loaded == hook:empty")))

    def test_line_says_all(self) -> None:
        self.assertEqual(["ftrace errpath task-mismatch: 64, which is not <= 63"],
                         self.missed("6.12 ftrace errpath task-mismatch <= 63"))
        self.assertEqual(["ftrace errpath task-mismatch: 64, which is not <= 51.2 "
                          "(fail_function:task-mismatch / 5)"],
                         self.missed("* ftrace errpath task-mismatch <= fail_function:task-mismatch / 5"))

    def test_what_was_not_measured_is_missed(self) -> None:
        for row in ("* page errpath injecting <= 1", "* ftrace bpf injecting <= 1",
                    "* ftrace errpath injecting <= 1", "* ftrace errpath disarmed <= bpf:disarmed",
                    "* ftrace errpath disarmed <= errpath:injecting"):
            with self.subTest(row):
                self.assertRegex(self.missed(row)[0], "not measured")

    def test_lines(self) -> None:
        row = "6.12* ftrace errpath task-mismatch <= 1"
        self.assertEqual([1, 1, 0], [len(self.missed(row, line)) for line in
                                     ("6.12", "6.12-rt", "6.1")])

    def test_wrong_rows(self) -> None:
        for row in ("6.12 ftrace errpath <= 80", "6.12 ftrace errpath injecting < 80",
                    "6.12 ftrace errpath injecting <= 80 + 1", "6.12 ftrace errpath injecting <= few",
                    "6.12 ftrace errpath injecting <= hook:empty + ",
                    "6.12 ftrace errpath injecting <= hook:empty - 1"):
            with self.subTest(row), self.assertRaisesRegex(Failure, "bench.conf: not a bar: 6.12"):
                self.missed(row)

    def test_names_are_those_of_the_program(self) -> None:
        """Each subject, injector and case of bench.conf is a string in its source."""
        source = "".join(file.read_text(encoding="utf-8")
                         for file in (ROOT / "selftests/costs").glob("*.c"))
        rows = {*costs.bars("6.12"), *costs.bars("peers")}
        self.assertLess(10, len(rows))
        for bar in rows:
            for name in (bar.subject, bar.injector, bar.case, *(bar.other or ())):
                with self.subTest(name):
                    self.assertIn(f'"{name}"', source)


class Table(unittest.TestCase):
    def rows(self) -> Iterator[list[str]]:
        """Yield the words of each line."""
        return map(str.split, costs.table("6.12: a title", costs.parse(OUTPUT)))

    def test_costs_and_ratios(self) -> None:
        rows = list(self.rows())
        self.assertEqual(["6.12:", "a", "title"], rows[0])
        self.assertIn(["ftrace,", "instructions", "none", "hook", "errpath", "fail_function"], rows)
        self.assertIn(["not-loaded", "16", "x", "1", "-", "-", "-"], rows)
        self.assertIn(["task-mismatch", "-", "-", "64", "x", "4", "256", "x", "16"], rows)

    def test_growth(self) -> None:
        self.assertIn(["tasks,", "instructions", "errpath", "1:", "64", "60:", "80"],
                      list(self.rows()))

    def test_comparison(self) -> None:
        self.assertIn(["ftrace:", "fail_function", "/", "errpath", "task-mismatch", "4"],
                      list(self.rows()))

    def test_order_of_cases(self) -> None:
        self.assertEqual(["not-loaded", "disarmed", "injecting", "else"], costs.cases(
            {"errpath": {"injecting": 1, "else": 1}, "none": {"disarmed": 1, "not-loaded": 1}}))

    def test_time(self) -> None:
        table = costs.table("", costs.parse("# bench alloc errpath arming 5\n"))
        self.assertEqual(["alloc,", "ns", "errpath"], list(table)[1].split())


class Plot(unittest.TestCase):
    def setUp(self) -> None:
        self.found = costs.parse(OUTPUT)
        self.page = ElementTree.fromstring(plot.svg("a < b", self.found))

    def widen(self) -> None:
        """Draw the plot with one count that is much greater than the others."""
        self.found["ftrace"]["fail_function"]["task-mismatch"] = 16 ** 4
        self.page = ElementTree.fromstring(plot.svg("", self.found))

    def texts(self) -> list[str]:
        return [text.text or "" for text in self.page.iter(f"{SVG}text")]

    def bars(self, injector: str) -> list[float]:
        """Return the lengths of an injector's bars, without its sample in the legend."""
        return [float(bar.get("width", "")) for bar in self.page.iter(f"{SVG}rect")
                if bar.get("fill") == plot.COLOURS[injector]][1:]

    def test_a_bar_for_each_count(self) -> None:
        self.assertEqual([1, 1, 2, 1], [len(self.bars(name)) for name in
                                        ("none", "hook", "errpath", "fail_function")])

    def test_length_is_the_count(self) -> None:
        """20 times the smallest count are not exceeded, so the scale is linear."""
        self.assertAlmostEqual(16, self.bars("fail_function")[0] / self.bars("none")[0], places=1)

    def test_scale_is_logarithmic_if_counts_differ_much(self) -> None:
        self.widen()
        self.assertAlmostEqual(4, self.bars("fail_function")[0] / self.bars("none")[0], places=1)
        longest = (plot.WIDTH - plot.LEFT - plot.RIGHT) * math.log(16 ** 4, 10 ** 5)
        self.assertAlmostEqual(longest, self.bars("fail_function")[0], places=1)

    def test_texts(self) -> None:
        for text in ("a < b", "16 (x 1)", "256 (x 16)", "task-mismatch", "fail_function"):
            with self.subTest(text):
                self.assertIn(text, self.texts())

    def test_growth_is_a_line(self) -> None:
        (line,) = self.page.iter(f"{SVG}polyline")
        (x1, y1), (x2, y2) = [map(float, point.split(",")) for point
                              in line.get("points", "").split()]
        self.assertLess(x1, x2)
        self.assertLess(y2, y1)	# 80 is above 64

    def check_page(self) -> None:
        """Everything is on the page."""
        width, height = float(self.page.get("width", "")), float(self.page.get("height", ""))
        for element in self.page.iter():
            for name, most in (("x", width), ("y", height), ("cy", height), ("y2", height)):
                with self.subTest(element.tag, name=name):
                    self.assertTrue(0 <= float(element.get(name, "0")) <= most)

    def test_page_is_large_enough(self) -> None:
        self.check_page()
        self.widen()
        self.check_page()


class Guests(unittest.TestCase):
    def test_number_of_cpus(self) -> None:
        """The name of an icount accelerator ends with its CPUs."""
        for name, words in guest.ICOUNT.items():
            self.assertEqual(re.sub(r"icount\b", "icount1", name), "icount" + words[-1])


if __name__ == "__main__":
    unittest.main()
