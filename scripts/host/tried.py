# SPDX-License-Identifier: GPL-2.0
"""The user's own source, with and without patches: variables SOURCE, PATCH and LLVM."""

import functools
import os
from pathlib import Path

from host import built, changes, llvm, source
from host.common import SCRIPTS, Failure, absolute, run
from host.kernel import Kernel

# The names of the two kernels among the kernel lines.
PLAIN, PATCHED = "source", "patched"
LINES = (PLAIN, PATCHED)
CONFIGS = ["small"]
DEFAULT = "7.3"


def patches() -> list[Path]:
    """Return the files that PATCH names."""
    files = [absolute(word) for word in os.environ.get("PATCH", "").split()]
    for file in files:
        if not file.is_file():
            raise Failure(f"PATCH: {file} does not exist")
    return files


def _llvm() -> int | None:
    """Return the newest installed version, for LLVM=1; otherwise None."""
    if os.environ.get("LLVM", "0") in ("", "0"):
        return None
    return llvm.newest()


@functools.lru_cache
def _source() -> source.Source:
    """Return the source, once for both kernels, so that they have the same state of it."""
    given = os.environ.get("SOURCE") or DEFAULT
    return source.local(absolute(given)) if Path(given).is_dir() else source.debian(given)


def lines() -> tuple[str, ...]:
    """Return the kernels to run: one or both. A patch that does not apply is a Failure."""
    changes.by_patches(_source(), patches())
    return LINES if patches() else LINES[:1]


def kernel(line: str) -> Kernel:
    """Return one of the two kernels."""
    run([SCRIPTS / "setup", "kernels"], "installing what kernels are built with")
    src = _source()
    changed = changes.by_patches(src, patches() if line == PATCHED else [])
    return built.product(built.Recipe(line, src, CONFIGS, changed, _llvm()), strict=False)
