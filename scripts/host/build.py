# SPDX-License-Identifier: GPL-2.0
"""Builds the files of a guest: modules, selftests, init, and the initramfs that has them."""

import fnmatch
import os
import re
import shutil
import subprocess
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from host import apt, user_files, variables
from host.arch import Arch, host as host_arch
from host.common import BUILD, ROOT, SCRIPTS, Failure, lock, mirror, point, run, write_if_changed
from host.kernel import Kernel
from host.stages import stage
from host.user_files import Files

JOBS = os.environ.get("JOBS") or str(len(os.sched_getaffinity(0)))
# Modules that are loaded before the tests, in this order; tests load all others themselves.
LOADED = ("errpath.ko", "errpath_hotplug.ko", "errpath_target.ko")
# Modules of the kernel by which /init reaches its ports, unless they are built in.
GUEST_MODULES = ("virtio_pci", "virtio_console")
# Modules of the kernel that tests load, unless they are built in: by option.
TEST_MODULES = {"CONFIG_PCI_HYPERV": "pci-hyperv", "CONFIG_VIRTIO_MEM": "virtio_mem",
                "CONFIG_X86_PMEM_LEGACY": "nd_e820", "CONFIG_BLK_DEV_PMEM": "nd_pmem",
                "CONFIG_DEV_DAX": "device_dax", "CONFIG_DEV_DAX_PMEM": "dax_pmem",
                "CONFIG_DEV_DAX_KMEM": "kmem", "CONFIG_DEV_DAX_HMEM": "dax_hmem"}

LISTING = "selftests/kselftest-list.txt"	# file of a guest
COMMAND = "errpath"	# program of the selftests that each guest has on its PATH
# What programs for another architecture are made of: a shell, and libraries of COMMAND.
PARTS = ("busybox-static", "libbpf-dev", "libelf-dev", "zlib1g-dev")
COMPILER = "gcc-12"	# of programs for another architecture


def make_modules(kernel: Kernel, tree: Path, out: Path, *variables: str) -> str:
    """Build the modules of TREE for a kernel; returns what make printed. They are built in OUT,
    as builds for several kernels must not share TREE."""
    with lock(f"modules-{kernel.directory.name}"), stage("building the modules", kernel.line):
        mirror([tree / "Kbuild", tree / "module"], tree, out)
        # Without debug information: nothing reads it, and BTF needs pahole.
        return run(kernel.make(out, f"-j{JOBS}", "CONFIG_DEBUG_INFO=",
                               "CONFIG_DEBUG_INFO_BTF_MODULES=", *variables, "modules"),
                   f"building the modules for {kernel.line}")


def modules(kernel: Kernel, tree: Path = ROOT, out: Path | None = None) -> list[Path]:
    """Build the modules of TREE for a kernel; returns the .ko files in Kbuild's order."""
    out = out or kernel.directory / "modules"
    make_modules(kernel, tree, out)
    order = (out / "modules.order").read_text(encoding="utf-8").split()
    return [(out / name).with_suffix(".ko") for name in order]


def parts(arch: Arch) -> Path:
    """Return the directory with the unpacked packages of PARTS for another architecture, in the
    version of this machine's suite."""
    suite, link = apt.own_suite(), BUILD / "parts" / arch.name
    with lock(f"parts-{arch.name}"):
        if link.is_dir() and apt.fresh(suite, arch.name):
            return link.resolve()
        apt.refresh(suite, arch.name)
        packages = [apt.newest(suite, re.escape(name), arch.name) for name in PARTS]
        versions = "_".join(package.version for package in packages)
        target = link.with_name(f"{arch.name}_{versions}")
        if not target.is_dir():
            fresh = link.with_name(f".{arch.name}.new")
            shutil.rmtree(fresh, ignore_errors=True)
            with stage(f"fetching programs for {arch.name}"):
                for deb in apt.download(suite, packages, fresh / "debs", arch.name):
                    run(["dpkg", "-x", deb, fresh], f"unpacking {deb}")
            shutil.rmtree(fresh / "debs")
            fresh.rename(target)
        point(link, target)
    return target


def _cross(arch: Arch) -> tuple[list[str], dict[str, str]]:
    """Return what make needs on its command line, and in its environment, for programs of an
    architecture."""
    environment = variables.for_others(os.environ)
    if arch.is_native():
        return [], environment
    usr = parts(arch) / "usr"
    flags = (f"-isystem {usr}/include -isystem {usr}/include/{arch.triplet} "
             f"-L{usr}/lib/{arch.triplet}")
    return ([f"CC={arch.compiler(COMPILER)}", f"AR={arch.triplet}-ar"],
            {**environment, "CFLAGS": flags})


