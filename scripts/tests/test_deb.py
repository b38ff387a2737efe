# SPDX-License-Identifier: GPL-2.0
"""The Debian packages, in a chroot of each release: they install, dkms builds for its kernel, and
nothing is left when they are purged. Nightly: it makes roots of 600 MB."""

import unittest

from host import deb, testvm
from host.chroot import Chroot


class InChroot(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        deb.build()

    def test_install_and_purge(self) -> None:
        for suite in testvm.LINES:
            with self.subTest(suite), Chroot(suite) as chroot:
                before = chroot.files()
                chroot.install()
                self.assertRegex(chroot.run("dkms", "status"), r"errpath/\S+, \S+, x86_64: installed")
                self.assertIn("usr/sbin/errpath", chroot.files())
                self.assertIn("run", chroot.run("errpath", "--help"))
                chroot.remove()
                self.assertEqual(before, chroot.files())


if __name__ == "__main__":
    unittest.main()
