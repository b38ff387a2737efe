# SPDX-License-Identifier: GPL-2.0
"""Versions that documents name, compared with those that the archives have."""

import tempfile
import unittest
from collections.abc import Iterable
from pathlib import Path
from unittest import mock

from host import apt, arch, archive, versions
from host.common import ROOT, Failure


class Named(unittest.TestCase):
    def test_plain_and_in_regexps(self) -> None:
        self.assertEqual({"6.12.94", "7.2.12", "7.3.4"}, versions.named(
            "6.12.94     trixie   " r"7\.2\.12\+deb13" "\n" "Linux 7.3.4+deb13; 6.1 and 6.12.*"))

    def test_other_numbers(self) -> None:
        self.assertEqual(set(), versions.named("QEMU 7.2.22\n1.2.3.4 or 6.12.9x or 6.11 and 12.5\n"
                                               r"6\.1\.0-\d+-cloud-amd64 and 6.1.0-49-amd64; 6\.12\.9\d"))

    def test_of_a_package(self) -> None:
        self.assertEqual("6.1.192", versions.upstream(apt.Package("it", "6.1.192-1~deb12u1", "")))

    def test_of_a_package_of_a_release_candidate(self) -> None:
        self.assertEqual("7.4~rc1-1", versions.upstream(apt.Package("it", "7.4~rc1-1", "")))

    def test_documents(self) -> None:
        names = [str(file.relative_to(ROOT)) for file in versions.FILES if file.is_file()]
        self.assertEqual(["README.md", "scripts/kernels.conf", "selftests/known-issues"], names)


class Gone(unittest.TestCase):
    def gone(self, text: str, *available: str) -> list[str]:
        return list(versions.gone({"README": text}, {"6.12"}, available))

    def test_available(self) -> None:
        self.assertEqual([], self.gone("6.12.117", "6.12.117"))

    def test_gone(self) -> None:
        self.assertEqual(["README names versions that the archives do not have: 6.12.94"],
                         self.gone("6.12.94, 6.12.117", "6.12.117"))

    def test_all_in_order(self) -> None:
        many = [f"6.12.{number}" for number in range(10, 60)]
        self.assertEqual(["README names versions that the archives do not have: " + " ".join(many)],
                         self.gone(" ".join(reversed(many))))

    def test_of_no_kernel_line(self) -> None:
        self.assertEqual([], self.gone("5.4.1", "6.12.117"))


class Unseen(unittest.TestCase):
    NEWEST = {"6.1": "6.1.192", "6.12": "6.12.120"}

    def test_unseen(self) -> None:
        lines = list(versions.unseen(self.NEWEST, ["6.1.192", "6.12.117"]))
        self.assertEqual(1, len(lines))
        self.assertRegex(lines[0], r"^6\.12: the newest kernel 6\.12\.120 is not among")

    def test_seen(self) -> None:
        self.assertEqual([], list(versions.unseen(self.NEWEST, self.NEWEST.values())))


class Report(unittest.TestCase):
    """All of it, on archives and documents that are made here."""

    SUITES = {"stable": ["6.1.8-1", "6.12.8-1"], "next": ["6.12.9-1", "7.3.1-1"]}

    def setUp(self) -> None:
        root = Path(self.enterContext(tempfile.TemporaryDirectory()))
        for name, text in (("README", "6.12.8 6.12.9 6.12.7"), ("issues", "6.1.8 7.3.0 6.12.8")):
            (root / name).write_text(text)
        rows = {line: archive.Row(line, suite, arch.X86, line, "required", ()) for line, suite in (
            ("6.1", "stable"), ("6.12", "stable"), ("7.3", "next"))}
        self.refused = ""	# a suite
        for target, name, by in (
                (versions, "ROOT", root), (versions, "FILES", (root / "README", root / "issues")),
                (versions.seen, "__defaults__", (root / "issues",)),
                (archive, "rows", lambda: rows), (apt, "refresh", self.refresh),
                (apt, "matching", self.matching), (apt, "newest", self.newest)):
            self.enterContext(mock.patch.object(target, name, by))

    def refresh(self, suite: str) -> None:
        if suite == self.refused:
            raise Failure(f"apt refuses {suite}")

    def matching(self, suite: str, _: str) -> Iterable[apt.Package]:
        return [apt.Package(f"linux-headers-{version}", version, "")
                for version in self.SUITES[suite]]

    def newest(self, suite: str, pattern: str) -> apt.Package:
        self.refresh(suite)
        return next(package for package in self.matching(suite, "")
                    if package.name.startswith(pattern))

    def test_of_all_suites(self) -> None:
        gone = "names versions that the archives do not have:"
        lines = list(versions.report())
        self.assertEqual([f"README {gone} 6.12.7", f"issues {gone} 7.3.0"], lines[:2])
        self.assertEqual(1, len(lines[2:]))
        self.assertRegex(lines[2], r"^7\.3: the newest kernel 7\.3\.1 is not among")

    def test_of_a_suite_that_is_refused(self) -> None:
        self.refused = "next"
        gone = "README names versions that the archives do not have:"
        self.assertEqual(["apt refuses next", "7.3: apt refuses next", f"{gone} 6.12.7 6.12.9"],
                         list(versions.report()))
