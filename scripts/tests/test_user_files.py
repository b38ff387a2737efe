# SPDX-License-Identifier: GPL-2.0
"""FILES: the user's files in the guest."""

import json
import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import test_guests
from host import archive, common, user_files
from host.common import SCRIPTS, Failure
from host.kernel import Kernel

LINE = os.environ.get("KERNEL", "6.12")
MODULE = """#include <linux/module.h>

static int __init mine_init(void)
{
	return 0;
}

static void __exit mine_exit(void)
{
}

module_init(mine_init);
module_exit(mine_exit);
MODULE_LICENSE("GPL");
"""


# Five lines that allocate; what the first of them got is lost if the second gets nothing.
LEAKS = """
static void *first, *second;

static int __init mine_init(void)
{
	first = kmalloc(700, GFP_KERNEL);
	if (!first)
		return -ENOMEM;
	second = kmalloc(300, GFP_KERNEL);
	return second ? 0 : -ENOMEM;
}

static void __exit mine_exit(void)
{
	kfree(second);
	kfree(first);
}
"""


def build(directory: Path, source: str) -> Path:
    """Build a module mine.ko."""
    (directory / "mine.c").write_text(source, encoding="ascii")
    (directory / "Kbuild").write_text("obj-m := mine.o\n", encoding="ascii")
    common.run(archive.fetch(LINE).make(directory, "CONFIG_DEBUG_INFO_BTF_MODULES=", "modules"),
               "building mine.ko")
    return directory / "mine.ko"


def built_with_leak(directory: Path) -> Path:
    """Build a module that loses an object if it does not get the second one."""
    includes, _, rest = MODULE.partition("\n")
    return build(directory, f"{includes}\n#include <linux/slab.h>\n{LEAKS}"
                 + rest[rest.index("\nmodule_init"):])


class FilesTest(unittest.TestCase):
    def setUp(self) -> None:
        self.directory = Path(self.enterContext(tempfile.TemporaryDirectory()))

    def write(self, name: str, data: bytes, mode: int = 0o644) -> Path:
        file = self.directory / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        file.chmod(mode)
        return file


def module(release: str, depends: str = "") -> bytes:
    return f"\0vermagic={release} SMP\0depends={depends}\0".encode()


class Given(FilesTest):
    def given(self, *paths: str | Path) -> user_files.Files:
        kernel: Kernel = SimpleNamespace(release="6.12.1")	# type: ignore[assignment]

        def add(_: Kernel, name: str, found: dict[str, bytes]) -> None:
            found.update({f"below_{name}": b"1", name: b"2"})

        with mock.patch.dict(os.environ, {"FILES": " ".join(map(str, paths))}):
            return user_files.given(kernel, add)

    def test_none(self) -> None:
        self.assertEqual({}, self.given())

    def test_files_and_directories(self) -> None:
        script = self.write("run.sh", b"#!/bin/sh\n", 0o755)
        self.write("d/below/data", b"x")
        (self.directory / "d/link").symlink_to("below/data")
        self.assertEqual({"files/run.sh": (0o100755, b"#!/bin/sh\n"),
                          "files/d/below/data": (0o100644, b"x"),
                          "files/d/link": (0o120777, b"below/data")},
                         self.given(script, self.directory / "d"))

    def test_modules_can_be_loaded_by_name(self) -> None:
        files = self.given(self.write("a-b.ko", module("6.12.1", "c,ext4")),
                           self.write("c.ko", module("6.12.1")))
        self.assertEqual(b"/files/a-b.ko: /files/c.ko ext4.ko below_ext4.ko\n/files/c.ko:\n",
                         files["lib/modules/6.12.1/modules.dep"][1])
        self.assertEqual(b"2", files["lib/modules/6.12.1/ext4.ko"][1])

    def refused(self, text: str, *paths: str | Path) -> None:
        with self.assertRaisesRegex(Failure, text):
            self.given(*paths)

    def test_refused(self) -> None:
        self.refused("FILES: /nowhere does not exist", "/nowhere")
        self.refused("have the same name", self.write("x", b""), self.write("d/x", b""))
        self.refused("is of 6.1.0, the guest runs 6.12.1", self.write("o.ko", module("6.1.0")))
        self.refused("is no module", self.write("n.ko", b"text"))
        self.refused("is dynamically linked.* -static", shutil.which("env") or "")

    def test_static_program(self) -> None:
        self.assertIn("files/busybox", self.given(shutil.which("busybox") or ""))


class InGuest(FilesTest):
    def run_script(self, *words: str | Path, files: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run([SCRIPTS / words[0], *words[1:]], text=True, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              env={**os.environ, "FILES": files})

    def test_command(self) -> None:
        built = build(self.directory, MODULE)
        self.write("d/hello", b"#!/bin/sh\necho hello\nexit 42\n", 0o755)
        done = self.run_script("vm", LINE, "modprobe mine && rmmod mine && insmod /files/mine.ko && "
                               "/files/d/hello", files=f"{built} {self.directory}/d")
        self.assertEqual(42, done.returncode, done.stdout)
        self.assertIn("hello", done.stdout)

    def test_run(self) -> None:
        """Selftests find them, too."""
        self.write("d/data", b"it\n")
        words = test_guests.command(self.directory, {
            "finds": (9, '[ "$(cat /files/d/data)" = it ]'), "not": (9, "[ -e /files/other ]")})
        done = self.run_script(*words, files=str(self.directory / "d"))
        self.assertEqual(1, done.returncode, done.stdout)
        self.assertRegex(done.stdout, r"(?m)^ +FAIL +not +exit=1$")
        self.assertRegex(done.stdout, r"(?m)^2 passed, 1 failed, 0 skipped$")

    def test_sweep_names_the_leak(self) -> None:
        """The sweep of a module that its command loads and unloads names the object that the
        module loses, and the function that did not get the second one."""
        built = built_with_leak(self.directory)
        results = self.directory / "results"
        done = self.run_script("sweep", "--results", results, "--append", "ERRPATH_UNDER=mine_init",
                               "--command", "insmod /files/mine.ko; rmmod mine", LINE,
                               files=str(built))
        self.assertEqual(1, done.returncode, done.stdout)
        report = json.loads((results / LINE / "sweeps/command/report.json").read_text())
        found = {tuple(target["frames"][0].split("+")[:1]): target["findings"]
                 for target in report["targets"]}
        self.assertEqual({("mine_init",)}, set(found), done.stdout)
        self.assertRegex(done.stdout, r"leak: slab.kmalloc-\S*1k \+1")


if __name__ == "__main__":
    unittest.main()
