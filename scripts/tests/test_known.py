# SPDX-License-Identifier: GPL-2.0
"""known-issues, as the C parser and the Python one read it; KNOWN-BUGS.md and GAUGES.md, which must
agree with it and with the table of gauges."""

import fnmatch
import itertools
import os
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

from host import gauges, known, ksft
from host.common import ROOT, SCRIPTS, Failure

SELFTESTS = ROOT / "selftests"
VERSIONS = ("6.0.1", "6.1.192", "6.1.193", "6.6.30", "6.12.107", "6.12.117", "7.2.12", "7.3.4",
            "7.3.5", "10.0.1")
# Prints the rows of each test on stdin that apply on the kernel VERSION, of Debian or not.
PROGRAM = r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

static int fake_uname(struct utsname *u)
{
	snprintf(u->release, sizeof(u->release), "%s-x", getenv("VERSION"));
	snprintf(u->version, sizeof(u->version), "#1 SMP %s%s", getenv("DEBIAN"),
		 *getenv("DEBIAN") ? getenv("VERSION") : "");
	snprintf(u->machine, sizeof(u->machine), "%s", getenv("MACHINE"));
	return 0;
}

#define uname fake_uname
#include "lib/known.c"

int main(void)
{
	static struct known_list l;
	char test[1024];

	while (fgets(test, sizeof(test), stdin)) {
		test[strcspn(test, "\n")] = '\0';
		if (known_load(&l, test))
			return 1;
		for (int i = 0; i < l.nr; i++)
			printf("%s\t%s\t%s\t%s\t%d\n", test, l.row[i].bug, l.row[i].observation,
			       l.row[i].reason, l.row[i].must_show);
	}
	return 0;
}
"""
GOOD = """\
stock: 6.1.192 6.12.117
swept: 6.12.*

