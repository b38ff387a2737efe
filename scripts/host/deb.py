# SPDX-License-Identifier: GPL-2.0
"""Builds the Debian packages errpath-dkms and errpath, by debhelper, in build/deb/."""

import os
import shutil
from pathlib import Path

from host import installed, ksft, variables
from host.common import BUILD, ROOT, SCRIPTS, lock, run, say
from host.stages import stage

DEB = BUILD / "deb"


def tree() -> Path:
    """Return the directory of the packages' source."""
    return DEB / f"errpath-{installed.version()}"


def _make_tree() -> None:
    """Put the source of the packages together: this tree with debian/ at its top, and what was
    fetched for the selftests."""
    shutil.rmtree(tree(), ignore_errors=True)
    tree().mkdir(parents=True)
    for name in ("module", "selftests", "scripts"):
        shutil.copytree(ROOT / name, tree() / name)
    for name in ("Kbuild", "LICENSE"):
        shutil.copy(ROOT / name, tree())
    shutil.copytree(SCRIPTS / "debian", tree() / "debian")
    shutil.copytree(ksft.fetch(), tree() / "build/ksft")
    if (BUILD / "selftests").is_dir():	# make compiles only what is older than its source
        shutil.copytree(BUILD / "selftests", tree() / "build/selftests")


def build() -> list[Path]:
    """Build the packages; returns their files."""
    with lock("deb"), stage("building the packages"):
        for old in DEB.glob("*.*"):
            if old.is_dir():
                shutil.rmtree(old)
            else:
                old.unlink()
        _make_tree()
        run(["dpkg-buildpackage", "-us", "-uc", "-b"], "building the packages", cwd=tree(),
            env={**variables.for_others(os.environ), "DEB_BUILD_OPTIONS": "noautodbgsym"})
        return sorted(DEB.glob("*.deb"))


def check() -> None:
    """Run lintian on the packages; what it says fails."""
    changes = next(DEB.glob("*.changes"))
    run(["lintian", "--fail-on=error,warning", "--profile=debian", "--allow-root", changes],
        "lintian")
    say(f"lintian, {changes.name}: clean")
