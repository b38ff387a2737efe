# SPDX-License-Identifier: GPL-2.0
"""Nothing that a user gives to make runs on the host: the Makefile passes each variable to the
scripts as typed, and the scripts keep them from other makes."""

import errno
import itertools
import os
import shlex
import shutil
import signal
import subprocess
import tempfile
import unittest
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from unittest import mock

from host import common, variables
from host.common import ROOT

# What a shell or make would expand. Each would leave a file, and none is in what a script gets.
VALUES = (
    "it's \"quoted\"; touch ran; echo 'a  b' \"c\" \\d # e",
    'a"; touch ran; echo "b',
    "ls $HOME; echo $? $$ ${PATH} $(touch ran) `touch ran` *",
    "$(shell touch ran) $(error expanded) $KERNEL $(KERNEL) $@ $< %",
    "first\nsecond; touch ran\n",
    "-x  --help ",
)
# Write the arguments, and the variables of the environment, each followed by a NUL.
STUB = """#!/bin/sh
printf '%s\\0' "$@" >said
env -0 >environment
"""
# Which argument carries a variable: of this target, behind this text; "*": its words are arguments.
ARGUMENTS = {
    "KERNEL": [("run", ""), ("shell", ""), ("sweep", ""), ("judge", ""), ("modules", ""),
               ("check", ""), ("mutants", ""), ("bench", "")],
    "TESTS": [("run", "--tests="), ("matrix", "--tests=")],
    "APPEND": [("run", "--append="), ("matrix", "--append="), ("sweep", "--append="),
               ("judge", "--append=")],
    "CMD": [("shell", ""), ("sweep", "--command=")],
    "OP": [("sweep", ""), ("judge", "--op=")],
    "FUNC": [("judge", "--func=")],
    "K": [("sweep", "--k="), ("judge", "--k=")],
    "OCCURRENCES": [("sweep", "--occurrences=")],
    "AGAINST": [("sweep", "--against="), ("bench", "--against=")],
    "LINES": [("matrix", "*")],
    "SHARD": [("matrix", "--shard="), ("sweep", "--shard=")],
    "SHARDS": [("merge", "*")],
    "PREFIX": [("install", "--prefix="), ("uninstall", "--prefix=")],
    "DESTDIR": [("install", "--destdir="), ("uninstall", "--destdir=")],
    "BUSTED": [("busted", "*")],
    "QEMU": [("zero-page", "*")],
    "QEMU_TO": [("zero-page", "--to=")],
}
SWITCHES = {"PAIRS": "--pairs", "PERSISTENT": "--persistent", "MEMCG": "--memcg",
            "AGAIN": "--again", "REPRODUCE": "--reproduce", "GDB": "--gdb"}	# of make sweep
OWN = ("KDIR", "IMAGE", "HEADERS", "SOURCE", "PATCH")	# these select what make run runs


def given(name: str, value: str) -> Iterator[tuple[list[str], dict[str, str]]]:
    """Yield the words and variables that give make a variable, in both ways."""
    yield [f"{name}={value}"], {}
    yield [], {name: value}


