# SPDX-License-Identifier: GPL-2.0
"""Build roots: small Debians of other releases, for compilers that this machine lacks."""

import shutil

from host import apt
from host.common import BUILD, SCRIPTS, Failure, lock, point, run, say

# What modules of newer kernels are built with; objtool needs the libraries.
PACKAGES = "gcc-14,make,libelf1t64,libssl3t64,zlib1g"
SUITE_OF_COMPILER = {"gcc-14": "trixie"}


def _make(suite, target):
    """Let mmdebstrap make the root TARGET; half a root is never found by that name."""
    apt.refresh(suite)
    fresh = target.with_name(f".{target.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    say(f"making a build root of {suite} (its compiler; some minutes, once)")
    run(["mmdebstrap", "--quiet", "--variant=apt", f"--include={PACKAGES}",
         # Where enter() shows our files, which only mmdebstrap's root may make.
         f'--customize-hook=mkdir -p "$1{BUILD}"',
         suite, fresh, *apt.source_files(suite)], f"making a build root of {suite}")
    fresh.rename(target)


def have(compiler):
    """The root that has a compiler."""
    suite = SUITE_OF_COMPILER.get(compiler)
    if not suite:
        raise Failure(f"this kernel was built by {compiler}, which is not here: install it")
    target = BUILD / "roots" / f"{suite}_{PACKAGES.replace(',', '_')}"
    with lock(f"root-{suite}"):
        if not target.is_dir():
            target.parent.mkdir(parents=True, exist_ok=True)
            _make(suite, target)
            point(target.parent / suite, target)
    return target


def enter(root, command, *directories):
    """COMMAND's words made to run in a root that sees these directories of ours too."""
    return [SCRIPTS / "enter-root", root, "/dev", "/proc", *directories, "--", *command]
