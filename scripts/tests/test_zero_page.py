# SPDX-License-Identifier: GPL-2.0
"""Zero pages of a migration: the judgement of made-up results, and of the machine's QEMU, also
with errors that the test puts into its memory."""

import contextlib
import fnmatch
import os
import signal
import subprocess
import tempfile
import time
import unittest
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

from host import known, qemu_source, zero_page
from host.common import SCRIPTS, Failure
from host.ktap import Result
from host.memory import Memory, reads_populate
from host.qemu import Binary, Machine, named
from host.virtio_mem import VirtioMem
from test_guests import working_in


class Version(NamedTuple):
    """The part of a qemu.Binary that known issues look at."""

    version: str
    stock: bool


SPARSE = zero_page.Case("memfd", "shared", False, "precopy")
BUG = ("stock: 7.2.22\n\nbug: it-reads\nversions: 7.2.* 9.0+\nreason: it reads them\n"
       "upstream: open\n")
ROW = "memfd.*.population | destination +64 KiB\n"


class Known(unittest.TestCase):
    def rows(self, text: str) -> list[known.Row]:
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory, "rows")
            path.write_text(f"# a comment\n\n{BUG}{text}")
            found: list[known.Row] = known.rows(path)
        return found

    def judge(self, growth: int, outcome: str, source: str, destination: str | None = None,
              stock: bool = True) -> tuple[str, str]:
        """Outcome and reason of a result in the light of ROW."""
        result = Result("memfd.x.population", outcome, "measured")
        sender: Any = Version(source, stock)
        receiver: Any = Version(destination or source, stock)
        judged: Result = known.judge(result, growth, sender, receiver, self.rows(ROW))
        return judged.outcome, judged.reason

    def test_what_was_seen_is_expected(self) -> None:
        self.assertEqual(("xfail", "known: [it-reads] +64 KiB: it reads them"),
                         self.judge(64, "fail", "7.2.22"))
        self.assertEqual("xfail", self.judge(64, "fail", "7.2.9")[0])
        self.assertEqual("xfail", self.judge(64, "fail", "11.1.0")[0])

    def test_anything_else_is_not(self) -> None:
        self.assertEqual(("fail", "measured"), self.judge(68, "fail", "7.2.22"))
        self.assertEqual(("fail", "measured"), self.judge(64, "fail", "8.0.0"))

    def test_where_it_was_seen_it_must_show(self) -> None:
        self.assertEqual("fail", self.judge(0, "pass", "7.2.22")[0])

    def test_elsewhere_it_is_fixed(self) -> None:
        for judged in (self.judge(0, "pass", "11.1.0"),
                       self.judge(0, "pass", "7.2.22", stock=False),
                       self.judge(0, "pass", "7.2.22", "10.0.0")):
            self.assertEqual("pass", judged[0])
            self.assertRegex(judged[1], "^FIXED in this QEMU")

    def test_the_older_of_two_counts(self) -> None:
        self.assertEqual("xfail", self.judge(64, "fail", "8.0.0", "7.2.1")[0])
        self.assertEqual("fail", self.judge(64, "fail", "10.0.0", "8.0.0")[0])

    def test_rows_that_are_none(self) -> None:
        for text in ("a.population | destination 64 KiB", "a.population | 7.2"):
            with self.assertRaisesRegex(Failure, "rows:9: not an observation"):
                self.rows(text)

    def test_wrong_memory_is_never_known(self) -> None:
        with self.assertRaisesRegex(Failure, "rows:9: only population, of the destination, and source can"):
            self.rows(ROW.replace("population", "integrity"))

    def test_our_rows(self) -> None:
        names = {f"{case}.{what}" for case in zero_page.cases() for what in ("population", "source")}
        for row in known.rows():
            with self.subTest(row=row.test):
                self.assertTrue(fnmatch.filter(names, row.test))


class Changed(unittest.TestCase):
    def test_the_handler_tries_the_change_first(self) -> None:
        for name in qemu_source.CHANGES:
            text = qemu_source.changed(
                "x\nvoid ram_handle_zero(void *at, uint64_t len)\n{\n    y;\n}\n", name)
            self.assertRegex(text, r"(?s)errpath_drop\(RAMBlock.*ram_handle_zero.*"
                                   r"errpath_drop\(block, at, len\).*return;.*y;")

    def test_another_form_is_reported(self) -> None:
        with self.assertRaisesRegex(Failure, "has 0 functions ram_handle_zero"):
            qemu_source.changed("void ram_handle_zero(RAMBlock *block)\n{\n", "remove")


