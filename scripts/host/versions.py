# SPDX-License-Identifier: GPL-2.0
"""Compares the kernel versions that documents name with those that the archives have."""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from host import apt, archive, known
from host.common import ROOT, Failure

FILES = (ROOT / "README.md", ROOT / "scripts/kernels.conf", known.KERNEL_FILE)
VERSION = re.compile(r"(?<![\d.])\d+\.\d+\.\d+(?![.-]?(?:\d|\\d)|\w)")	# not 6.1.0-49, 6.12.9x
UPSTREAM = re.compile(r"\d+\.\d+\.\d+")
PACKAGES = r"linux-headers-\d.*-amd64"


def named(text: str) -> set[str]:
    """Return the kernel versions in a text, where a regexp may escape the dots. Versions of QEMU
    look the same; lines that name it do not count."""
    lines = (line.replace("\\.", ".") for line in text.splitlines() if "QEMU" not in line)
    return {version for line in lines for version in VERSION.findall(line)}


def gone(texts: Mapping[str, str], series: Iterable[str],
         available: Iterable[str]) -> Iterator[str]:
    """Yield a line for each version of these series that a text names, but no archive has."""
    for name, text in texts.items():
        missing = sorted(version for version in named(text) - set(available)
                         if version.rpartition(".")[0] in set(series))
        if missing:
            yield f"{name} names versions that the archives do not have: {' '.join(missing)}"


def unseen(newest: Mapping[str, str], seen: Iterable[str]) -> Iterator[str]:
    """Yield a line for each newest kernel of a line (version by line) that known-issues has not
    among the versions on which bugs were seen."""
    for line, version in newest.items():
        if version not in set(seen):
            yield (f"{line}: the newest kernel {version} is not among the versions on which "
                   f"{known.KERNEL_FILE.name} says that bugs were seen")


def upstream(package: apt.Package) -> str:
    """Return the kernel's version that a package has: 6.1.192 of 6.1.192-1~deb12."""
    found = UPSTREAM.match(package.version)
    return found[0] if found else package.version


def seen(path: Path = known.KERNEL_FILE) -> set[str]:
    """Return the versions on which known-issues says that bugs were seen."""
    return named(path.read_text(encoding="utf-8"))


def report() -> Iterator[str]:
    """Yield all lines, those of suites that are unavailable too. Kernels of other architectures
    have the same versions."""
    rows = [row for row in archive.rows().values() if row.arch.is_native()]
    available: set[str] = set()
    newest: dict[str, str] = {}
    for suite in dict.fromkeys(row.suite for row in rows):
        try:
            apt.refresh(suite)
            available |= {upstream(package) for package in apt.matching(suite, PACKAGES)}
        except Failure as failure:
            yield str(failure)
    for row in rows:
        try:
            newest[row.line] = upstream(apt.newest(row.suite, f"linux-headers-{row.release}"))
        except Failure as failure:
            yield f"{row.line}: {failure}"
    texts = {str(file.relative_to(ROOT)): file.read_text(encoding="utf-8") for file in FILES}
    series = {version.rpartition(".")[0] for version in available}
    yield from gone(texts, series, available)
    yield from unseen(newest, seen())
