# SPDX-License-Identifier: GPL-2.0
"""A user's source and patches that are refused. test_readme runs those that README shows."""

import os
import subprocess
import tempfile
import unittest
from pathlib import Path

from unittest import mock

from host import archive, source, tried, variables
from host.common import BUILD, SCRIPTS, Failure

SERIES = "7.3"


def start(script: str, *words: str | Path,
          **given: str | Path) -> "subprocess.CompletedProcess[str]":
    clean = variables.for_others(os.environ)
    return subprocess.run([SCRIPTS / script, *words], capture_output=True, text=True, check=False,
                          env={**clean, **{name: str(value) for name, value in given.items()}})


class TryTest(unittest.TestCase):
    def setUp(self) -> None:
        self.directory = Path(self.enterContext(tempfile.TemporaryDirectory()))

    def attempt(self, *words: str | Path,
                **variables: str | Path) -> "subprocess.CompletedProcess[str]":
        return start("try", "--results", self.directory, *words, **variables)

    def write(self, name: str, text: str) -> Path:
        (self.directory / name).write_text(text, encoding="utf-8")
        return self.directory / name


class Refused(TryTest):
    """One line, and the exit status that makes git bisect try another commit."""

    def refused(self, pattern: str, **variables: str | Path) -> None:
        done = self.attempt(**variables)
        self.assertEqual(125, done.returncode, done.stdout + done.stderr)
        self.assertEqual(1, done.stderr.count("\n"), done.stderr)
        self.assertRegex(done.stderr, pattern)

    def test_no_patch(self) -> None:
        self.refused("PATCH: /nowhere does not exist", PATCH="/nowhere")

    def test_no_source(self) -> None:
        self.refused(f"SOURCE: {self.directory} is not a Linux source tree", SOURCE=self.directory)

    def test_no_series(self) -> None:
        self.refused("no source of a series '5.4'", SOURCE="5.4")

    def test_does_not_apply(self) -> None:
        patch = self.write("it.patch", "--- a/mm/sparse.c\n+++ b/mm/sparse.c\n"
                           "@@ -1,1 +1,1 @@\n-nothing like that\n+nor that\n")
        self.refused(f"errpath: PATCH: {patch} does not apply to {SERIES}: .*mm/sparse.c",
                     SOURCE=SERIES, PATCH=patch)

    def test_does_not_compile(self) -> None:
        patch = self.write("it.patch", "--- /dev/null\n+++ b/mm/errpath.h\n@@ -0,0 +1 @@\n+x\n"
                           "--- a/mm/Makefile\n+++ b/mm/Makefile\n@@ -1,1 +1,2 @@\n"
                           "+$(error broken by the patch)\n # SPDX-License-Identifier: GPL-2.0\n")
        done = self.attempt(SOURCE=SERIES, PATCH=patch)
        self.assertEqual(125, done.returncode, done.stdout + done.stderr)
        self.assertRegex(done.stderr, "(?m)broken by the patch")
        self.assertRegex(done.stderr.splitlines()[-1], "^errpath: patched: building patched: make")


class Order(unittest.TestCase):
    """What the user can mend is found before anything is fetched."""

    def setUp(self) -> None:
        fetches = mock.patch.object(source, "debian", side_effect=AssertionError("fetched"))
        self.enterContext(fetches)
        tried.source_tree.cache_clear()
        self.addCleanup(tried.source_tree.cache_clear)

    def test_patch_is_looked_at_before_the_source(self) -> None:
        for function in (tried.changed, tried.lines, tried.steps):
            with (self.subTest(function), mock.patch.dict(os.environ, {"PATCH": "/nowhere"}),
                  self.assertRaisesRegex(Failure, "PATCH: /nowhere does not exist")):
                function()

    def test_the_default_of_source_is_said(self) -> None:
        for given, said in (("", [mock.call(f"SOURCE is not given: it is {SERIES}")]), ("6.1", [])):
            with (mock.patch.dict(os.environ, {"SOURCE": given}),
                  mock.patch.object(tried, "say") as say,
                  self.assertRaisesRegex(AssertionError, "fetched")):
                tried.source_tree()
            self.assertEqual(said, say.mock_calls)

    def test_own_kernel_is_looked_at_before_the_tests_are_built(self) -> None:
        done = start("run", "user", "--tests", "knobs", KDIR="/tmp")
        self.assertEqual((125, "", "errpath: KDIR: /tmp has no arch/x86/boot/bzImage: build that "
                          "kernel first\n"), (done.returncode, done.stdout, done.stderr))


class Tree(TryTest):
    def test_kdir(self) -> None:
        """The tree in which a kernel of ours was built, as a kernel of the user's own."""
        # Other tests began in it what did not end: build again.
        (BUILD / "kernels/small/stamp").unlink(missing_ok=True)
        archive.fetch("small")
        with source.debian(SERIES).lock():
            done = start("run", "user", "--tests", "section_activate", "--results",
                         self.directory, V="1", KDIR=BUILD / "linux" / SERIES / "small")
        self.assertIn("user: Linux 7.", done.stdout, done.stderr)
        self.assertRegex(done.stdout, "(?m)^  pass +section_activate.hotplug.boot_section_has_its")