class Judged(unittest.TestCase):
    def outcome(self, growth: int, prealloc: bool = False) -> str:
        judged: Result = zero_page.population(SPARSE._replace(prealloc=prealloc), growth)
        return str(judged.outcome)

    def test_population(self) -> None:
        self.assertEqual("pass", self.outcome(zero_page.MOST))
        self.assertEqual("fail", self.outcome(zero_page.MOST + 4))

    def test_preallocated_memory_stays(self) -> None:
        self.assertEqual("pass", self.outcome(0, prealloc=True))
        self.assertEqual("fail", self.outcome(-4, prealloc=True))
        self.assertEqual("fail", self.outcome(4, prealloc=True))

    def test_without_detection_all_is_sent(self) -> None:
        case = SPARSE._replace(method="multifd-none")
        full = zero_page.SIZE // zero_page.KiB
        self.assertEqual("pass", zero_page.population(case, full).outcome)
        for wrong in (full + 4, full - 4, zero_page.TOUCHED, 0):
            self.assertEqual("fail", zero_page.population(case, wrong).outcome, wrong)

    def test_source(self) -> None:
        self.assertEqual("pass", zero_page.population_of_source(SPARSE, 0).outcome)
        self.assertEqual("fail", zero_page.population_of_source(SPARSE, 4).outcome)

    def test_integrity(self) -> None:
        self.assertEqual("pass", zero_page.integrity(SPARSE, [], []).outcome)
        self.assertRegex(zero_page.integrity(SPARSE, [0x800000], []).reason,
                         "^1 pages of 1024 stale .first at 0x800000.$")
        self.assertEqual("fail", zero_page.integrity(SPARSE, [], [0]).outcome)


class Meddled(zero_page._Migration):
    """A migration after which the byte at AT of the destination's memory is changed."""

    at = 0

    def run(self) -> None:
        super().run()
        memory = Memory(self.destination.process.pid, zero_page.SIZE)
        with open(f"/proc/{memory.pid}/mem", "wb") as file:
            file.seek(memory.start + self.at)
            file.write(b"\xff")


class FakeMemory(Memory):
    """Memory of a process that is only text."""

    MAPS = ("10000-14000 rw-p 00000000 00:00 0\n", "20000-21000 rw-p 00000000 00:00 0\n")

    def _lines(self, name: str) -> list[str]:
        fields = ("Rss: {} kB\nShared_Hugetlb: 0 kB\nPrivate_Hugetlb: 0 kB\nSwap: {} kB\n"
                  "VmFlags: rd wr\n")
        if name == "smaps":
            text = "".join(head + fields.format(*sizes)
                           for head, sizes in zip(self.MAPS, ((8, 4), (0, 0))))
        else:
            text = "".join(self.MAPS)
        return text.splitlines()


class Populated(unittest.TestCase):
    def test_fields_of_the_next_mapping_do_not_count(self) -> None:
        """Kernels differ in the number of fields that a mapping has in smaps."""
        self.assertEqual(12, FakeMemory(1, 0x4000).kib())


