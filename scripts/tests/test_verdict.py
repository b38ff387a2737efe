# SPDX-License-Identifier: GPL-2.0
"""Results and verdicts, made of the files that guests leave."""

import tempfile
import unittest
from collections.abc import Sequence
from pathlib import Path

from host import ktap, oops, verdict
from host.ktap import Result

LOG = "<12>[    3.000000] errpath: end of log\n"
HARNESS = """\
KTAP version 1
ok 1 load errpath.ko
## begin prog
# TAP version 13
# 1..4
# # Starting 4 tests from 1 test cases.
# #  RUN           f.good ...
# #            OK  f.good
# ok 1 f.good
# #  RUN           f.bad ...
# # it leaked 7
# # prog.c:12:bad:Expected 1 (1) == 2 (2)
# # bad: Test failed
# #          FAIL  f.bad
# not ok 2 f.bad
# ok 3 f.none # SKIP no such thing
# ok 4 f.known # XFAIL known: it leaks
# # FAILED: 3 / 4 tests passed.
not ok 2 prog # exit=1
1..2
"""


def program(*lines: str, exit_line: str = "ok 1 prog") -> str:
    said = "".join(f"# {line}\n" for line in lines)
    return f"KTAP version 1\n## begin prog\n{said}{exit_line}\n1..1\n"


class Results(unittest.TestCase):
    def one(self, *lines: str, exit_line: str = "ok 1 prog") -> Result:
        return ktap.parse(program(*lines, exit_line=exit_line))[0][-1]

    def test_harness(self) -> None:
        results, running = ktap.parse(HARNESS)
        self.assertIsNone(running)
        self.assertEqual([
            ("load errpath.ko", "pass", ""),
            ("prog.f.good", "pass", ""),
            ("prog.f.bad", "fail", "prog.c:12:bad:Expected 1 (1) == 2 (2)"),
            ("prog.f.none", "skip", "no such thing"),
            ("prog.f.known", "xfail", "known: it leaks")], [result[:3] for result in results])
        self.assertEqual(("it leaked 7", "prog.c:12:bad:Expected 1 (1) == 2 (2)",
                          "bad: Test failed"), results[2].detail)

    def test_crash_behind_passed_tests_is_a_failure(self) -> None:
        self.assertEqual(("prog", "fail", "killed by signal 11", ("last words",)),
                         self.one("ok 1 a", "last words",
                                  exit_line="not ok 1 prog # killed by signal 11"))

    def test_exit_0_does_not_hide_a_failed_test(self) -> None:
        self.assertEqual(("prog.a", "fail"), self.one("not ok 1 a")[:2])

    def test_fewer_results_than_planned_are_a_failure(self) -> None:
        for exit_line in ("ok 1 prog", "ok 1 prog # SKIP", "ok 1 prog # XFAIL"):
            self.assertEqual(("prog", "fail", "planned 2 tests, reported 1"),
                             self.one("1..2", "ok 1 a", exit_line=exit_line)[:3])

    def test_header_is_no_detail(self) -> None:
        self.assertEqual(("it leaks",), ktap.parse(program("TAP version 13", "it leaks",
                                                           "not ok 1 a"))[0][0].detail)

    def test_skipped_program_has_its_reason(self) -> None:
        self.assertEqual(("prog", "skip", "no hotplug", ()),
                         self.one("1..0 # SKIP no hotplug", exit_line="ok 1 prog # SKIP"))

    def test_fixed_known_issue_is_reported(self) -> None:
        self.assertEqual("FIXED in this kernel: f.a: x",
                         self.one("# FIXED in this kernel: f.a: x", "ok 1 f.a").reason)

    def test_a_program_cannot_fake_the_results_of_another(self) -> None:
        results, _ = ktap.parse(program("## begin other", "ok 1 other"))
        self.assertEqual(["prog.other"], [result.name for result in results])


