# SPDX-License-Identifier: GPL-2.0
"""Build roots: small Debians of other releases, for programs that this machine lacks."""

import shutil

from host import apt
from host.common import BUILD, SCRIPTS, Failure, lock, point, run, say

ROOTS = BUILD / "roots"
# What modules of newer kernels are built with; objtool needs the libraries.
PACKAGES = "gcc-14,make,libelf1t64,libssl3t64,zlib1g"
SUITE_OF_COMPILER = {"gcc-14": "trixie"}


def make(target, suite, packages, what, *options):
    """Let mmdebstrap make the root TARGET; half a root is never found by that name."""
    apt.refresh(suite)
    fresh = target.with_name(f".{target.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    say(f"making a root of {suite} ({what}, once)")
    run(["mmdebstrap", "--quiet", *options, f"--include={packages}",
         # Where enter() shows our files, which only mmdebstrap's root may make.
         f'--customize-hook=mkdir -p "$1{BUILD}"',
         suite, fresh, *apt.source_files(suite)], f"making a root of {suite}")
    fresh.rename(target)


def have(compiler):
    """The root that has a compiler."""
    suite = SUITE_OF_COMPILER.get(compiler)
    if not suite:
        raise Failure(f"this kernel was built by {compiler}, which is not here: install it")
    target = ROOTS / f"{suite}_{PACKAGES.replace(',', '_')}"
    with lock(f"root-{suite}"):
        if not target.is_dir():
            make(target, suite, PACKAGES, "its compiler; some minutes", "--variant=apt")
            point(ROOTS / suite, target)
    return target


def with_package(suite, name):
    """The root that has the newest package NAME of a suite: its files, nothing set up."""
    link = ROOTS / f"{name}-{suite}"
    with lock(f"root-{link.name}"):
        have_one = link.is_dir()
        if have_one and apt.fresh(suite):
            return link.resolve()
        try:
            apt.refresh(suite)
            target = ROOTS / f"{name}_{apt.newest(suite, name).version}"
            if not target.is_dir():
                make(target, suite, f"base-files,{name}", f"{name}; seconds", "--variant=extract",
                     f'--aptopt=APT::Default-Release "{suite}"')
        except Failure as failure:
            if not have_one:
                raise
            say(f"{failure}; using {link.resolve().name}, fetched earlier")
            return link.resolve()
        point(link, target)
    return target


def enter(root, command, *directories):
    """COMMAND's words made to run in a root that sees these directories of ours too."""
    return [SCRIPTS / "enter-root", root, "/dev", "/proc", *directories, "--", *command]