def _of(arch: Arch, name: str) -> Path:
    """Return the path of what is built for an architecture: this machine's has the bare name."""
    return BUILD / (name if arch.is_native() else f"{name}-{arch.name}")


def selftests(ksft: Path, names: Collection[str] = (), tree: Path = ROOT, out: Path | None = None,
              arch: Arch | None = None) -> Path:
    """Build and install the selftests of TREE; returns the installed directory, which can have
    more of them. NAMES: the programs to build; all by default. ARCH: by default that of this
    machine."""
    arch = arch or host_arch()
    out = out or _of(arch, "selftests")
    installed = out / "installed"
    words, environment = _cross(arch)
    if names and (tree / "selftests" / f"{COMMAND}.c").exists():	# not in an older tree
        names = [*names, COMMAND]
    with lock("selftests"), stage("building the selftests"):
        run(["make", "-C", tree / "selftests", f"-j{JOBS}", f"OUTPUT={out / 'programs'}",
             f"KSFT={ksft}", f"INSTALL_PATH={installed}", *words,
             *([f"PROGRAMS={' '.join(names)}"] if names else []), "install"],
            f"building the selftests for {arch.name}", env=environment)
    return installed


def init(arch: Arch) -> Path:
    """Build /init."""
    program, library = _of(arch, "init"), ROOT / "selftests/lib"
    shared = [library / "fw_cfg.c", library / "fw_cfg.h"]
    files = [*sorted((SCRIPTS / "init").glob("*.[ch]")), *shared]
    newest = max(file.stat().st_mtime for file in files)
    with lock("init"):
        if not program.exists() or program.stat().st_mtime < newest:
            with stage("building init"):
                compiler = "gcc" if arch.is_native() else arch.compiler(COMPILER)
                run([compiler, "-O2", "-Wall", "-Wextra", "-Werror", "-static", "-D_GNU_SOURCE",
                     f"-I{library.parent}", *(file for file in files if file.suffix == ".c"),
                     "-o", program], "building init")
    return program


def acpi_table() -> Path:
    """Build the ACPI table of the simulated VMBus."""
    source = ROOT / "module/stimulus/vmbus_sim/vmbus.asl"
    table = BUILD / "vmbus.aml"
    with lock("acpi"):
        if not table.exists() or table.stat().st_mtime < source.stat().st_mtime:
            run(["iasl", "-p", table.with_suffix(""), source], "building the ACPI table")
    return table


def _with_dependencies(kernel: Kernel, name: str, found: dict[str, bytes]) -> None:
    """Add a module of the kernel to FOUND, behind the modules that it depends on."""
    data = kernel.module(name)
    if data is None:
        return
    depends = re.search(rb"\0depends=([^\0]*)", data)
    for other in depends[1].decode().split(",") if depends else ():
        if other and other not in found:
            _with_dependencies(kernel, other, found)
    found[name] = data


def _test_modules(kernel: Kernel) -> dict[str, bytes]:
    """Return the modules of TEST_MODULES and those that they depend on."""
    found: dict[str, bytes] = {}
    for option, name in TEST_MODULES.items():
        if kernel.config.get(option) == "m":
            _with_dependencies(kernel, name, found)
    return found


def _load_list(directory: str, names: Iterable[str]) -> bytes:
    return "".join(f"{directory}/{name}\n" for name in names).encode()


def _system_files(arch: Arch) -> Files:
    """Return init and busybox with its links."""
    busybox = Path(shutil.which("busybox") or "busybox")
    given = busybox if arch.is_native() else parts(arch) / "bin/busybox"
    files = {"init": (0o100755, init(arch).read_bytes()),
             "bin/busybox": (0o100755, given.read_bytes())}
    # Both are of one suite, and have the same applets.
    for applet in subprocess.check_output([busybox, "--list"], text=True).split():
        files.setdefault(f"bin/{applet}", (0o120777, b"busybox"))
    return files


def _module_files(kernel: Kernel, tested: Sequence[Path]) -> Files:
    """Return the modules that init, the tests, and the kernel need, and the lists of those that
    are loaded at boot."""
    own: dict[str, bytes] = {}
    for name in GUEST_MODULES:
        _with_dependencies(kernel, name, own)
    names = [ko.name for ko in tested]
    loaded = [name for name in LOADED if name in names]
    files = {"lib/modules/load": (0o100644, _load_list("/lib/modules", [f"{n}.ko" for n in own])),
             "modules/load": (0o100644, _load_list("/modules", loaded))}
    for name, data in own.items():
        files[f"lib/modules/{name}.ko"] = (0o100644, data)
    for name, data in (_test_modules(kernel) if tested else {}).items():
        files[f"modules/{name}.ko"] = (0o100644, data)
    for ko in tested:
        files[f"modules/{ko.name}"] = (0o100644, ko.read_bytes())
    return files


