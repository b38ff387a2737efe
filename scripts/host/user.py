# SPDX-License-Identifier: GPL-2.0
"""The user's own kernel: variables KDIR, or IMAGE and HEADERS (and MODULES)."""

import hashlib
import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from host.common import BUILD, Failure, absolute, lock, say
from host.kernel import Kernel, unpack, unpacked

# Its name among the kernel lines.
LINE = "user"
WAYS = "give KDIR= (a built tree), or IMAGE= and HEADERS="


def paths(name: str) -> list[Path]:
    """Return the files and directories that a variable names; all of them must exist."""
    found = [absolute(word) for word in os.environ.get(name, "").split()]
    for path in found:
        if not path.exists():
            raise Failure(f"{name}: {path} does not exist")
    return found


def _path(name: str) -> Path | None:
    found = paths(name)
    if len(found) > 1:
        raise Failure(f"{name} names {len(found)} paths; it takes one")
    return found[0] if found else None


def _directory(*sources: Path) -> Path:
    """Return the directory in which to build for a kernel of these files, in their present
    state."""
    state = "".join(f"{path} {path.stat().st_mtime_ns} {path.stat().st_size}\n"
                    for path in sources)
    return BUILD / "kernels" / f"{LINE}-{hashlib.sha256(state.encode()).hexdigest()[:16]}"


def _tree(kdir: Path) -> Kernel:
    image = kdir / "arch/x86/boot/bzImage"
    if not image.is_file():
        raise Failure(f"KDIR: {kdir} has no {image.relative_to(kdir)}: build that kernel first")
    return Kernel(LINE, _directory(kdir), image, kdir, kdir)


def _debs(debs: Sequence[Path]) -> Kernel:
    directory = _directory(*debs)
    with lock(LINE):
        if not directory.is_dir():
            say(f"unpacking {len(debs)} packages")
            fresh = directory.with_name(f".{directory.name}.new")
            shutil.rmtree(fresh, ignore_errors=True)
            fresh.mkdir(parents=True)
            unpack(debs, fresh)
            fresh.rename(directory)
    for makefile in directory.glob("usr/src/linux-headers-*/Makefile"):
        for name in re.findall(r"^include .*/\.\./([^/]+)/", makefile.read_text(), re.M):
            if not (makefile.parents[1] / name).is_dir():
                raise Failure(f"HEADERS: the package {name} is missing; name it too")
    return unpacked(LINE, directory)


def _modules(image: Path, release: str) -> Path:
    """Return the directory of the kernel's own modules: MODULES, or where they are installed."""
    given = _path("MODULES")
    places = [given] if given else [image.parent, image.parents[1] / "lib/modules" / release,
                                    Path("/lib/modules") / release]
    for place in places:
        if (place / "modules.order").is_file():
            return place
    raise Failure(f"no modules of {release} in {' or '.join(map(str, places))}: give MODULES= "
                  "(a directory that holds modules.order)")


def _release(image: Path) -> str:
    """Return the release of a kernel, from the boot protocol's header of its image."""
    with image.open("rb") as file:
        start = file.read(0x10000)
    if start[0x202:0x206] != b"HdrS":
        raise Failure(f"IMAGE: {image} is not a bootable x86 kernel (bzImage, vmlinuz)")
    text = 0x200 + int.from_bytes(start[0x20e:0x210], "little")
    return start[text:].split(b" ", 1)[0].decode(errors="replace")


def _installed(image: Path, headers: Path) -> Kernel:
    built = Kernel(LINE, _directory(image, headers), image, headers, headers)
    found = _release(image)
    if found != built.release:
        raise Failure(f"IMAGE is Linux {found}, HEADERS are of {built.release}: give "
                      "both of one build")
    built.modules = _modules(image, built.release)
    return built


def _given() -> tuple[Path | None, list[Path]]:
    """Return the tree, or the files, that the variables name; raises a Failure if these are not of
    one kind."""
    kdir, images, headers = _path("KDIR"), paths("IMAGE"), paths("HEADERS")
    if kdir and (images or headers):
        raise Failure(f"KDIR with IMAGE or HEADERS: which kernel? {WAYS}")
    if kdir:
        return kdir, []
    if not images or not headers:
        raise Failure(f"{'HEADERS' if images else 'IMAGE'} is missing: {WAYS}")
    files = images + headers
    packages = [path for path in files if path.suffix == ".deb"]
    if packages not in ([], files) or not packages and len(files) != 2:
        raise Failure("IMAGE and HEADERS are either all Debian packages, or one image and one "
                      "directory")
    return None, files


def kernel() -> Kernel:
    """Return the kernel that the variables name."""
    kdir, files = _given()
    if kdir:
        return _tree(kdir)
    if files[0].suffix == ".deb":
        return _debs(files)
    return _installed(files[0], files[1])


def check() -> None:
    """Raise a Failure if the variables name no kernel. Packages are not unpacked for that."""
    kdir, files = _given()
    if kdir or files[0].suffix != ".deb":
        kernel()
