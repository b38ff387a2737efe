# SPDX-License-Identifier: GPL-2.0
"""Debian packages from the archives that this machine's apt is configured for.

Each suite has a private apt root below build/apt, and another one for each foreign architecture.
It needs no privileges, does not change the machine, and does not know what is installed, so that
"newest" is the newest of the archive.
"""

import functools
import os
import platform
import re
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from host.common import BUILD, Failure, lock, run, say
from host.stages import stage

DAY = 24 * 60 * 60


class Package(NamedTuple):
    """A package of an archive."""

    name: str
    version: str
    depends: str


def _files_of(suite: str) -> list[Path]:
    """Return the machine's apt source files that name the archive of SUITE."""
    release = re.compile(rf"{re.escape(suite)}(-updates|-security|/updates)?")
    listing = run(["apt-get", "indextargets", "--no-release-info", "--format",
                   "$(RELEASE) $(SOURCESENTRY)", "Created-By: Packages"], "apt-get indextargets")
    entries = (row.split(" ", 1) for row in listing.splitlines())
    return sorted({Path(entry.rpartition(":")[0]) for name, entry in entries
                   if release.fullmatch(name)})


def renamed(text: str, own: str, suite: str) -> str:
    """Change TEXT, a source file of release OWN, to name SUITE. A suite 7-backports needs
    release 7 too."""
    release = suite.partition("-")[0]
    wanted = dict.fromkeys([release, suite])
    lines: list[str] = []
    for line in text.splitlines():
        line = re.sub(rf"(?<=\s){re.escape(own)}(?=[-/])", release, line)
        if line.startswith("Suites:"):
            lines.append(re.sub(rf"(?<=\s){re.escape(own)}(?=\s|$)", " ".join(wanted), line))
        elif line.startswith("deb "):
            lines += dict.fromkeys(re.sub(rf"(?<=\s){re.escape(own)}(?=\s)", name, line)
                                   for name in wanted)
        else:
            lines.append(line)
    return "\n".join(lines) + "\n"


def _sources(suite: str) -> dict[str, str]:
    """Return the texts of source files for SUITE by name. If the machine has none, use those of
    its own release with the name of the release changed: the same mirror and keyring."""
    files = _files_of(suite)
    if files:
        return {file.name: file.read_text(encoding="utf-8") for file in files}
    own = own_suite()
    files = _files_of(own) if own else []
    if not files:
        raise Failure(f"this machine's apt sources name neither {suite} nor its own release "
                      f"({own}): add an archive of {suite} to /etc/apt")
    return {file.name: renamed(file.read_text(encoding="utf-8"), own, suite) for file in files}


def own_suite() -> str:
    """Return the suite of this machine."""
    return platform.freedesktop_os_release().get("VERSION_CODENAME", "")


def _root(suite: str, arch: str) -> Path:
    """Return the private root of a suite, or of its SUITE-source. ARCH: Debian's name of a foreign
    architecture, or empty."""
    return BUILD / "apt" / (f"{suite}-{arch}" if arch else suite)


def _options(suite: str, arch: str) -> list[str]:
    """Return the options of apt for a private root."""
    root = _root(suite, arch)
    settings: dict[str, str | int | Path] = {
        **({"APT::Architecture": arch, "APT::Architectures": arch} if arch else {}),
        "Dir::Etc::sourcelist": "/dev/null",
        "Dir::Etc::sourceparts": root / "sources",
        "Dir::Etc::preferences": "/dev/null",
        "Dir::Etc::preferencesparts": "/dev/null",
        "Dir::State": root / "state",
        "Dir::State::status": root / "status",
        "Dir::Cache": root / "cache",
        "Dir::Cache::pkgcache": "pkgcache.bin",
        "Dir::Cache::srcpkgcache": "srcpkgcache.bin",
        # As root, apt would otherwise switch to a user that cannot write below build/.
        "APT::Sandbox::User": "root",
        "Acquire::Languages": "none",
        "Acquire::Retries": 3,
    }
    return [word for key, value in settings.items() for word in ("-o", f"{key}={value}")]


def _apt_get(suite: str, *words: str, cwd: Path | None = None, arch: str = "") -> None:
    """Run apt-get; if it fails, its own error message is the Failure."""
    done = subprocess.run(["apt-get", *_options(suite, arch), "-q", "-y", *words], text=True, cwd=cwd,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                          env={**os.environ, "LC_ALL": "C"})
    if done.returncode:
        said = re.findall(r"^E: (.*)", done.stdout, re.M) or done.stdout.splitlines()[-1:]
        raise Failure(f"apt-get {words[-1].partition('=')[0]}, {suite}: {'; '.join(said)}")


