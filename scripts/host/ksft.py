# SPDX-License-Identifier: GPL-2.0
"""Fetches kselftest's headers and runner, checkpatch, kunit.py and failcmd.sh from linux-source:
no other package has them."""

import shutil
from pathlib import Path

from host import apt
from host.common import BUILD, lock, run, say
from host.stages import stage

KSFT = BUILD / "ksft"
FILES = ("scripts/checkpatch.pl", "scripts/spelling.txt", "scripts/const_structs.checkpatch",
         "tools/testing/selftests/kselftest.h", "tools/testing/selftests/kselftest_harness.h",
         "tools/testing/fault-injection/failcmd.sh")
# The runner of installed selftests, with what it needs.
SELFTESTS = "tools/testing/selftests"
RUNNER = tuple(f"{SELFTESTS}/{name}" for name in (
    "run_kselftest.sh", "kselftest/runner.sh", "kselftest/prefix.pl", "kselftest/ktap_helpers.sh"))
# kunit.py and its modules, which must be in this place.
KUNIT = tuple(f"tools/testing/kunit/{name}.py" for name in (
    "kunit", "kunit_config", "kunit_json", "kunit_kernel", "kunit_parser", "kunit_printer",
    "qemu_config"))


def fetch() -> Path:
    """Return the directory that has these files."""
    with lock("ksft"):
        if not all((KSFT / name).is_file() for name in (*KUNIT, *RUNNER, *(Path(name).name for name in FILES))):
            _extract()
    return KSFT


def _extract() -> None:
    suite = "bookworm"
    apt.refresh(suite)
    source = apt.newest(suite, r"linux-source-6\.12")
    say(f"fetching {source.name} for kselftest's headers and checkpatch")
    fresh = BUILD / ".ksft.new"
    shutil.rmtree(fresh, ignore_errors=True)
    with stage("fetching kselftest's headers"):
        (deb,) = apt.download(suite, [source], fresh / "debs")
    with stage("unpacking kselftest's headers"):
        _unpack(deb)
    shutil.rmtree(fresh / "debs")
    for name in FILES:
        (fresh / name).rename(fresh / name.rpartition("/")[2])
    shutil.rmtree(KSFT, ignore_errors=True)
    fresh.rename(KSFT)


def _unpack(deb: Path) -> None:
    """Unpack FILES, KUNIT and RUNNER to the directory above that of the package."""
    # The archive is compressed in blocks, which xz -T0 decompresses in parallel.
    wanted = " ".join(f"'*/{name}'" for name in (*FILES, *KUNIT, *RUNNER))
    run(["bash", "-o", "pipefail", "-c", f"dpkg-deb --fsys-tarfile {deb.name} | "
         "tar -xO --wildcards './usr/src/linux-source-*.tar.xz' | xz -dcT0 | "
         f"tar -x -C .. --strip-components=1 --wildcards {wanted}"],
        "extracting from linux-source", cwd=deb.parent)