# What make is given, what its program says, and variables of the environment. NO_DIFF: a file.
REFUSED: tuple[tuple[str, ...], ...] = (
    ("shell", "a prompt needs a terminal; without one, give a command: CMD='shell command'"),
    ("run KDIR=x SOURCE=7.3", "KDIR with SOURCE: which kernel? Give only one of the two"),
    ("run IMAGE=x PATCH=y", "IMAGE with PATCH: which kernel?"),
    ("run PATCH=x", "KERNEL with PATCH: which kernel?", "KERNEL=6.12"),
    ("judge KERNEL=6.12", "KERNEL with PATCH: which kernel?", "PATCH=x"),
    ("run JOBS=abc", "JOBS is a number of processes, not 'abc'"),
    ("sweep OP=fork", "JOBS is a number of processes, not 'abc'", "JOBS=abc"),
    ("judge FUNC=x JOBS=0", "JOBS is a number of processes, not '0'"),
    ("check JOBS=abc", "JOBS is a number of processes, not 'abc'"),
    ("run", "CPUS is a number of processors, not 'two'", "CPUS=two"),
    ("shell CMD=true LIMIT=soon", "LIMIT is a number of seconds, not 'soon'"),
    ("sweep OP=fork K=x", "K is a number of repetitions, not 'x'"),
    ("sweep OP=fork PERSISTENT=2", "PERSISTENT is 0 or 1, not '2'"),
    ("sweep OP=zero_fork PERSISTENT=1", "leave out --pairs and --reproduce", "PAIRS=1"),
    ("run KERNEL=nosuch", "no kernel line 'nosuch'; KERNEL is one of: 6.1 6.12 "),
    ("shell CMD=true", "no kernel line 'nosuch'; KERNEL is one of: ", "KERNEL=nosuch"),
    ("sweep OP=zero_fork KERNEL=nosuch", "no kernel line 'nosuch'; KERNEL is one of: "),
    ("modules KERNEL=nosuch", "no kernel line 'nosuch'; KERNEL is one of: "),
    ("matrix LINES=nosuch", "no kernel line 'nosuch'; KERNEL is one of: "),
    ("sweep OP=nosuch", "no operation 'nosuch'; there are: add_memory "),
    ("sweep", "no operation: give OP=OPERATION or CMD='shell command'; there are: add_memory "),
    ("sweep OP=command", "OP=command needs CMD='shell command'"),
    ("sweep OP=fork", "OP=fork with CMD: which operation? Give only one", "CMD=x"),
    ("sweep OP=zero_fork SHARD=6/5", "argument --shard: SHARD is a number and how many there are, "
     "as 2/5, not '6/5'"),
    ("judge", "nothing to judge: give PATCH=FILE or FUNC=NAME"),
    ("judge PATCH=/nowhere", "PATCH: /nowhere does not exist"),
    ("run TESTS=nosuch", "no selftest 'nosuch'; there are: "),
    ("matrix", "no selftest 'nosuch'; there are: ", "TESTS=nosuch"),
    ("run PATCH=/nowhere", "PATCH: /nowhere does not exist"),
    ("run PATCH=NO_DIFF", "PATCH: NO_DIFF has no diff"),
    ("run SOURCE=5.4", "there is no source of a series '5.4'; there are: 6.1, "),
    ("run SOURCE=/tmp", "SOURCE: /tmp is not a Linux source tree"),
    ("run KDIR=/tmp", "KDIR: /tmp has no arch/x86/boot/bzImage: build that kernel first"),
    ("run IMAGE=/nowhere HEADERS=/tmp", "IMAGE: /nowhere does not exist"),
    ("modules IMAGE=/tmp", "HEADERS is missing: give KDIR= (a built tree), or IMAGE= and HEADERS="),
    ("run FILES=/nowhere", "FILES: /nowhere does not exist"),
    ("shell CMD=true FILES=/nowhere", "FILES: /nowhere does not exist"),
    ("sweep OP=zero_fork FILES=/nowhere", "FILES: /nowhere does not exist"),
    ("merge", 'no shards: give SHARDS="DIRECTORY..."'),
    ("merge SHARDS=/nowhere", "no shard.json is below /nowhere"),
    ("zero-page QEMU=/nowhere", "QEMU: there is no program /nowhere"),
    ("zero-page QEMU=nosuch", "QEMU: there is no program nosuch, and no suite with a QEMU: the "
     "archive of this machine's apt sources has no suite nosuch"),
    ("busted BUSTED=nosuch", "no busted kernel 'nosuch'; there are: "),
)
OPTIONS = (
    (["run"], "the following arguments are required: LINE; scripts/run --help lists the options"),
    (["run", "6.12", "--nosuch"], "unrecognized arguments: --nosuch; "),
    (["sweep", "6.12", "fork", "--k", "x"], "argument --k: invalid int value: 'x'; "),
    (["sweep", "--shard", "1/2", "planted"], "SHARD is for one sweep"),
    (["mutants", "6.12", "nosuch"], "mutants.conf has no mutant 'nosuch'"),
    (["qemu-zero-page", "--only", "nosuch", "qemu-system-x86_64"], "--only: no case matches 'nosuch'"),
    (["versions", "nosuch"], "usage: scripts/versions"),
    (["deb", "nosuch"], "usage: scripts/deb"),
    (["qemu-proof", "nosuch"], "usage: scripts/qemu-proof"),
    (["gauges", "nosuch"], "usage: scripts/gauges"),
    (["kernel"], "usage: scripts/kernel LINE"),
    (["modules"], "usage: scripts/modules LINE"),
)