def _is_program(file: Path) -> bool:
    """True if an installed file is a program, False if it is a file that programs read."""
    return (ROOT / "selftests" / f"{file.name}.c").is_file()


def selftest_files(installed: Path, programs: Collection[str]) -> Files:
    """Return the files of the selftests: of the programs only these, but all if there are none."""
    return {f"selftests/{file.relative_to(installed)}":
            (0o100000 | file.stat().st_mode & 0o777, file.read_bytes())
            for file in installed.rglob("*") if file.is_file()
            and (not programs or file.name in programs or not _is_program(file))}


def _command_files(installed: Path) -> Files:
    """Return the command, if the installed selftests have it."""
    program = installed / COMMAND
    return {f"bin/{COMMAND}": (0o100755, program.read_bytes())} if program.exists() else {}


def listing_of(programs: Mapping[str, str | int]) -> bytes:
    """Return the content of LISTING: the programs that /init runs, with their time limits."""
    return "".join(f"{name} {limit}\n" for name, limit in programs.items()).encode()


def users_files(kernel: Kernel) -> Files:
    """Return the files that the user gives the guest of a kernel."""
    return user_files.given(kernel, _with_dependencies)


def _guest_files(kernel: Kernel, tested: Sequence[Path], installed: Path,
                 programs: Mapping[str, str | int], command: str,
                 more: Mapping[str, bytes]) -> Files:
    """Return all files of the guest."""
    files = {**_system_files(kernel.arch), **_module_files(kernel, tested), **_command_files(installed),
             **selftest_files(installed, programs)}
    if command:
        files["command"] = (0o100644, command.encode() + b"\n")
    if programs or LISTING not in files:	# for a prompt, the list of all that are installed
        files[LISTING] = (0o100644, listing_of(programs))
    files.update((name, (0o100755, data)) for name, data in more.items())
    if tested or programs:	# not for a trial of KVM
        files.update(users_files(kernel))
    return files


def _cpio_entry(number: int, name: str, mode: int, data: bytes) -> bytes:
    """Return one file in the newc format, which the kernel unpacks."""
    fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0)
    head = b"070701" + b"".join(b"%08x" % field for field in fields) + name.encode() + b"\0"
    return head + b"\0" * (-len(head) % 4) + data + b"\0" * (-len(data) % 4)


def _cpio(files: Files) -> bytes:
    directories = {str(parent) for name in files for parent in Path(name).parents} - {"."}
    entries = [(name, 0o40755, b"") for name in sorted(directories)]
    entries += [(name, *content) for name, content in files.items()]
    entries.append(("TRAILER!!!", 0, b""))
    return b"".join(_cpio_entry(number, *entry) for number, entry in enumerate(entries, 1))


def initramfs(kernel: Kernel, tested: Sequence[Path], installed: Path,
              programs: Mapping[str, str | int], out: Path, command: str = "",
              more: Mapping[str, bytes] | None = None) -> Path:
    """Write the initramfs OUT. It is not compressed, as unpacking costs more time than reading.
    PROGRAMS: the programs that the guest runs, with their time limits; it has no others. Without
    any, it has all, for COMMAND or a prompt. MORE: contents of other files by name."""
    with lock("selftests"):	# another run of this tree may install them now
        files = _guest_files(kernel, tested, installed, programs, command, more or {})
    write_if_changed(out, _cpio(files))
    return out


def listing(tree: Path = ROOT) -> str:
    """Return the list of the selftests of TREE, without building them."""
    return run(["make", "-s", "-C", tree / "selftests", "list"], "listing the selftests")


def programs(text: str, only: Collection[str] = ()) -> dict[str, str]:
    """Return the programs of a list with their time limits in seconds, in the order of the list.
    ONLY: globs, "all", which is all that are not marked as "nightly", "safe", which are those of
    all that end in no oops, or "main" (the default), which is all without a mark."""
    rows = [words for words in map(str.split, text.splitlines()) if words]
    known = {name: limit for name, limit, *_ in rows}
    wanted: set[str] = set()
    for word in only or ["main"]:
        found = ([name for name, _, *more in rows if not more] if word == "main" else
                 [name for name, _, *more in rows if more != ["nightly"]] if word == "all" else
                 [name for name, _, *more in rows if more in ([], ["more"])]
                 if word == "safe" else fnmatch.filter(known, word))
        if not found:
            raise Failure(f"no selftest {word!r}; there are: {' '.join(known)}")
        wanted.update(found)
    return {name: limit for name, limit in known.items() if name in wanted}
