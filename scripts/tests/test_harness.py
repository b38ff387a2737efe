# SPDX-License-Identifier: GPL-2.0
"""lib/harness.h: a test that failed never becomes a pass or a skip."""

import os
import subprocess
import tempfile
import unittest
from pathlib import Path

from host import ksft, ktap
from host.common import ROOT

SELFTESTS = ROOT / "selftests"

PROGRAM = r"""
#include "lib/harness.h"

TEST(passes)
{
}

TEST(skips)
{
	SKIP(return, "no %s", "reason");
}

TEST(fails_then_skips)
{
	EXPECT_EQ(1, 2);
	SKIP(return, "no reason");
}

TEST(skips_where_it_fails)
{
	EXPECT_EQ(1, 2)
		SKIP(return, "no reason");
}

TEST(known_then_skips)
{
	_metadata->exit_code = KSFT_XFAIL;
	SKIP(return, "no reason");
}

FIXTURE(setup)
{
	int unused;
};

FIXTURE_VARIANT(setup)
{
	bool fail;
};

FIXTURE_VARIANT_ADD(setup, good)
{
	.fail = false,
};

FIXTURE_VARIANT_ADD(setup, bad)
{
	.fail = true,
};

FIXTURE_SETUP(setup)
{
	if (variant->fail)
		EXPECT_EQ(1, 2);
	SKIP(return, "no reason");
}

FIXTURE_TEARDOWN(setup)
{
}

TEST_F(setup, skips)
{
}

FIXTURE(body)
{
	int unused;
};

FIXTURE_SETUP(body)
{
}

FIXTURE_TEARDOWN(body)
{
	SKIP(return, "nothing to tear down");
}

TEST_F(body, passes_then_skips)
{
}

TEST_F(body, fails_then_skips)
{
	EXPECT_EQ(1, 2);
}

TEST_HARNESS_MAIN
"""


class Harness(unittest.TestCase):
    directory: Path

    @classmethod
    def setUpClass(cls) -> None:
        cls.directory = Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.build("program", PROGRAM)

    @classmethod
    def build(cls, name: str, text: str) -> None:
        (cls.directory / f"{name}.c").write_text(text, encoding="utf-8")
        subprocess.run(["gcc", "-O2", "-Wall", "-Wextra", "-Werror", "-D_GNU_SOURCE=",
                        f"-I{SELFTESTS}", "-isystem", ksft.fetch(), f"{name}.c", "-o", name],
                       cwd=cls.directory, check=True)

    def run_program(self, *words: str,
                    name: str = "program") -> "subprocess.CompletedProcess[str]":
        return subprocess.run([self.directory / name, *words], text=True, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def results(self) -> dict[str, ktap.Result]:
        said = "".join(f"# {line}\n" for line in self.run_program().stdout.splitlines())
        parsed, _ = ktap.parse(f"## begin program\n{said}not ok 1 program # exit=1\n")
        return {result.name.removeprefix("program."): result for result in parsed}

    def test_only_a_pass_becomes_a_skip(self) -> None:
        results = self.results()
        self.assertEqual({
            "global.passes": "pass", "global.skips": "skip", "global.fails_then_skips": "fail",
            "global.skips_where_it_fails": "fail", "global.known_then_skips": "xfail",
            "setup.good.skips": "skip", "setup.bad.skips": "fail",
            "body.passes_then_skips": "skip", "body.fails_then_skips": "fail",
        }, {name: result.outcome for name, result in results.items()})
        self.assertEqual("no reason", results["setup.good.skips"].reason)

    def test_exit_status(self) -> None:
        self.assertEqual(1, self.run_program("-r", "global.fails_then_skips").returncode)
        self.assertEqual(0, self.run_program("-r", "global.skips").returncode)

    def test_no_such_test(self) -> None:
        run = self.run_program("-r", "global.none")
        self.assertEqual(1, run.returncode, run.stdout)
        self.assertIn("no test has this name", run.stdout)

    def test_pages_of_another_size(self) -> None:
        """Then no test runs, and the program says why; with pages of this size they run."""
        size = os.sysconf("SC_PAGE_SIZE")
        for wanted, status, text in ((2 * size, 4, f"1..0 # SKIP .* pages of {2 * size} bytes; "
                                      f"here they have {size}"),
                                     (size, 1, "not ok .* global.fails_then_skips")):
            self.build(f"pages{wanted}", f"#define HARNESS_PAGE_SIZE {wanted}\n{PROGRAM}")
            run = self.run_program(name=f"pages{wanted}")
            self.assertEqual(status, run.returncode, run.stdout)
            self.assertRegex(run.stdout, text)