class Words(unittest.TestCase):
    def setUp(self) -> None:
        self.directory = Path(self.enterContext(tempfile.TemporaryDirectory()))
        scripts = self.directory / "scripts"
        scripts.mkdir()
        shutil.copy(ROOT / "Makefile", self.directory)
        for name in ("vm", "sweep", "run", "try", "matrix", "judge", "modules", "check", "mutants",
                     "busted", "bench", "qemu-zero-page", "merge", "install"):
            (scripts / name).write_text(STUB, encoding="utf-8")
            (scripts / name).chmod(0o755)
        (scripts / "setup").write_text("#!/bin/sh\n", encoding="utf-8")
        (scripts / "setup").chmod(0o755)

    def said(self, *words: str, **environment: str) -> list[str]:
        """Run make with WORDS and ENVIRONMENT; return the arguments of its script."""
        clean = variables.for_others(os.environ)
        done = subprocess.run(["make", "-s", *words], cwd=self.directory, text=True,
                              capture_output=True, check=False, env={**clean, **environment})
        self.assertEqual((0, "", ""), (done.returncode, done.stdout, done.stderr))
        self.assertFalse((self.directory / "ran").exists(), "it ran on the host")
        return (self.directory / "said").read_text(encoding="utf-8").split("\0")[:-1]

    def environment(self) -> dict[str, str]:
        """Return the environment of the script that ran last."""
        text = (self.directory / "environment").read_text(encoding="utf-8")
        return dict(line.split("=", 1) for line in text.split("\0") if line)

    def test_each_variable_reaches_its_program_as_typed(self) -> None:
        for name in variables.OURS:
            for value in VALUES:
                for words, environment in given(name, value):
                    for target, before in ARGUMENTS.get(name, [("run", "")]):
                        with self.subTest(name, value=value, words=words, target=target):
                            said = self.said(target, *words, **environment)
                            self.assertEqual(value, self.environment()[name])
                            if before == "*":
                                self.assertEqual(value.split(), said[-len(value.split()):])
                            elif name in ARGUMENTS:
                                self.assertIn(before + value, said)

    def test_shell_is_an_id(self) -> None:
        """make's own SHELL stays the one of the system, also if the environment has another one."""
        for value in VALUES:
            for words, environment in given("CMD", value):
                with self.subTest(value=value, words=words):
                    self.assertEqual(
                        [f"--shell={value}", f"--run={value}", "--append=", "--gdb", "--", "6.12",
                         "fork"], self.said("sweep", "OP=fork", f"SHELL={value}", "GDB=1", *words,
                                            **environment))
        for environment in {"SHELL": "/nowhere"}, {"BEFORE": "1a2b"}:
            self.assertEqual(["--append=", "--", "6.12", "fork"],
                             self.said("sweep", "OP=fork", **environment))

    def test_all_variables_of_the_manual(self) -> None:
        """Every variable of the Makefile is one that is kept from other makes."""
        text = (ROOT / "Makefile").read_text(encoding="utf-8").replace("\\\n", " ")
        listed = next(line for line in text.splitlines() if line.startswith("VARIABLES :="))
        self.assertEqual(set(variables.OURS), set(listed.split()[2:]))

    def test_without_variables(self) -> None:
        self.assertEqual(["6.12", "--tests=", "--append="], self.said("run"))
        self.assertEqual(["6.12"], self.said("shell"))
        self.assertEqual(["--append=", "--", "6.12", ""], self.said("sweep"))
        self.assertEqual(["--func=", "--op=", "--append=", "--", "6.12"], self.said("judge"))
        self.assertEqual(["--tests=", "--append=", "--"], self.said("matrix"))
        self.assertEqual(["--", "qemu-system-x86_64", "trixie", "trixie-backports"],
                         self.said("zero-page"))
        self.assertNotIn("KERNEL", self.environment())

    def test_switches(self) -> None:
        """0 is off, as no value is; what is neither reaches the program, which refuses it."""
        for name, option in SWITCHES.items():
            before = ("SHELL=1a2b",) if name == "GDB" else ()
            for value, is_on in (("1", True), ("0", False), ("", False), ("x 0 x", True)):
                for words, environment in given(name, value):
                    with self.subTest(name, value=value, words=words):
                        said = self.said("sweep", *before, *words, **environment)
                        self.assertEqual(is_on, option in said)

    def test_qemu_proof(self) -> None:
        """make nightly itself looks whether this switch is empty."""
        text = (ROOT / "Makefile").read_text(encoding="utf-8")
        self.assertIn("\t@$${QEMU_PROOF:+scripts/qemu-proof}\n", text)
        for value, found in (("1", "1"), ("0", ""), ("", "")):
            for words, environment in given("QEMU_PROOF", value):
                self.said("run", *words, **environment)
                self.assertEqual(found, self.environment()["QEMU_PROOF"], (words, value))

    def test_own_kernel(self) -> None:
        for name in OWN[:3]:
            self.assertEqual("user", self.said("run", f"{name}=/x")[0])
        for name in OWN[3:]:
            self.assertEqual(["--tests=", "--append="], self.said("run", f"{name}=/x"))


