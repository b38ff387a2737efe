# SPDX-License-Identifier: GPL-2.0
"""What drives the kernel's own fault injection drives errpath, too: failcmd.sh of the kernel tree,
and the four writes by which kirk, LTP's runner, sets it up."""

import os
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from host import common, ksft
from host.common import SCRIPTS

LINE = os.environ.get("KERNEL", "6.12")
# The line of failcmd.sh that selects the task, and what selects it for errpath: module/README.md.
CHANGE = ("echo 1 > /proc/self/make-it-fail", "echo self > $FAULTATTR/tasks")
# failcmd.sh fails the first allocations of mkdir(2) by a command, which must not be spoiled before.
FAILCMD = """
ln -s /files/bash-static /bin/bash
cd /sys/kernel/debug/errpath/alloc
echo stack:do_mkdirat >caller
export FAILCMD_TYPE=errpath/alloc
/files/failcmd.sh -p 100 -t 1 mkdir /run/made; echo "exit status $?"
echo "then $(cat task-filter) $(cat probability) $(cat times)"
/files/failcmd.sh -p 100 -t 1 cat /proc/self/comm; echo "exit status $?"
"""
# As kirk writes them for the probability P, and for 0 when its tests have ended. MKDIR is one that
# no task was selected for.
KIRK = """
kirk() { echo 0 >space && echo $2 >times && echo $3 >interval && echo $1 >probability; }
cd /sys/kernel/debug/errpath/alloc
echo stack:do_mkdirat >caller
kirk 100 -1 1; echo "four writes: $?"
mkdir /run/nobody; echo "exit status $?"
awk '$1 == "alloc" { print $1, $2 }' ../status
dmesg | grep -c 'alloc is armed but names no task'
echo N >task-filter
mkdir /run/any; echo "exit status $?"
kirk 0 1 1; echo "four writes: $?"
awk '$1 == "alloc" { print $1, $2 }' ../status
mkdir /run/again; echo "exit status $?"
"""


class Drivers(unittest.TestCase):
    def setUp(self) -> None:
        self.directory = Path(self.enterContext(tempfile.TemporaryDirectory()))

    def said(self, script: str, *files: Path) -> str:
        """Run a script in a guest that has FILES; return what it printed."""
        (self.directory / "script").write_text(script, encoding="ascii")
        given = " ".join(map(str, [self.directory / "script", *files]))
        done = subprocess.run([SCRIPTS / "vm", LINE, "sh /files/script"], text=True, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              env={**os.environ, "FILES": given})
        self.assertEqual(0, done.returncode, done.stdout)
        return done.stdout

    def assert_said(self, said: str, *lines: str) -> None:
        """SAID has these lines, which are regular expressions, in this order."""
        self.assertRegex(said.replace("\r", ""),
                         "(?sm)" + ".*?".join(f"^{line}$" for line in lines))

    def test_failcmd(self) -> None:
        common.run([SCRIPTS / "setup", "failcmd"], "installing a static bash")
        text = (ksft.fetch() / "failcmd.sh").read_text(encoding="utf-8")
        self.assertEqual(1, text.count(CHANGE[0]), "failcmd.sh selects its task by another line")
        changed = self.directory / "failcmd.sh"
        changed.write_text(text.replace(*CHANGE), encoding="utf-8")
        changed.chmod(0o755)
        said = self.said(FAILCMD, changed, Path(shutil.which("bash-static") or "bash-static"))
        self.assert_said(said, ".*mkdir: .*/run/made.*Cannot allocate memory", "exit status 1",
                         "then N 0 1", "cat", "exit status 0")

    def test_kirk(self) -> None:
        said = self.said(KIRK)
        # Nothing fails as long as no task is selected, and the log says so.
        self.assert_said(said, "four writes: 0", "exit status 0", "alloc nobody", "1",
                         "mkdir: .*/run/any.*Cannot allocate memory", "exit status 1",
                         "four writes: 0", "alloc off", "exit status 0")

    def test_the_manual_has_the_changed_line(self) -> None:
        manual = (SCRIPTS.parent / "module/README.md").read_text(encoding="utf-8")
        for text in CHANGE:
            self.assertRegex(manual, re.escape(text))


if __name__ == "__main__":
    unittest.main()
