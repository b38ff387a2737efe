# SPDX-License-Identifier: GPL-2.0
"""The manuals: every Markdown file that git tracks. Text checks that their links, make commands
and paths exist; Sessions runs their console blocks in a guest or on the host, and compares what
each command prints; Tree builds the modules as README.md says."""

import fnmatch
import functools
import os
import re
import shlex
import shutil
import subprocess
import tempfile
import unittest
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from host import archive, build, ksft, sweep, variables
from host.common import ROOT, SCRIPTS, Failure

LINE = os.environ.get("KERNEL", "6.12")
README = "README.md"
README_LINES = 130

GUEST_PROMPT = "# "
HOST_PROMPT = "$ "
MARK = "README-COMMAND"

# Fences whose text is no command: pictures and output.
NO_COMMANDS = ("text", "c", "diff", "json")
LINK = re.compile(r"\]\(([^)\s]+)\)")
SPAN = re.compile(r"(?<!`)(`+)(?!`)((?:(?!\n\n).)+?)(?<!`)\1(?!`)", re.S)
PATH = re.compile(r"(?<![\w/.$~*-])[\w.-]+(?:/[\w.*{}+,-]*)+")
# File names that can only be of this repository, so that they need no directory.
OWN_FILE = re.compile(r"(?<![\w/.*-])(?:[\w.-]+\.(?:conf|cocci|asl)|point_\w+\.c)\b")
EXTENSION = re.compile(r"\.(?:c|h|py|conf|cocci|asl|md|sh)$")
# Variables of make: their references, assignments and exports, and NAME= in the help lines.
VARIABLE = re.compile(r"\$\(?(?:if \$\()?(\w+)|^(?:override )?(\w+) *[?:+]?=|\b([A-Z][A-Z_]*)=",
                      re.M)
PLACEHOLDER = re.compile(r"[A-Z][A-Z0-9_]*")


class Manual(NamedTuple):
    """A Markdown file: its path in the repository, and its text."""

    path: str
    text: str

    def line_of(self, offset: int) -> int:
        return self.text.count("\n", 0, offset) + 1


class Code(NamedTuple):
    """A piece of code in a manual: a line of a block, or a span. A command is checked as one."""

    line: int
    text: str
    command: bool


class Command(NamedTuple):
    """A command of a console block, and what the manual says that it prints."""

    line: int
    text: str
    output: list[str]


@functools.lru_cache
def tracked() -> frozenset[str]:
    """Return the paths of all files that git tracks, and of their directories."""
    listed = subprocess.run(["git", "-C", ROOT, "ls-files", "-z"], capture_output=True, text=True,
                            check=True).stdout.split("\0")
    files = [PurePosixPath(name) for name in listed if name]
    return frozenset(str(path) for file in files for path in (file, *file.parents))


def manuals() -> list[Manual]:
    return [Manual(path, (ROOT / path).read_text(encoding="utf-8"))
            for path in sorted(tracked()) if path.endswith(".md")]


# Code.

def blocks(manual: Manual) -> Iterator[tuple[int, str, list[str]]]:
    """Yield each fenced block (number of its first line, language, lines), and each indented one
    (with no language)."""
    lines = manual.text.split("\n")
    number = 0
    while number < len(lines):
        fence = re.match(r" {0,3}(```+|~~~+) *(\w*)", lines[number])
        start = number + 1 if fence else number
        if fence:
            end = next((n for n in range(start, len(lines))
                        if lines[n].strip().startswith(fence[1])), len(lines))
            yield start + 1, fence[2], lines[start:end]
            number = end + 1
        elif lines[number].startswith("    ") and not (number and lines[number - 1].strip()):
            end = next((n for n in range(start, len(lines)) if lines[n].strip()
                        and not lines[n].startswith("    ")), len(lines))
            yield start + 1, "", lines[start:end]
            number = end
        else:
            number += 1


