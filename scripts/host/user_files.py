# SPDX-License-Identifier: GPL-2.0
"""The user's own files in the guest: FILES (variable) names files and directories, which are at
/files there. Its modules can also be loaded by name, with the kernel's modules that they need."""

import os
import re
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

from host.common import Failure, absolute
from host.kernel import Kernel

Files = dict[str, tuple[int, bytes]]	# mode and content by name
# Adds a module of the kernel, and those that it depends on, to a dictionary of contents by name.
Add = Callable[[Kernel, str, dict[str, bytes]], None]

DIRECTORY = "files"
ELF, PT_INTERP = b"\x7fELF\x02", 3	# 64 bits; the segment that names a dynamic linker


def paths() -> list[Path]:
    """Return the files and directories that FILES names; all must exist, with different names."""
    found = [absolute(word) for word in os.environ.get("FILES", "").split()]
    names: dict[str, Path] = {}
    for path in found:
        if not path.exists():
            raise Failure(f"FILES: {path} does not exist")
        if path.name in names:
            raise Failure(f"FILES: {names[path.name]} and {path} have the same name")
        names[path.name] = path
    return found


def _is_dynamic(data: bytes) -> bool:
    """True if this is a program that needs a dynamic linker."""
    if not data.startswith(ELF) or len(data) < 64:
        return False
    offset, size, number = (struct.unpack_from("<Q", data, 32)[0],
                            *struct.unpack_from("<HH", data, 54))
    return any(struct.unpack_from("<I", data, offset + n * size)[0] == PT_INTERP
               for n in range(number))


def _check(path: Path, data: bytes, release: str) -> None:
    """Raise a Failure if the guest could not use a file."""
    if _is_dynamic(data):
        raise Failure(f"FILES: {path} is dynamically linked, and the guest has no libraries: link "
                      "it with -static")
    built = re.search(rb"\0vermagic=(\S+)", data) if path.suffix == ".ko" else None
    if path.suffix == ".ko" and (not built or built[1].decode() != release):
        raise Failure(f"FILES: {path} is {f'of {built[1].decode()}' if built else 'no module'}, "
                      f"the guest runs {release}: build it with that kernel's headers")


def _tree(path: Path) -> Iterator[tuple[str, Path]]:
    """Yield a file, or all files and links of a directory, with their names in the guest."""
    if not path.is_dir():
        yield path.name, path
    else:
        for file in sorted(path.rglob("*")):
            if file.is_symlink() or file.is_file():
                yield f"{path.name}/{file.relative_to(path)}", file


def _by_name(kernel: Kernel, modules: dict[str, bytes], add: Add) -> Files:
    """Return the files by which modprobe finds modules. MODULES: contents by path in the guest."""
    base, files, lines = f"lib/modules/{kernel.release}", Files(), []
    own = {Path(name).stem.replace("-", "_"): name for name in modules}
    for name, data in modules.items():
        found = re.search(rb"\0depends=([^\0]*)", data)
        needed: dict[str, bytes] = {}
        for other in found[1].decode().split(",") if found else ():
            if other and other not in own:
                add(kernel, other, needed)
        for other, content in needed.items():
            files[f"{base}/{other}.ko"] = (0o100644, content)
        ours = [f"/{own[other]}" for other in (found[1].decode().split(",") if found else ())
                if other in own]
        lines.append(" ".join([f"/{name}:", *ours, *(f"{other}.ko" for other in
                                                     reversed(needed))]))
    if lines:
        files[f"{base}/modules.dep"] = (0o100644, "".join(f"{line}\n" for line in lines).encode())
    return files


def given(kernel: Kernel, add: Add) -> Files:
    """Return the files of the guest that FILES names. KERNEL: that of the guest. ADD: adds a module
    of it. Raises a Failure for a file that the guest could not use."""
    files, modules = Files(), dict[str, bytes]()
    for path in paths():
        for name, file in _tree(path):
            if file.is_symlink():
                files[f"{DIRECTORY}/{name}"] = (0o120777, os.readlink(file).encode())
                continue
            data = file.read_bytes()
            _check(file, data, kernel.release)
            files[f"{DIRECTORY}/{name}"] = (0o100000 | file.stat().st_mode & 0o777, data)
            if file.suffix == ".ko":
                modules[f"{DIRECTORY}/{name}"] = data
    return {**files, **_by_name(kernel, modules, add)}
