# SPDX-License-Identifier: GPL-2.0
"""Package sources of other releases, derived from the machine's own."""

import shutil
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from host import apt
from host.common import BUILD, Failure


class Renamed(unittest.TestCase):
    DEB822 = ("Types: deb\nURIs: http://mirror/debian\nSuites: one one-updates\nComponents: main\n"
              "Signed-By: /keys/one.gpg\n\nURIs: http://mirror/security\nSuites: one-security\n")
    LINES = ("# one\ndeb [signed-by=/keys/one.gpg] http://mirror/one one main\n"
             "deb http://mirror/one one-updates main contrib\n"
             "deb http://mirror/security one/updates main\n")

    def test_deb822(self) -> None:
        self.assertEqual(self.DEB822.replace("one one-", "two two-").replace("one-sec", "two-sec"),
                         apt.renamed(self.DEB822, "one", "two"))

    def test_deb822_with_backports(self) -> None:
        self.assertIn("Suites: two two-backports two-updates\n",
                      apt.renamed(self.DEB822, "one", "two-backports"))

    def test_lines(self) -> None:
        self.assertEqual("# one\ndeb [signed-by=/keys/one.gpg] http://mirror/one two main\n"
                         "deb http://mirror/one two-updates main contrib\n"
                         "deb http://mirror/security two/updates main\n",
                         apt.renamed(self.LINES, "one", "two"))

    def test_lines_with_backports(self) -> None:
        self.assertIn("http://mirror/one two main\n"
                      "deb [signed-by=/keys/one.gpg] http://mirror/one two-backports main\n",
                      apt.renamed(self.LINES, "one", "two-backports"))


class Refused(unittest.TestCase):
    def test_suite_that_does_not_exist(self) -> None:
        suite = "nosuchsuite"
        self.addCleanup(shutil.rmtree, BUILD / "apt" / suite, ignore_errors=True)
        with self.assertRaisesRegex(Failure, f"^the archive of .* has no suite {suite}$"):
            apt.refresh(suite)
        self.assertFalse(Path(BUILD / "apt" / suite).exists())

    def test_package_lists_of_before_are_kept(self) -> None:
        with (tempfile.TemporaryDirectory() as directory,
              mock.patch.object(apt, "BUILD", Path(directory)),
              mock.patch.object(apt, "_update", side_effect=Failure("no network"))):
            old = Path(directory, "apt/old")
            old.mkdir(parents=True)
            for suite in ("old", "new"):
                with self.assertRaisesRegex(Failure, "^no network$"):
                    apt.refresh(suite)
            self.assertEqual([old], [*old.parent.iterdir()])
