# SPDX-License-Identifier: GPL-2.0
"""The kernel lines: those of kernels.conf are fetched from Debian's archives to build/kernels;
others are built here, or are the user's own."""

import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from host import apt, arch, built, common, kernel, tried, user
from host.apt import Package
from host.arch import Arch
from host.common import BUILD, SCRIPTS, Failure, lock, point, say
from host.kernel import Kernel
from host.stages import stage

KERNELS = BUILD / "kernels"
# The factor by which tests may take longer on kernels of another architecture: 1000 failures of
# memremap_pages() did not end in a minute.
EMULATED = 3


class Row(NamedTuple):
    """A row of kernels.conf, which describes the columns."""

    line: str
    suite: str
    arch: Arch
    release: str
    need: str
    must: Sequence[str]


# From 7.0 on Debian's image package is empty and depends on binary, modules and base. Unsigned
# packages appear earlier than signed ones, and have the same kernel.
IMAGES = ("linux-binary-{}", "linux-binary-unsigned-{}", "linux-image-{}",
          "linux-image-{}-unsigned")
MORE = ("linux-modules-{}", "linux-base-{}")


def _expand(must: str, lacks: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Yield the globs of a must column; -NAME stands for the globs that the row -NAME excludes."""
    for word in must.split(","):
        yield from (f"!{glob}" for glob in lacks[word]) if word[0] == "-" else [word]


def _table() -> tuple[list[list[str]], dict[str, list[str]]]:
    """Return the rows of kernels.conf as words, and the globs of its rows -NAME."""
    lines = [text.split() for text in common.rows(SCRIPTS / "kernels.conf")]
    lacks = {words[0]: words[1].split(",") for words in lines if words[0][0] == "-"}
    return [words for words in lines if words[0] not in lacks], lacks


def rows() -> dict[str, Row]:
    """Return the rows of kernels.conf by name. Each excludes what the row -ARCH lists."""
    lines, lacks = _table()
    return {line: Row(line, suite, arch.named(name), release, need,
                      [*_expand(f"{must},-{name}", lacks)])
            for line, suite, name, release, need, must in lines}


def in_matrix() -> list[str]:
    """Return the lines that the matrix has if the user names none."""
    return [line for line, row in rows().items() if row.need != "named"]


def _built() -> dict[str, built.Row]:
    """Return the rows of the kernels that are built here by name."""
    _, lacks = _table()
    return built.rows(lambda must, of: [*_expand(f"{must},-{of}", lacks)])


def arch_of(line: str) -> Arch:
    """Return the architecture of a line's kernel."""
    row = rows().get(line) or _built().get(line)
    return row.arch if row else arch.host()


def row_of(line: str) -> Row | built.Row:
    """Return the row that a user's KERNEL names."""
    fetched, own = rows(), _built()
    if line in fetched:
        return fetched[line]
    if line in own:
        return own[line]
    names = [name for name in (*fetched, *own) if not name.startswith("busted-")]
    raise Failure(f"no kernel line {line!r}; KERNEL is one of: {' '.join(names)} (and those of "
                  "kernels/busted.conf)")


def _foreign(row: Row) -> str:
    """Return the architecture of a row's packages as apt's functions take it."""
    return "" if row.arch.is_native() else row.arch.name


def _tools(row: Row, names: Sequence[str]) -> list[Package]:
    """Return the packages with programs that build modules: those of this machine."""
    return apt.matching(row.suite, "|".join(map(re.escape, names)))


def _packages(row: Row) -> tuple[list[Package], list[Package]]:
    """Return headers and image of the newest kernel, and the build tools. The headers package
    names the others."""
    headers = apt.newest(row.suite, f"linux-headers-{row.release}", _foreign(row))
    release = headers.name.removeprefix("linux-headers-")
    common_headers = re.findall(r"linux-headers-[^ ,]+-common[^ ,]*", headers.depends)
    tools = re.findall(r"linux-kbuild-[^ ,]+", headers.depends)
    names = [name.format(release) for name in (*IMAGES, *MORE)] + common_headers
    found = {package.name: package for package in
             apt.matching(row.suite, "|".join(map(re.escape, names)), _foreign(row))}
    built_by = {package.name: package for package in _tools(row, tools)}
    image = next((found[name] for name in names[:len(IMAGES)] if name in found), None)
    missing = [name for name in common_headers + tools if name not in {**found, **built_by}]
    if not image or missing:
        raise Failure(f"{row.suite} has {headers.name} but not its "
                      f"{', '.join(missing) or 'linux-image'}")
    return ([headers, image, *(found[name] for name in names[len(IMAGES):] if name in found)],
            [*built_by.values()])


def _unpack(row: Row, packages: Sequence[Package], tools: Sequence[Package],
            target: Path) -> None:
    fresh = KERNELS / f".{row.line}.new"
    shutil.rmtree(fresh, ignore_errors=True)
    with stage("fetching the kernel", row.line):
        apt.download(row.suite, packages, fresh / "debs", _foreign(row))
        debs = apt.download(row.suite, tools, fresh / "debs")
    with stage("unpacking the kernel", row.line):
        kernel.unpack(debs, fresh)
    shutil.rmtree(fresh / "debs")
    fresh.rename(target)


def _current(row: Row) -> Path | None:
    """Return the line's unpacked kernel, if its row still matches it."""
    link = KERNELS / row.line
    if link.is_dir() and re.fullmatch(row.release, link.resolve().name.partition("_")[0]):
        return link.resolve()
    return None


def _fetch(row: Row) -> Path:
    have = _current(row)
    if have and apt.fresh(row.suite, _foreign(row)):
        return have
    try:
        for name in {"", _foreign(row)}:
            apt.refresh(row.suite, name)
        packages, tools = _packages(row)
    except Failure as failure:
        if not have:
            raise
        say(f"{failure}; using {have.name}, fetched earlier")
        return have
    target = KERNELS / f"{packages[0].name.removeprefix('linux-headers-')}_{packages[0].version}"
    if not target.is_dir():
        say(f"fetching {packages[1].name} {packages[1].version}")
        KERNELS.mkdir(parents=True, exist_ok=True)
        _unpack(row, packages, tools, target)
    point(KERNELS / row.line, target)
    return target


def known(line: str) -> None:
    """Raise a Failure if there is no such line."""
    if line not in (user.LINE, *tried.LINES):
        row_of(line)


def check(line: str) -> None:
    """Raise a Failure if there is no such line, or if the user's own kernel cannot be used, before
    anything that takes long."""
    known(line)
    if line == user.LINE:
        user.check()


def fetch(line: str) -> Kernel:
    """Return the newest kernel of a line, fetched or built, or the user's own."""
    if line == user.LINE:
        return user.kernel()
    if line in tried.LINES:
        with stage("building the kernel", line):
            return tried.kernel(line)
    row = row_of(line)
    with lock(f"kernel-{line}"):
        if isinstance(row, built.Row):
            with stage("building the kernel", line):
                return built.fetch(row)
        row.arch.setup()
        slow = 1 if row.arch.is_native() else EMULATED
        return kernel.unpacked(line, _fetch(row), row.must, slow)
