# SPDX-License-Identifier: GPL-2.0
"""The time limits of a command in a guest, by a clock of the test; and what reaches QEMU."""

import contextlib
import io
import subprocess
import tempfile
import unittest
from collections.abc import Iterable
from pathlib import Path
from unittest import mock

from host import guest, load, shell

LIMIT, BOOT_LIMIT = 5, 60


class Limits(unittest.TestCase):
    def setUp(self) -> None:
        self.out = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.now = 1000.0
        self.enterContext(mock.patch("host.shell.time.monotonic", lambda: self.now))
        self.enterContext(mock.patch.object(load, "factor", lambda: 2.0))
        self.enterContext(mock.patch.object(load, "text", lambda: "load 8 on 4 processors"))
        self.command = shell._Command(self.out, LIMIT, BOOT_LIMIT)

    def after(self, seconds: float, said: str = "") -> str | None:
        """Return what is late after so many seconds, in which the guest sent SAID."""
        self.now += seconds
        with (self.out / "command").open("a", encoding="ascii") as file:
            file.write(said)
        return self.command.late()

    def test_the_boot_is_not_in_the_limit_of_the_command(self) -> None:
        self.assertIsNone(self.after(100))
        self.assertIsNone(self.after(0, "begin\n"))
        self.assertIsNone(self.after(LIMIT))
        self.assertEqual("the command did not end within 5 s: LIMIT=SECONDS gives it longer",
                         self.after(0.1))

    def test_the_boot_has_a_limit_that_follows_the_load(self) -> None:
        self.assertIsNone(self.after(2 * BOOT_LIMIT))
        self.assertEqual("the guest did not boot in 121 s (load 8 on 4 processors)", self.after(1))

    def test_a_command_that_ended_is_not_late(self) -> None:
        self.after(1, "begin\n")
        self.assertIsNone(self.after(LIMIT + 1, "exit 3\n"))

    def test_a_guest_that_does_not_power_off(self) -> None:
        self.after(1, "begin\nexit 3\n")
        self.assertFalse(self.command.over())
        self.now += shell.POWER_OFF
        self.assertFalse(self.command.over())
        self.now += 1
        self.assertTrue(self.command.over())

    def status(self, said: str, seconds: Iterable[float]) -> tuple[int, str]:
        """Return the status and the output of a command whose guest sends SAID at once, and never
        ends. SECONDS: that pass each time the host looks."""
        steps = iter(seconds)

        def wait(_: float) -> bool:
            (self.out / "command").write_text(said, encoding="ascii")
            self.now += next(steps)
            return False

        running = mock.Mock(wait=wait)
        output = io.StringIO()
        with (mock.patch.object(shell, "_Running", return_value=running),
              contextlib.redirect_stdout(output), contextlib.redirect_stderr(output)):
            status = shell.one_command([], self.out, LIMIT, BOOT_LIMIT)
        running.end.assert_called_once_with()
        return status, output.getvalue()

    def test_status_of_a_guest_that_does_not_boot(self) -> None:
        status, said = self.status("", [100, 21, 1])
        self.assertEqual(124, status)
        self.assertEqual("errpath: the guest did not boot in 121 s (load 8 on 4 processors)\n", said)

    def test_status_of_a_command_that_does_not_end(self) -> None:
        status, said = self.status("begin\n", [100, LIMIT, 1, 1])
        self.assertEqual(124, status)
        self.assertIn("errpath: the command did not end within 5 s", said)

    def test_status_of_a_command_that_ended_late_in_its_boot(self) -> None:
        self.assertEqual((3, ""), self.status("begin\nexit 3\n", [100, 1, shell.POWER_OFF, 1, 1]))


if __name__ == "__main__":
    unittest.main()
