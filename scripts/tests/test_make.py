# SPDX-License-Identifier: GPL-2.0
"""The Makefile passes shell commands and kernel command lines to the scripts unchanged."""

import os
import shutil
import subprocess
import tempfile
import unittest
from collections.abc import Iterator
from pathlib import Path

from host.common import ROOT

COMMANDS = (
    "true",
    "ls $HOME; echo $? $$ ${PATH} $(id) `id`",
    "$(shell touch expanded) $(error expanded)",
    "$KERNEL $(KERNEL) $@ $< %",
    "echo 'a  b' \"c\" \\d # e",
    "a=b; echo $a",
)
APPENDS = ("memmap=64M$0x50000000", "a=1 b=$HOME c=$(id)")
# Write the arguments and APPEND to a file, each followed by a NUL.
STUB = """#!/bin/sh
printf '%s\\0' "$@" "APPEND=$APPEND" >said
"""


def given(name: str, value: str) -> Iterator[tuple[list[str], dict[str, str]]]:
    """Yield the words and variables that give make a variable, in both ways."""
    yield [f"{name}={value}"], {}
    yield [], {name: value}


class Words(unittest.TestCase):
    def setUp(self) -> None:
        self.directory = Path(self.enterContext(tempfile.TemporaryDirectory()))
        scripts = self.directory / "scripts"
        scripts.mkdir()
        shutil.copy(ROOT / "Makefile", self.directory)
        for name in ("setup", "vm", "sweep", "run", "matrix"):
            (scripts / name).write_text("#!/bin/sh\n" if name == "setup" else STUB, encoding="utf-8")
            (scripts / name).chmod(0o755)

    def said(self, *words: str, **variables: str) -> list[str]:
        """Run make with WORDS and environment VARIABLES; return the arguments of its script."""
        clean = {name: value for name, value in os.environ.items()
                 if name not in ("CMD", "APPEND", "MAKEFLAGS", "MAKEOVERRIDES", "MAKELEVEL")}
        done = subprocess.run(["make", "-s", "KERNEL=LINE", *words], cwd=self.directory, text=True,
                              capture_output=True, check=False, env={**clean, **variables})
        self.assertEqual((0, "", ""), (done.returncode, done.stdout, done.stderr))
        return (self.directory / "said").read_text(encoding="utf-8").split("\0")[:-1]

    def test_command(self) -> None:
        for command in COMMANDS:
            for words, variables in given("CMD", command):
                with self.subTest(command=command, words=words):
                    self.assertEqual(["LINE", command, "APPEND="],
                                     self.said("shell", *words, **variables))
                    self.assertEqual(["LINE", "command", "--command", command, "--append", "",
                                      "APPEND="], self.said("sweep", *words, **variables))

    def test_no_command(self) -> None:
        self.assertEqual(["LINE", "APPEND="], self.said("shell"))
        self.assertEqual(["LINE", "fork", "--append", "", "APPEND="], self.said("sweep", "OP=fork"))

    def test_append(self) -> None:
        for append in APPENDS:
            for words, variables in given("APPEND", append):
                with self.subTest(append=append, words=words):
                    self.assertEqual(["LINE", f"APPEND={append}"],
                                     self.said("shell", *words, **variables))
                    for target in ("run", "matrix", "sweep"):
                        said = self.said(target, "OP=fork", *words, **variables)
                        self.assertEqual(append, said[said.index("--append") + 1])


if __name__ == "__main__":
    unittest.main()
