# SPDX-License-Identifier: GPL-2.0
"""make install and make uninstall below a directory; and results of the kernel's own runner."""

import re
import stat
import subprocess
import tempfile
import unittest
from pathlib import Path

from host import build, installed, kselftest
from host.common import ROOT, SCRIPTS
from host.ktap import Result

SOURCE = f"usr/src/errpath-{installed.version()}"
LIBRARY = "usr/local/lib/errpath"


class Below(unittest.TestCase):
    """DESTDIR"""

    root: Path
    before: list[str]

    @classmethod
    def setUpClass(cls) -> None:
        cls.root = Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        (cls.root / "usr/local/sbin").mkdir(parents=True)
        (cls.root / "usr/local/sbin/other").touch()
        cls.before = cls.files()
        cls.install()

    @classmethod
    def files(cls) -> list[str]:
        return sorted(str(path.relative_to(cls.root)) for path in cls.root.rglob("*"))

    @classmethod
    def install(cls, *words: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run([SCRIPTS / "install", "--destdir", cls.root, *words], text=True,
                              check=True, capture_output=True)

    def test_layout(self) -> None:
        files = self.files()
        for name in (f"{SOURCE}/Kbuild", f"{SOURCE}/module/errpath/main.c", f"{SOURCE}/dkms.conf",
                     f"{LIBRARY}/run_kselftest.sh", f"{LIBRARY}/kselftest/runner.sh",
                     f"{LIBRARY}/errpath/known-issues", "usr/local/sbin/errpath",
                     "usr/local/sbin/errpath-selftests", "usr/local/share/man/man8/errpath.8",
                     "usr/local/share/bash-completion/completions/errpath"):
            self.assertIn(name, files)
        for name in ("usr/local/sbin/errpath", f"{LIBRARY}/run_kselftest.sh",
                     f"{LIBRARY}/errpath/hotadd"):
            self.assertTrue((self.root / name).stat().st_mode & stat.S_IXUSR, name)

    def test_list_of_the_runner(self) -> None:
        said = subprocess.run([self.root / LIBRARY / "run_kselftest.sh", "-l"], text=True,
                              check=True, capture_output=True).stdout.split()
        expected = build.programs(build.listing(), ["safe"])
        self.assertEqual([f"errpath:{name}" for name in expected], said)
        self.assertNotIn("errpath:direct_map_dimm", said)

    def test_again_and_uninstall(self) -> None:
        files = self.files()
        self.install()
        self.assertEqual(files, self.files())
        self.install("--uninstall")
        self.assertEqual(self.before, self.files())
        done = subprocess.run([SCRIPTS / "install", "--destdir", self.root, "--uninstall"],
                              text=True, check=False, capture_output=True)
        self.assertEqual(125, done.returncode)
        self.assertRegex(done.stderr, r"\Aerrpath: errpath is not installed below .*/usr/local\n\Z")
        self.install()


class Dkms(unittest.TestCase):
    """module/dkms.conf, as dkms sources it."""

    def value(self, script: str, headers: str = "/nowhere") -> list[str]:
        return subprocess.run(
            ["bash", "-c", f". {ROOT / 'module/dkms.conf'}; {script}"], text=True,
            check=True, capture_output=True,
            env={"kernel_source_dir": headers, "dkms_tree": "/nowhere", "kernelver": "6.12.1",
                 "arch": "x86_64", "PATH": "/usr/bin:/bin"}).stdout.split()

    def modules(self, *options: str) -> list[str]:
        with tempfile.TemporaryDirectory() as directory:
            Path(directory, ".config").write_text("".join(f"{name}=y\n" for name in options))
            return self.value('echo "${BUILT_MODULE_NAME[@]}"', directory)

    def test_modules_are_those_of_kbuild(self) -> None:
        text = (ROOT / "Kbuild").read_text(encoding="utf-8").replace("\\\n", "")
        names = set(re.findall(r"^obj-m [+:]= *(?:\$\(if .*,)?(\w+)\.o", text, re.M))
        names |= set(re.findall(r"\b(errpath_\w+)", re.findall(r"^stimuli := (.*)", text, re.M)[0]))
        options = set(re.findall(r"\$\((CONFIG_\w+)\)", text))
        self.assertEqual(names, set(self.modules(*options)))
        self.assertEqual({"errpath_livepatch", "errpath_migrate", "vmbus_sim"},
                         names - set(self.modules()))

    def test_kernels(self) -> None:
        for release, fits in (("6.1.0-57-cloud-amd64", True), ("6.12.1", True), ("7.3.4", True),
                              ("6.0.12", False), ("5.10.0-1", False), ("60.1.2", False)):
            said = self.value(f"[[ {release} =~ $BUILD_EXCLUSIVE_KERNEL ]] && echo yes || echo no")
            self.assertEqual(["yes" if fits else "no"], said, release)

    def test_options_are_those_that_tests_need(self) -> None:
        needed = "".join((ROOT / f"selftests/{name}").read_text(encoding="utf-8")
                         for name in ("config", "config.x86_64"))
        for name in self.value("echo $BUILD_EXCLUSIVE_CONFIG"):
            self.assertIn(f"{name}=y\n", needed)


class Runner(unittest.TestCase):
    """What run_kselftest.sh prints."""

    TEXT = """TAP version 13
1..2
# timeout set to 120
# selftests: errpath: one
# TAP version 13
# 1..2
# # said
# ok 1 a.works
# # a.c:7:fails:Expected 0 == 1
# not ok 2 a.fails
not ok 1 selftests: errpath: one # exit=1
# timeout set to 120
# selftests: errpath: two
# 1..0 # SKIP no module
ok 2 selftests: errpath: two # SKIP
"""

    def test_parse(self) -> None:
        results = kselftest.parse(self.TEXT)
        self.assertEqual([("one.a.works", "pass"), ("one.a.fails", "fail"), ("two", "skip")],
                         [(result.name, result.outcome) for result in results])
        self.assertEqual(("a.c:7:fails:Expected 0 == 1", "no module"),
                         (results[1].reason, results[2].reason))
        self.assertIsInstance(results[0], Result)


if __name__ == "__main__":
    unittest.main()
