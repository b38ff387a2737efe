# SPDX-License-Identifier: GPL-2.0
"""scripts/run on real guests, with selftests that pass, fail, hang, oops, ..."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
import unittest
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from host.common import SCRIPTS

LINE = os.environ.get("KERNEL", "6.12")
Programs = Mapping[str, tuple[int, str]]	# limit and body of shell scripts by name
LAST_LINE = r"(?m)^\d+ passed, \d+ failed, \d+ skipped\n\Z"


class Done(NamedTuple):
    """What scripts/run left behind."""

    code: int
    output: str
    left: dict[str, bytes]	# files of the results directory, by path


def command(directory: Path, programs: Programs, *options: str) -> list[str | Path]:
    """Return the command of scripts/run with these selftests, which are written to DIRECTORY."""
    installed = directory / "selftests"
    installed.mkdir()
    for name, (_, body) in programs.items():
        (installed / name).write_text(f"#!/bin/sh\n{body}\n")
        (installed / name).chmod(0o755)
    (installed / "kselftest-list.txt").write_text(
        "".join(f"{name} {limit}\n" for name, (limit, _) in programs.items()))
    # Relative paths, as users give them: QEMU runs in another directory.
    return [SCRIPTS / "run", LINE, "--together", "--no-modules",
            "--selftests", os.path.relpath(installed), "--results", os.path.relpath(directory),
            *options]


def run(programs: Programs, *options: str) -> Done:
    """Run to the end, and print all results."""
    with tempfile.TemporaryDirectory() as directory:
        done = subprocess.run(command(Path(directory), programs, *options), text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                              env={**os.environ, "V": "1"})
        left = {str(file.relative_to(Path(directory, LINE))): file.read_bytes()
                for file in Path(directory, LINE).rglob("*") if file.is_file()}
    return Done(done.returncode, done.stdout, left)


class GuestTest(unittest.TestCase):
    def check(self, done: Done, code: int) -> str:
        self.assertEqual(code, done.code, done.output)
        self.assertRegex(done.output, LAST_LINE)
        return done.output

    def seen(self, output: str, outcome: str, name: str, reason: str = "") -> None:
        self.assertRegex(output, rf"(?m)^  {outcome} +{name}(?: .*{reason}|$)")


class Outcomes(GuestTest):
    def test_each_outcome_of_a_program(self) -> None:
        done = run({
            "passes": (9, "echo 'counters line' >$ERRPATH_COUNTERS"),
            "fails": (9, "echo it broke; exit 1"),
            "known": (9, "exit 2"),
            "skips": (9, "echo '1..0 # SKIP no such thing'; exit 4"),
            "crashes": (9, "kill -SEGV $$"),
            "sleeps": (1, "sleep 60"),
            "leaves": (9, "sleep 60 & exit 0"),
            "finds_nothing_left": (9, "! ps | grep -q '[s]leep 60'"),
            "would_end_on_oops": (9, "cd /proc/sys/kernel\n"
                                     "[ $(cat panic_on_oops):$(cat panic) = 1:-1 ]"),
            "splats": (9, "echo 'BUG: planted' >/dev/kmsg"),
            "absent": (9, "echo 'errpath: expect begin a: planted' >/dev/kmsg\n"
                          "echo 'errpath: expect end a' >/dev/kmsg"),
            "announced": (9, "exec >/dev/kmsg\n"	# all by one file: the kernel's rate limit
                             "echo 'errpath: expect begin b: planted'\n"
                             "for i in $(seq 20); do echo 'BUG: planted'; done\n"
                             "echo 'errpath: expect end b'"),
        })
        output = self.check(done, 1)
        for name in ("passes", "leaves", "finds_nothing_left", "would_end_on_oops", "splats",
                     "announced"):
            self.seen(output, "pass", name)
        self.seen(output, "FAIL", "fails", "exit=1\n +it broke")
        self.seen(output, "xfail", "known")
        self.seen(output, "FAIL", "skips", "must not skip here: no such thing")
        self.seen(output, "FAIL", "crashes", "killed by signal 11")
        self.seen(output, "FAIL", "sleeps", "TIMEOUT 1 seconds")
        self.seen(output, "FAIL", r"splats \(kernel log\)", "BUG: planted")
        self.seen(output, "FAIL", r"absent \(kernel log\)", "announced but absent")
        self.assertNotIn("announced (kernel log)", output)
        self.assertEqual(b"counters line\n", done.left["counters"])
        for stage in ("writing the initramfs", "booting guests", "running programs"):
            self.assertRegex(output, rf"(?m)^{stage} +\d+\.\d +\d+\.\d$")
        self.assertLessEqual({"ktap", "kmsg", "console", "summary"}, done.left.keys())

    def test_guests_side_by_side(self) -> None:
        with ThreadPoolExecutor() as pool:
            runs = {name: pool.submit(run, {name: (30, f"echo {name} >$ERRPATH_COUNTERS; sleep 2")})
                    for name in ("one", "other")}
        for name, finished in runs.items():
            self.seen(self.check(finished.result(), 0), "pass", name)
            self.assertEqual(f"{name}\n".encode(), finished.result().left["counters"])


class NoGuest(GuestTest):
    def run_by(self, qemu: str) -> str:
        """Run a program with this shell script as QEMU, without templates; the run must fail."""
        with tempfile.TemporaryDirectory() as directory:
            file = Path(directory, "qemu-system-x86_64")
            file.write_text(f"#!/bin/sh\ndirectory={directory}\n{qemu}\n")
            file.chmod(0o755)
            words = command(Path(directory), {"waits": (9, "exit 0")})
            path = f"{directory}:{os.environ['PATH']}"
            done = subprocess.run(words, text=True, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, check=False,
                                  env={**os.environ, "PATH": path, "V": "1", "SNAPSHOT": "0"})
        return self.check(Done(done.returncode, done.stdout, {}), 1)

    def test_qemu_fails(self) -> None:
        """A result like any other, so that other lines go on."""
        output = self.run_by("echo no such machine >&2\nexit 3")
        self.seen(output, "FAIL", "guest", r"qemu failed \(exit 3\): no such machine")

    def test_second_boot_runs_all_programs(self) -> None:
        output = self.run_by(f"qemu={shutil.which('qemu-system-x86_64')}\n"
                             'case "$*" in *"${directory##*/}"*) ;; *) exec $qemu "$@" ;; esac\n'
                             "[ -e $directory/second ] && exec $qemu \"$@\"\n"
                             "touch $directory/second")
        self.seen(output, "LOST", "guest", "no status")
        self.seen(output, "pass", "waits")


class Lost(GuestTest):
    RUNS: dict[str, tuple[Programs, list[str]]] = {
        "hang": ({"freezes": (60, "echo freeze >/sys/power/state")}, ["--limit", "4"]),
        "oops": ({"oopses": (60, "echo c >/proc/sysrq-trigger"),
                  "goes_on": (60, "echo after >$ERRPATH_COUNTERS")}, []),
        "silence": ({"sleeps": (60, "sleep 60")},
                    ["--append", "rdinit=/selftests/sleeps", "--boot-limit", "5"]),
        "no status": ({"quits": (60, "poweroff -f")}, ["--append", "rdinit=/selftests/quits"]),
        "init dies": ({"dies": (60, "exit 1")}, ["--append", "rdinit=/selftests/dies"]),
    }
    runs: "dict[str, Future[Done]]"

    @classmethod
    def setUpClass(cls) -> None:
        with ThreadPoolExecutor(2) as pool:	# a booting guest keeps one processor busy
            cls.runs = {name: pool.submit(run, programs, *options)
                        for name, (programs, options) in cls.RUNS.items()}

    def lost(self, run_name: str, program: str, reason: str) -> None:
        self.seen(self.check(self.runs[run_name].result(), 1), "LOST", program, reason)

    def test_hang(self) -> None:
        self.lost("hang", "freezes", "hang, during freezes")

    def test_hang_is_examined(self) -> None:
        done = self.runs["hang"].result()
        self.assertRegex(done.left["guest/tasks"].decode(), r"\Ahangs: freezes \(D\) in .*")
        self.assertRegex(done.output, r"LOST +freezes +hang, .* limit; freezes \(D\) in ")

    def test_silent_guest_is_examined(self) -> None:
        self.assertIn(b"RIP=", self.runs["silence"].result().left["guest/registers"])

    def test_oops(self) -> None:
        self.lost("oops", "oopses", "oops, during oopses: Kernel panic .*sysrq")

    def test_the_rest_goes_on_in_another_guest(self) -> None:
        done = self.runs["oops"].result()
        self.seen(done.output, "pass", "goes_on")
        self.assertEqual(b"after\n", done.left["counters"])
        self.assertIn(b"sysrq", done.left["console"])

    def test_silence(self) -> None:
        self.lost("silence", "guest", "silent")
        self.lost("silence", "sleeps", "did not run: its guest did not boot, twice")

    def test_no_status(self) -> None:
        self.lost("no status", "guest", "no status")

    def test_init_dies(self) -> None:
        self.lost("init dies", "guest", "oops, .*Attempted to kill init")


class Examined(GuestTest):
    """A guest that hangs is examined before it ends: the host reads its memory."""

    HANGS = ("insmod /modules/errpath_hang.ko && cd /sys/kernel/debug/errpath_hang\n"
             "for how in mutex spin; do echo $how >hang & done\n"
             "sleep 1\necho irqs_off >hang")

    def test_each_way_to_hang(self) -> None:
        with tempfile.TemporaryDirectory() as directory:
            words = command(Path(directory), {"hangs": (3, self.HANGS)})
            words.remove("--no-modules")
            done = subprocess.run(words, text=True, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, check=False,
                                  env={**os.environ, "V": "1"})
            tasks = Path(directory, LINE, "guest/tasks").read_text()
            registers = Path(directory, LINE, "guest/registers").read_text()
        output = self.check(Done(done.returncode, done.stdout, {}), 1)
        # /init cannot give up either if it waits for the processor that has its interrupts off.
        self.seen(output, "LOST", "hangs", "hang, during hangs: (gave up: the program at its time "
                  r"limit cannot be killed|no end within the time limit); hangs \(R\) in ")
        self.assertRegex(registers, "(?s)CPU#0.*RIP=.*CPU#1.*RIP=")
        for how, state in (("irqs_off", r"R, on CPU \d"), ("spin", r"R.*"), ("mutex", "D")):
            with self.subTest(how):
                wanted = (rf"(?m)^hangs \(pid \d+, {state}\)\n(  .*\n)*"
                          rf"  errpath_hang_{how}\+0x\w+/0x\w+ \[errpath_hang\]\n"
                          r"  hang_write\+0x\w+/0x\w+ \[errpath_hang\]\n(  [a-z_].*\n)*"
                          r"  do_syscall_64\+")
                self.assertTrue(re.search(wanted, tasks), tasks[:4000])


def working_in(directory: str | Path) -> list[str]:
    """Return processes whose working directory is below this one, as that of QEMU is."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cwd"):
        with contextlib.suppress(OSError):
            if Path(os.readlink(entry)).is_relative_to(directory):
                found.append(entry.parent.name)
    return found


