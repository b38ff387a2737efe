# SPDX-License-Identifier: GPL-2.0
"""The kernel lines: those of kernels.conf are fetched from Debian's archives, to build/kernels;
others are built here, or the user's own."""

import re
import shutil
from collections import namedtuple

from host import apt, built, kernel, tried, user
from host.common import BUILD, SCRIPTS, Failure, lock, point, say

KERNELS = BUILD / "kernels"
Row = namedtuple("Row", "line suite release need must")

# From 7.0 on Debian's image is a package that only depends: on binary, modules and base. The
# unsigned ones are there before the signed, and hold the same kernel.
IMAGES = ("linux-binary-{}", "linux-binary-unsigned-{}", "linux-image-{}",
          "linux-image-{}-unsigned")
MORE = ("linux-modules-{}", "linux-base-{}")


def _expand(must, lacks):
    """The globs of a must column, with each -NAME replaced by what that takes back."""
    for word in must.split(","):
        yield from (f"!{glob}" for glob in lacks[word]) if word[0] == "-" else [word]


def _table():
    """The rows of kernels.conf as words, and what its rows -NAME list."""
    table = (SCRIPTS / "kernels.conf").read_text(encoding="utf-8")
    lines = [text.split() for text in table.splitlines() if text and text[0] != "#"]
    lacks = {words[0]: words[1].split(",") for words in lines if words[0][0] == "-"}
    return [words for words in lines if words[0] not in lacks], lacks


def rows():
    """The rows of kernels.conf by name."""
    lines, lacks = _table()
    return {words[0]: Row(*words[:-1], [*_expand(words[-1], lacks)]) for words in lines}


def _built():
    """The rows of the kernels that are built here, by name."""
    _, lacks = _table()
    return built.rows(lambda must: [*_expand(must, lacks)])


def row_of(line):
    """The row that a user's KERNEL names."""
    table = {**rows(), **_built()}
    if line not in table:
        raise Failure(f"no kernel line {line!r}; KERNEL is one of: {' '.join(table)}")
    return table[line]


def _packages(row):
    """Image, headers and build tools of the newest kernel; the headers package names the rest."""
    headers = apt.newest(row.suite, f"linux-headers-{row.release}")
    release = headers.name.removeprefix("linux-headers-")
    rest = re.findall(r"linux-headers-[^ ,]+-common[^ ,]*|linux-kbuild-[^ ,]+", headers.depends)
    names = [name.format(release) for name in (*IMAGES, *MORE)] + rest
    there = {package.name: package for package in
             apt.matching(row.suite, "|".join(map(re.escape, names)))}
    image = next((there[name] for name in names[:len(IMAGES)] if name in there), None)
    missing = [name for name in rest if name not in there]
    if not image or missing:
        raise Failure(f"{row.suite} has {headers.name} but not its "
                      f"{', '.join(missing) or 'linux-image'}")
    return [headers, image, *(there[name] for name in names[len(IMAGES):] if name in there)]


def _unpack(row, packages, target):
    fresh = KERNELS / f".{row.line}.new"
    shutil.rmtree(fresh, ignore_errors=True)
    kernel.unpack(apt.download(row.suite, packages, fresh / "debs"), fresh)
    shutil.rmtree(fresh / "debs")
    fresh.rename(target)


def _current(row):
    """The line's unpacked kernel, when there is one that its row still asks for."""
    link = KERNELS / row.line
    if link.is_dir() and re.fullmatch(row.release, link.resolve().name.partition("_")[0]):
        return link.resolve()
    return None


def _fetch(row):
    have = _current(row)
    if have and apt.fresh(row.suite):
        return have
    try:
        apt.refresh(row.suite)
        packages = _packages(row)
    except Failure as failure:
        if not have:
            raise
        say(f"{failure}; using {have.name}, fetched earlier")
        return have
    target = KERNELS / f"{packages[0].name.removeprefix('linux-headers-')}_{packages[0].version}"
    if not target.is_dir():
        say(f"fetching {packages[1].name} {packages[1].version}")
        KERNELS.mkdir(parents=True, exist_ok=True)
        _unpack(row, packages, target)
    point(KERNELS / row.line, target)
    return target


def known(line):
    """Refuse what is no line, before anything long is begun."""
    if line not in (user.LINE, *tried.LINES):
        row_of(line)


def fetch(line):
    """The newest kernel of a line, unpacked; or built; or the user's own."""
    if line == user.LINE:
        return user.kernel()
    if line in tried.LINES:
        return tried.kernel(line)
    row = row_of(line)
    with lock(f"kernel-{line}"):
        if isinstance(row, built.Row):
            return built.fetch(row)
        return kernel.unpacked(line, _fetch(row), row.must)
