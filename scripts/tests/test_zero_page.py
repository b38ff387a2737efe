# SPDX-License-Identifier: GPL-2.0
"""Zero pages: judged on what is made up, and on the machine's QEMU, also when that is wrong."""

import fnmatch
import contextlib
import os
import signal
import subprocess
import tempfile
import time
import unittest
from collections import namedtuple
from pathlib import Path
from unittest import mock

from host import known, qemu_source, zero_page
from host.common import SCRIPTS, Failure
from host.ktap import Result
from host.memory import Memory
from host.qemu import Binary
from test_guests import working_in

Version = namedtuple("Version", "version stock")
SPARSE = zero_page.Case("memfd", "shared", False, "precopy")
BUG = ("stock: 7.2.22\n\nbug: it-reads\nversions: 7.2.* 9.0+\nreason: it reads them\n"
       "upstream: open\n")
ROW = "memfd.*.population | destination +64 KiB\n"


class Known(unittest.TestCase):
    def rows(self, text):
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory, "rows")
            path.write_text(f"# a comment\n\n{BUG}{text}")
            return known.rows(path)

    def judge(self, growth, outcome, source, destination=None, stock=True):
        result = Result("memfd.x.population", outcome, "measured")
        ends = [Version(version, stock) for version in (source, destination or source)]
        return known.judge(result, growth, *ends, self.rows(ROW))[1:3]

    def test_what_was_seen_is_expected(self):
        self.assertEqual(("xfail", "known: [it-reads] +64 KiB: it reads them"),
                         self.judge(64, "fail", "7.2.22"))
        self.assertEqual("xfail", self.judge(64, "fail", "7.2.9")[0])
        self.assertEqual("xfail", self.judge(64, "fail", "11.1.0")[0])

    def test_anything_else_is_not(self):
        self.assertEqual(("fail", "measured"), self.judge(68, "fail", "7.2.22"))
        self.assertEqual(("fail", "measured"), self.judge(64, "fail", "8.0.0"))

    def test_where_it_was_seen_it_must_show(self):
        self.assertEqual("fail", self.judge(0, "pass", "7.2.22")[0])

    def test_elsewhere_it_is_fixed(self):
        for judged in (self.judge(0, "pass", "11.1.0"),
                       self.judge(0, "pass", "7.2.22", stock=False),
                       self.judge(0, "pass", "7.2.22", "10.0.0")):
            self.assertEqual("pass", judged[0])
            self.assertRegex(judged[1], "^FIXED in this QEMU")

    def test_the_older_of_two_counts(self):
        self.assertEqual("xfail", self.judge(64, "fail", "8.0.0", "7.2.1")[0])
        self.assertEqual("fail", self.judge(64, "fail", "10.0.0", "8.0.0")[0])

    def test_rows_that_are_none(self):
        for text in ("a.population | destination 64 KiB", "a.population | 7.2"):
            with self.assertRaisesRegex(Failure, "rows:9: not an observation"):
                self.rows(text)

    def test_wrong_memory_is_never_known(self):
        with self.assertRaisesRegex(Failure, "rows:9: only population can be a known issue"):
            self.rows(ROW.replace("population", "integrity"))

    def test_our_rows(self):
        names = {f"{case}.population" for case in zero_page.cases()}
        for row in known.rows():
            with self.subTest(row=row.test):
                self.assertTrue(fnmatch.filter(names, row.test))


class Changed(unittest.TestCase):
    def test_the_handler_tries_the_change_first(self):
        for name in qemu_source.CHANGES:
            text = qemu_source.changed(
                "x\nvoid ram_handle_zero(void *at, uint64_t len)\n{\n    y;\n}\n", name)
            self.assertRegex(text, r"(?s)errpath_drop\(RAMBlock.*ram_handle_zero.*"
                                   r"errpath_drop\(block, at, len\).*return;.*y;")

    def test_another_form_is_told(self):
        with self.assertRaisesRegex(Failure, "has 0 functions ram_handle_zero"):
            qemu_source.changed("void ram_handle_zero(RAMBlock *block)\n{\n", "remove")


class Judged(unittest.TestCase):
    def outcome(self, growth, prealloc=False):
        return zero_page.population(SPARSE._replace(prealloc=prealloc), growth).outcome

    def test_population(self):
        self.assertEqual("pass", self.outcome(zero_page.MOST))
        self.assertEqual("fail", self.outcome(zero_page.MOST + 4))

    def test_preallocated_memory_stays(self):
        self.assertEqual("pass", self.outcome(0, prealloc=True))
        self.assertEqual("fail", self.outcome(-4, prealloc=True))
        self.assertEqual("fail", self.outcome(4, prealloc=True))

    def test_integrity(self):
        self.assertEqual("pass", zero_page.integrity(SPARSE, [], []).outcome)
        self.assertRegex(zero_page.integrity(SPARSE, [0x800000], []).reason,
                         "^1 pages of 1024 stale .first at 0x800000.$")
        self.assertEqual("fail", zero_page.integrity(SPARSE, [], [0]).outcome)