def code(manual: Manual) -> Iterator[Code]:
    """Yield all lines of code blocks, and all code spans of the text between them."""
    outside = manual.text.split("\n")
    for first, language, lines in blocks(manual):
        for number, line in enumerate(lines, first):
            outside[number - 1] = ""
            prompt = next((prompt for prompt in (HOST_PROMPT, GUEST_PROMPT)
                           if language == "console" and line.startswith(prompt)), None)
            yield Code(number, line.removeprefix(prompt or ""),
                       bool(prompt) or language not in ("console", *NO_COMMANDS))
    text = "\n".join(outside)
    for span in SPAN.finditer(text):
        yield Code(manual.line_of(span.start()), " ".join(span[2].split()), True)


# Links.

def anchors(text: str) -> set[str]:
    """Return the names by which links reach the headings of a Markdown text."""
    found: set[str] = set()
    for title in re.findall(r"^#+ +(.*?) *$", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S),
                            re.M):
        title = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", title)
        name = re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
        found.add(name if name not in found else
                  next(f"{name}-{n}" for n in range(1, 100) if f"{name}-{n}" not in found))
    return found


def link_problems(manual: Manual) -> Iterator[tuple[int, str]]:
    for match in LINK.finditer(manual.text):
        path, _, anchor = match[1].partition("#")
        if re.match(r"[a-z]+:", match[1]):
            continue
        target = os.path.normpath(os.path.join(os.path.dirname(manual.path), path)
                                  if path else manual.path)
        line = manual.line_of(match.start())
        if target not in tracked() and target != manual.path:
            yield line, f"the link {match[1]} leads to {target}, which git does not track"
        elif anchor:
            text = manual.text if not path else (ROOT / target).read_text(encoding="utf-8")
            if anchor not in anchors(text):
                yield line, f"the link {match[1]}: {target} has no heading #{anchor}"


# Commands of make.

class Makefile(NamedTuple):
    """What a Makefile of this repository knows."""

    targets: frozenset[str]
    variables: frozenset[str]


@functools.lru_cache
def makefile(directory: str) -> Makefile:
    text = (ROOT / directory / "Makefile").read_text(encoding="utf-8")
    listed = re.findall(r"^(?:export|VARIABLES :=) ((?:.*\\\n)*.*)", text, re.M)
    exported = " ".join(listed).replace("\\\n", " ").split()
    named = [name for names in VARIABLE.findall(text) for name in names if name]
    headed = re.findall(r"^#\s+([A-Z_]+)=", text, re.M)
    targets = " ".join(re.findall(r"^([a-z][\w -]*):(?!=)", text, re.M)).split()
    return Makefile(frozenset(targets),
                    frozenset([*named, *exported, *headed]))


@functools.lru_cache
def programs() -> frozenset[str]:
    """Return the names of the test programs."""
    text = (ROOT / "selftests/Makefile").read_text(encoding="utf-8").replace("\\\n", " ")
    listed = re.findall(r"^TEST_GEN_PROGS\w* *:= *([\w\s]+)$", text, re.M)
    return frozenset(" ".join(listed).split())


def split(text: str) -> list[list[str]]:
    """Return the words of each simple command of a line of shell."""
    words = shlex.shlex(text, posix=True, punctuation_chars=True)
    words.whitespace_split = True
    found: list[list[str]] = [[]]
    try:
        for word in words:
            if set(word) <= set("();<>|&"):
                found.append([])
            else:
                found[-1].append(word)
    except ValueError:		# an unfinished quotation: no command
        return []
    return found


