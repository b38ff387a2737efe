# SPDX-License-Identifier: GPL-2.0
"""scripts/judge with patches: a fix of errpath's own, whose page must be the kept one; and patches
that cannot be judged. Needs a kernel's source."""

import tempfile
import unittest
from pathlib import Path

from host import judgecases
from test_try import SERIES, start

PATCH = "--- a/mm/{name}\n+++ b/mm/{name}\n@@ -1,1 +1,2 @@\n+{line}\n {first}\n"


class PatchTest(unittest.TestCase):
    def setUp(self) -> None:
        self.directory = Path(self.enterContext(tempfile.TemporaryDirectory()))


class Case(PatchTest):
    maxDiff = None

    def test_fixes_of_known_bugs(self) -> None:
        """The two that take the least time."""
        for case in judgecases.cases(["firmware-map", "resource-errno"]):
            with self.subTest(case.name):
                self.assertEqual([], judgecases.problems(case, self.directory / case.name))


class Refused(PatchTest):
    """One line, and exit status 125."""

    def refused(self, pattern: str, text: str) -> None:
        patch = self.directory / "it.patch"
        patch.write_text(text, encoding="utf-8")
        done = start("judge", "--results", self.directory / "results", SOURCE=SERIES, PATCH=patch)
        self.assertEqual(125, done.returncode, done.stdout + done.stderr)
        self.assertRegex(done.stderr.splitlines()[-1], rf"\Aerrpath: {pattern}")
        self.assertFalse((self.directory / "results/page.txt").exists())

    def test_for_another_tree(self) -> None:
        self.refused(rf"PATCH: it.patch does not apply to {SERIES}: .*mm/nosuch.c",
                     PATCH.format(name="nosuch.c", first="int x;", line="int y;"))

    def test_no_function(self) -> None:
        self.refused("PATCH: it.patch touches no function of C code",
                     PATCH.format(name="Makefile", first="# SPDX-License-Identifier: GPL-2.0",
                                  line="# a comment"))

    def test_does_not_compile(self) -> None:
        self.refused("building patched: make",
                     "--- a/mm/Makefile\n+++ b/mm/Makefile\n@@ -1,1 +1,2 @@\n"
                     "+$(error broken by the patch)\n # SPDX-License-Identifier: GPL-2.0\n"
                     "--- a/drivers/firmware/memmap.c\n+++ b/drivers/firmware/memmap.c\n"
                     "@@ -95,2 +95,3 @@\n \treturn container_of(kobj, struct firmware_map_entry, "
                     "kobj);\n+\treturn NULL;\n }\n")
