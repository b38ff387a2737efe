# SPDX-License-Identifier: GPL-2.0
"""Begins a build of changed sources with copies of the sources and of what was built of them, so
that only the changes are compiled. What exists is kept: it has been built of changed sources."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from host.common import BUILD, ROOT, lock
from host.kernel import Kernel

# Files of kbuild that name the directory: an object that another command made is made again.
NAMING = (".cmd", ".d", ".mod", ".order", ".symvers")


def _begin(target: Path) -> Path:
    """Return an empty directory that is renamed to TARGET when it is complete."""
    fresh = target.with_name(f".{target.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    return fresh


def _rename(file: Path, old: Path, new: Path) -> None:
    """Replace a directory's name in a file, and keep its time stamp."""
    data, stat = file.read_bytes(), file.stat()
    file.write_bytes(data.replace(bytes(old) + b"/", bytes(new) + b"/"))
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def sources(names: Sequence[str], tree: Path) -> None:
    """Copy files and directories of errpath's sources, with their time stamps."""
    if tree.exists():
        return
    fresh = _begin(tree)
    for name in names:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, fresh / name)
        else:
            shutil.copy2(ROOT / name, fresh / name)
    fresh.rename(tree)


def modules(kernel: Kernel, out: Path) -> None:
    """Copy the modules of a kernel, if they are built, to OUT, a directory for build.modules()."""
    built = kernel.directory / "modules"
    with lock(f"modules-{kernel.directory.name}"):
        if out.exists() or not (built / "modules.order").exists():
            return
        fresh = _begin(out)
        shutil.copytree(built, fresh, symlinks=True, dirs_exist_ok=True)
        for file in fresh.rglob("*"):
            if file.suffix in NAMING and file.is_file():
                _rename(file, built, out)
        fresh.rename(out)


def selftests(out: Path) -> None:
    """Copy the selftests, if they are built, to OUT, a directory for build.selftests()."""
    built = BUILD / "selftests"
    with lock("selftests"):
        if out.exists() or not built.exists():
            return
        fresh = _begin(out)
        shutil.copytree(built, fresh, symlinks=True, dirs_exist_ok=True)
        fresh.rename(out)