bug: it-leaks
versions: 6.1+
reason: it leaks
upstream: open
prog.a | slab.b +1 once
"""
# A line that is wrong, what both parsers say of it, and what it replaces in GOOD.
WRONG = (
    ("prog.a | slab.b", "not an observation: slab.b", "prog.a | slab.b +1 once"),
    ("prog.a | slab.b +0 once", "not an observation: slab.b +0 once", "prog.a | slab.b +1 once"),
    ("prog.a | errno x EWHAT", "not an observation: errno x EWHAT", "prog.a | slab.b +1 once"),
    ("prog.a | oops f", "not an observation: oops f", "prog.a | slab.b +1 once"),
    ("prog.a", "neither KEY: VALUE nor TEST | OBSERVATION [| ONLY]", "prog.a | slab.b +1 once"),
    ("prog.a | kmsg x | may | y", "neither KEY: VALUE nor TEST | OBSERVATION [| ONLY]",
     "prog.a | slab.b +1 once"),
    ("prog.a | kmsg x | 6.12.117", "a word that does not belong here: 6.12.117",
     "prog.a | slab.b +1 once"),
    ("versions: 6.12.117", "a word that does not belong here: 6.12.117", "versions: 6.1+"),
    ("stock: 6.1+", "a word that does not belong here: 6.1+", "stock: 6.1.192 6.12.117"),
    ("reasons: it leaks", "unknown key: reasons", "reason: it leaks"),
    ("versions: 6.1+", "a second key: versions", "reason: it leaks"),
    ("bug: it leaks", "not an id: it leaks", "bug: it-leaks"),
)


class Parsers(unittest.TestCase):
    directory: tempfile.TemporaryDirectory[str]
    maxDiff = None

    @classmethod
    def setUpClass(cls) -> None:
        cls.directory = tempfile.TemporaryDirectory()	# pylint: disable=consider-using-with
        cls.addClassCleanup(cls.directory.cleanup)
        path = Path(cls.directory.name)
        (path / "rows.c").write_text(PROGRAM, encoding="utf-8")
        subprocess.run(["gcc", "-Wall", "-Wextra", "-Werror", "-D_GNU_SOURCE", f"-I{SELFTESTS}",
                        f"-I{SELFTESTS / 'lib'}", "-isystem", ksft.fetch(), path / "rows.c",
                        "-o", path / "rows"], check=True)

    def by_c(self, text: str, tests: list[str], version: str = "6.1.192",
             debian: bool = True, machine: str = "x86_64") -> subprocess.CompletedProcess[str]:
        """The C parser looks for known-issues beside its program."""
        path = Path(self.directory.name)
        (path / "known-issues").write_text(text, encoding="utf-8")
        environ = {**os.environ, "VERSION": version, "DEBIAN": "Debian " if debian else "",
                   "MACHINE": machine}
        return subprocess.run([path / "rows"], input="\n".join(tests), text=True, env=environ,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)

    def by_python(self, text: str) -> str:
        """What the Python parser says of a wrong file."""
        path = Path(self.directory.name, "known-issues")
        path.write_text(text, encoding="utf-8")
        with self.assertRaises(Failure) as raised:
            known.kernel_rows(path)
        return str(raised.exception)

    def test_read_the_same_rows(self) -> None:
        text = known.KERNEL_FILE.read_text(encoding="utf-8")
        rows = known.kernel_rows()
        # Each row's glob with nothing for "*" is a test that it applies to.
        tests = sorted({row.test.replace("*", "").replace("[ns]", "n") for row in rows})
        for version, debian, machine in itertools.product(VERSIONS, (True, False),
                                                          known.MACHINES):
            expected = []
            for test in tests:
                for row in rows:
                    applies, must = row.applies(version, debian, machine)
                    if fnmatch.fnmatchcase(test, row.test) and applies:
                        expected.append(f"{test}\t{row.bug.id}\t{row.observation}\t"
                                        f"{row.bug.reason}\t{int(must)}")
            with self.subTest(version=version, debian=debian, machine=machine):
                found = self.by_c(text, tests, version, debian, machine)
                self.assertEqual(expected, found.stdout.splitlines(), found.stderr)

    def test_rows_of_one_machine(self) -> None:
        for row, only, machines in (("versions: 6.1+ aarch64", "", ["aarch64"]),
                                    ("versions: 6.1+", " | x86_64", ["x86_64"]),
                                    ("versions: 6.1+", " | may", ["x86_64", "aarch64"])):
            text = GOOD.replace("versions: 6.1+", row).replace("+1 once", f"+1 once{only}")
            self.assertEqual(machines, [one for one in known.MACHINES
                                        if self.by_c(text, ["prog.a"], machine=one).stdout])

    def test_report_a_wrong_line_alike(self) -> None:
        self.assertEqual("prog.a\tit-leaks\tslab.b +1 once\tit leaks\t1\n",
                         self.by_c(GOOD, ["prog.a"]).stdout)
        for line, what, instead in WRONG:
            with self.subTest(line):
                text = GOOD.replace(instead, line)
                number = text.splitlines().index(line) + 1
                number += what.startswith("a second key")
                path = Path(self.directory.name, "known-issues")
                wanted = f"{path}:{number}: {what}"
                self.assertEqual(f"# {wanted}\n", self.by_c(text, ["prog.a"]).stderr)
                self.assertEqual(wanted, self.by_python(text))

    def test_row_needs_the_whole_block(self) -> None:
        for key in ("bug", "versions", "reason", "upstream"):
            text = re.sub(rf"^{key}:.*\n", "", GOOD, flags=re.M)
            wanted = f"a row needs a key above it: {key}\n"
            with self.subTest(key):
                self.assertTrue(self.by_c(text, ["prog.a"]).stderr.endswith(wanted))
                self.assertTrue(f"{self.by_python(text)}\n".endswith(wanted))

    def test_an_id_stands_for_one_bug(self) -> None:
        self.assertIn("a second bug of this id: it-leaks", self.by_python(GOOD + GOOD[GOOD.index(
            "bug:"):]))


class Reasons(unittest.TestCase):
    def test_ids(self) -> None:
        self.assertEqual(["direct-map-left", "add-pages-warns"], known.ids(
            "known: [direct-map-left] meminfo.DirectMap +1 once; [add-pages-warns] kmsg [a-f]; x"))
        self.assertEqual(["a-b"], known.ids("known: [a-b] oops in f(): BUG: [0-9]"))
        self.assertEqual([], known.ids("prog.c:1: [a-b] was wrong"))

    def test_oops(self) -> None:
        self.assertEqual("[direct-map-table-unchecked] ",
                         known.of_oops("direct_map_dimm.direct_map.page_table_fails",
                                       "phys_pmd_init"))
        self.assertEqual("", known.of_oops("prog.f.a", "phys_pmd_init"))


class Manual(unittest.TestCase):
    """KNOWN-BUGS.md."""

    def setUp(self) -> None:
        text = (SELFTESTS / "KNOWN-BUGS.md").read_text(encoding="utf-8")
        head, *sections = re.split(r"^### (.*)\n", text, flags=re.M)
        rows = re.findall(r"^\| `(.*)` \| \[(.*)\]\(#(.*)\) \| (seen|no|-) \| (.*) \|$", head, re.M)
        self.functions = {name: function for function, name, *_ in rows}
        self.links = {name: link for _, name, link, *_ in rows}
        self.arm64 = {name: word for _, name, _, word, _ in rows}
        self.fixes = {name: fix for _, name, *_, fix in rows}
        self.text = text
        self.sections = dict(zip(sections[::2], sections[1::2]))

    def field(self, section: str, name: str) -> str:
        found = re.search(rf"^- {name}: (.*(?:\n  .*)*)", section, re.M)
        self.assertTrue(found, f"no {name}")
        assert found
        return " ".join(found[1].split())

    def test_each_known_bug_has_its_section(self) -> None:
        for bug in known.bugs().values():
            with self.subTest(bug.id):
                section = self.sections[bug.id]
                self.assertEqual(" ".join(bug.versions), self.field(section, "Kernels"))
                self.assertEqual(bug.upstream, self.field(section, "Upstream"))

    def test_other_sections_name_their_versions_in_words(self) -> None:
        for name in self.sections.keys() - known.bugs().keys():
            with self.subTest(name):
                self.assertRegex(self.field(self.sections[name], "Kernels"), r"^(seen on|6\.11 up) ")

    def test_bugs_of_x86_are_not_on_arm64(self) -> None:
        of_x86 = {bug.id for bug in known.bugs().values() if "x86_64" in bug.versions}
        self.assertEqual(of_x86, {name for name, word in self.arm64.items() if word == "no"})

    def test_each_section_is_complete(self) -> None:
        for name, section in self.sections.items():
            with self.subTest(name):
                self.assertRegex(self.field(section, "See it"), r"`make (run|sweep) .*`")
                self.assertTrue(self.field(section, "Effect"))

    def test_index_finds_each_section_by_its_function(self) -> None:
        self.assertEqual(self.sections.keys(), self.functions.keys())
        for name, function in self.functions.items():
            self.assertEqual(name, self.links[name])
            self.assertIn(function, self.sections[name])
        self.assertEqual(sorted(self.functions.values()), list(self.functions.values()))

    def test_each_fix_is_in_the_table(self) -> None:
        named = [fix[1] for fix in (re.match(r"`(fix-[a-z-]+)`: \S", text)
                                    for text in self.fixes.values()) if fix]
        files = {file.stem for file in (SCRIPTS / "kernels/changes").glob("fix-*.patch")}
        self.assertEqual(files, set(named))
        self.assertEqual([], [text for text in self.fixes.values()
                              if text != "-" and not text.startswith("`fix-")])

    def test_lines_are_short(self) -> None:
        """But for the rows of the table."""
        self.assertEqual([], [line for line in self.text.splitlines()
                              if len(line) > 120 and not line.startswith("| `")])


class Gauges(unittest.TestCase):
    def test_manual_is_made_of_the_table(self) -> None:
        self.assertEqual(gauges.text(), gauges.FILE.read_text(encoding="utf-8"),
                         "run scripts/gauges --write")

    def test_each_bound_has_its_reason(self) -> None:
        for gauge in gauges.gauges():
            with self.subTest(gauge.pattern):
                self.assertTrue(gauge.why)
                self.assertEqual(gauge.bound.isdigit() or gauge.bound == "GAUGE_SLABS",
                                 bool(gauge.measured))
