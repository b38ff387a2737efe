# SPDX-License-Identifier: GPL-2.0
"""Build roots: small Debian systems of other releases, for programs that this machine lacks."""

import shutil
from pathlib import Path

from host import apt
from host.common import BUILD, SCRIPTS, Command, Failure, lock, point, run, say
from host.stages import stage

ROOTS = BUILD / "roots"
# The tools that build modules for newer kernels; objtool needs the libraries.
PACKAGES = "{},make,libelf1t64,libssl3t64,zlib1g"
# The suite and the package of each compiler that a machine can lack.
COMPILERS = {"gcc-14": ("trixie", "gcc-14"),
             "aarch64-linux-gnu-gcc-14": ("trixie", "gcc-14-aarch64-linux-gnu")}


def make(target: Path, suite: str, packages: str, what: str, *options: str) -> None:
    """Make the root TARGET with mmdebstrap. It gets this name only when it is complete."""
    apt.refresh(suite)
    fresh = target.with_name(f".{target.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    say(f"making a root of {suite} ({what}, once)")
    with stage(f"making a root of {suite}"):
        run(["mmdebstrap", "--quiet", *options, f"--include={packages}",
             # The directory where enter() mounts our files; only mmdebstrap's root can make it.
             f'--customize-hook=mkdir -p "$1{BUILD}"',
             suite, fresh, *apt.source_files(suite)], f"making a root of {suite}")
    fresh.rename(target)


def have(compiler: str) -> Path:
    """Return the root that has a compiler; make it first if necessary."""
    if compiler not in COMPILERS:
        raise Failure(f"this kernel was built by {compiler}, which is not here: install it")
    suite, package = COMPILERS[compiler]
    packages = PACKAGES.format(package)
    target = ROOTS / f"{suite}_{packages.replace(',', '_')}"
    with lock(f"root-{suite}"):
        if not target.is_dir():
            make(target, suite, packages, "its compiler; some minutes", "--variant=apt")
            point(ROOTS / (suite if package == compiler else f"{suite}-{compiler}"), target)
    return target


def with_package(suite: str, name: str) -> Path:
    """Return a root that has the files of the newest package NAME of a suite, not set up."""
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


def enter(root: Path, command: Command, *directories: str | Path) -> Command:
    """Return the words that run COMMAND in a root where these directories are mounted too."""
    return [SCRIPTS / "enter-root", root, "/dev", "/proc", *directories, "--", *command]
