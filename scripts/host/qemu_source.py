# SPDX-License-Identifier: GPL-2.0
"""Builds QEMU from Debian's source, with its handling of incoming zero pages changed."""

import re
import shutil
import tempfile
from pathlib import Path

from host import apt, qemu, root
from host.build import JOBS
from host.common import BUILD, Failure, lock, run, say, write_if_changed

SUITE = "trixie"
HERE = BUILD / "qemu"
TREE, OBJECTS = HERE / "tree", HERE / "objects"
# The last package brings the libraries that QEMU needs when it runs.
PACKAGES = ("gcc,libc6-dev,make,ninja-build,meson,python3-venv,python3-packaging,python3-pycotap,"
            "python3-setuptools,python3-wheel,pkgconf,libglib2.0-dev,zlib1g-dev,libpixman-1-dev,"
            "libfdt-dev,flex,bison,qemu-system-x86")
CONFIGURE = ("--target-list=x86_64-softmmu", "--without-default-features", "--enable-system",
             "--enable-tcg", "--enable-pixman", "--disable-download", "--disable-install-blobs",
             "--with-pkgversion=errpath")
RAM = "migration/ram.c"
HANDLER = re.compile(r"^void ram_handle_zero\(void \*(\w+), uint64_t (\w+)\)\n\{\n", re.M)

# What QEMU tries first with an incoming zero page; if that succeeds, it does nothing else.
CHANGES = {
    # As proposed. The flag is set for memory that QEMU was given, but not for prealloc=on.
    "dontneed": """\
    return !(block->flags & RAM_PREALLOC) && !madvise(page, size, MADV_DONTNEED);
""",
    # Shared memory must be removed from its file too; preallocated memory must stay.
    "remove": """\
    Object *owner = memory_region_owner(block->mr);

    if (object_property_find(owner, "prealloc") &&
        object_property_get_bool(owner, "prealloc", NULL)) {
        return false;
    }
    return !madvise(page, size, block->flags & RAM_SHARED ? MADV_REMOVE : MADV_DONTNEED);
""",
}


def changed(text: str, name: str) -> str:
    """Return the text of migration/ram.c with a change."""
    def edit(match: re.Match[str]) -> str:
        page, size = match.groups()
        return (f"static bool errpath_drop(RAMBlock *block, void *page, uint64_t size)\n{{\n"
                f"{CHANGES[name]}}}\n\n{match[0]}"
                f"    ram_addr_t offset;\n"
                f"    RAMBlock *block = qemu_ram_block_from_host({page}, false, &offset);\n\n"
                f"    if (block && errpath_drop(block, {page}, {size})) {{\n"
                f"        return;\n    }}\n")
    text, edits = HANDLER.subn(edit, text)
    if edits != 1:
        raise Failure(f"{RAM} of {SUITE}'s QEMU has {edits} functions ram_handle_zero() in the "
                      "form of 10.0, not one: adapt scripts/host/qemu_source.py to its new form")
    return text


def _root() -> Path:
    """Return the root that has the tools to build QEMU; make it first if necessary."""
    target = root.ROOTS / f"{SUITE}-qemu"
    with lock(f"root-{target.name}"):
        if not target.is_dir():
            root.make(target, SUITE, PACKAGES, "the tools to build QEMU; minutes", "--variant=apt")
    return target


def _in(directory: Path, *command: str | Path) -> str:
    """Run a command in the root."""
    words = root.enter(directory, command, BUILD, tempfile.gettempdir())
    return run(words, f"building QEMU ({command[0]})", cwd=OBJECTS if OBJECTS.is_dir() else None)


def _unpack() -> None:
    if TREE.is_dir():
        return
    say(f"fetching the source of {SUITE}'s QEMU")
    files = apt.download_source(SUITE, "qemu", HERE / "files")
    original, = (file for file in files if ".orig.tar." in file.name)
    fresh = HERE / ".tree.new"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir()
    run(["tar", "-x", "-f", original, "-C", fresh, "--strip-components=1"], "unpacking QEMU")
    shutil.copy(fresh / RAM, HERE / "ram.c")
    fresh.rename(TREE)


def _configure(directory: Path) -> None:
    if not (OBJECTS / "build.ninja").is_file():
        OBJECTS.mkdir(exist_ok=True)
        _in(directory, TREE / "configure", *CONFIGURE)


def built(name: str) -> qemu.Binary:
    """Return the QEMU with a change."""
    with lock("qemu"):
        directory = _root()
        _unpack()
        _configure(directory)
        text = changed((HERE / "ram.c").read_text(encoding="utf-8"), name)
        write_if_changed(TREE / RAM, text.encode())
        say(f"building QEMU with {name} (the first one takes some 20 minutes)")
        _in(directory, "ninja", "-C", OBJECTS, f"-j{JOBS}", "qemu-system-x86_64")
        program = HERE / f"qemu-{name}"
        shutil.copy(OBJECTS / "qemu-system-x86_64", program)
    return qemu.Binary(root.enter(
        directory, [program, "-L", "/usr/share/qemu", "-L", "/usr/share/seabios"],
        BUILD, tempfile.gettempdir()))
