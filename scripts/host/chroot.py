# SPDX-License-Identifier: GPL-2.0
"""Installs the packages into a copy of a test machine's root, without booting it, and removes
them."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from host import deb, root, testvm
from host.common import BUILD, run

# What a package may leave a trace in: records of apt, dpkg and dkms, logs and caches.
# dkms makes its key when it builds for the first time, and keeps it.
RECORDS = ("proc", "sys", "dev", "run", "tmp", "var/log", "var/cache", "var/lib/dpkg", "var/lib/apt",
           "var/lib/dkms/mok.key", "var/lib/dkms/mok.pub")
PATH = "PATH=/usr/sbin:/usr/bin:/sbin:/bin"


def _files(directory: Path, at: Path) -> Iterator[str]:
    for path in sorted(at.iterdir()):
        name = str(path.relative_to(directory))
        if name not in RECORDS:
            yield name
            if path.is_dir() and not path.is_symlink():
                yield from _files(directory, path)


class Chroot:
    """A copy of the root of a test machine; it is removed at the end of a with statement."""

    def __init__(self, suite: str) -> None:
        BUILD.mkdir(exist_ok=True)
        self.directory = Path(tempfile.mkdtemp(dir=BUILD, prefix="chroot-"))
        run(["cp", "-a", f"{testvm.directory(suite)}/.", self.directory], "copying the root")

    def __enter__(self) -> "Chroot":
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.directory)

    def files(self) -> list[str]:
        """Return the names of all files and directories, without records."""
        return [*_files(self.directory, self.directory)]

    def run(self, *words: str) -> str:
        """Run a command in it; returns its output."""
        return run(root.enter(self.directory, ["env", PATH, "LC_ALL=C", *words]), " ".join(words))

    def install(self) -> None:
        """Install the packages that scripts/deb built."""
        names = []
        for file in sorted(deb.DEB.glob("*.deb")):
            shutil.copy(file, self.directory / "root")
            names.append(f"/root/{file.name}")
        self.run("dpkg", "-i", *names)
        for name in names:
            (self.directory / name[1:]).unlink()

    def remove(self) -> None:
        """Purge the packages."""
        self.run("dpkg", "--purge", "errpath", "errpath-dkms")
