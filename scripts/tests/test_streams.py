# SPDX-License-Identifier: GPL-2.0
"""What other programs make of the KTAP and JUnit that runs leave: prove, kunit.py of Debian's
linux-source, npm's tap-parser, and python3-tap. scripts/README.md has a table of it."""

import json
import os
import re
import subprocess
import tempfile
import unittest
import xml.etree.ElementTree as xml
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from host import common, ksft, streams, verdict
from host.common import SCRIPTS
from host.ktap import Result
from host.runner import Run

PASS = Result("prog.fixture.variant.passes", "pass", "")
FIXED = Result("prog.fixed", "pass", "FIXED in this kernel: f.a: x # todo")
FAIL = Result("prog.fails", "fail", "it & that, CPU#0 {", ("1..7", "ok 1 not ours", "said # SKIP so",
                                                         "# Subtest: none", "KTAP version 1",
                                                         "Bail out!"))
FAIL_AS_SKIP = Result("prog.must_not_skip", "fail", "skip: must not\nskip here")
SKIP = Result("prog.skips", "skip", "no 1 GiB pages #")
XFAIL = Result("prog.known", "xfail", "known: [map-left] meminfo.DirectMap +2048 once")
LOST = Result("prog", "LOST", "oops, during prog: BUG: unable to handle {")
OUTSIDE = Result("load errpath.ko", "pass", "")
LOG = Result("prog#2 (kernel log)", "fail", "BUG: planted")

# Each of these as a run, and each alone.
RUNS = {
    "passing": [OUTSIDE, PASS, FIXED], "failing": [PASS, FAIL, LOG, FAIL_AS_SKIP],
    "skipped": [SKIP, SKIP._replace(name="prog.too")], "xfail": [XFAIL, PASS],
    "lost": [PASS, LOST], "all": [OUTSIDE, PASS, FIXED, FAIL, FAIL_AS_SKIP, SKIP, XFAIL, LOST, LOG],
    **{result.name: [result] for result in (PASS, FAIL, SKIP, XFAIL, LOST)},
}


class Counts(NamedTuple):
    """Results as a reader counts them."""

    passed: int
    failed: int
    skipped: int


def of(results: Sequence[Result]) -> Counts:
    """Return the counts that are right: an expected failure is a pass, a lost program a failure."""
    count = [result.outcome for result in results]
    return Counts(count.count("pass") + count.count("xfail"),
                  count.count("fail") + count.count("LOST"), count.count("skip"))


def as_run(line: str, results: Sequence[Result]) -> Run:
    run = Run(line, Path())
    run.seconds, run.results = 3, list(results)
    return run


