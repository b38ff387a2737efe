# SPDX-License-Identifier: GPL-2.0
"""Templates: a guest is restored from one only if nothing has changed, and boots if it cannot be."""

import os
import resource
import shutil
import subprocess
import tempfile
import time
import unittest
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import test_guests
from host import orders, template
from host.common import Failure

MADE = r"(?m)^making a template "
PASSED = r"(?m)^2 passed, 0 failed, 0 skipped\n\Z"	# the program, and the kernel log
LIMIT = 100 << 20	# bytes of a file: less than the RAM of a guest


class TemplateTest(unittest.TestCase):
    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = Path(directory.name)
        self.mark = self.id()	# what makes the templates of this test differ from all others

    def words(self, name: str, *options: str, body: str = "") -> list[str | Path]:
        """Return the command of scripts/run, with one program and a directory of this name."""
        directory = self.directory / name
        directory.mkdir()
        program = {"passes": (20, f"# {self.mark}\n{body or 'exit 0'}")}
        return test_guests.command(directory, program, *options)

    def run_words(self, words: list[str | Path], env: Mapping[str, str] | None = None,
                  limit: int = 0) -> str:
        """Run a command, which must pass; return its output. LIMIT: bytes of each file that it
        writes; 0: no limit."""
        def lower_limit() -> None:
            if limit:
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        done = subprocess.run(words, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              check=False, env={**os.environ, "V": "1", **(env or {})},
                              preexec_fn=lower_limit)
        self.assertRegex(done.stdout, PASSED)
        self.assertEqual(0, done.returncode, done.stdout)
        return done.stdout

    def newest(self) -> Path:
        """The directory of the template that was used last."""
        used = template.TEMPLATES.glob("[!.]*/used")
        return max(used, key=lambda file: file.stat().st_mtime).parent


class Kept(TemplateTest):
    def test_is_used_until_something_changes(self) -> None:
        self.assertRegex(self.run_words(self.words("first")), MADE)
        self.assertNotRegex(self.run_words(self.words("same")), MADE)
        self.assertRegex(self.run_words(self.words("other option", "--append", "nosmt")), MADE)
        self.assertRegex(self.run_words(self.words("other file", body="true")), MADE)

    def test_is_not_used_if_the_user_says_so(self) -> None:
        self.run_words(self.words("first"))
        output = self.run_words(self.words("boots"), {"SNAPSHOT": "0"})
        booting = float(output.partition("booting guests")[2].split()[1])
        self.assertGreater(booting, 1, output)

    def test_two_at_once_make_one(self) -> None:
        both = [self.words("one"), self.words("other")]
        with ThreadPoolExecutor(2) as pool:
            outputs = list(pool.map(self.run_words, both))
        self.assertEqual(1, sum("making a template" in output for output in outputs), outputs)

    def test_only_some_are_kept(self) -> None:
        with tempfile.TemporaryDirectory() as directory:
            before, template.TEMPLATES = template.TEMPLATES, Path(directory)
            self.addCleanup(setattr, template, "TEMPLATES", before)
            for number in range(template.KEEP + 2):
                used = Path(directory, str(number), "used")
                used.parent.mkdir()
                used.touch()
                os.utime(used, (number, number))
            for age in (0, template.ABANDONED + 60):
                fresh = Path(directory, f".{age}.new")
                fresh.mkdir()
                os.utime(fresh, (time.time() - age,) * 2)
            template._keep_few()
            left = {entry.name for entry in Path(directory).iterdir()}
        self.assertEqual({str(number) for number in range(2, template.KEEP + 2)} | {".0.new"}, left)


class Unusable(TemplateTest):
    def test_damaged_one_is_replaced(self) -> None:
        self.run_words(self.words("first"))
        damaged = self.newest()
        state = damaged / "state"
        state.write_bytes(state.read_bytes()[:1000])
        output = self.run_words(self.words("second"))
        self.assertRegex(output, "errpath: .*: a guest was not restored, and boots: ")
        self.assertFalse(damaged.exists())
        self.assertRegex(self.run_words(self.words("third")), MADE)

    def test_no_room_for_the_ram(self) -> None:
        output = self.run_words(self.words("first"), limit=LIMIT)
        self.assertRegex(output, "errpath: .*: no template, each guest boots: .*File too large")
        self.assertEqual([], list(template.TEMPLATES.glob(".*.new")))

    def made_by(self, action: str) -> str:
        """Run with a QEMU that first runs this shell command when it is to make a template; return
        the output."""
        qemu = self.directory / "qemu-system-x86_64"
        qemu.write_text(f'#!/bin/sh\ncase "$*" in *share=on*) {action} ;; esac\n'
                        f'exec {shutil.which("qemu-system-x86_64")} "$@"\n')
        qemu.chmod(0o755)
        return self.run_words(self.words(f"by {action}"),
                              {"PATH": f"{self.directory}:{os.environ['PATH']}"})

    def test_qemu_ends(self) -> None:
        self.assertRegex(self.made_by("exit 1"), "errpath: .*: no template, each guest boots: (the "
                         "guest ended before it waited for orders|QEMU is gone)")

    def test_qemu_cannot_save(self) -> None:
        """The file of the state cannot be written, as it is a directory."""
        self.assertRegex(self.made_by("mkdir state"), "errpath: .*: no template, each guest boots: "
                         "QEMU: migrate: ")
        self.assertEqual([], list(template.TEMPLATES.glob(".*.new")))

    def test_killed_while_it_was_made(self) -> None:
        before = set(template.TEMPLATES.glob(".*.new"))
        process = subprocess.Popen(self.words("killed"), stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        while not set(template.TEMPLATES.glob(".*.new")) - before:
            self.assertIsNone(process.poll())
            time.sleep(0.01)
        process.kill()
        process.wait()
        self.assertRegex(self.run_words(self.words("again")), MADE)
        self.assertEqual(before, set(template.TEMPLATES.glob(".*.new")))


class Guests(TemplateTest):
    def test_lost_guest_is_restored(self) -> None:
        """The programs behind the one that ended the guest, in another guest of the template."""
        programs = {"oopses": (60, f"# {self.mark}\necho c >/proc/sysrq-trigger"),
                    "goes_on": (60, "exit 0")}
        done = subprocess.run(test_guests.command(self.directory, programs), text=True, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              env={**os.environ, "V": "1"})
        self.assertRegex(done.stdout, r"(?m)^  LOST +oopses ")
        self.assertRegex(done.stdout, r"(?m)^  pass +goes_on$")
        boot = (self.newest() / "console").read_bytes()
        restored = list(self.directory.glob("*/guest/after-oopses/console"))
        self.assertEqual([True], [file.read_bytes().startswith(boot) for file in restored])

    def test_console_begins_with_the_boot(self) -> None:
        self.run_words(self.words("first", body="echo from the guest >/dev/console"))
        console, = self.directory.glob("first/*/console")
        self.assertRegex(console.read_text(), "(?s)waiting for orders.*from the guest")


class Orders(unittest.TestCase):
    def test_form(self) -> None:
        self.assertEqual(b"env A=b c\nfile 755 3 /d/e\nf\ng" b"go\n",
                         orders.orders({"A": "b c"}, {"d/e": b"f\ng"}))

    def test_newline_is_refused(self) -> None:
        with self.assertRaisesRegex(Failure, "newline"):
            orders.orders({"A": "b\nc"}, {})
        with self.assertRaisesRegex(Failure, "newline"):
            orders.orders({}, {"d\ne": b""})