def _update(suite: str, sources: Mapping[str, str], arch: str = "") -> None:
    """Fetch the package lists that SOURCES (texts by name) refer to."""
    root = _root(suite, arch)
    shutil.rmtree(root / "sources", ignore_errors=True)
    for directory in ("sources", "state/lists/partial", "cache/archives/partial"):
        (root / directory).mkdir(parents=True, exist_ok=True)
    (root / "status").touch()
    for name, text in sources.items():
        (root / "sources" / name).write_text(text, encoding="utf-8")
    what = f"reading the package lists of {suite}{f' for {arch}' if arch else ''}"
    say(what)
    with stage(what):
        _apt_get(suite, "--error-on=any", "update", arch=arch)
    (root / "updated").touch()


def fresh(suite: str, arch: str = "") -> bool:
    """True if the package lists of the suite were fetched within the last day. ARCH: here and
    below, Debian's name of a foreign architecture, or empty."""
    stamp = _root(suite, arch) / "updated"
    return stamp.exists() and time.time() - stamp.stat().st_mtime < DAY


def refresh(suite: str, arch: str = "") -> None:
    """Fetch the package lists of the suite, unless they are less than a day old."""
    with lock(f"apt-{_root(suite, arch).name}"):
        if fresh(suite, arch):
            return
        is_new = not _root(suite, arch).exists()
        try:
            _update(suite, _sources(suite), arch)
        except Failure as failure:
            if is_new:
                shutil.rmtree(_root(suite, arch), ignore_errors=True)
            if is_new and "does not have a Release file" in str(failure):
                raise Failure(f"the archive of this machine's apt sources has no suite {suite}"
                              ) from None
            raise


def source_files(suite: str) -> list[Path]:
    """Return the files that name the suite's archives, for other programs that use them."""
    return sorted((_root(suite, "") / "sources").iterdir())


def _compare(one: Package, other: Package) -> int:
    if one.version == other.version:
        return 0
    newer = ["dpkg", "--compare-versions", one.version, "gt", other.version]
    return 1 if subprocess.run(newer, check=False).returncode == 0 else -1


def _stanza(text: str) -> Package:
    fields = dict(re.findall(r"^([\w-]+): (.*)$", text, re.M))
    return Package(fields["Package"], fields["Version"], fields.get("Depends", ""))


def matching(suite: str, pattern: str, arch: str = "") -> list[Package]:
    """Return the packages of SUITE whose whole name matches the regexp PATTERN."""
    options = _options(suite, arch)
    names = run(["apt-cache", *options, "pkgnames"], "apt-cache pkgnames").split()
    names = [name for name in names if re.fullmatch(pattern, name)]
    stanzas = subprocess.run(["apt-cache", *options, "show", *names],
                             capture_output=True, text=True, check=False).stdout if names else ""
    return [_stanza(text) for text in stanzas.split("\n\n") if text.strip()]


def newest(suite: str, pattern: str, arch: str = "") -> Package:
    """Return the newest of the packages whose whole name matches."""
    found = matching(suite, pattern, arch)
    if not found:
        raise Failure(f"{suite} has no package that matches {pattern}"
                      f"{f' for {arch}' if arch else ''}")
    return max(found, key=functools.cmp_to_key(_compare))


def download(suite: str, packages: Sequence[Package], directory: Path,
             arch: str = "") -> list[Path]:
    """Download packages into DIRECTORY; returns their files."""
    directory.mkdir(parents=True, exist_ok=True)
    wanted = [f"{package.name}={package.version}" for package in packages]
    _apt_get(suite, "download", *wanted, cwd=directory, arch=arch)
    return sorted(directory.glob("*.deb"))


def download_source(suite: str, name: str, directory: Path) -> list[Path]:
    """Download the files of a source package into DIRECTORY; returns them."""
    own = f"{suite}-source"
    with lock(f"apt-{own}"):
        if not fresh(own):
            _update(own, {file: re.sub(r"^(Types: )?deb(?= |$)", r"\1deb-src", text, flags=re.M)
                          for file, text in _sources(suite).items()})
    directory.mkdir(parents=True, exist_ok=True)
    _apt_get(own, "--download-only", "source", name, cwd=directory)
    return sorted(directory.iterdir())
