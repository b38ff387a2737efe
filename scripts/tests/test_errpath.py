# SPDX-License-Identifier: GPL-2.0
"""The command errpath, as far as it needs no module: its help, its manual page, its completion, where
they are installed, and what it makes of the kernel's file status."""

import json
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from host import build, common, ksft, root
from host.common import BUILD, ROOT

# The file status of a kernel, with a point that was added, whose last failed task has an odd name.
STATUS = """\
POINT            STATE   FUNCTION                              BY           SEEN   MISSED    MATCHED   INJECTED  LAST FAILED
config_window    waiting hv_vmbus:vmbus_allocate_mmio          absent          0        0          0          0  -
folio_split      off     folio_get_anon_vma                    -               0        0          0          0  -
                         can_split_folio                       -
                         +2                                    absent
target_notrace   armed   errpath_target:errpath_target_notrace kprobe          5        1          4          3  errpath_target_caller by 7 ("\\ {x)
vmemmap_restore  off     __hugetlb_vmemmap_restore_folio       -               0        0          0          0  -
                         +1                                    absent
"""
POINTS = {
    "config_window": ("waiting", 0, [("hv_vmbus:vmbus_allocate_mmio", "absent")]),
    "folio_split": ("off", 0, [("folio_get_anon_vma", "-"), ("can_split_folio", "-")]),
    "target_notrace": ("armed", 3, [("errpath_target:errpath_target_notrace", "kprobe")]),
    "vmemmap_restore": ("off", 0, [("__hugetlb_vmemmap_restore_folio", "-")]),
}

SUBCOMMANDS = ("status", "points", "run", "sweep", "verdict", "off")


class Command(unittest.TestCase):
    directory: Path

    @classmethod
    def setUpClass(cls) -> None:
        build.selftests(ksft.fetch(), [build.COMMAND])
        cls.directory = Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        subprocess.run(["make", "-C", ROOT / "selftests", "-s", "install-errpath",
                        f"OUTPUT={BUILD / 'selftests/programs'}", f"KSFT={ksft.fetch()}",
                        f"DESTDIR={cls.directory}", "PREFIX=/usr"], check=True)

    def said(self, *words: str) -> str:
        """Return what the command prints."""
        return subprocess.run([self.directory / "usr/sbin/errpath", *words], text=True,
                              check=True, capture_output=True).stdout

    def test_man_has_the_text_of_the_help(self) -> None:
        man = (self.directory / "usr/share/man/man8/errpath.8").read_text(encoding="ascii")
        words = re.sub(r"^\.\w+ ?|\\&", "", man.replace("\\-", "-"), flags=re.M).split()
        for subcommand in SUBCOMMANDS:
            helped = self.said(subcommand, "--help").partition("\n\n")[2].split()
            self.assertIn(" ".join(helped), " ".join(words), subcommand)

    def test_man_page_has_no_warnings(self) -> None:
        page = self.directory / "usr/share/man/man8/errpath.8"
        if not shutil.which("groff"):
            self.skipTest("groff is not installed")
        done = subprocess.run(["groff", "-man", "-Tascii", "-ww", "-z", page], text=True,
                              check=False, capture_output=True)
        self.assertEqual((0, ""), (done.returncode, done.stderr))

    def in_root(self, *words: str) -> str:
        """Return what the command prints where STATUS is the kernel's file status."""
        with tempfile.TemporaryDirectory() as directory:
            status = Path(directory, "sys/kernel/debug/errpath/status")
            status.parent.mkdir(parents=True)
            status.write_text(STATUS, encoding="ascii")
            for name in ("dev", "proc"):
                Path(directory, name).mkdir()
            shutil.copy(self.directory / "usr/sbin/errpath", directory)
            return common.run(root.enter(Path(directory), ["/errpath", *words]), "errpath")

    def test_status_is_json(self) -> None:
        points = json.loads(self.in_root("status", "--json"))["points"]
        self.assertEqual(POINTS, {
            point["name"]: (point["state"], point["injected"],
                            [(one["name"], one["by"]) for one in point["functions"]])
            for point in points})
        self.assertEqual(['errpath_target_caller by 7 ("\\ {x)'],
                         [point["last"] for point in points if point["last"]])

    def test_status_is_that_of_the_kernel(self) -> None:
        self.assertEqual(STATUS, self.in_root("status"))

    def test_points_without_those_that_are_absent(self) -> None:
        self.assertEqual([[name, *[one for one, _ in functions]]
                          for name, (_, _, functions) in POINTS.items()],
                         [line.split() for line in self.in_root("points").splitlines()])

    def complete(self, *words: str) -> list[str]:
        """Return the completions of the last word."""
        script = (f'. {self.directory}/usr/share/bash-completion/completions/errpath;'
                  f'COMP_WORDS=({" ".join(words)}); COMP_CWORD={len(words) - 1};'
                  'PATH=; _errpath; echo "${COMPREPLY[*]}"')
        return subprocess.run(["/bin/bash", "-c", script], text=True, check=True,
                              capture_output=True).stdout.split()

    def test_completion(self) -> None:
        self.assertEqual({*SUBCOMMANDS, "--help"}, {*self.complete("errpath", "''")})
        self.assertEqual(["status", "sweep"], sorted(self.complete("errpath", "s")))
        self.assertEqual(["--yes"], self.complete("errpath", "sweep", "--y"))
        self.assertEqual([], self.complete("errpath", "run", "alloc", "--", "tr"))

    def test_shellcheck(self) -> None:
        subprocess.run(["shellcheck", "-s", "bash", "-"], text=True, check=True,
                       input=self.said("--bash-completion"))

    def test_one_line_for_wrong_words(self) -> None:
        for words in ((), ("fail",), ("run",), ("status", "x"), ("sweep", "--no", "--", "x")):
            done = subprocess.run([self.directory / "usr/sbin/errpath", *words], text=True,
                                  check=False, capture_output=True)
            self.assertEqual(125, done.returncode, words)
            self.assertRegex(done.stderr, r"\Aerrpath: .+\n\Z", words)
