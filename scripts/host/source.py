# SPDX-License-Identifier: GPL-2.0
"""Linux sources from which kernels are built, below build/linux: Debian's, or the user's own.

All kernels of a source are built in one tree, each with its own changes, one after the other, so
that a build compiles only files that differ from the last build. The original of a file is kept
before its first change, and every set of changes starts from the originals. So a build repairs
whatever an interrupted one left behind.
"""

import hashlib
import json
import os
import re
import shutil
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path

from host import apt
from host.common import BUILD, Failure, lock, point, run, say, write_if_changed

LINUX = BUILD / "linux"
LONG_AGO = 10 ** 18	# ns since 1970: older than any build
Content = Mapping[str, bytes | None]	# of files by name; None: the file does not exist
# The suites whose archives have linux-source-SERIES.
SUITES = {"6.1": "bookworm", "6.12": "bookworm", "7.2": "trixie-backports",
          "7.3": "trixie-backports"}


class Source:
    """A tree, and directories of objects, one for each configuration.

    VERSION: identifies the content of the tree; None if it can change at any time.
    """

    def __init__(self, name: str, directory: Path, version: str | None) -> None:
        self.name, self.directory, self.version = name, directory, version
        self.tree, self._originals = directory / "tree", directory / "originals"
        self._changed = directory / "changed"

    def lock(self) -> AbstractContextManager[None]:
        """Exclude all others that change the tree or build in it."""
        return lock("tree", self.directory)

    def changed(self) -> set[str]:
        """Return the names of all files that were ever changed."""
        return set(self._changed.read_text().splitlines()) if self._changed.is_file() else set()

    def original(self, name: str) -> bytes | None:
        """Return the original content of a file; None if the source has no such file."""
        content = _read(self.tree / name)
        # Checked after reading, as another build may change the file at the same time.
        return _read(self._originals / name) if name in self.changed() else content

    def lay(self, changes: Content) -> None:
        """Restore the originals, and apply CHANGES."""
        before = self.changed()
        for name in set(changes) - before:
            content = self.original(name)
            if content is not None:
                write_if_changed(self._originals / name, content)
        _replace(self._changed, "".join(f"{name}\n" for name in before | set(changes)).encode())
        for name in sorted(before | set(changes)):
            _put(self.tree / name, changes[name] if name in changes else self.original(name))

    def date(self, objects: Path) -> None:
        """Give each file that has the content with which OBJECTS was last built the time stamp
        that it had then. So changes for other objects do not cause a rebuild of these."""
        record = objects / "laid"
        known = record.is_file()
        seen: dict[str, tuple[str | None, int]] = {}	# digest and time stamp
        if known:
            seen = json.loads(record.read_text(encoding="utf-8"))
        for name in self.changed() | set(seen):
            file, now = self.tree / name, (_digest(_read(self.tree / name)), time.time_ns())
            before = seen.get(name, (_digest(self.original(name)) if known else "", LONG_AGO))
            seen[name] = before if before[0] == now[0] else now
            if file.is_file():
                os.utime(file, ns=(seen[name][1], seen[name][1]))
        objects.mkdir(exist_ok=True)
        _replace(record, json.dumps(seen).encode())

    def forget(self) -> None:
        """Restore the originals. From then on the present content is the original."""
        self.lay({})
        self._changed.unlink(missing_ok=True)
        shutil.rmtree(self._originals, ignore_errors=True)


def _read(file: Path) -> bytes | None:
    return file.read_bytes() if file.is_file() else None


def _digest(content: bytes | None) -> str | None:
    return None if content is None else hashlib.sha256(content).hexdigest()


def _replace(file: Path, data: bytes) -> None:
    """Replace a file in one atomic step; hard links to the old one keep its content."""
    fresh = file.with_name(f".{file.name}.new")
    fresh.write_bytes(data)
    os.replace(fresh, file)


