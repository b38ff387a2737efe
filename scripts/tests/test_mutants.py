# SPDX-License-Identifier: GPL-2.0
"""Every row of mutants.conf changes its file."""

import subprocess
import unittest

from host.common import ROOT, SCRIPTS


class Rows(unittest.TestCase):
    def test_every_expression_changes_its_file(self) -> None:
        lines = (SCRIPTS / "mutants.conf").read_text(encoding="utf-8").splitlines()
        rows = [line.split(" | ") for line in lines if line and line[0] != "#"]
        self.assertGreater(len(rows), 16)
        for name, file, expression, *_ in rows:
            with self.subTest(name):
                before = (ROOT / file.strip()).read_text(encoding="utf-8")
                after = subprocess.run(["sed", "-E", expression.strip()], input=before, text=True,
                                       check=True, stdout=subprocess.PIPE).stdout
                self.assertNotEqual(before, after)
