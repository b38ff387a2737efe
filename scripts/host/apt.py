# SPDX-License-Identifier: GPL-2.0
"""Debian packages from the archives that this machine's apt is configured for.

A private apt root for each suite, under build/apt: it needs no root, leaves the machine
alone, and knows nothing of what is installed, so "newest" is the archive's newest.
"""

import functools
import re
import shutil
import subprocess
import time
from collections import namedtuple

from host.common import BUILD, Failure, lock, run, say

DAY = 24 * 60 * 60
Package = namedtuple("Package", "name version depends")


def _sources(suite):
    """The machine's apt source files that name SUITE's archive."""
    release = re.compile(rf"{re.escape(suite)}(-updates|-security|/updates)?")
    listing = run(["apt-get", "indextargets", "--no-release-info", "--format",
                   "$(RELEASE) $(SOURCESENTRY)", "Created-By: Packages"], "apt-get indextargets")
    files = set()
    for row in listing.splitlines():
        name, entry = row.split(" ", 1)
        if release.fullmatch(name):
            files.add(entry.rpartition(":")[0])
    if not files:
        raise Failure(f"this machine's apt sources name no {suite} archive: add one to /etc/apt")
    return sorted(files)


def _options(suite):
    root = BUILD / "apt" / suite
    settings = {
        "Dir::Etc::sourcelist": "/dev/null",
        "Dir::Etc::sourceparts": root / "sources",
        "Dir::Etc::preferences": "/dev/null",
        "Dir::Etc::preferencesparts": "/dev/null",
        "Dir::State": root / "state",
        "Dir::State::status": root / "status",
        "Dir::Cache": root / "cache",
        "Dir::Cache::pkgcache": "pkgcache.bin",
        "Dir::Cache::srcpkgcache": "srcpkgcache.bin",
        # As root, apt would otherwise drop to a user that cannot write below build/.
        "APT::Sandbox::User": "root",
        "Acquire::Languages": "none",
        "Acquire::Retries": 3,
    }
    return [word for key, value in settings.items() for word in ("-o", f"{key}={value}")]


def _update(suite):
    root = BUILD / "apt" / suite
    shutil.rmtree(root / "sources", ignore_errors=True)
    for directory in ("sources", "state/lists/partial", "cache/archives/partial"):
        (root / directory).mkdir(parents=True, exist_ok=True)
    (root / "status").touch()
    for number, file in enumerate(_sources(suite)):
        shutil.copy(file, root / "sources" / f"{number}-{file.rpartition('/')[2]}")
    say(f"reading the package lists of {suite}")
    run(["apt-get", *_options(suite), "-q", "-y", "--error-on=any", "update"], "apt-get update")
    (root / "updated").touch()


def fresh(suite):
    """Were the suite's package lists read within the last day?"""
    stamp = BUILD / "apt" / suite / "updated"
    return stamp.exists() and time.time() - stamp.stat().st_mtime < DAY


def refresh(suite):
    """Have the suite's package lists, no older than a day."""
    with lock(f"apt-{suite}"):
        if not fresh(suite):
            _update(suite)


def _compare(one, other):
    if one.version == other.version:
        return 0
    newer = ["dpkg", "--compare-versions", one.version, "gt", other.version]
    return 1 if subprocess.run(newer, check=False).returncode == 0 else -1


def _stanza(text):
    fields = dict(re.findall(r"^([\w-]+): (.*)$", text, re.M))
    return Package(fields["Package"], fields["Version"], fields.get("Depends", ""))


def newest(suite, pattern):
    """The newest package of SUITE whose whole name matches the regexp PATTERN."""
    names = run(["apt-cache", *_options(suite), "pkgnames"], "apt-cache pkgnames").split()
    names = [name for name in names if re.fullmatch(pattern, name)]
    stanzas = subprocess.run(["apt-cache", *_options(suite), "show", *names],
                             capture_output=True, text=True, check=False).stdout if names else ""
    found = [_stanza(text) for text in stanzas.split("\n\n") if text.strip()]
    if not found:
        raise Failure(f"{suite} has no package that matches {pattern}")
    return max(found, key=functools.cmp_to_key(_compare))


def download(suite, packages, directory):
    """Download packages into DIRECTORY; returns their files."""
    directory.mkdir(parents=True, exist_ok=True)
    wanted = [f"{package.name}={package.version}" for package in packages]
    run(["apt-get", *_options(suite), "-q", "download", *wanted], "download", cwd=directory)
    return sorted(directory.glob("*.deb"))