def make_commands(text: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the directory and the arguments of each make in a line of shell; only of those that
    read a Makefile of this repository."""
    for words in split(text):
        while words and (re.match(r"\w+=", words[0]) or words[0] in ("-", "env", "sudo", "time")):
            words = words[1:]
        if words[:1] != ["make"]:
            continue
        directory, arguments, rest = ".", [], iter(words[1:])
        for word in rest:
            if word == "-C":
                directory = next(rest, ".")
            elif not word.startswith("-") and not word.isdigit():
                arguments.append(word)
        if directory == "." or f"{directory}/Makefile" in tracked():
            yield directory, arguments


def value_problem(name: str, value: str) -> str | None:
    """Return what is wrong with the value of a variable of make that names kernels, test programs
    or operations; None if nothing is."""
    for word in value.split():
        if PLACEHOLDER.fullmatch(word) or re.search(r"[$`.]{1,3}$|[…]", word):
            continue
        try:
            if name in ("KERNEL", "LINES"):
                archive.known(word)
            elif name == "OP":
                sweep.known(word)
            elif name == "TESTS" and word not in ("all", "main") and not fnmatch.filter(
                    programs(), word):
                return f"{name}={value}: there is no test program {word}"
        except Failure as failure:
            return f"{name}={value}: {str(failure).partition(';')[0]}"
    return None


def make_problems(piece: Code) -> Iterator[str]:
    for directory, arguments in make_commands(piece.text):
        known = makefile(directory)
        where = "Makefile" if directory == "." else f"{directory}/Makefile"
        for argument in arguments:
            name, equals, _ = argument.partition("=")
            if equals and name not in known.variables:
                yield f"make {argument}: {where} has no variable {name}"
            elif not equals and name not in known.targets and re.fullmatch(r"[a-z][\w-]*", name):
                yield f"make {name}: {where} has no such target"


def variable_problems(piece: Code) -> Iterator[str]:
    """Kernels, programs and operations, also where no make is in front of the variable."""
    for match in re.finditer(r"""(?<![\w-])(KERNEL|LINES|TESTS|OP)=(?:"([^"]*)"|'([^']*)'|"""
                             r"""([\w.*$-]*))""", piece.text):
        problem = value_problem(match[1], match[2] or match[3] or match[4] or "")
        if problem:
            yield problem


# Paths.

def exists(path: str) -> bool:
    """True if git tracks the path, or a path that it stands for: NAME, * and {} are wild."""
    if path in tracked():
        return True
    pattern = re.sub(r"\{[^}]*\}", "*", re.sub(r"(?<![a-z])[A-Z]{2,}(?![a-z])", "*", path))
    return pattern != path and bool(fnmatch.filter(tracked(), pattern)) or (
        "*" in path and bool(fnmatch.filter(tracked(), path)))


def path_problems(manual: Manual, piece: Code) -> Iterator[str]:
    here = os.path.dirname(manual.path)
    for match in PATH.finditer(piece.text):
        path = match[0].rstrip("/.,")
        first = path.partition("/")[0]
        beside = os.path.normpath(os.path.join(here, path))
        if first in (".", ".."):
            continue
        if first in tracked() and "." not in first[1:]:
            if not exists(path) and not (here and exists(beside)):
                yield f"there is no {path}"
        elif here and (ROOT / here / first).is_dir() and EXTENSION.search(path):
            if not exists(beside):
                yield f"there is no {beside}"
    names = {path.rpartition("/")[2] for path in tracked()}
    for match in OWN_FILE.finditer(piece.text):
        pattern = re.sub(r"(?<![a-z])[A-Z]{2,}(?![a-z])", "*", match[0])
        if not fnmatch.filter(names, pattern):
            yield f"there is no file {match[0]}"


def problems(manual: Manual) -> list[str]:
    """Return what is wrong in a manual, with file and line."""
    found = list(link_problems(manual))
    for piece in code(manual):
        found += [(piece.line, text) for text in path_problems(manual, piece)]
        if piece.command:
            found += [(piece.line, text) for text in
                      (*make_problems(piece), *variable_problems(piece))]
    return [f"{manual.path}:{line}: {text}" for line, text in sorted(set(found))]


class Text(unittest.TestCase):
    """What manuals name exists."""

    def test_links_commands_and_paths_exist(self) -> None:
        found = [problem for manual in manuals() for problem in problems(manual)]
        if found:
            self.fail("\n" + "\n".join(found))

    def test_readme_is_short(self) -> None:
        length = len((ROOT / README).read_text(encoding="utf-8").splitlines())
        self.assertLessEqual(length, README_LINES, f"{README}:{length}: move text to a manual")


