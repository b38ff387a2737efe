# SPDX-License-Identifier: GPL-2.0
"""The selftests that are built, and those that an initramfs has."""

import re
import subprocess
import tempfile
import unittest
from pathlib import Path

from host import build, ksft
from host.common import ROOT

DATA = ("known-issues", "azure_kdump", "config", "config.aarch64", "config.x86_64", "settings")


class Selection(unittest.TestCase):
    def compiled(self, *words: str) -> set[str]:
        """Return the programs that make would build from nothing."""
        with tempfile.TemporaryDirectory() as directory:
            said = subprocess.run(["make", "-C", ROOT / "selftests", "-ns", f"OUTPUT={directory}",
                                   f"KSFT={ksft.fetch()}", f"INSTALL_PATH={directory}/installed",
                                   *words, "install"], capture_output=True, text=True, check=True)
        return set(re.findall(rf"-o {directory}/(\w+)$", said.stdout, re.M))

    def test_named_programs(self) -> None:
        self.assertEqual({"knobs", "sweep"}, self.compiled("PROGRAMS=knobs sweep"))

    def test_all_programs(self) -> None:
        every = self.compiled()
        self.assertLess({*build.programs(build.listing(), ["all"])}, every)
        self.assertIn("sweep", every)

    def test_installed(self) -> None:
        """Not the list of all programs, but of those that are installed."""
        with tempfile.TemporaryDirectory() as directory:
            installed = build.selftests(ksft.fetch(), ["own", "bench"], out=Path(directory))
            self.assertEqual({"own", "bench", build.COMMAND, "kselftest-list.txt", *DATA},
                             {file.name for file in installed.iterdir()})
            listing = (installed / "kselftest-list.txt").read_text(encoding="ascii")
        self.assertRegex(listing, r"\Aown \d+ more\n\Z")


class List(unittest.TestCase):
    def test_choice(self) -> None:
        text = "oops 9 more\none 9\ntwo 8\n\nlong 7 more\n"
        self.assertEqual({"one": "9", "two": "8"}, build.programs(text))
        self.assertEqual({"oops": "9", "long": "7"}, build.programs(text, ["long", "oop*"]))
        self.assertEqual(["oops", "one", "two", "long"], [*build.programs(text, ["all"])])


class Initramfs(unittest.TestCase):
    def setUp(self) -> None:
        self.installed = Path(self.enterContext(tempfile.TemporaryDirectory()))
        for name in ("knobs", "hotadd", "sweep", "of-a-user", *DATA):
            (self.installed / name).touch()

    def names(self, *programs: str) -> set[str]:
        files = build.selftest_files(self.installed, programs)
        return {name.removeprefix("selftests/") for name in files}

    def test_has_only_its_programs(self) -> None:
        self.assertEqual({"hotadd", "of-a-user", *DATA}, self.names("hotadd"))

    def test_for_a_prompt_has_all(self) -> None:
        self.assertEqual({"knobs", "hotadd", "sweep", "of-a-user", *DATA}, self.names())
