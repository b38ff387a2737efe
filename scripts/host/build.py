# SPDX-License-Identifier: GPL-2.0
"""Builds what goes into a guest: modules, selftests, init, and the initramfs of them."""

import fnmatch
import os
import re
import shutil
import subprocess
from pathlib import Path

from host.common import BUILD, ROOT, SCRIPTS, Failure, lock, mirror, run, write_if_changed

JOBS = os.environ.get("JOBS") or str(os.cpu_count())
# Loaded before the tests, in this order; what else Kbuild builds, tests load themselves.
LOADED = ("errpath.ko", "errpath_hotplug.ko", "errpath_target.ko")
# What /init needs to find its ports; a kernel that has one built in lacks the module.
GUEST_MODULES = ("virtio_pci", "virtio_console")
# The kernel's own that tests load themselves, where it has them as modules: by option.
TEST_MODULES = {"CONFIG_PCI_HYPERV": "pci-hyperv", "CONFIG_VIRTIO_MEM": "virtio_mem"}


def make_modules(kernel, tree, out, *variables):
    """Build TREE's modules for a kernel in OUT, for builds must not meet in TREE."""
    with lock(f"modules-{kernel.directory.name}"):
        mirror([tree / "Kbuild", tree / "module"], tree, out)
        # No BTF for the modules: it needs pahole, and nothing here reads it.
        return run(kernel.make(out, f"-j{JOBS}", "CONFIG_DEBUG_INFO_BTF_MODULES=", *variables,
                               "modules"), f"building the modules for {kernel.line}")


def modules(kernel, tree=ROOT, out=None):
    """Build TREE's modules for a kernel; returns the .ko files in Kbuild's order."""
    out = out or kernel.directory / "modules"
    make_modules(kernel, tree, out)
    order = (out / "modules.order").read_text(encoding="utf-8").split()
    return [(out / name).with_suffix(".ko") for name in order]


def selftests(ksft, tree=ROOT, out=BUILD / "selftests"):
    """Build and install TREE's selftests; returns the installed directory."""
    source, installed = tree / "selftests", out / "installed"
    with lock("selftests"):
        for target in (["all"], ["install", f"INSTALL_PATH={installed}"]):
            run(["make", "-C", source, f"-j{JOBS}", f"OUTPUT={out / 'programs'}",
                 f"KSFT={ksft}", *target], "building the selftests")
    return installed


def init():
    """Build /init."""
    source, program = SCRIPTS / "init.c", BUILD / "init"
    with lock("init"):
        if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
            run(["gcc", "-O2", "-Wall", "-Wextra", "-Werror", "-static", "-D_GNU_SOURCE",
                 source, "-o", program], "building init")
    return program


def acpi_table():
    """Build the ACPI table of the simulated VMBus."""
    source = ROOT / "module/stimulus/vmbus_sim/vmbus.asl"
    table = BUILD / "vmbus.aml"
    with lock("acpi"):
        if not table.exists() or table.stat().st_mtime < source.stat().st_mtime:
            run(["iasl", "-p", table.with_suffix(""), source], "building the ACPI table")
    return table


def _with_dependencies(kernel, name, found):
    """Add one of the kernel's modules, behind what it depends on, to the dictionary FOUND."""
    data = kernel.module(name)
    if data is None:
        return
    depends = re.search(rb"\0depends=([^\0]*)", data)
    for other in depends[1].decode().split(",") if depends else ():
        if other and other not in found:
            _with_dependencies(kernel, other, found)
    found[name] = data


def _test_modules(kernel):
    """The modules of TEST_MODULES and what they depend on."""
    found = {}
    for option, name in TEST_MODULES.items():
        if kernel.config.get(option) == "m":
            _with_dependencies(kernel, name, found)
    return found


def _load_list(directory, names):
    return "".join(f"{directory}/{name}\n" for name in names).encode()


def _guest_files(kernel, tested, installed, programs, command, more):
    """All of the guest's files by name: (mode, content)."""
    own = {}
    for name in GUEST_MODULES:
        _with_dependencies(kernel, name, own)
    names = [ko.name for ko in tested]
    loaded = [name for name in LOADED if name in names]
    busybox = Path(shutil.which("busybox"))
    files = {"init": (0o100755, init().read_bytes()),
             "bin/busybox": (0o100755, busybox.read_bytes()),
             "lib/modules/load": (0o100644, _load_list("/lib/modules", [f"{n}.ko" for n in own])),
             "modules/load": (0o100644, _load_list("/modules", loaded))}
    for applet in subprocess.check_output([busybox, "--list"], text=True).split():
        files.setdefault(f"bin/{applet}", (0o120777, b"busybox"))
    for name, data in own.items():
        files[f"lib/modules/{name}.ko"] = (0o100644, data)
    for name, data in (_test_modules(kernel) if tested else {}).items():
        files[f"modules/{name}.ko"] = (0o100644, data)
    for ko in tested:
        files[f"modules/{ko.name}"] = (0o100644, ko.read_bytes())
    for file in installed.rglob("*"):
        if file.is_file():
            files[f"selftests/{file.relative_to(installed)}"] = (
                0o100000 | file.stat().st_mode & 0o777, file.read_bytes())
    if command:
        files["command"] = (0o100644, command.encode() + b"\n")
    listing = "".join(f"{name} {limit}\n" for name, limit in programs.items())
    files["selftests/kselftest-list.txt"] = (0o100644, listing.encode())
    files.update((name, (0o100755, data)) for name, data in more.items())
    return files


def _cpio_entry(number, name, mode, data):
    """One file in the newc format that the kernel unpacks."""
    fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0)
    head = b"070701" + b"".join(b"%08x" % field for field in fields) + name.encode() + b"\0"
    return head + b"\0" * (-len(head) % 4) + data + b"\0" * (-len(data) % 4)


def _cpio(files):
    directories = {str(parent) for name in files for parent in Path(name).parents} - {"."}
    entries = [(name, 0o40755, b"") for name in sorted(directories)]
    entries += [(name, *content) for name, content in files.items()]
    entries.append(("TRAILER!!!", 0, b""))
    return b"".join(_cpio_entry(number, *entry) for number, entry in enumerate(entries, 1))


def initramfs(kernel, tested, installed, programs, out, command="", more=None):
    """Write the initramfs: not compressed, for unpacking costs more than reading. COMMAND:
    what the guest runs, instead of the programs or a prompt. MORE: contents of other files by
    name."""
    with lock("selftests"):	# Not while another run of this tree installs them.
        files = _guest_files(kernel, tested, installed, programs, command, more or {})
    write_if_changed(out, _cpio(files))
    return out


def programs(installed, only=()):
    """The selftest programs with their time limits in seconds, in the order of their list:
    those named, by globs, by "all", or by "main": those that are not marked as "more", as
    without any name."""
    listing = (installed / "kselftest-list.txt").read_text(encoding="utf-8")
    rows = [words for words in map(str.split, listing.splitlines()) if words]
    known = {name: limit for name, limit, *_ in rows}
    wanted = set()
    for word in only or ["main"]:
        found = ([name for name, _, *more in rows if not more] if word == "main" else
                 fnmatch.filter(known, "*" if word == "all" else word))
        if not found:
            raise Failure(f"no selftest {word!r}; there are: {' '.join(known)}")
        wanted.update(found)
    return {name: limit for name, limit in known.items() if name in wanted}
