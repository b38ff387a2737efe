# SPDX-License-Identifier: GPL-2.0
"""The command errpath, as far as it needs no module: its help, its manual page, its completion, and
where they are installed."""

import re
import subprocess
import tempfile
import unittest
from pathlib import Path

from host import build, ksft
from host.common import BUILD, ROOT

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