def _put(file: Path, content: bytes | None) -> None:
    if content is None:
        file.unlink(missing_ok=True)
    elif not file.is_file() or file.read_bytes() != content:
        file.parent.mkdir(parents=True, exist_ok=True)
        mode = file.stat().st_mode if file.is_file() else 0o644
        _replace(file, content)
        file.chmod(mode)


def _unpack(deb: Path, tree: Path) -> None:
    tree.mkdir(parents=True)
    run(["bash", "-o", "pipefail", "-c", f"dpkg-deb --fsys-tarfile '{deb}' | "
         "tar -xO --wildcards './usr/src/linux-source-*.tar.xz' | xz -dcT0 | "
         f"tar -x -C '{tree}' --strip-components=1"], f"unpacking {deb.name}")


def _fetch(series: str, package: apt.Package) -> Path:
    """Unpack a linux-source, and remove older ones of the series with all that was built there."""
    directory = LINUX / f"{series}_{package.version}"
    if not directory.is_dir():
        say(f"fetching {package.name} {package.version}")
        fresh = LINUX / f".{series}.new"
        shutil.rmtree(fresh, ignore_errors=True)
        (deb,) = apt.download(SUITES[series], [package], fresh / "debs")
        _unpack(deb, fresh / "tree")
        shutil.rmtree(fresh / "debs")
        fresh.rename(directory)
        point(LINUX / series, directory)
        for old in LINUX.glob(f"{series}_*"):
            if old != directory:
                shutil.rmtree(old)
    return directory


def debian(series: str) -> Source:
    """Return the newest of Debian's linux-source-SERIES."""
    if series not in SUITES:
        raise Failure(f"there is no source of a series {series!r}; there are: "
                      f"{', '.join(SUITES)}, and a directory's path")
    link, suite = LINUX / series, SUITES[series]
    with lock(f"source-{series}"):
        if not link.is_dir() or not apt.fresh(suite):
            try:
                apt.refresh(suite)
                _fetch(series, apt.newest(suite, rf"linux-source-{re.escape(series)}"))
            except Failure as failure:
                if not link.is_dir():
                    raise
                say(f"{failure}; using {link.resolve().name}, fetched earlier")
        directory = link.resolve()
    return Source(series, directory, directory.name.partition("_")[2])


def _names(path: Path) -> set[str]:
    """Return the source files of a user's tree: those that git knows or would add, or all files
    if there is no git repository."""
    if (path / ".git").exists():
        listed = run(["git", "-C", path, "ls-files", "-z", "--cached", "--others",
                      "--exclude-standard"], f"listing {path}")
        return {name for name in listed.split("\0") if name and os.path.lexists(path / name)}
    if (path / ".config").exists() or (path / "include/config").exists():
        raise Failure(f"{path} has been built in, and without git its sources cannot be "
                      "distinguished from objects: run make mrproper in it")
    return {str(file.relative_to(path)) for file in path.rglob("*")
            if file.is_symlink() or file.is_file()}


def _copy(file: Path, target: Path) -> None:
    """Copy a file if its content differs: an equal one keeps its time stamp, and is not rebuilt."""
    if file.is_symlink():
        if not target.is_symlink() or target.readlink() != file.readlink():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.unlink(missing_ok=True)
            target.symlink_to(file.readlink())
    else:
        _put(target, file.read_bytes())
        target.chmod(file.stat().st_mode & 0o777)


def local(path: Path) -> Source:
    """Copy the user's own tree as it is now; the tree itself is not changed."""
    if not (path / "Kbuild").is_file() or not (path / "mm").is_dir():
        raise Failure(f"SOURCE: {path} is not a Linux source tree")
    name = hashlib.sha256(str(path).encode()).hexdigest()[:16]
    copy = Source(path.name, LINUX / f"user-{name}", None)
    with copy.lock():
        names = _names(path)
        copy.tree.mkdir(exist_ok=True)
        copy.forget()
        for file in [*copy.tree.rglob("*")]:
            if not file.is_dir() and str(file.relative_to(copy.tree)) not in names:
                file.unlink()
        for name in names:
            _copy(path / name, copy.tree / name)
    return copy
