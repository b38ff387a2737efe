# SPDX-License-Identifier: GPL-2.0
"""Linux sources that kernels are built from, below build/linux: Debian's, or the user's own.

A tree is shared by all kernels built from it, each with its changes, one after the other, so
that a build compiles only what differs from the last one. A file's original is kept before
it is first changed, and laying changes begins with all originals: what an interrupted build
leaves half changed, the next one puts right.
"""

import hashlib
import json
import os
import re
import shutil
import time

from host import apt
from host.common import BUILD, Failure, lock, point, run, say, write_if_changed

LINUX = BUILD / "linux"
LONG_AGO = 10 ** 18	# ns since 1970: before any of this was built
# The suites whose archives have linux-source-SERIES.
SUITES = {"6.1": "bookworm", "6.12": "bookworm", "7.2": "trixie-backports",
          "7.3": "trixie-backports"}


class Source:
    """A tree, and the directories of what is built from it, one for each configuration.

    VERSION: what is in it, in a word; None where that can change at any time.
    """

    def __init__(self, name, directory, version):
        self.name, self.directory, self.version = name, directory, version
        self.tree, self._originals = directory / "tree", directory / "originals"
        self._changed = directory / "changed"

    def lock(self):
        """Whoever changes the tree or builds from it is alone."""
        return lock("tree", self.directory)

    def changed(self):
        """The names of all files that were ever changed."""
        return set(self._changed.read_text().splitlines()) if self._changed.is_file() else set()

    def original(self, name):
        """A file as the source has it; None where it has none."""
        content = _read(self.tree / name)
        # Looked up after reading, for another build may change the file meanwhile.
        return _read(self._originals / name) if name in self.changed() else content

    def lay(self, changes):
        """Let the tree be its original but for CHANGES: content by file name, None: no file."""
        before = self.changed()
        for name in set(changes) - before:
            content = self.original(name)
            if content is not None:
                write_if_changed(self._originals / name, content)
        _replace(self._changed, "".join(f"{name}\n" for name in before | set(changes)).encode())
        for name in sorted(before | set(changes)):
            _put(self.tree / name, changes[name] if name in changes else self.original(name))

    def date(self, objects):
        """Let a file that was last built in OBJECTS with this very content be as old as it was
        then: what was laid for other objects meanwhile makes nothing to be built again."""
        record = objects / "laid"
        known = record.is_file()
        seen = json.loads(record.read_text(encoding="utf-8")) if known else {}
        for name in self.changed() | set(seen):
            file, now = self.tree / name, [_digest(_read(self.tree / name)), time.time_ns()]
            before = seen.get(name, [_digest(self.original(name)) if known else "", LONG_AGO])
            seen[name] = before if before[0] == now[0] else now
            if file.is_file():
                os.utime(file, ns=(seen[name][1], seen[name][1]))
        objects.mkdir(exist_ok=True)
        _replace(record, json.dumps(seen).encode())

    def forget(self):
        """Back to the original, as which whatever is there from then on counts."""
        self.lay({})
        self._changed.unlink(missing_ok=True)
        shutil.rmtree(self._originals, ignore_errors=True)


def _read(file):
    return file.read_bytes() if file.is_file() else None


def _digest(content):
    return None if content is None else hashlib.sha256(content).hexdigest()


def _replace(file, data):
    """Write a file anew: at no time is half of it there, nor is it changed for who links to it."""
    fresh = file.with_name(f".{file.name}.new")
    fresh.write_bytes(data)
    os.replace(fresh, file)


def _put(file, content):
    if content is None:
        file.unlink(missing_ok=True)
    elif not file.is_file() or file.read_bytes() != content:
        file.parent.mkdir(parents=True, exist_ok=True)
        mode = file.stat().st_mode if file.is_file() else 0o644
        _replace(file, content)
        file.chmod(mode)


def _unpack(deb, tree):
    tree.mkdir(parents=True)
    run(["bash", "-o", "pipefail", "-c", f"dpkg-deb --fsys-tarfile '{deb}' | "
         "tar -xO --wildcards './usr/src/linux-source-*.tar.xz' | xz -dcT0 | "
         f"tar -x -C '{tree}' --strip-components=1"], f"unpacking {deb.name}")


def _fetch(series, package):
    """Unpack a linux-source; those of the series before it go, with all that was built there."""
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


def debian(series):
    """The newest of Debian's linux-source-SERIES."""
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


def _names(path):
    """The source files of a user's tree: what git knows or would add; without git, all."""
    if (path / ".git").exists():
        listed = run(["git", "-C", path, "ls-files", "-z", "--cached", "--others",
                      "--exclude-standard"], f"listing {path}")
        return {name for name in listed.split("\0") if name and os.path.lexists(path / name)}
    if (path / ".config").exists() or (path / "include/config").exists():
        raise Failure(f"{path} has been built in, and no git tells what its sources are: "
                      "make mrproper there")
    return {str(file.relative_to(path)) for file in path.rglob("*")
            if file.is_symlink() or file.is_file()}


def _copy(file, target):
    """By content: the time stamp of what did not change stays, and it is not built again."""
    if file.is_symlink():
        if not target.is_symlink() or target.readlink() != file.readlink():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.unlink(missing_ok=True)
            target.symlink_to(file.readlink())
    else:
        _put(target, file.read_bytes())
        target.chmod(file.stat().st_mode & 0o777)


def local(path):
    """A copy of the user's own tree as it is now, which is not touched itself."""
    if not (path / "Kbuild").is_file() or not (path / "mm").is_dir():
        raise Failure(f"SOURCE: {path} is no Linux source tree")
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
