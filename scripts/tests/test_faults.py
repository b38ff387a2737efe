# SPDX-License-Identifier: GPL-2.0
"""scripts/run while the machine fails it: one clear line, a status other than 0, no process and no
file half written, and the next run works.

KILLS (variable): how many runs are killed at random moments; default: 4. SEED: of these moments.
"""

import os
import random
import shlex
import signal
import subprocess
import tempfile
import time
import unittest
from pathlib import Path
from typing import NamedTuple

import test_guests

from host.common import BUILD

WORKS = {"works": (9, "exit 0")}
STARTED = 0.3		# seconds until Python has started, which is not ours to mend
GOOD = r"(?m)^\d+ passed, 0 failed, 0 skipped$"


class Fault(NamedTuple):
    """A fault of the machine. AROUND: shell text around the command, which is "$@", with $directory
    for the results. CODE: exit status, or None for any but 0. SAYS: regular expression of what is
    printed."""

    around: str
    code: int | None
    says: str
    results: str = "results"


# In a private mount namespace, so that no mount is left.
PRIVATE = "exec unshare -m sh -ec '{}; exec \"$@\"' - \"$@\""
FAULTS = {
    "no room for the results": Fault(
        PRIVATE.format('mount -t tmpfs -o size=64k none "$directory"'), None,
        r"errpath: .*No space left on device\n\Z"),
    "the results cannot be written": Fault(
        PRIVATE.format('mount -t tmpfs -o ro none "$directory"'), None,
        r"errpath: .*Read-only file system.*\n\Z"),
    "build cannot be written": Fault(
        PRIVATE.format(f"mount --bind {shlex.quote(str(BUILD))} {shlex.quote(str(BUILD))}; "
                       f"mount -o remount,bind,ro {shlex.quote(str(BUILD))}"), None,
        r"errpath: .*Read-only file system.*\n\Z"),
    "no memory for the guest": Fault(
        "exec prlimit --as=1500000000 \"$@\"", None,
        r"(?m)^  FAIL   guest  qemu failed \(exit 1\): .*cannot set up guest memory.*$"),
    "no network": Fault("exec unshare -n \"$@\"", 0, GOOD),
    "a path with blanks, commas and quotes": Fault("exec \"$@\"", 0, GOOD, "a b,c'd\"e"),
}


class FaultTest(unittest.TestCase):
    def setUp(self) -> None:
        self.directory = Path(self.enterContext(tempfile.TemporaryDirectory()))

    def words(self, results: Path, programs: test_guests.Programs) -> list[str]:
        """The command of a run with these programs."""
        place = Path(self.enterContext(tempfile.TemporaryDirectory()))
        words = test_guests.command(place, programs)
        return [*map(str, words), "--results", str(results)]

    def run_with(self, around: str, results: Path) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(["sh", "-c", around, "-", *self.words(results, WORKS)], text=True,
                              check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              stdin=subprocess.DEVNULL, env={**os.environ, "directory": str(results)})

    def works(self) -> None:
        """Nothing is left that keeps the next run from working."""
        with tempfile.TemporaryDirectory() as directory:
            done = self.run_with("exec \"$@\"", Path(directory))
            self.assertRegex(done.stdout, GOOD)
        self.assertEqual([], test_guests.working_in(self.directory))


class Table(FaultTest):
    def check(self, fault: Fault) -> None:
        results = Path(tempfile.mkdtemp(dir=self.directory)) / fault.results
        results.mkdir()
        done = self.run_with(fault.around, results)
        self.assertNotIn("Traceback", done.stdout)
        self.assertRegex(done.stdout, fault.says)
        if fault.code is None:
            self.assertNotEqual(0, done.returncode, done.stdout)
            self.assertNotRegex(done.stdout, GOOD)
        else:
            self.assertEqual(fault.code, done.returncode, done.stdout)

    def test_each_fault(self) -> None:
        self.works()
        for name, fault in FAULTS.items():
            with self.subTest(name):
                self.check(fault)
        self.works()


class Killed(FaultTest):
    def test_qemu(self) -> None:
        """A guest whose QEMU is killed is a failure, not a hang."""
        results = self.directory / "results"
        results.mkdir()
        with subprocess.Popen(self.words(results, {"sleeps": (20, "sleep 15")}), text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
            ended = time.monotonic() + 60
            # Earlier, the guest would only be booted instead of restored.
            while not any(b"sleeps" in file.read_bytes() for file in results.glob("*/guest*/ktap")):
                self.assertLess(time.monotonic(), ended)
                time.sleep(0.05)
            for pid in test_guests.working_in(results):
                os.kill(int(pid), signal.SIGKILL)
            output, _ = process.communicate(timeout=150)
        self.assertEqual(1, process.returncode, output)
        self.assertNotIn("Traceback", output)
        self.assertRegex(output, r"qemu failed \(exit -9\)|LOST")

    def test_two_at_once(self) -> None:
        words = [self.words(self.directory / name, WORKS) for name in ("one", "other")]
        runs = [subprocess.Popen(each, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
                for each in words]
        for run in runs:
            output, _ = run.communicate(timeout=300)
            self.assertRegex(output, GOOD)

    def test_at_random_moments(self) -> None:
        seed = int(os.environ.get("SEED", time.time_ns()))
        moments = random.Random(seed)
        for number in range(int(os.environ.get("KILLS", "4"))):
            how = moments.choice((signal.SIGINT, signal.SIGTERM, signal.SIGKILL))
            after = moments.uniform(STARTED, 8)
            with self.subTest(seed=seed, number=number, how=how.name, after=after):
                results = self.directory / f"results-{number}"
                results.mkdir()
                words = self.words(results, {"sleeps": (60, "sleep 60")})
                process = subprocess.Popen(words, text=True, stdout=subprocess.PIPE,
                                           stderr=subprocess.STDOUT)
                time.sleep(after)
                process.send_signal(how)
                output, _ = process.communicate(timeout=30)
                self.assertNotEqual(0, process.returncode, output)
                self.assertNotIn("Traceback", output)
                # Guests end when the other end of their monitor is closed.
                time.sleep(1)
                self.assertEqual([], test_guests.working_in(results))
        self.works()


if __name__ == "__main__":
    unittest.main()