def ended(words: Sequence[str | Path], environment: Mapping[str, str],
          root: Path = ROOT) -> "subprocess.CompletedProcess[str]":
    """Run a program that must refuse its work at once; end it if it does not."""
    with subprocess.Popen(words, cwd=root, text=True, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
                          env={**variables.for_others(os.environ), **environment}) as process:
        try:
            said, errors = process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGTERM)
            raise
    return subprocess.CompletedProcess(words, process.returncode, said, errors)


class OtherMakes(unittest.TestCase):
    """Kbuild, and all else that the scripts run, must not expand what the variables hold."""

    def test_see_no_variable(self) -> None:
        with tempfile.TemporaryDirectory() as directory:
            bad = dict.fromkeys((*variables.OURS, variables.BEFORE),
                                f"$(shell touch {directory}/ran)")
            file = Path(directory, "Makefile")
            file.write_text("all:\n" + "".join(f"\t@echo '{name}=$({name})'\n"
                                               for name in bad), encoding="ascii")
            flags = {"MAKEFLAGS": f" -- SHELL=1a2b TESTS=$(shell\\ touch\\ {directory}/ran)"}
            with mock.patch.dict(os.environ, {**bad, **flags}):
                said = common.run(["make", "-s", "-f", file], "make")
            self.assertEqual([f"{name}=" for name in bad], said.splitlines())
            self.assertFalse(Path(directory, "ran").exists())


class Mistakes(unittest.TestCase):
    """A line, and no traceback."""

    def test_of_variables(self) -> None:
        for environment, text in (
                ({"JOBS": "-1"}, "JOBS is a number of processes, not '-1'"),
                ({"JOBS": "²"}, "JOBS is a number of processes, not '²'"),
                ({"V": "yes"}, "V is 0 or 1, not 'yes'"),
                ({"SNAPSHOT": "off"}, "SNAPSHOT is 0 or 1, not 'off'"),
                ({"KERNEL": "6.12", "SOURCE": "7.3"}, "KERNEL with SOURCE: which kernel?"),
                ({"KERNEL": "6.12", "KDIR": "x"}, "KERNEL with KDIR: which kernel?")):
            with self.subTest(environment):
                self.assertIn(text, variables.mistake(environment, ROOT) or "")
        for environment in (dict.fromkeys(variables.SWITCHES, "0"),
                            dict.fromkeys(variables.SWITCHES, "1"), {"V": ""},
                            {"JOBS": ""}, {"JOBS": "2"}, {"KERNEL": "user", "KDIR": "x"},
                            {"KERNEL": "", "PATCH": "x"}, {"SOURCE": "7.3", "PATCH": "x"}):
            self.assertIsNone(variables.mistake(environment, ROOT))

    def test_of_paths(self) -> None:
        for path in ("/a b", "/a;b", "/a$b", "/a\nb", "/a'b", "/a:b", "/a#b"):
            self.assertIn("move this clone", variables.mistake({}, Path(path)) or "", path)

    def test_of_options(self) -> None:
        """Of scripts, which make does not pass."""
        for words, text in OPTIONS:
            with self.subTest(words):
                done = ended([ROOT / "scripts" / words[0], *words[1:]], {})
                self.assertEqual((125, ""), (done.returncode, done.stdout), done.stderr)
                self.assertEqual([f"errpath: {text}"], [line[:len(f"errpath: {text}")] for line
                                                        in done.stderr.splitlines()])


