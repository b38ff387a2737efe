# SPDX-License-Identifier: GPL-2.0
"""The user's own kernel: KDIR, or IMAGE and HEADERS."""

import os
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from host import archive, variables
from host.common import SCRIPTS
from host.kernel import Kernel

LINE = os.environ.get("KERNEL", "6.12")


def run(*words: str | Path, **given: str | Path) -> "subprocess.CompletedProcess[str]":
    """scripts/run on the user's kernel, with some of its variables set."""
    clean = variables.for_others(os.environ)
    return subprocess.run([SCRIPTS / "run", "user", *words], capture_output=True, text=True,
                          check=False, env={**clean, **{name: str(value) for name, value in
                                                        given.items()}})


class Given(unittest.TestCase):
    """Image and headers are files; kernels.conf plays no part."""

    def test_image_and_headers(self) -> None:
        kernel = archive.fetch(LINE)
        with tempfile.TemporaryDirectory() as directory:
            done = run("--results", directory, "--tests", "section_activate",
                       IMAGE=kernel.image, HEADERS=kernel.headers, V="1")
            self.assertEqual(0, done.returncode, done.stdout + done.stderr)
            self.assertRegex(done.stdout, rf"user: Linux {kernel.release}".replace("+", r"\+"))
            self.assertRegex(done.stdout, "xfail +section_activate")
            self.assertTrue(Path(directory, "user/ktap").is_file())


class Refused(unittest.TestCase):
    """One line that names the problem and its solution."""

    kernel: Kernel

    @classmethod
    def setUpClass(cls) -> None:
        cls.kernel = archive.fetch(LINE)

    def setUp(self) -> None:
        self.directory = Path(self.enterContext(tempfile.TemporaryDirectory()))

    def refused(self, pattern: str, **variables: str | Path) -> None:
        done = run("--results", self.directory / "results", **variables)
        self.assertNotEqual(0, done.returncode)
        self.assertEqual(1, done.stderr.count("\n"), done.stderr)
        self.assertRegex(done.stderr, pattern)

    def headers(self) -> Path:
        """Copy those files of headers that errpath reads."""
        copy = self.directory / "headers"
        for name in ("include/config/auto.conf", "include/generated/utsrelease.h",
                     "Module.symvers"):
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(self.kernel.headers / name, copy / name)
        return copy

    def test_nothing_given(self) -> None:
        self.refused("IMAGE is missing: give KDIR= .* or IMAGE= and HEADERS=")

    def test_both_given(self) -> None:
        self.refused("KDIR with IMAGE", KDIR="/", IMAGE=self.kernel.image)

    def test_no_such_file(self) -> None:
        self.refused("IMAGE: /nowhere does not exist", IMAGE="/nowhere", HEADERS="/")

    def test_headers_missing(self) -> None:
        self.refused("HEADERS is missing", IMAGE=self.kernel.image)

    def test_tree_without_image(self) -> None:
        self.refused("has no arch/x86/boot/bzImage: build that kernel", KDIR=self.headers())

    def test_no_headers(self) -> None:
        self.refused("has no include/config/auto.conf: it is neither", IMAGE=self.kernel.image,
                     HEADERS=self.directory)

    def test_not_built(self) -> None:
        headers = self.headers()
        (headers / "Module.symvers").unlink()
        self.refused("has no Module.symvers: build", IMAGE=self.kernel.image, HEADERS=headers)

    def test_no_image(self) -> None:
        self.refused("IMAGE: .*/Makefile is not a bootable x86 kernel", HEADERS=self.headers(),
                     IMAGE=SCRIPTS.parent / "Makefile")

    def test_of_two_builds(self) -> None:
        headers = self.headers()
        (headers / "include/generated/utsrelease.h").write_text('#define UTS_RELEASE "6.6.6"\n')
        self.refused(rf"IMAGE is Linux {re.escape(self.kernel.release)}, HEADERS are of 6\.6\.6: "
                     "give both of one build", IMAGE=self.kernel.image, HEADERS=headers)

    def test_no_modules(self) -> None:
        image = self.directory / "elsewhere/vmlinuz"
        image.parent.mkdir()
        shutil.copy(self.kernel.image, image)
        self.refused("no modules of .*: give MODULES=", IMAGE=image, HEADERS=self.headers())

    def test_option_missing(self) -> None:
        headers = self.headers()
        options = headers / "include/config/auto.conf"
        text = options.read_text(encoding="utf-8")
        options.write_text(text.replace("CONFIG_KPROBES=y\n", ""), encoding="utf-8")
        self.refused(r"the kernel \S+ has no CONFIG_KPROBES=y, which errpath needs",
                     IMAGE=self.kernel.image, HEADERS=headers)

    def test_compiler_missing(self) -> None:
        headers = self.headers()
        options = headers / "include/config/auto.conf"
        with options.open("a", encoding="utf-8") as file:
            file.write("CONFIG_GCC_VERSION=990000\n")
        self.refused("built by gcc-99, which is not here: install it", IMAGE=self.kernel.image,
                     HEADERS=headers)
