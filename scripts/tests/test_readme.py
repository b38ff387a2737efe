# SPDX-License-Identifier: GPL-2.0
"""README's sessions, in a real guest or on the host: every command, and what it is said to
print."""

import os
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

from host.common import ROOT, SCRIPTS

LINE = os.environ.get("KERNEL", "6.12")
PROMPT = "# "
MARK = "README-COMMAND"


HOST_PROMPT = r"\$ "


def sessions(prompt=PROMPT):
    """Of all console blocks: pairs of a command and the lines that follow it."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for block in re.findall(r"^```console\n(.*?)^```", text, re.M | re.S):
        for part in re.split(rf"^{prompt}", block, flags=re.M)[1:]:
            command, *output = part.rstrip("\n").split("\n")
            yield command, output


def stable(lines):
    """Without what differs from run to run or tells nothing: times, pids, offsets, line numbers,
    width of columns."""
    text = "\n".join(lines)
    text = re.sub(r"\[ *\d+\.\d+\]", "[TIME]", text)
    text = re.sub(r"(/|pid )\d+\b", r"\1PID", text)
    text = re.sub(r"\.c:\d+:", ".c:LINE:", text)
    text = re.sub(r"\+0x[0-9a-f]+/0x[0-9a-f]+", "+OFFSET", text)
    return re.sub(r"[ \t]+", " ", text)


def output_of(commands):
    """What each command prints in a guest; the program is named as a prompt's shell is."""
    with tempfile.TemporaryDirectory() as directory:
        installed = Path(directory, "selftests")
        installed.mkdir()
        body = "".join(f"echo {MARK}\n{command}\n" for command in commands)
        (installed / "sh").write_text(f"#!/bin/sh\n{body}", encoding="utf-8")
        (installed / "sh").chmod(0o755)
        (installed / "kselftest-list.txt").write_text("sh 30\n", encoding="utf-8")
        done = subprocess.run([SCRIPTS / "run", LINE, "--selftests", installed, "--results",
                               directory], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, check=False)
        ktap = Path(directory, LINE, "ktap").read_text(encoding="utf-8")
    said = [line.removeprefix("# ") for line in ktap.split("\n") if line.startswith("# ")]
    return "\n".join(said).split(f"{MARK}\n")[1:], done.stdout


class Sessions(unittest.TestCase):
    maxDiff = None

    def test_on_the_host_print_what_readme_says(self):
        expected = list(sessions(HOST_PROMPT))
        self.assertTrue(expected)
        for command, lines in expected:
            with self.subTest(command=command):
                done = subprocess.run(["sh", "-c", command], cwd=ROOT, stdout=subprocess.PIPE,
                                      stderr=subprocess.STDOUT, text=True, check=False)
                self.assertEqual(0, done.returncode, done.stdout)
                self.assertEqual(stable(lines), stable(done.stdout.splitlines()))

    def test_print_what_readme_says(self):
        expected = list(sessions())
        self.assertTrue(expected)
        printed, log = output_of([command for command, _ in expected])
        self.assertEqual(len(expected), len(printed), log)
        for (command, lines), output in zip(expected, printed):
            with self.subTest(command=command):
                self.assertEqual(stable(lines), stable(output.splitlines()))
