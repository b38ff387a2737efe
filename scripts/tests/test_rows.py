# SPDX-License-Identifier: GPL-2.0
"""What the tables name exists: tests, programs, operations, and the expressions that tests print."""

import fnmatch
import re
import subprocess
import unittest
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

from host import archive, build, busted, common, known, ksft, sweep
from host.common import ROOT, SCRIPTS

SELFTESTS = ROOT / "selftests"
# A line of PROGRAM -l, whose first two columns are padded.
LISTED = re.compile(r"(\S{21,}|.{20}) (\S{26,}|.{25}) (\S*)")
# In preprocessed source, what EXPECT_*() and ASSERT_*() print.
EXPECTED = re.compile(r'_metadata->name, *"((?:[^"\\]|\\.)*)", *__exp_print, *"(\S+)", *'
                      r'"((?:[^"\\]|\\.)*)", *__seen_print')
VALUE = re.compile(r"\\\(-?\d[\d\[\]]*\\\)")	# in a regexp: "(NUMBER)" or "(NUMBER[DIGITS])"
KERNEL_LOG = "{} (kernel log)"


def names(listing: str, program: str) -> set[str]:
    """Return the names, as results have them, of the tests that PROGRAM -l lists."""
    fixtures: dict[str, tuple[set[str], set[str]]] = {}
    fixture = ""
    for line in listing.splitlines():
        columns = LISTED.fullmatch(line)
        if columns and not line.startswith("#"):
            fixture = columns[1].strip() or fixture
            variants, tests = fixtures.setdefault(fixture, (set(), set()))
            variants.update({columns[2].strip()} - {""})
            tests.update({columns[3]} - {""})
    return {".".join(filter(None, (program, fixture, variant, test)))
            for fixture, (variants, tests) in fixtures.items()
            for variant in variants or {""} for test in tests}


@cache
def installed() -> Path:
    return build.selftests(ksft.fetch())


@cache
def tests() -> Mapping[str, set[str]]:
    """Return the names of all tests by program."""
    found = {}
    for program in build.programs(build.listing(), ["*"]):
        run = subprocess.run([installed() / program, "-l"], capture_output=True, text=True,
                             check=False)
        found[program] = names(run.stderr, program)
    return found


@cache
def expected(program: str) -> list[str]:
    """Return the lines that the checks of a program print, with N for each value."""
    make = subprocess.run(["make", "-C", SELFTESTS, "-Bns", "OUTPUT=/out", f"KSFT={ksft.fetch()}",
                           f"/out/{program}"], capture_output=True, text=True, check=True).stdout
    files = {file for file in re.findall(r"(?<=\s)\S+\.c\b", make) if not file.startswith("lib/")}
    text = subprocess.run(["gcc", "-E", "-P", "-D_GNU_SOURCE", "-I.", "-isystem", ksft.fetch(),
                           *files], cwd=SELFTESTS, capture_output=True, text=True, check=True).stdout
    found = {re.sub(r"\\(.)", r"\1", f"Expected {one} (N) {operator} {other} (N)")
             for one, operator, other in EXPECTED.findall(text)}
    return sorted(found)


def matching(glob: str, among: Iterable[str]) -> list[str]:
    return fnmatch.filter(among, glob)


class Listing(unittest.TestCase):
    def test_names(self) -> None:
        rows = (("# FIXTURE", "VARIANT", "TEST"), ("global", "", ""),
                ("a_fixture_with_a_long_name", "a_variant_with_a_longer_name", "one"),
                ("", "b", ""), ("c", "", "one"), ("", "", "two"))
        self.assertEqual({"it.a_fixture_with_a_long_name.a_variant_with_a_longer_name.one",
                          "it.a_fixture_with_a_long_name.b.one", "it.c.one", "it.c.two"},
                         names("\n".join(f"{a:20} {b:25} {c}" for a, b, c in rows), "it"))

    def test_each_program_has_tests(self) -> None:
        self.assertLess(20, len(tests()))
        self.assertEqual([], [program for program, found in tests().items() if not found])


class Rows(unittest.TestCase):
    def check(self, where: str, globs: Iterable[str], among: Iterable[str]) -> None:
        """Each of the globs must match one of the names."""
        among = list(among)
        for glob in globs:
            with self.subTest(where, glob=glob):
                self.assertTrue(matching(glob, among))

    def all_tests(self) -> Iterator[str]:
        for found in tests().values():
            yield from found

    def test_mutants(self) -> None:
        for line in common.rows(SCRIPTS / "mutants.conf"):
            name, _, _, test = (column.strip() for column in line.split(" | "))
            lost, program = test.startswith("LOST "), test.removeprefix("LOST ").partition(".")[0]
            with self.subTest(name):
                self.assertIn(program, tests())
                self.assertTrue(lost or matching(test, tests()[program]), test)

    def test_busted(self) -> None:
        for row in busted.rows().values():
            programs = row.programs.split()
            self.assertEqual([], [name for name in programs if name not in tests()])
            among = [name for program in programs
                     for name in (*tests()[program], KERNEL_LOG.format(program))]
            self.check(row.line, (red.glob for red in row.red), among)

    def test_busted_expressions(self) -> None:
        """Where a regexp quotes a check, one of the programs has such a check."""
        checks = 0
        for row in busted.rows().values():
            for red in row.red:
                if not red.regexp.pattern.startswith("Expected "):
                    continue
                programs = [program for program in row.programs.split()
                            if matching(red.glob, tests()[program])]
                wanted = re.compile(VALUE.sub(r"\\(N\\)", red.regexp.pattern))
                with self.subTest(row.line, regexp=red.regexp.pattern):
                    self.assertTrue([line for program in programs for line in expected(program)
                                     if wanted.search(line)], programs)
                    checks += 1
        self.assertLess(20, checks)

    def test_kernel_lines(self) -> None:
        """The tests that must run, and those that a kernel lacks."""
        columns = [(words[0], words[-1]) for file in ("kernels.conf", "kernels/built.conf")
                   for words in map(str.split, common.rows(SCRIPTS / file))]
        for line, column in columns:
            globs = (word.removeprefix("!") for word in column.split(",") if word[0] != "-")
            self.check(line, globs, {*self.all_tests(), *tests()})

    def test_known_issues(self) -> None:
        for row in known.kernel_rows():
            program, _, rest = row.test.partition(".")
            if program == "sweep":
                with self.subTest(row.test):
                    operation = rest.partition(".")[0].partition("*")[0]
                    self.assertTrue(matching(f"{operation}*", sweep.operations()))
            else:
                self.check(f"line {row.line}", [row.test], self.all_tests())

    def test_sweeps(self) -> None:
        for line in common.rows(SCRIPTS / "sweeps.conf"):
            operation, lines, _ = line.split()
            sweep.known(operation)
            for name in lines.split(","):
                archive.row_of(name)