class Meddled(zero_page._Migration):
    """A migration after which the destination's memory has a byte that it should not."""

    at = 0

    def run(self):
        super().run()
        memory = Memory(self.destination.process.pid, zero_page.SIZE)
        with open(f"/proc/{memory.pid}/mem", "wb") as file:
            file.seek(memory.start + self.at)
            file.write(b"\xff")


class Migrated(unittest.TestCase):
    """By the machine's QEMU."""

    @classmethod
    def setUpClass(cls):
        cls.qemu = Binary(["qemu-system-x86_64"])

    def judge(self, case=SPARSE):
        (population, integrity), measured = zero_page.judge(case, self.qemu, self.qemu)
        self.assertIsNotNone(measured, population.reason)
        return population, integrity

    def stale(self, at):
        with mock.patch.object(zero_page, "_Migration", Meddled), \
                mock.patch.object(Meddled, "at", at):
            return self.judge()[1]

    def test_one_wrong_byte_is_seen(self):
        last = zero_page.ZEROED.start + zero_page.ZEROED.size - 1
        self.assertEqual(f"1 pages of 1024 stale (first at {last & ~0xfff:#x})",
                         self.stale(last).reason)
        for at in (0, zero_page.KEPT.start + 4097, zero_page.SIZE - 1):
            self.assertEqual(f"1 pages wrong (first at {at & ~0xfff:#x})", self.stale(at).reason)

    def test_pages_that_were_never_zeroed_are_seen(self):
        for method in ("precopy", "postcopy"):
            with mock.patch.object(zero_page._Migration, "_zero"):
                integrity = self.judge(SPARSE._replace(method=method))[1]
            self.assertRegex(integrity.reason, "^1024 pages of 1024 stale")

    def test_population_is_seen(self):
        self.assertEqual("fail", self.judge()[0].outcome)

    def test_a_migration_that_fails_says_so(self):
        with mock.patch.object(zero_page, "METHODS", {"precopy": ("pause-before-switchover",)}), \
                mock.patch.object(zero_page, "machine_type", lambda *_: "no-such"):
            (_, result), measured = zero_page.judge(SPARSE, self.qemu, self.qemu)
        self.assertIsNone(measured)
        self.assertEqual("fail", result.outcome)
        self.assertRegex(result.reason, "unsupported machine type")

    def test_what_qemu_lacks_is_skipped(self):
        with mock.patch.object(self.qemu, "capabilities", set()):
            (population, integrity), _ = zero_page.judge(SPARSE, self.qemu, self.qemu)
        self.assertEqual(["skip", "skip"], [population.outcome, integrity.outcome])
        self.assertRegex(population.reason, r"^QEMU \S+ has no pause-before-switchover")


class Command(unittest.TestCase):
    def test_unknown_qemu(self):
        done = subprocess.run([SCRIPTS / "qemu-zero-page", "./no-such"], capture_output=True,
                              text=True, check=False)
        self.assertEqual((1, "errpath: QEMU: there is no program ./no-such\n"),
                         (done.returncode, done.stderr))

    def interrupt(self, number, files_too=True):
        shm = sorted(os.listdir("/dev/shm"))
        with tempfile.TemporaryDirectory() as directory:
            temporary = Path(directory, "tmp")
            temporary.mkdir()
            process = subprocess.Popen([SCRIPTS / "qemu-zero-page", "qemu-system-x86_64"],
                                       cwd=directory, env={**os.environ, "TMPDIR": temporary},
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            with contextlib.ExitStack() as stack:
                stack.callback(process.wait)
                stack.callback(process.kill)
                # The program, and both ends of a migration.
                self.wait_until(lambda: len(working_in(directory)) > 2 and [*temporary.iterdir()])
                process.send_signal(number)
                self.assertNotEqual(0, process.wait(10))
            self.wait_until(lambda: not working_in(directory))
            if files_too:
                self.assertEqual([], [*temporary.iterdir()])
        self.assertEqual(shm, sorted(os.listdir("/dev/shm")))

    def wait_until(self, condition, limit=30):
        deadline = time.monotonic() + limit
        while not condition():
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.02)

    def test_interrupted(self):
        self.interrupt(signal.SIGINT)

    def test_terminated(self):
        self.interrupt(signal.SIGTERM)

    def test_killed(self):
        self.interrupt(signal.SIGKILL, files_too=False)