class Migrated(unittest.TestCase):
    """Migrations by the machine's QEMU."""

    qemu: Binary

    @classmethod
    def setUpClass(cls) -> None:
        cls.qemu = Binary(["qemu-system-x86_64"])

    def judge(self, case: zero_page.Case = SPARSE) -> tuple[Result, Result]:
        (population, _, integrity), measured = zero_page.judge(case, self.qemu, self.qemu)
        self.assertIsNotNone(measured, population.reason)
        return population, integrity

    def stale(self, at: int) -> Result:
        with mock.patch.object(zero_page, "_Migration", Meddled), \
                mock.patch.object(Meddled, "at", at):
            return self.judge()[1]

    def test_one_wrong_byte_is_seen(self) -> None:
        last = zero_page.ZEROED.start + zero_page.ZEROED.size - 1
        self.assertEqual(f"1 pages of 1024 stale (first at {last & ~0xfff:#x})",
                         self.stale(last).reason)
        for at in (0, zero_page.KEPT.start + 4097, zero_page.SIZE - 1):
            self.assertEqual(f"1 pages wrong (first at {at & ~0xfff:#x})", self.stale(at).reason)

    def test_pages_that_were_never_zeroed_are_seen(self) -> None:
        for method in ("precopy", "postcopy"):
            with mock.patch.object(zero_page._Migration, "_zero"):
                integrity = self.judge(SPARSE._replace(method=method))[1]
            self.assertRegex(integrity.reason, "^1024 pages of 1024 stale")

    def test_population_is_seen(self) -> None:
        self.assertEqual("fail", self.judge()[0].outcome)

    def test_population_of_the_source_is_seen(self) -> None:
        """It reads each page that nobody wrote, which allocates it."""
        (_, source, _), measured = zero_page.judge(SPARSE, self.qemu, self.qemu)
        assert measured
        self.assertEqual("fail", source.outcome)
        self.assertEqual(zero_page.SIZE // zero_page.KiB - zero_page.TOUCHED, measured.source)

    def test_half_of_a_virtio_mem(self) -> None:
        """What is not plugged is not migrated, and the rest is right."""
        case = SPARSE._replace(device=zero_page.VIRTIO_MEM)
        (_, _, integrity), measured = zero_page.judge(case, self.qemu, self.qemu)
        assert measured, integrity.reason
        self.assertEqual("pass", integrity.outcome)
        self.assertLessEqual(measured.growth, zero_page.SIZE // zero_page.KiB)

    def test_virtio_mem_that_refuses(self) -> None:
        """The driver says so if the device does not plug what is asked for."""
        case = SPARSE._replace(device=zero_page.VIRTIO_MEM)
        with Machine(self.qemu.words, "it", case.options(self.qemu.q35)) as machine:
            device = VirtioMem(machine)
            device.start()
            with self.assertRaisesRegex(Failure, "refuses to plug 134217728 bytes"):
                device.plug(2 * zero_page.SIZE)	# more than was requested

    def test_a_migration_that_fails_says_so(self) -> None:
        with mock.patch.object(zero_page, "machine_type", lambda *_: "no-such"):
            (*_, result), measured = zero_page.judge(SPARSE, self.qemu, self.qemu)
        self.assertIsNone(measured)
        self.assertEqual("fail", result.outcome)
        self.assertRegex(result.reason, "unsupported machine type")

    def test_what_qemu_lacks_is_skipped(self) -> None:
        with mock.patch.object(self.qemu, "capabilities", set()):
            results, _ = zero_page.judge(SPARSE, self.qemu, self.qemu)
        self.assertEqual(["skip"] * 3, [result.outcome for result in results])
        self.assertRegex(results[0].reason, r"^QEMU \S+ has no pause-before-switchover")


class Deaf(zero_page._Migration):
    """A migration whose QEMUs do not get the parameter zero-page-detection."""

    def prepare(self) -> None:
        method = zero_page.METHODS[self.method]
        detects = {self.method: method._replace(detection=None)}
        with mock.patch.dict(zero_page.METHODS, detects):
            super().prepare()


class Detection(unittest.TestCase):
    """Migrations by a QEMU that has zero-page-detection, which make test fetches anyway."""

    def test_a_parameter_that_is_not_set_is_seen(self) -> None:
        newer = named("trixie-backports")
        # By precopy this QEMU also populates other memory that was never touched.
        for case in (zero_page.Case("ram", "private", False, "precopy-none"),
                     SPARSE._replace(method="multifd-none")):
            for migration, outcome in ((zero_page._Migration, "pass"), (Deaf, "fail")):
                with (self.subTest(str(case), migration=migration),
                      mock.patch.object(zero_page, "_Migration", migration)):
                    if case.is_anonymous and reads_populate():
                        self.skipTest("this machine's kernel allocates memory that is only read")
                    (population, *_), measured = zero_page.judge(case, newer, newer)
                    self.assertIsNotNone(measured, population.reason)
                    self.assertEqual(outcome, population.outcome, population.reason)


class Command(unittest.TestCase):
    def test_unknown_qemu(self) -> None:
        done = subprocess.run([SCRIPTS / "qemu-zero-page", "./no-such"], capture_output=True,
                              text=True, check=False)
        self.assertEqual((125, "errpath: QEMU: there is no program ./no-such\n"),
                         (done.returncode, done.stderr))

    def interrupt(self, number: int, files_too: bool = True) -> None:
        shm = sorted(os.listdir("/dev/shm"))
        with tempfile.TemporaryDirectory() as directory:
            temporary = Path(directory, "tmp")
            temporary.mkdir()
            process = subprocess.Popen([SCRIPTS / "qemu-zero-page", "qemu-system-x86_64"],
                                       cwd=directory, env={**os.environ, "TMPDIR": str(temporary)},
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            with contextlib.ExitStack() as stack:
                stack.callback(process.wait)
                stack.callback(process.kill)
                # Wait for the program and both ends of a migration.
                self.wait_until(lambda: len(working_in(directory)) > 2 and [*temporary.iterdir()])
                process.send_signal(number)
                self.assertNotEqual(0, process.wait(10))
            self.wait_until(lambda: not working_in(directory))
            if files_too:
                self.assertEqual([], [*temporary.iterdir()])
        self.assertEqual(shm, sorted(os.listdir("/dev/shm")))

    def wait_until(self, condition: Callable[[], object], limit: float = 30) -> None:
        deadline = time.monotonic() + limit
        while not condition():
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.02)

    def test_interrupted(self) -> None:
        self.interrupt(signal.SIGINT)

    def test_terminated(self) -> None:
        self.interrupt(signal.SIGTERM)

    def test_killed(self) -> None:
        self.interrupt(signal.SIGKILL, files_too=False)
