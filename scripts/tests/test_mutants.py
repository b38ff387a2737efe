# SPDX-License-Identifier: GPL-2.0
"""Every row of mutants.conf changes one place in its file; test_rows has a test of its tests."""

import difflib
import subprocess
import unittest

from host import common
from host.common import ROOT, SCRIPTS


class Rows(unittest.TestCase):
    def test_every_expression_changes_one_place(self) -> None:
        rows = [line.split(" | ") for line in common.rows(SCRIPTS / "mutants.conf")]
        self.assertGreater(len(rows), 16)
        self.assertEqual(len(rows), len({name for name, *_ in rows}))
        for name, file, expression, _ in rows:
            with self.subTest(name):
                before = (ROOT / file.strip()).read_text(encoding="utf-8")
                after = subprocess.run(["sed", "-E", expression.strip()], input=before, text=True,
                                       check=True, stdout=subprocess.PIPE).stdout
                lines = difflib.SequenceMatcher(None, before.splitlines(), after.splitlines(),
                                                autojunk=False)
                places = [before.splitlines()[first:end] + after.splitlines()[at:to]
                          for tag, first, end, at, to in lines.get_opcodes() if tag != "equal"]
                self.assertEqual(1, len(places), places)