class Table(unittest.TestCase):
    """Each row of REFUSED is one line of the real program, and status 2 of make."""

    def setUp(self) -> None:
        self.directory = Path(self.enterContext(tempfile.TemporaryDirectory()))
        (self.directory / "no.patch").write_text("no diff\n", encoding="ascii")

    def refused(self, words: str, text: str, environment: Mapping[str, str],
                root: Path = ROOT, prefix: tuple[str, ...] = ()) -> str:
        """Run make, which must fail; return the line about it."""
        done = ended([*prefix, "make", "-s", *shlex.split(words)], environment, root)
        self.assertEqual(2, done.returncode, done.stdout + done.stderr)
        said, status, *more = done.stderr.splitlines()
        self.assertEqual([f"errpath: {text}", []], [said[:len(f"errpath: {text}")], more])
        self.assertRegex(status, r"^make: \*\*\* \[Makefile:\d+: \S+\] Error 125$")
        self.assertNotIn("to run", done.stdout)
        return said

    def test_refused(self) -> None:
        for words, text, *environment in REFUSED:
            with self.subTest(words, environment=environment):
                words, text = (one.replace("NO_DIFF", str(self.directory / "no.patch"))
                               for one in (words, text))
                self.refused(words, text, dict(one.split("=", 1) for one in environment))

    def copy(self, name: str) -> Path:
        """Return a clone of errpath at this path."""
        root = self.directory / name
        shutil.copytree(ROOT / "scripts", root / "scripts")
        shutil.copytree(ROOT / "selftests", root / "selftests")
        shutil.copy(ROOT / "Makefile", root)
        return root

    def test_path_with_a_blank(self) -> None:
        root = self.copy("a b")
        for words in ("run", "sweep OP=fork", "shell CMD=true"):
            with self.subTest(words):
                self.refused(words, f"make cannot build in '{root}': move this clone", {}, root)

    def test_build_that_cannot_be_written(self) -> None:
        root = self.copy("clone")
        (root / "build").mkdir()
        user = () if os.getuid() == 0 else ("--map-root-user",)
        for options, text in (("ro", ": Read-only file system"),
                              ("size=1m", " has 1 MiB left; errpath needs 64 at least")):
            for words in ("run", "shell CMD=true", "sweep OP=zero_fork"):
                with self.subTest(words, options=options):
                    said = self.refused(words, f"{root}/build", {}, root, (
                        "unshare", "--mount", *user, "sh", "-c",
                        f'mount -t tmpfs -o {options} none build && exec "$@"', "-"))
                    self.assertTrue(said.endswith(text), said)


class EachProgram(unittest.TestCase):
    """Every program refuses a variable that is wrong, before it does anything."""

    def test_refuses_jobs(self) -> None:
        programs = [file for file in sorted((ROOT / "scripts").glob("*")) if file.is_file()
                    and b"python3" in file.read_bytes().partition(b"\n")[0]]
        self.assertIn("check", [program.name for program in programs])
        for program, jobs in itertools.product(programs, ("abc", "0")):
            with self.subTest(program.name, JOBS=jobs):
                done = ended([program], {"JOBS": jobs})
                self.assertEqual(
                    (125, f"errpath: JOBS is a number of processes, not {jobs!r}\n", ""),
                    (done.returncode, done.stderr, done.stdout))


class FileSystem(unittest.TestCase):
    """What a user can mend is a line."""

    def line(self, number: int) -> str:
        error = OSError(number, os.strerror(number), "build/results")
        with (mock.patch("sys.stderr") as stderr, mock.patch("signal.signal"),
              self.assertRaises(SystemExit) as exited):
            common.main(mock.Mock(side_effect=error))
        self.assertEqual(125, exited.exception.code)
        return "".join(call.args[0] for call in stderr.write.call_args_list)

    def test_read_only_or_full(self) -> None:
        self.assertEqual("errpath: build/results: Read-only file system\n", self.line(errno.EROFS))
        self.assertEqual("errpath: build/results: No space left on device\n",
                         self.line(errno.ENOSPC))

    def test_nearly_full(self) -> None:
        usage = mock.Mock(free=common.ROOM - 1)
        with mock.patch("shutil.disk_usage", return_value=usage):
            self.assertRegex(self.line(errno.EBADF), r"build has 63 MiB left; errpath .*\n")

    def test_others_are_errors_of_ours(self) -> None:
        with self.assertRaises(OSError):
            self.line(errno.EBADF)


class Locks(unittest.TestCase):
    def test_waiting_says_for_whom(self) -> None:
        with (tempfile.TemporaryDirectory() as directory,
              mock.patch.object(common, "PATIENCE", 0.1), mock.patch.object(common, "say") as say):
            program = ("import signal, sys; from pathlib import Path; from host import common\n"
                       "with common.lock('it', Path(sys.argv[1])):\n"
                       "    signal.alarm(10); print('taken', flush=True); sys.stdin.read()")
            with subprocess.Popen(["python3", "-B", "-c", program, directory], text=True,
                                  cwd=ROOT / "scripts", stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE) as other:
                assert other.stdin and other.stdout
                self.assertEqual("taken\n", other.stdout.readline())
                say.side_effect = lambda _: other.stdin and other.stdin.close()
                with common.lock("it", Path(directory)):
                    pass
                (text,) = say.call_args.args
                self.assertIn(f"waiting for process {other.pid}, python3 -B -c", text)
                self.assertTrue(text.endswith(": it uses it"), text)


if __name__ == "__main__":
    unittest.main()
