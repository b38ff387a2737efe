# SPDX-License-Identifier: GPL-2.0
"""The user's own source, with and without patches: variables SOURCE, PATCH, LLVM and KASAN."""

import functools
import os
import re
from collections.abc import Sequence
from pathlib import Path

from host import built, changes, cover, llvm, source
from host.common import SCRIPTS, Failure, absolute, run, say
from host.kernel import Kernel

# The names of the two kernels among the kernel lines.
PLAIN, PATCHED = "source", "patched"
LINES = (PLAIN, PATCHED)
CONFIGS = ["small"]
# With KASAN=1; and that a freed object goes back to its slab at once, so that slabs can be counted.
KASAN_CONFIGS, KASAN_CHANGES = ["kasan"], ["kasan-no-quarantine"]
# How much slower KASAN makes a kernel, as the column "slow" of built.conf.
KASAN_SLOW = 4
DEFAULT = "7.3"
DIFF = re.compile(rb"^(--- |diff --git |GIT binary patch)", re.M)


def patches() -> list[Path]:
    """Return the files that PATCH names."""
    files = [absolute(word) for word in os.environ.get("PATCH", "").split()]
    for file in files:
        if not file.is_file():
            raise Failure(f"PATCH: {file} does not exist")
        if not DIFF.search(file.read_bytes()):
            raise Failure(f"PATCH: {file} has no diff")
    return files


def _llvm() -> int | None:
    """Return the newest installed version, for LLVM=1; otherwise None."""
    if os.environ.get("LLVM", "0") in ("", "0"):
        return None
    return llvm.newest()


def _kasan() -> bool:
    return os.environ.get("KASAN", "0") not in ("", "0")


@functools.lru_cache
def source_tree() -> source.Source:
    """Return the source, once for both kernels, so that they have the same state of it."""
    given = os.environ.get("SOURCE", "")
    if not given:
        say(f"SOURCE is not given: it is {DEFAULT}")
        given = DEFAULT
    return source.local(absolute(given)) if Path(given).is_dir() else source.debian(given)


def changed() -> changes.Changed:
    """Return the source with the patches. A patch that does not apply is a Failure."""
    files = patches()		# before the source is fetched
    return changes.by_patches(source_tree(), files)


def steps() -> list[changes.Step]:
    """Return the diffs of PATCH one by one, also those that do not apply."""
    files = patches()		# before the source is fetched
    return [*changes.steps(source_tree(), files)]


def _with_kasan(made: changes.Changed) -> changes.Changed:
    """Add what KASAN=1 changes in a source."""
    if not _kasan():
        return made
    more = changes.by_scripts(made.source, KASAN_CHANGES)
    more.content.update(made.content)
    return more


def kernel_of(line: str, made: changes.Changed, base: str | None = None,
              covered: Sequence[str] = ()) -> Kernel:
    """Return the source with changes as a kernel, built if necessary. LINE: its name. BASE: a
    kernel of the same source that is built; if only C files are changed, its modules fit. COVERED:
    files of which the kernel tells what ran."""
    run([SCRIPTS / "setup", "kernels"], "installing what kernels are built with")
    if any(not name.endswith(".c") for name in made.content):
        base = None
    built_from = cover.instrumented(_with_kasan(made), covered)
    configs = [*CONFIGS, *(KASAN_CONFIGS if _kasan() else [])]
    recipe = built.Recipe(line, source_tree(), configs, built_from, _llvm(), base, bool(covered))
    return built.product(recipe, slow=KASAN_SLOW if _kasan() else 1, strict=False)


def lines() -> tuple[str, ...]:
    """Return the kernels to run: one or both. A patch that does not apply is a Failure."""
    changed()
    return LINES if patches() else LINES[:1]


def kernel(line: str) -> Kernel:
    """Return one of the two kernels."""
    return kernel_of(line, changes.by_patches(source_tree(), patches() if line == PATCHED else []))