class Interrupted(unittest.TestCase):
    """No guest outlives scripts/run, however that ends."""

    def wait_until(self, condition: Callable[[], object], limit: float = 30) -> None:
        deadline = time.monotonic() + limit
        while not condition():
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.05)

    def interrupt(self, number: int) -> None:
        with tempfile.TemporaryDirectory() as directory:
            words = command(Path(directory), {"sleeps": (60, "sleep 60")})
            process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            self.wait_until(lambda: working_in(directory))
            process.send_signal(number)
            self.assertNotEqual(0, process.wait())
            self.wait_until(lambda: not working_in(directory), limit=5)

    def test_by_sigint(self) -> None:
        self.interrupt(signal.SIGINT)

    def test_by_sigterm(self) -> None:
        self.interrupt(signal.SIGTERM)

    def test_by_sigkill(self) -> None:
        self.interrupt(signal.SIGKILL)


class Command(unittest.TestCase):
    """scripts/vm LINE COMMAND: statuses tell the truth."""

    CASES = {	# command: exit status and output
        "echo \"$HOME is '$HOME'\"; false; echo $?; exit 200": (200, r"(?m)^/ is '/'\r?\n1\r?$"),
        "kill -9 $$": (137, "errpath: booting"),
        "echo c >/proc/sysrq-trigger": (255, "errpath: the guest ended during the command: "
                                        "Kernel panic .*sysrq triggered crash"),
        "reboot -f": (255, "errpath: the guest ended during the command: it was reset or powered"),
        # Only this task ends by the oops: a NULL pointer in phys_pud_init() (KNOWN-BUGS.md).
        "echo 0 >/proc/sys/kernel/panic_on_oops; cd /sys/kernel/debug/errpath/direct_map\n"
        "echo N >task-filter; echo 1 >nth; (echo 0x200000000 128M >../../errpath_hotplug/add); true":
            (255, "errpath: the kernel oopsed during the command: BUG: .*NULL pointer"),
        "sleep 1000": (124, r"\nerrpath: the command did not end within 20 s: .*\n\Z"),
    }

    def run_in_guest(self, command: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run([SCRIPTS / "vm", LINE, command], text=True, check=False,
                              env={**os.environ, "LIMIT": "20"}, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)

    def test_statuses(self) -> None:
        with ThreadPoolExecutor(2) as pool:	# a booting guest keeps one processor busy
            for command, done in zip(self.CASES, pool.map(self.run_in_guest, self.CASES)):
                with self.subTest(command):
                    status, output = self.CASES[command]
                    self.assertEqual(status, done.returncode, done.stdout)
                    self.assertRegex(done.stdout, output)

    def test_limit_that_is_no_number(self) -> None:
        done = subprocess.run([SCRIPTS / "vm", LINE, "true"], text=True, check=False,
                              env={**os.environ, "LIMIT": "soon"}, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
        self.assertEqual((125, "errpath: LIMIT is a number of seconds, not 'soon'\n"),
                         (done.returncode, done.stdout))


class Refused(unittest.TestCase):
    def refused(self, *words: str | Path) -> str:
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        self.assertEqual(125, done.returncode)
        self.assertEqual(1, done.stderr.count("\n"), done.stderr)
        return done.stderr

    def test_unknown_line(self) -> None:
        self.assertRegex(self.refused(SCRIPTS / "run", "5.4"),
                         r"no kernel line '5\.4'; KERNEL is one of: 6\.1 6\.12\b")

    def test_unknown_program(self) -> None:
        with tempfile.TemporaryDirectory() as directory:
            words = command(Path(directory), {"known": (9, "exit 0")}, "--tests", "unknown")
            self.assertRegex(self.refused(*words), "no selftest 'unknown'; there are: known")
