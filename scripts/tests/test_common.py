# SPDX-License-Identifier: GPL-2.0
"""Interrupting a program ends all commands that it runs."""

import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

from host.common import SCRIPTS

# A thread runs a shell that runs a shell, as make does, and then another command.
PROGRAM = """
from concurrent.futures import ThreadPoolExecutor
from host import common

def work(file):
    try:
        common.run(["sh", "-c", f'sh -c "echo \\\\$\\\\$ >{file}; sleep 60; :"; :'], "waiting")
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
                                  stderr=subprocess.DEVNULL) as program:
                while not file.is_file() or not file.read_text():
                    self.assertIsNone(program.poll())
                    time.sleep(0.05)
                inner = Path("/proc") / file.read_text().strip()
                self.assertTrue(inner.is_dir())
                program.send_signal(number)
                self.assertEqual(128 + number, program.wait(10))
            deadline = time.monotonic() + 5
            while inner.is_dir() and time.monotonic() < deadline:
                time.sleep(0.05)
            self.assertFalse(inner.is_dir())

    def test_by_ctrl_c(self) -> None:
        self.check(signal.SIGINT)

    def test_by_sigterm(self) -> None:
        self.check(signal.SIGTERM)
