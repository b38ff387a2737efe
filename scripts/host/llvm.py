# SPDX-License-Identifier: GPL-2.0
"""The installed version of LLVM with which kernels are built."""

import shutil

from host.common import Failure

# The tools that LLVM=-N calls, and the oldest clang that builds 7.3 (min-tool-version.sh).
TOOLS = ("clang", "ld.lld", "llvm-ar", "llvm-nm", "llvm-objcopy", "llvm-strip")
OLDEST = 15


def newest() -> int:
    """Return the newest version of which all tools are installed; without one, a Failure."""
    for version in range(OLDEST + 20, OLDEST - 1, -1):
        if all(shutil.which(f"{tool}-{version}") for tool in TOOLS):
            return version
    raise Failure(f"LLVM: {', '.join(TOOLS)} of one version, at least {OLDEST}, are not "
                  "all installed: apt-get install clang-N lld-N llvm-N")
