# SPDX-License-Identifier: GPL-2.0
"""Versions that documents name, compared with those that the archives have."""

import unittest

from host import apt, versions


class Named(unittest.TestCase):
    def test_plain_and_in_regexps(self) -> None:
        self.assertEqual({"6.12.94", "7.3.4"}, versions.named(
            r"6.12.94     trixie   6\.12\.94\+deb13" "\n" "Linux 7.3.4+deb13; 6.1 and 6.12.*"))

    def test_other_numbers(self) -> None:
        self.assertEqual(set(), versions.named("QEMU 7.2.22\n1.2.3.4 or 6.12.9x or 6.11 and 12.5\n"
                                               r"6\.1\.0-\d+-cloud-amd64 and 6.1.0-49-amd64"))

    def test_of_a_package(self) -> None:
        self.assertEqual("6.1.192", versions.upstream(apt.Package("it", "6.1.192-1~deb12u1", "")))


class Gone(unittest.TestCase):
    def gone(self, text: str, *available: str) -> list[str]:
        return list(versions.gone({"README": text}, {"6.12"}, available))

    def test_available(self) -> None:
        self.assertEqual([], self.gone("6.12.117", "6.12.117"))

    def test_gone(self) -> None:
        self.assertEqual(["README names versions that the archives do not have: 6.12.94"],
                         self.gone("6.12.94, 6.12.117", "6.12.117"))

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