class Judge(unittest.TestCase):
    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.out = Path(directory.name)
        self.leave()

    def leave(self, text: str = program(), status: str = "0\n", kmsg: str = LOG,
              console: str = "") -> None:
        for name, content in (("ktap", text), ("status", status), ("kmsg", kmsg),
                              ("console", console)):
            (self.out / name).write_text(content)

    def judge(self, ending: str = "ended", must: Sequence[str] = ("*",),
              programs: Sequence[str] = ("prog",)) -> tuple[list[Result], bool]:
        results, self.lost_during = verdict.judge(self.out, ending, programs, must)
        return results, verdict.good(results)

    def lost(self, ending: str = "ended", **left: str) -> str:
        self.leave(**{"status": "", "kmsg": "", **left})
        results, good = self.judge(ending)
        self.assertFalse(good)
        self.assertEqual("LOST", results[-1].outcome)
        return results[-1].reason

    def test_all_well(self) -> None:
        self.assertTrue(self.judge()[1])

    def test_must_not_skip(self) -> None:
        self.leave(program(exit_line="ok 1 prog # SKIP"))
        self.assertFalse(self.judge()[1])

    def test_may_skip(self) -> None:
        self.leave(program(exit_line="ok 1 prog # SKIP"))
        self.assertTrue(self.judge(must=("*", "!prog"))[1])

    def test_one_test_may_skip_its_program_must_not(self) -> None:
        self.leave(program("ok 1 a", "ok 2 b # SKIP why"))
        self.assertTrue(self.judge(must=("prog*", "!prog.b"))[1])
        self.assertFalse(self.judge(must=("prog*", "!prog.a"))[1])

    def test_absent_program(self) -> None:
        self.assertFalse(self.judge(programs=("prog", "other"))[1])

    def test_dirty_log(self) -> None:
        self.leave(kmsg="<4>[    1.000000] WARNING: CPU: 0 PID: 1 at f.c:1\n" + LOG)
        self.assertFalse(self.judge()[1])

    def test_known_leaks(self) -> None:
        said = ("unreferenced object 0x1 (size 192):", "pci_devices_present_work+0x96e/0x16c0")
        known = "".join(f"# {line}\n" for line in said)
        text = f"{program()}## begin kmemleak\n{known}not ok 2 kmemleak # leaked objects\n"
        self.leave(text)
        self.assertTrue(self.judge()[1])
        self.leave(text.replace("pci_", "other_"))
        self.assertFalse(self.judge()[1])

    def test_log_that_ends_early(self) -> None:
        self.leave(kmsg="<4>[    1.000000] all well\n")
        self.assertFalse(self.judge()[1])

    def test_lost_without_status(self) -> None:
        self.assertIn("no status", self.lost())
        self.assertIn("no status", self.lost(status="garbage\n"))

    def test_lost_silent(self) -> None:
        self.assertIn("silent", self.lost(text="", ending="silent"))

    def test_lost_in_a_hang_names_the_program(self) -> None:
        self.assertIn("hang, during prog", self.lost(text="## begin prog\n", ending="hang"))

    def test_hang_behind_the_status_is_lost_too(self) -> None:
        self.assertIn("hang, outside", self.lost(status="0\n", kmsg=LOG, ending="hang"))

    def test_lost_in_an_oops_has_its_first_line(self) -> None:
        self.assertIn("oops, during prog: BUG: unable to handle",
                      self.lost(text="## begin prog\n",
                                console="[ 3.1] BUG: unable to handle\n[ 3.2] Oops: 0000\n"))

    def oops(self, announced: str = "prog.f.a: f.isra.0 BUG: unable to .*", before: str = "",
             then: str = "", running: str = "prog", function: str = "f.isra.0",
             plan: int = 2) -> tuple[Result, bool]:
        """Return the result of a guest that ended in an oops, and whether the run is good."""
        said = f"errpath: expect oops {announced}"
        self.leave(text=f"## begin {running}\n# 1..{plan}\n# ok 1 f.first\n", status="",
                   kmsg=f"<4>[    1.0] {said}\n<1>[    1.1] BUG: unable to handle\n",
                   console=f"{before}[    1.0] {said}\n{then}[    1.1] BUG: unable to handle\n"
                           f"[    1.2] Oops: 0000 [#1]\n[    1.3] RIP: 0010:{function}+0x1/0x2\n"
                           "[    1.4] RIP: 0010:panic+0x1/0x2\n")
        results, good = self.judge()
        return results[-1], good

    def test_announced_oops_is_known(self) -> None:
        result, good = self.oops()
        self.assertEqual(("prog.f.a", "xfail", "known: oops in f.isra.0(): BUG: unable to handle"),
                         result[:3])
        self.assertTrue(good)
        self.assertEqual("prog", self.lost_during)

    def test_oops_of_arm64(self) -> None:
        """As Debian's arm64 kernels print them."""
        bug = ["[    1.1] kernel BUG at arch/arm64/mm/mmu.c:470!",
               "[    1.2] Internal error: Oops - BUG: 00000000f2000800 [#1] SMP",
               "[    1.3] pc : __pgd_pgtable_alloc+0x94/0xa0", "[    1.4] lr : f+0x1/0x2"]
        self.assertEqual("__pgd_pgtable_alloc", oops.function(bug))
        self.assertEqual("kernel BUG at arch/arm64/mm/mmu.c:470!", oops.first_line(bug))
        fault = ["[    1.1] Unable to handle kernel NULL pointer dereference at virtual address 0",
                 "[    1.2] pc : g+0x1/0x2"]
        self.assertEqual((["[ 1.0] before"], fault), oops.split("\n".join(["[ 1.0] before", *fault])))
        self.assertEqual("g", oops.function(fault))

    def test_known_oops_names_its_bug(self) -> None:
        result, _ = self.oops("direct_map_dimm.direct_map.page_table_fails: phys_pmd_init BUG: .*",
                              running="direct_map_dimm", function="phys_pmd_init")
        self.assertEqual("known: [direct-map-table-unchecked] oops in phys_pmd_init(): "
                         "BUG: unable to handle", result.reason)

    def test_skip_before_an_oops_is_no_less_a_skip(self) -> None:
        self.leave(text="## begin prog\n# 1..2\n# ok 1 f.first # SKIP why\n", status="")
        self.assertEqual("must not skip here: why", self.judge()[0][0].reason)
        self.assertEqual("skip", self.judge(must=())[0][0].outcome)

    def test_any_other_oops_is_lost(self) -> None:
        for result, good in (
                self.oops(function="g"), self.oops("prog.f.a: f.isra.0 BUG: unable"),
                self.oops("prog.f.a: f.isra.0 Oops: 0000"), self.oops(running="other"),
                self.oops(then="[    1.1] errpath: expect no oops\n"),
                self.oops(then="[    1.1] general protection fault\n")):
            self.assertEqual("LOST", result.outcome, result.reason)
            self.assertFalse(good)

    def test_announced_oops_keeps_no_tests_from_running(self) -> None:
        result, good = self.oops(plan=4)
        self.assertEqual(("prog.f.a", "fail"), result[:2])
        self.assertIn("2 tests", result.reason)

    def test_announced_oops_excuses_nothing_before_it(self) -> None:
        self.oops()
        kmsg = (self.out / "kmsg").read_text()
        (self.out / "kmsg").write_text(f"<4>[    0.5] WARNING: at f.c:1\n{kmsg}")
        self.assertFalse(self.judge()[1])

    def test_bug_that_was_survived_is_no_oops(self) -> None:
        result, good = self.oops(before="[    0.5] [ BUG: Invalid wait context ]\n")
        self.assertEqual("xfail", result.outcome)
        self.assertTrue(good)

    def test_announced_oops_is_no_hang(self) -> None:
        self.oops()
        self.assertEqual("LOST", self.judge(ending="hang")[0][-1].outcome)

    def test_totals(self) -> None:
        self.leave(HARNESS)
        results, _ = self.judge(must=())
        self.assertEqual(["1 of the passed as known issues (xfail)",
                          "4 passed, 1 failed, 1 skipped"], [*verdict.totals(results)])


