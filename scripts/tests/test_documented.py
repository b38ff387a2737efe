# SPDX-License-Identifier: GPL-2.0
"""Sweeps as the manual shows them, by make: of all that loading and unloading a module allocates,
which takes minutes, and in which the module loses an object on one error path; and with memory that
does not come back."""

import errno
import json
import os
import subprocess
import unittest

from host import sweepjson, variables
from host.common import ROOT
from test_user_files import LINE, FilesTest, built_with_leak


class Documented(FilesTest):
    COMMAND = "insmod /files/mine.ko; rmmod mine"

    def test_the_leak_is_among_all_calls(self) -> None:
        manual = (ROOT / "scripts/README.md").read_text(encoding="utf-8")
        self.assertIn(f'    make sweep CMD="{self.COMMAND}" FILES=mine.ko\n', manual)
        built = built_with_leak(self.directory)
        done = subprocess.run(["make", "-s", "sweep", f"KERNEL={LINE}", f"CMD={self.COMMAND}",
                               f"FILES={built}"],
                              cwd=ROOT, text=True, check=False, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, env=variables.for_others(os.environ))
        self.assertEqual(2, done.returncode, done.stdout)
        self.assertNotIn("Traceback", done.stdout)
        self.assertNotIn("NOT COMPLETE", done.stdout)
        file = ROOT / "build/results" / LINE / "sweeps/command/report.json"
        report: sweepjson.Sweep = json.loads(file.read_text(encoding="utf-8"))
        texts = [finding["text"] for target in report["targets"]
                 for finding in target["findings"] if target["stack"][0] == "mine_init"]
        self.assertEqual(1, len(texts), texts)
        self.assertRegex(texts[0], r"^leak: slab\.kmalloc-\S*1k \+1$")


class Persistent(unittest.TestCase):
    """PERSISTENT=1: a command that tries again fails again."""

    COMMAND = "mkdir /run/d || mkdir /run/d || exit 1; rmdir /run/d"

    def errors(self, *words: str) -> set[int]:
        """Sweep the command; return the errors with which it ended when a call failed."""
        done = subprocess.run(["make", "-s", "sweep", f"KERNEL={LINE}", f"CMD={self.COMMAND}",
                               "APPEND=ERRPATH_UNDER=do_mkdirat", *words], cwd=ROOT, text=True,
                              check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              env=variables.for_others(os.environ))
        file = ROOT / "build/results" / LINE / "sweeps/command/report.json"
        report: sweepjson.Sweep = json.loads(file.read_text(encoding="utf-8"))
        self.assertTrue(report["complete"], done.stdout)
        self.assertTrue(report["targets"], done.stdout)
        return {err for target in report["targets"] for name, err in target["steps"]
                if name == "command"}

    def test_second_attempt_fails_too(self) -> None:
        self.assertEqual({0}, self.errors())
        self.assertEqual({-errno.ENOMEM}, self.errors("PERSISTENT=1"))


if __name__ == "__main__":
    unittest.main()
