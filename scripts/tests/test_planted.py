# SPDX-License-Identifier: GPL-2.0
"""Which reports of a sweep count as the planted leak, and which do not."""

import re
import unittest
from typing import Any

from host import archive, planted, sweep, sweepreport

ROW = planted.Row("busted-it", "add", 0, re.compile("<two<"), [re.compile(r"leak: slab\.a \+1")])
Finding = tuple[str, int, int, int]
Call = tuple[tuple[str, ...], list[Finding]]	# functions of the frames, and findings
LEAK = ("slab.a", 1, 1, 0)


def report(*calls: Call, ended: bool = True) -> sweepreport.Report:
    """Return the report of a sweep that failed these calls."""
    events: list[Any] = [{"event": "start", "operation": "add", "what": "", "scope": "", "kernel": "1"}]
    for number, (frames, findings) in enumerate(calls):
        run = {"steps": [["add", -12]], "signal": 0, "wrong": ""}
        unknown = any(not known for *_, known in findings)
        events += [
            {"event": "target", "hash": str(number), "function": "kmalloc", "occurrence": 1,
             "request": "GFP_KERNEL,8",
             "first": "", "frames": [f"{name}+0x1/0x2" for name in frames]},
            {"event": "failed", "hash": str(number), "fired": 1, "run": run},
            {"event": "judged", "hash": str(number), "reason": "",
             "result": "fail" if unknown else "pass", "findings":
             [{"what": what, "difference": difference, "lasting": lasting, "known": known}
              for what, difference, lasting, known in findings]}]
    return sweepreport.Report(events + [{"event": "end"}] * ended)


class Planted(unittest.TestCase):
    def problems(self, *calls: Call, ended: bool = True) -> list[str]:
        return [*planted.problems(ROW, report(*calls, ended=ended))]

    def test_just_that(self) -> None:
        known = ("meminfo.DirectMap", 2, 0, 1)
        self.assertEqual([], self.problems((("two", "three"), [known, LEAK]), (("three",), [known])))

    def test_not_found(self) -> None:
        nothing: list[Finding] = []
        for findings in (nothing, [("slab.a", 1, 1, 1)], [("slab.a", 1, 0, 0)]):
            found = self.problems((("two", "three"), [LEAK]), (("one", "two", "three"), findings))
            self.assertRegex("\n".join(found), r"^not found: .*: kmalloc<one<two<three")

    def test_found_elsewhere(self) -> None:
        found = self.problems((("two", "three"), [LEAK]), (("three",), [LEAK]))
        self.assertEqual(["found too: leak: slab.a +1: kmalloc<three"], found)

    def test_found_too(self) -> None:
        found = self.problems((("two", "three"), [LEAK, ("slab.b", 1, 1, 0)]))
        self.assertEqual(["found too: leak: slab.b +1: kmalloc<two<three"], found)

    def test_of_the_same_counter(self) -> None:
        found = self.problems((("two", "three"), [LEAK, ("slab.a", 7, 8, 0)]))
        self.assertEqual([], found)
        found = self.problems((("two", "three"), [("slab.a", 7, 8, 0)]))
        self.assertRegex(found[0], "^not found: ")
        self.assertEqual(["found too: leak: slab.a +7: kmalloc<two<three"], found[1:])

    def test_two_of_each(self) -> None:
        row = ROW._replace(findings=[*ROW.findings, re.compile(r"leak: slab\.b \+[12]")])
        for losses, wanted in (([LEAK, ("slab.b", 2, 2, 0)], []),
                               ([LEAK], [r"not found: leak: slab\.b \+[12]: kmalloc<two<three"])):
            found = [*planted.problems(row, report((("two", "three"), losses)))]
            self.assertEqual(wanted, found)

    def test_no_such_stack(self) -> None:
        self.assertEqual(["no stack is like <two<"], self.problems((("three",), [])))

    def test_no_end(self) -> None:
        found = self.problems((("two", "three"), [LEAK]), ended=False)
        self.assertEqual(["the sweep has no end"], found)


class Rows(unittest.TestCase):
    def test_each_names_a_kernel_and_an_operation(self) -> None:
        rows = [*planted.rows()]
        self.assertLessEqual(5, len(rows))
        for row in rows:
            archive.row_of(row.line)
            sweep.known(row.operation)
