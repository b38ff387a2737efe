# SPDX-License-Identifier: GPL-2.0
"""Kernel lines: which there are, and their packages unpacked under build/kernels."""

import re
import shutil
from collections import namedtuple
from pathlib import Path

from host import apt
from host.common import BUILD, SCRIPTS, Failure, lock, point, run, say

KERNELS = BUILD / "kernels"
Row = namedtuple("Row", "line suite image must")


class Kernel:
    """An unpacked kernel: what the builds and the guests need to know of it."""

    def __init__(self, row, directory):
        self.line = row.line
        self.must = row.must.split(",")
        self.directory = directory
        self.image = self._one("boot/vmlinuz-*")
        self.release = self.image.name.partition("-")[2]
        self.headers = self._one(f"usr/src/linux-headers-{self.release}")
        self.modules = self._one(f"lib/modules/{self.release}")

    def _one(self, pattern):
        found = list(self.directory.glob(pattern))
        if len(found) != 1:
            raise Failure(f"{self.directory} should hold one {pattern}, not {len(found)}: "
                          "remove that directory and try again")
        return found[0]


def rows():
    """The rows of kernels.conf by name."""
    table = (SCRIPTS / "kernels.conf").read_text(encoding="utf-8")
    lines = [text.split() for text in table.splitlines() if text and text[0] != "#"]
    return {words[0]: Row(*words) for words in lines}


def row_of(line):
    """The row that a user's KERNEL names."""
    known = rows()
    if line not in known:
        raise Failure(f"no kernel line {line!r}; KERNEL is one of: {' '.join(known)}")
    return known[line]


def _packages(row):
    """Image, headers and build tools: the headers package names the rest."""
    image = apt.newest(row.suite, row.image)
    headers = apt.newest(row.suite, re.escape(image.name.replace("-image-", "-headers-", 1)))
    rest = re.findall(r"linux-headers-[^ ,]+-common[^ ,]*|linux-kbuild-[^ ,]+", headers.depends)
    return [image, headers, *(apt.newest(row.suite, re.escape(name)) for name in rest)]


def _unpack(row, packages, target):
    fresh = KERNELS / f".{row.line}.new"
    shutil.rmtree(fresh, ignore_errors=True)
    for deb in apt.download(row.suite, packages, fresh / "debs"):
        run(["dpkg", "-x", deb, fresh], "unpacking")
    shutil.rmtree(fresh / "debs")
    for makefile in fresh.glob("usr/src/linux-headers-*/Makefile"):
        _relocate(makefile)
    fresh.rename(target)


def _relocate(makefile):
    """The headers' Makefile includes the common one by the path it has when installed."""
    text = makefile.read_text(encoding="utf-8")
    beside = "include $(dir $(lastword $(MAKEFILE_LIST)))../"
    makefile.write_text(re.sub(r"^include /usr/src/", beside, text, flags=re.M), encoding="utf-8")


def _current(row):
    """The line's unpacked kernel, when there is one that its row still asks for."""
    link = KERNELS / row.line
    if link.is_dir() and re.fullmatch(row.image, link.resolve().name.partition("_")[0]):
        return link.resolve()
    return None


def _fetch(row):
    have = _current(row)
    if have and apt.fresh(row.suite):
        return have
    try:
        apt.refresh(row.suite)
    except Failure as failure:
        if not have:
            raise
        say(f"{failure}; using {have.name}, fetched earlier")
        return have
    packages = _packages(row)
    target = KERNELS / f"{packages[0].name}_{packages[0].version}"
    if not target.is_dir():
        say(f"fetching {packages[0].name} {packages[0].version}")
        KERNELS.mkdir(parents=True, exist_ok=True)
        _unpack(row, packages, target)
    point(KERNELS / row.line, target)
    return target


def fetch(line):
    """The newest kernel of a line, unpacked."""
    row = row_of(line)
    with lock(f"kernel-{line}"):
        return Kernel(row, _fetch(row))


# From linux-source: no binary package has these.
KSFT = BUILD / "ksft"
KSFT_FILES = ("scripts/checkpatch.pl", "scripts/spelling.txt", "scripts/const_structs.checkpatch",
              "tools/testing/selftests/kselftest.h",
              "tools/testing/selftests/kselftest_harness.h")


def fetch_ksft():
    """The kselftest headers and checkpatch, in build/ksft."""
    with lock("ksft"):
        if not KSFT.is_dir():
            _extract_ksft()
    return KSFT


def _extract_ksft():
    suite = "bookworm"
    apt.refresh(suite)
    source = apt.newest(suite, r"linux-source-6\.12")
    say(f"fetching {source.name} for kselftest's headers and checkpatch")
    fresh = BUILD / ".ksft.new"
    shutil.rmtree(fresh, ignore_errors=True)
    (deb,) = apt.download(suite, [source], fresh / "debs")
    # The archive is compressed in blocks, which xz -T0 reads side by side.
    wanted = " ".join(f"'*/{name}'" for name in KSFT_FILES)
    run(["bash", "-o", "pipefail", "-c", f"dpkg-deb --fsys-tarfile {Path(deb).name} | "
         "tar -xO --wildcards './usr/src/linux-source-*.tar.xz' | xz -dcT0 | "
         f"tar -x -C .. --strip-components=1 --wildcards {wanted}"],
        "extracting from linux-source", cwd=fresh / "debs")
    shutil.rmtree(fresh / "debs")
    for name in KSFT_FILES:
        (fresh / name).rename(fresh / Path(name).name)
    fresh.rename(KSFT)
