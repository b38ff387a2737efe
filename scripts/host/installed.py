# SPDX-License-Identifier: GPL-2.0
"""Installs errpath on this machine, or below a directory: the modules' source for dkms, the
selftests in kselftest's layout, and the command. A manifest lists what was added, so that
uninstalling removes just that."""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from host import build, ksft
from host.common import BUILD, ROOT, SCRIPTS, Failure, run

CHANGELOG = SCRIPTS / "debian/changelog"
MANIFEST = "lib/errpath/manifest"	# below the prefix


def version() -> str:
    """Return the version of errpath: that of the newest entry of the changelog."""
    match = re.match(r"errpath \(([\w.~+-]+)\)", CHANGELOG.read_text(encoding="utf-8"))
    if not match:
        raise Failure(f"{CHANGELOG} does not begin with a version")
    return match[1]


def _put(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(source, target)


def _modules(stage: Path) -> None:
    """Put what dkms builds, which looks for it only in /usr/src."""
    target = stage / f"usr/src/errpath-{version()}"
    for file in [ROOT / "Kbuild", *(ROOT / "module").rglob("*.[ch]")]:
        _put(file, target / file.relative_to(ROOT))
    text = (ROOT / "module/dkms.conf").read_text(encoding="utf-8")
    (target / "dkms.conf").write_text(text.replace("#MODULE_VERSION#", version()), encoding="utf-8")


def _selftests(prefix: Path) -> None:
    """Put the selftests as the kernel's "make -C tools/testing/selftests install" does. Its list
    has the programs that a machine survives; the one beside the programs has all, and more."""
    from_linux, target = ksft.fetch(), prefix / "lib/errpath"
    installed = build.selftests(from_linux)
    shutil.copytree(installed, target / "errpath", dirs_exist_ok=True)
    for name in ksft.RUNNER:
        _put(from_linux / name, target / Path(name).relative_to(ksft.SELFTESTS))
    names = build.programs((installed / "kselftest-list.txt").read_text(encoding="utf-8"), ["safe"])
    (target / "kselftest-list.txt").write_text("".join(f"errpath:{name}\n" for name in names),
                                               encoding="utf-8")
    (target / "kselftest/runner.sh").chmod(0o755)
    _put(SCRIPTS / "installed/errpath-selftests", prefix / "sbin/errpath-selftests")
    _put(SCRIPTS / "installed/errpath-selftests.8", prefix / "share/man/man8/errpath-selftests.8")


def stage(directory: Path, prefix: str) -> None:
    """Put all files below an empty directory."""
    _modules(directory)
    _selftests(directory / prefix.lstrip("/"))
    run(["make", "-C", ROOT / "selftests", "install-errpath", f"KSFT={ksft.fetch()}",
         f"OUTPUT={BUILD / 'selftests/programs'}", f"DESTDIR={directory}", f"PREFIX={prefix}"],
        "installing the command")


def _add(stage_: Path, root: Path) -> Iterator[str]:
    """Copy the stage to ROOT; yields the files and directories that were not there before."""
    for source in sorted(stage_.rglob("*")):
        name = source.relative_to(stage_)
        target = root / name
        if source.is_dir():
            if not target.is_dir():
                target.mkdir()
                yield f"{name}/"
        else:
            shutil.copy(source, target)
            yield str(name)


def install(root: Path, prefix: str) -> None:
    """Install below ROOT; an earlier version is removed first."""
    manifest = root / prefix.lstrip("/") / MANIFEST
    uninstall(root, prefix)
    with tempfile.TemporaryDirectory(dir=BUILD) as directory:
        stage_ = Path(directory)
        stage(stage_, prefix)
        (stage_ / manifest.relative_to(root)).touch()
        root.mkdir(parents=True, exist_ok=True)
        names = [*_add(stage_, root)]
    manifest.write_text("".join(f"{name}\n" for name in names), encoding="utf-8")


def uninstall(root: Path, prefix: str) -> bool:
    """Remove what the manifest lists; false if there is none. A directory that has other files
    stays."""
    manifest = root / prefix.lstrip("/") / MANIFEST
    if not manifest.is_file():
        return False
    for name in reversed(manifest.read_text(encoding="utf-8").splitlines()):
        path = root / name
        if not name.endswith("/"):
            path.unlink(missing_ok=True)
        elif path.is_dir() and not any(path.iterdir()):
            path.rmdir()
    return True


def dkms(*words: str) -> None:
    """Run dkms on this machine."""
    if not shutil.which("dkms"):
        raise Failure("dkms is not installed: apt-get install dkms, and the headers of your kernel "
                      f"(linux-headers-{os.uname().release})")
    run(["dkms", *words], f"dkms {words[0]}")
