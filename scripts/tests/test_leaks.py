# SPDX-License-Identifier: GPL-2.0
"""Reports of kmemleak: known leaks are no failure, and hide no other leak."""

import unittest

from host import leaks
from host.ktap import Result

KNOWN = ("unreferenced object 0xffff888102c72180 (size 192):",
         'comm "kworker/u8:1", pid 28, jiffies 4294957005', "backtrace (crc fefd3e83):",
         "__kmalloc_cache_noprof+0x237/0x4a0", "pci_devices_present_work+0x96e/0x16c0",
         "process_one_work+0x68c/0x1220")
OTHER = (*KNOWN[:4], "never_pci_devices_present_work+0x96e/0x16c0", KNOWN[5])


def found(*detail: str) -> Result:
    return Result("kmemleak", "fail", "leaked objects", detail)


class Leaks(unittest.TestCase):
    def test_known(self) -> None:
        self.assertEqual(Result("kmemleak", "xfail", "known: 2 leaked objects"),
                         leaks.judge(found(*KNOWN, *KNOWN)))

    def test_others_are_reported(self) -> None:
        self.assertEqual(Result("kmemleak", "fail", "1 leaked objects", OTHER),
                         leaks.judge(found(*KNOWN, *OTHER, *KNOWN)))

    def test_what_is_no_report_is_not_known(self) -> None:
        self.assertEqual("fail", leaks.judge(found("gibberish", *KNOWN)).outcome)
        self.assertEqual("fail", leaks.judge(found()).outcome)

    def test_no_leak(self) -> None:
        clean = Result("kmemleak", "pass", "")
        self.assertEqual(clean, leaks.judge(clean))

    def test_of_other_tests_nothing_is_known(self) -> None:
        failed = found(*KNOWN)._replace(name="prog.f.a")
        self.assertEqual(failed, leaks.judge(failed))
