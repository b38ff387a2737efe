# SPDX-License-Identifier: GPL-2.0
"""The user's own source, as it is and with his patches, by the variables SOURCE, PATCH, LLVM."""

import functools
import os
import shutil
from pathlib import Path

from host import built, changes, source
from host.common import SCRIPTS, Failure, run

# Their names among the kernel lines.
PLAIN, PATCHED = "source", "patched"
LINES = (PLAIN, PATCHED)
CONFIGS = ["small"]
DEFAULT = "7.3"
# What LLVM=-N calls. The oldest clang that builds 7.3: min-tool-version.sh there.
LLVM_TOOLS = ("clang", "ld.lld", "llvm-ar", "llvm-nm", "llvm-objcopy", "llvm-strip")
LLVM_OLDEST = 15


def patches():
    """The files that PATCH names."""
    files = [Path(word).absolute() for word in os.environ.get("PATCH", "").split()]
    for file in files:
        if not file.is_file():
            raise Failure(f"PATCH: there is no {file}")
    return files


def _llvm():
    """The newest LLVM here that is whole, for LLVM=1; None where it is not asked for."""
    if os.environ.get("LLVM", "0") in ("", "0"):
        return None
    for version in range(LLVM_OLDEST + 20, LLVM_OLDEST - 1, -1):
        if all(shutil.which(f"{tool}-{version}") for tool in LLVM_TOOLS):
            return version
    raise Failure(f"LLVM: {', '.join(LLVM_TOOLS)} of one version from {LLVM_OLDEST} on are not "
                  "all here: apt-get install clang-N lld-N llvm-N")


@functools.lru_cache
def _source():
    """One state of it for both."""
    given = os.environ.get("SOURCE") or DEFAULT
    return source.local(Path(given).absolute()) if Path(given).is_dir() else source.debian(given)


def lines():
    """Which of the two there are to run; a patch that does not apply is refused now."""
    changes.by_patches(_source(), patches())
    return LINES if patches() else LINES[:1]


def kernel(line):
    """The kernel of one of the two."""
    run([SCRIPTS / "setup", "kernels"], "installing what kernels are built with")
    src = _source()
    changed = changes.by_patches(src, patches() if line == PATCHED else [])
    return built.product(built.Recipe(line, src, CONFIGS, changed, _llvm()), strict=False)