def read_by(*words: str | Path, stream: Path, good: bool) -> str:
    """Return what a reader prints. Its exit status must say whether the stream is good."""
    # Debian's modules, also for a node of another origin.
    with stream.open(encoding="utf-8") as file:
        done = subprocess.run(words, stdin=file, capture_output=True, text=True, check=False,
                              env={**os.environ, "NODE_PATH": "/usr/share/nodejs"})
    if good != (done.returncode == 0):
        raise AssertionError(f"{words}: exit {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout


def numbers(text: str) -> Counts:
    """Return the counts that a text of three numbers has."""
    return Counts(*map(int, text.split()))


def prove(stream: Path, good: bool) -> Counts:
    read_by("prove", "-Q", "--exec", "cat", stream, stream=stream, good=good)
    return numbers(read_by(
        "perl", "-MTAP::Parser", "-e", "$p = TAP::Parser->new({exec => ['cat', $ARGV[0]]}); "
        "$p->run; die if $p->parse_errors; print $p->passed - $p->skipped, "
        "' ', scalar $p->failed, ' ', scalar $p->skipped", stream, stream=stream, good=True))


def kunit(stream: Path, good: bool) -> Counts:
    good = good and re.search(r"^ *ok (?!.* # SKIP)", stream.read_text(), re.M) is not None
    said = read_by("python3", "-B", ksft.fetch() / "tools/testing/kunit/kunit.py", "parse", stream,
                   stream=stream, good=good)
    last = said.rpartition("Testing complete. ")[2]
    if "errors" in last or "ERROR" in said or "crashed" in last:
        raise AssertionError(said)
    found = {name: int(number) for name, number in re.findall(r"(\w+): (\d+)", last)}
    return Counts(found.get("passed", 0), found.get("failed", 0), found.get("skipped", 0))


def leaves(events: Sequence[tuple[str, Any]]) -> list[Any]:
    """Return the results of tap-parser that are not of a subtest as a whole."""
    found: list[Any] = []
    child = False
    for kind, value in events:
        if kind == "child":
            found += leaves(value)
        elif kind == "assert" and not child:
            found.append(value)
        child = kind == "child"
    return found


def tap_parser(stream: Path, good: bool) -> Counts:
    events = json.loads(read_by("tap-parser", "-j", "0", stream=stream, good=good))
    (complete,) = (value for kind, value in events if kind == "complete")
    if any(not failure.get("id") for failure in complete["failures"]):	# of the stream itself
        raise AssertionError(complete)
    found = leaves(events)
    return Counts(sum(one["ok"] and not one.get("skip") for one in found),
                  sum(not one["ok"] for one in found),
                  sum(bool(one.get("skip")) for one in found))


def python_tap(stream: Path, good: bool) -> Counts:
    del good	# it has no verdict
    # Debian's Python: it has the package.
    return numbers(read_by(
        "/usr/bin/python3", "-c", "import sys, tap.parser\n"
        "found = [line for line in tap.parser.Parser().parse_file(sys.argv[1])\n"
        "         if line.category == 'test']\n"
        "print(sum(one.ok and not one.skip for one in found), sum(not one.ok for one in found),\n"
        "      sum(one.skip for one in found))", stream, stream=stream, good=True))


Reader = Callable[[Path, bool], Counts]
READERS: tuple[Reader, ...] = (prove, kunit, tap_parser, python_tap)
OF_SUBTESTS = (kunit, tap_parser)	# the others count lines only


class Readers(unittest.TestCase):
    def setUp(self) -> None:
        common.run([SCRIPTS / "setup", "readers"], "installing readers of TAP")
        self.stream = Path(self.enterContext(tempfile.TemporaryDirectory())) / "ktap"

    def counted(self, text: str, reader: Reader, good: bool) -> Counts:
        self.stream.write_text(text, encoding="utf-8")
        return reader(self.stream, good)

    def test_stream_of_a_line(self) -> None:
        """All count the same."""
        for name, results in RUNS.items():
            for reader in READERS:
                with self.subTest(name, reader=reader.__name__):
                    self.assertEqual(of(results), self.counted(
                        streams.ktap(results), reader, verdict.good(results)))

    def test_stream_of_many_lines(self) -> None:
        """Those that know subtests count tests, the others lines."""
        for names in (["passing", "xfail"], ["passing", "skipped", "all", "lost"], ["skipped"]):
            runs = [as_run(f"6.{number}", RUNS[name]) for number, name in enumerate(names)]
            good = all(verdict.good(run.results) for run in runs)
            tests = of([result for run in runs for result in run.results])
            lines = of([Result(name, "skip" if name == "skipped" else
                               "pass" if verdict.good(RUNS[name]) else "fail", "")
                        for name in names])
            for reader in READERS:
                with self.subTest(names, reader=reader.__name__):
                    self.assertEqual(tests if reader in OF_SUBTESTS else lines, self.counted(
                        streams.ktap_of_lines(runs), reader, good))


class JUnit(unittest.TestCase):
    def test_whole_names_and_counts(self) -> None:
        for name, results in RUNS.items():
            with self.subTest(name):
                run = as_run("6.12", results)
                (suite,) = xml.fromstring(streams.junit([run]))
                self.assertEqual([result.name for result in results],
                                 [case.get("name") for case in suite])
                failed = int(suite.attrib["failures"]) + int(suite.attrib["errors"])
                skipped = int(suite.attrib["skipped"])
                self.assertEqual(of(results), Counts(int(suite.attrib["tests"]) - failed - skipped,
                                                     failed, skipped))
                self.assertEqual((failed, skipped), (
                    len(suite.findall("*/failure")) + len(suite.findall("*/error")),
                    len(suite.findall("*/skipped"))))

    def test_classes(self) -> None:
        """Only the last dot is one between package and class."""
        (suite,) = xml.fromstring(streams.junit([as_run("6.12", [PASS, OUTSIDE, LOG])]))
        self.assertEqual(["6_12.prog", "6_12.guest", "6_12.guest"],
                         [case.get("classname") for case in suite])

    def test_text(self) -> None:
        bad = FAIL._replace(reason="\x1b[31m & <x>", detail=("\0 said", "so"))
        (suite,) = xml.fromstring(streams.junit([as_run("6.12", [bad, LOST])]))
        self.assertEqual("?[31m & <x>", suite[0][0].get("message"))
        self.assertEqual("? said\nso", suite[0][0].text)
        self.assertEqual(LOST.reason, suite[1][0].get("message"))


class Files(unittest.TestCase):
    def test_of_a_run(self) -> None:
        with tempfile.TemporaryDirectory() as directory:
            run = Run("6.12", Path(directory))
            run.results = RUNS["all"]
            run.report()
            self.assertEqual(streams.ktap(RUNS["all"]), Path(directory, "ktap").read_text())
            self.assertEqual(1, len(xml.parse(Path(directory, "junit.xml")).getroot()))


if __name__ == "__main__":
    unittest.main()