class Checks(unittest.TestCase):
    """The checks see mistakes."""

    def assert_problems(self, text: str, *expected: str, path: str = README) -> None:
        self.assertEqual([f"{path}:{line}" for line in expected], problems(Manual(path, text)))

    def test_links(self) -> None:
        self.assert_problems("# A b, `c`\n[a](LICENSE) [b](https://x/y) [c](#a-b-c)\n")
        self.assert_problems("one\n[a](nosuch.md)",
                             "2: the link nosuch.md leads to nosuch.md, which git does not track")
        self.assert_problems("[a](#nosuch)\n", "1: the link #nosuch: README.md has no heading "
                             "#nosuch")
        self.assert_problems("[a](run)\n[b](../LICENSE)\n[c](../module/)\n[d](LICENSE)\n",
                             "4: the link LICENSE leads to scripts/LICENSE, which git does not "
                             "track", path="scripts/x.md")

    def test_targets_and_variables(self) -> None:
        self.assert_problems("`make -s run KERNEL=6.12 TESTS=\"hotadd knobs\" 2>&1 | cat`\n\n"
                             "    make TARGET   # make nosuch\n"
                             "    make -C /usr/src M=$PWD nosuch\n"
                             "    make -C selftests KSFT=DIR install INSTALL_PATH=DIR\n"
                             "\n```text\nmake nosuch\n```\n")
        self.assert_problems("a `make\nnosuch` b", "1: make nosuch: Makefile has no such target")
        self.assert_problems("\n    make run NOSUCH=1\n",
                             "2: make NOSUCH=1: Makefile has no variable NOSUCH")
        self.assert_problems("```console\n$ cd x && make nosuch\nmake nosuch\n```\n",
                             "2: make nosuch: Makefile has no such target")
        self.assert_problems("```yaml\nscript:\n  - make run\n  - make nosuch\n```\n",
                             "4: make nosuch: Makefile has no such target")
        self.assert_problems("```\nmake -C selftests nosuch\n```\n",
                             "2: make nosuch: selftests/Makefile has no such target")

    def test_kernels_programs_and_operations(self) -> None:
        self.assert_problems("`KERNEL=LINE`, `LINES=\"6.1 7.3\"`, `TESTS=\"*_dimm all\"`, "
                             "`OP=add_memory`, `TESTS=\"...\"`, `KERNEL=busted-usage`")
        self.assert_problems("\n`KERNEL=2.4`", "2: KERNEL=2.4: no kernel line '2.4'")
        self.assert_problems("`TESTS=\"hotadd nosuch\"`",
                             "1: TESTS=hotadd nosuch: there is no test program nosuch")
        self.assert_problems("`make sweep OP=nosuch`", "1: OP=nosuch: no operation 'nosuch'")

    def test_paths(self) -> None:
        self.assert_problems("`scripts/run`, `module/errpath/point_NAME.c`, `scripts/*.conf`, "
                             "`build/x`, `mm/slub.c`, `tools/testing/selftests/mm`, "
                             "`/selftests/nosuch`, `kernels.conf`, `selftests/`")
        self.assert_problems("a\n\n    cat scripts/nosuch\n", "3: there is no scripts/nosuch")
        self.assert_problems("`host/apt.py`, `host/nosuch.py`", "1: there is no "
                             "scripts/host/nosuch.py", path="scripts/x.md")
        self.assert_problems("`nosuch.conf`", "1: there is no file nosuch.conf")


# Sessions.

def sessions(manual: Manual, prompt: str) -> list[Command]:
    """Return the commands that follow a prompt in the console blocks, and their output."""
    found: list[Command] = []
    for first, language, lines in blocks(manual):
        commands: list[Command] = []
        for number, line in enumerate(lines if language == "console" else [], first):
            if line.startswith(prompt):
                commands.append(Command(number, line.removeprefix(prompt), []))
            elif commands:
                commands[-1].output.append(line)
        found += commands
    return found


def stable(lines: list[str]) -> str:
    """Remove what differs from run to run or does not matter: times, pids, offsets, line numbers,
    width of columns."""
    text = "\n".join(lines)
    text = re.sub(r"\[ *\d+\.\d+\]", "[TIME]", text)
    text = re.sub(r"(/|pid )\d+\b", r"\1PID", text)
    text = re.sub(r"\.c:\d+:", ".c:LINE:", text)
    text = re.sub(r"\+0x[0-9a-f]+/0x[0-9a-f]+", "+OFFSET", text)
    return re.sub(r"[ \t]+", " ", text)


