# SPDX-License-Identifier: GPL-2.0
"""The job and the test definition for LAVA are what LAVA's own schemas take (Debian: lava-common; no
job was run), and the report of a test definition has each test."""

import os
import subprocess
import tempfile
import unittest
from pathlib import Path

from host import common
from host.common import SCRIPTS

LAVA = SCRIPTS / "lava"
# By the system's Python, which has LAVA's modules.
VALIDATE = """
import sys, yaml
from lava_common import schemas
from lava_common.schemas.test import testdef
from voluptuous import Schema
schemas.validate(yaml.safe_load(open(sys.argv[1])), strict=True)
Schema(testdef.testdef())(yaml.safe_load(open(sys.argv[2])))
"""
OUTPUT = """TAP version 13
1..1
# selftests: errpath: hotadd
# TAP version 13
# 1..3
# ok 1 hotadd.works
# # said
# not ok 2 hotadd.fails
# ok 3 hotadd.lacks # SKIP no module
not ok 1 selftests: errpath: hotadd # exit=1
"""


class Schemas(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        common.run([SCRIPTS / "setup", "engines"], "installing test engines")

    def validate(self, job: Path) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(["/usr/bin/python3", "-c", VALIDATE, job, LAVA / "selftests.yaml"],
                              text=True, check=False, capture_output=True)

    def test_valid(self) -> None:
        done = self.validate(LAVA / "job.yaml")
        self.assertEqual(0, done.returncode, done.stderr)

    def test_the_schema_refuses_others(self) -> None:
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            text = (LAVA / "job.yaml").read_text(encoding="utf-8")
            file.write(text.replace("media: tmpfs", "medium: tmpfs"))
            file.flush()
            self.assertIn("medium", self.validate(Path(file.name)).stderr)


class Report(unittest.TestCase):
    def test_each_test_is_a_case(self) -> None:
        with tempfile.TemporaryDirectory() as directory:
            tool, output = Path(directory, "lava-test-case"), Path(directory, "ktap")
            tool.write_text("#!/bin/sh\necho \"$@\"\n", encoding="ascii")
            tool.chmod(0o755)
            output.write_text(OUTPUT, encoding="ascii")
            said = subprocess.run([LAVA / "report", output], text=True, check=True,
                                  capture_output=True,
                                  env={**os.environ, "PATH": f"{directory}:{os.environ['PATH']}"})
        self.assertEqual(["hotadd.hotadd.works --result pass", "hotadd.hotadd.fails --result fail",
                          "hotadd.hotadd.lacks --result skip"], said.stdout.splitlines())


if __name__ == "__main__":
    unittest.main()
