# SPDX-License-Identifier: GPL-2.0
"""APPEND reaches the kernel's command line in QEMU's arguments as typed."""

import os
import runpy
import tempfile
import unittest
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

from host import arch, archive, build, common, guest, ksft, runner, session, shell, sweep
from host.common import SCRIPTS

VALUES = ("dyndbg=\"file mm/sparse.c  +p\" x='a  b'", "memmap=1G$4G $HOME ${x} $(touch ran)",
          "a;touch ran `touch ran` * \\ # %", "one", "")
KERNEL: Any = SimpleNamespace(line="6.12", slow=1, must=[], arch=arch.X86, image=Path("/image"),
                              config={}, release="6.12.1")


class Append(unittest.TestCase):
    def setUp(self) -> None:
        self.out = Path(self.enterContext(tempfile.TemporaryDirectory()))
        for module, name, value in (
                (build, "acpi_table", Path("/table")), (build, "initramfs", Path("/initrd")),
                (build, "modules", []), (build, "selftests", self.out), (ksft, "fetch", self.out),
                (archive, "fetch", KERNEL), (guest, "accelerator", "tcg")):
            self.enterContext(mock.patch.object(module, name, return_value=value))

    def reached(self, value: str, arguments: Sequence[str], before: str = "ERRPATH_SLOW=1") -> None:
        """Check that these arguments of QEMU end the kernel's command line with a value, behind the
        word BEFORE."""
        line = arguments[arguments.index("-append") + 1]
        self.assertEqual(f"{before} {value}".strip(), line[line.rindex(before):])

    def test_run(self) -> None:
        for number, value in enumerate(VALUES):
            choice = runner.options(["6.12", f"--append={value}"], "run", None, "+")
            one = runner.Run("6.12", self.out / str(number))
            one._split(KERNEL, [], self.out, {"knobs": 9}, 1, choice)
            with self.subTest(value), mock.patch.object(guest, "start") as start:
                one.sessions[0]._boot({"knobs": 9}, self.out / str(number))
                self.reached(value, start.call_args.args[0])

    def test_shell(self) -> None:
        """The words of the prompt come first."""
        with mock.patch.object(common, "main"):
            vm = runpy.run_path(str(SCRIPTS / "vm"))
        said = mock.patch.object(common, "say")
        for value in VALUES:
            with (self.subTest(value), said, mock.patch.dict(os.environ, {"APPEND": value}),
                  mock.patch.object(guest, "prompt_words", lambda: "LINES=1"),
                  mock.patch.object(shell, "one_command") as command):
                vm["run"]("6.12", "true", self.out)
                self.reached(value, command.call_args.args[0], "LINES=1")

    def test_sweep(self) -> None:
        """Words for the program in the guest go another way; what is beside them stays."""
        for value in VALUES:
            one = sweep.Sweep(KERNEL, [], self.out, "zero_fork", self.out,
                              f"ERRPATH_K=5 {value}")
            with self.subTest(value), mock.patch.object(guest, "start") as start:
                one._guest(sweep.Lane(0, 1), Path("/initrd"), self.out)
                self.reached(value, start.call_args.args[0], sweep.APPEND)
                self.assertEqual("5", one.environment()[0]["ERRPATH_K"])


if __name__ == "__main__":
    unittest.main()
