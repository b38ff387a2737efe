# SPDX-License-Identifier: GPL-2.0
"""Interrupting a program ends all commands that it runs; paths that users give are absolute."""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path
from unittest import mock

from host import qemu, runner, tried, user
from host.common import SCRIPTS

# A thread runs a shell that runs a shell, as make does, and then another command.
PROGRAM = """
from concurrent.futures import ThreadPoolExecutor
from host import common

def work(file):
    try:
        common.run(["sh", "-c", f'echo noise; '
                    f'sh -c "echo \\\\$\\\\$ >{file}; sleep 60; :"; :'], "waiting")
    finally:
        common.run(["sleep", "60"], "going on")

def main(words):
    with ThreadPoolExecutor(1) as pool:
        pool.submit(work, words[0]).result()

common.main(main)
"""


class Interrupted(unittest.TestCase):
    def check(self, number: int) -> None:
        with tempfile.TemporaryDirectory() as directory:
            file = Path(directory) / "pid"
            with subprocess.Popen([sys.executable, "-B", "-c", PROGRAM, file], cwd=SCRIPTS,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  text=True) as program:
                while not file.is_file() or not file.read_text():
                    self.assertIsNone(program.poll())
                    time.sleep(0.05)
                inner = Path("/proc") / file.read_text().strip()
                self.assertTrue(inner.is_dir())
                program.send_signal(number)
                said, _ = program.communicate(timeout=10)
                self.assertEqual((128 + number,
                                  f"errpath: interrupted by {signal.Signals(number).name}\n"),
                                 (program.returncode, said))
            deadline = time.monotonic() + 5
            while inner.is_dir() and time.monotonic() < deadline:
                time.sleep(0.05)
            self.assertFalse(inner.is_dir())

    def test_by_ctrl_c(self) -> None:
        self.check(signal.SIGINT)

    def test_by_sigterm(self) -> None:
        self.check(signal.SIGTERM)


class RelativePaths(unittest.TestCase):
    """QEMU, make and git run in other directories than the user."""

    def setUp(self) -> None:
        self.directory = Path(self.enterContext(tempfile.TemporaryDirectory())).resolve()
        (self.directory / "below").mkdir()
        self.enterContext(contextlib.chdir(self.directory / "below"))
        for file in (Path("it"), Path("../other")):
            file.write_text("#!/bin/sh\n--- a diff\n", encoding="ascii")
            file.chmod(0o755)
        self.it = self.directory / "below/it"

    def test_options_of_runs(self) -> None:
        choice = runner.options(["6.12", "--results", "it", "--selftests", "./it"], "run", None, "+")
        self.assertEqual([self.it] * 2, [choice.results, choice.selftests])

    def test_options_of_sweeps(self) -> None:
        """The directory of the results is where QEMU runs."""
        text = ("import runpy, sys; from host import common; common.main = lambda function: None; "
                "namespace = runpy.run_path(sys.argv[1]); "
                "print(namespace['options'](['6.12', 'chain', '--results', 'it']).results)")
        done = subprocess.run([sys.executable, "-B", "-c", text, SCRIPTS / "sweep"], text=True,
                              stdout=subprocess.PIPE, check=True,
                              env={**os.environ, "PYTHONPATH": str(SCRIPTS)})
        self.assertEqual(f"{self.it}\n", done.stdout)

    def test_variables(self) -> None:
        for name in ("KDIR", "IMAGE", "HEADERS", "MODULES", "PATCH"):
            with self.subTest(name), mock.patch.dict(os.environ, {name: "./it ../other"}):
                found = tried.patches() if name == "PATCH" else user.paths(name)
                self.assertEqual([self.it, self.directory / "below/../other"], found)

    def test_qemu(self) -> None:
        with mock.patch.object(qemu, "Binary", list):
            self.assertEqual([self.it], qemu.named("./it"))
