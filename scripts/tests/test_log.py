# SPDX-License-Identifier: GPL-2.0
"""The scan of kernel logs: logs with and without splats, and bad lists."""

import tempfile
import unittest
from collections.abc import Callable
from pathlib import Path

from host import log
from host.common import Failure

CLEAN = """\
<5>[    0.000000] Linux version 6.12
<6>[    0.100000] Debug: the word debug: or OOPSLA is no report
<12>[    2.000000] errpath: test section_activate
<6>[    2.100000] errpath: inject section_activate: f() fails, pid 7 (t), caller g+0x1
<12>[    3.000000] errpath: end of log
"""
SPLATS = (
    "WARNING: CPU: 1 PID: 7 at mm/sparse.c:12 f+0x1/0x2",
    "BUG: unable to handle page fault for address: 0000000000000008",
    "BUG: KASAN: use-after-free in f+0x1/0x2",
    "Oops: Oops: 0002 [#1] PREEMPT SMP NOPTI",
    "kernel BUG at mm/slub.c:448!",
    "general protection fault, probably for non-canonical address 0xdead: 0000 [#1]",
    "refcount_t: underflow; use-after-free.",
    "list_del corruption. prev->next should be ffff, but was 0",
    "UBSAN: array-index-out-of-bounds in f.c:1:2",
    "watchdog: BUG: soft lockup - CPU#1 stuck for 22s! [t:7]",
    "rcu: INFO: rcu_preempt self-detected stall on CPU",
    "INFO: task t:7 blocked for more than 120 seconds.",
    "t: page allocation failure: order:9, mode:0xcc0(GFP_KERNEL)",
    "BUG: sleeping function called from invalid context at mm/f.c:1",
    "WARNING: possible circular locking dependency detected",
    "errpath: kernel log lost records",
)


def scan(*lines: str, allow: log.Regexps = ()) -> list[log.Problem]:
    text = "".join(f"<4>[    2.500000] {line}\n" for line in lines)
    return log.scan(CLEAN[:CLEAN.index("<12>[    3")] + text, log.deny_list(), allow)


class Scan(unittest.TestCase):
    def test_clean_log_has_no_problem(self) -> None:
        self.assertEqual([], log.scan(CLEAN, log.deny_list(), log.allow_list()))

    def test_each_splat_is_found_and_named_with_its_program(self) -> None:
        for splat in SPLATS:
            with self.subTest(splat):
                self.assertEqual([("section_activate", splat)], scan(splat))

    def test_splat_before_any_test_belongs_to_boot(self) -> None:
        text = "<4>[    0.000000] WARNING: CPU: 0 PID: 0 at f.c:1\n"
        self.assertEqual("boot", log.scan(text, log.deny_list(), [])[0].program)

    def test_allowed_splat_is_no_problem(self) -> None:
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / "allow"
            path.write_text("WARNING: .* mm/sparse\\.c:(1|12) | known and harmless\n")
            self.assertEqual([], scan(SPLATS[0], allow=log.allow_list(path)))
            self.assertEqual(1, len(scan(SPLATS[1], allow=log.allow_list(path))))


class Announcements(unittest.TestCase):
    BEGIN, END = r"errpath: expect begin w1: at mm/sparse\x5c.c", "errpath: expect end w1"

    def test_announced_is_no_problem(self) -> None:
        self.assertEqual([], scan(self.BEGIN, SPLATS[0], SPLATS[0], self.END))

    def test_absent_is_one(self) -> None:
        (problem,) = scan(self.BEGIN, self.END)
        self.assertEqual(r"announced but absent: at mm/sparse\.c", problem.text)

    def test_another_splat_meanwhile_is_one(self) -> None:
        self.assertEqual([SPLATS[1]], [problem.text for problem in
                                       scan(self.BEGIN, SPLATS[0], SPLATS[1], self.END)])

    def test_before_or_behind_the_announcement_is_one(self) -> None:
        self.assertEqual(2, len(scan(SPLATS[0], self.BEGIN, SPLATS[0], self.END, SPLATS[0])))

    def test_without_end_is_one(self) -> None:
        self.assertIn("has no end", scan(self.BEGIN, SPLATS[0])[0].text)

    def test_end_without_begin_is_one(self) -> None:
        self.assertIn("was not begun", scan(self.END)[0].text)

    def test_bad_regexp_is_one(self) -> None:
        self.assertIn("bad regexp", scan("errpath: expect begin w1: (", self.END)[0].text)


class Lists(unittest.TestCase):
    """With a broken list, a log with splats must not pass."""

    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.path = Path(directory.name) / "list"

    def fails(self, reader: Callable[[Path], object], content: str | None, why: str) -> None:
        if content is not None:
            self.path.write_text(content)
        with self.assertRaisesRegex(Failure, why):
            reader(self.path)

    def test_absent(self) -> None:
        self.fails(log.deny_list, None, "cannot read .*/list")
        self.fails(log.allow_list, None, "cannot read .*/list")

    def test_unreadable(self) -> None:
        self.path.mkdir()
        self.fails(log.deny_list, None, "cannot read .*/list")

    def test_empty_deny_list(self) -> None:
        self.fails(log.deny_list, "", "is empty")
        self.fails(log.deny_list, "# only a comment\n", "is empty")

    def test_bad_regexp(self) -> None:
        self.fails(log.deny_list, "(\n", "bad regexp")

    def test_allowed_without_reason(self) -> None:
        self.fails(log.allow_list, "WARNING: .*\n", "no ' | REASON'")