def output_of(commands: list[Command]) -> tuple[list[str], str]:
    """Return what each command prints in a guest, and the output of scripts/run. The program is
    named sh, as the shell of a prompt is."""
    with tempfile.TemporaryDirectory() as directory:
        installed = Path(directory, "selftests")
        installed.mkdir()
        body = "".join(f"echo {MARK}\n{command.text}\n" for command in commands)
        (installed / "sh").write_text(f"#!/bin/sh\n{body}", encoding="utf-8")
        (installed / "sh").chmod(0o755)
        shutil.copy(build.selftests(ksft.fetch(), [build.COMMAND]) / build.COMMAND, installed)
        (installed / "kselftest-list.txt").write_text("sh 30\n", encoding="utf-8")
        done = subprocess.run([SCRIPTS / "run", LINE, "--selftests", installed, "--results",
                               directory], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, check=False)
        ktap = Path(directory, LINE, "output").read_text(encoding="utf-8")
    said = [line.removeprefix("# ") for line in ktap.split("\n") if line.startswith("# ")]
    return "\n".join([*said, ""]).split(f"{MARK}\n")[1:], done.stdout


class Sessions(unittest.TestCase):
    """Commands of console blocks print what the manual shows."""

    maxDiff = None

    def test_on_the_host_print_what_manuals_say(self) -> None:
        expected = [(manual.path, command) for manual in manuals()
                    for command in sessions(manual, HOST_PROMPT)]
        self.assertTrue(expected)
        for path, command in expected:
            where = f"{path}:{command.line}"
            with self.subTest(where, command=command.text):
                done = subprocess.run(["sh", "-c", command.text], cwd=ROOT, check=False, text=True,
                                      stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                      env=variables.for_others(os.environ))
                self.assertEqual(0, done.returncode, f"{where}: {done.stdout}")
                self.assertEqual(stable(command.output), stable(done.stdout.splitlines()), where)

    def test_print_what_manuals_say(self) -> None:
        """Each manual's commands run in one guest, one after the other."""
        by_manual = {manual.path: sessions(manual, GUEST_PROMPT) for manual in manuals()}
        self.assertTrue(by_manual[README])
        for path, commands in by_manual.items():
            if not commands:
                continue
            printed, log = output_of(commands)
            self.assertEqual(len(commands), len(printed), f"{path}: {log}")
            for command, output in zip(commands, printed):
                where = f"{path}:{command.line}"
                with self.subTest(where, command=command.text):
                    self.assertEqual(stable(command.output), stable(output.splitlines()), where)


class Tree(unittest.TestCase):
    """The modules build in a clone in the usual way, and git ignores what that leaves."""

    def test_modules_build_in_a_clone(self) -> None:
        kernel = archive.fetch(LINE)
        with tempfile.TemporaryDirectory() as directory:
            clone = Path(directory, "errpath")
            subprocess.run(["git", "clone", "-q", ROOT, clone], check=True)
            (clone / ".gitignore").write_bytes((ROOT / ".gitignore").read_bytes())
            # Without debug information, as build.make_modules(): that takes half of the time.
            command = kernel.make(clone, "-j2", "CONFIG_DEBUG_INFO=",
                                  "CONFIG_DEBUG_INFO_BTF_MODULES=", "modules")
            clean = {name: value for name, value in os.environ.items()
                     if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
            done = subprocess.run([str(word) for word in command], check=False, text=True, env=clean,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            self.assertEqual(0, done.returncode, done.stdout)
            self.assertTrue((clone / "errpath.ko").is_file())
            left = subprocess.run(["git", "-C", clone, "status", "--short", "--untracked-files=all"],
                                  capture_output=True, text=True, check=True).stdout
            self.assertEqual([], [line for line in left.splitlines() if line != " M .gitignore"])
