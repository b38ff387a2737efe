# SPDX-License-Identifier: GPL-2.0
"""A kernel: the paths of its parts, and what builds and guests must know about it."""

import gzip
import lzma
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from host import arch, root
from host.common import ROOT, SCRIPTS, Command, Failure, run

# The options that tests need, and those that a guest needs. A file with the name of an architecture
# behind it has those of this architecture.
NEEDED = (ROOT / "selftests/config", SCRIPTS / "kernels/guest.config")


def for_arch(files: Iterable[Path], of: arch.Arch) -> list[Path]:
    """Return those of FILES that exist, each followed by the one with an architecture's name."""
    both = [path for file in files for path in (file, file.with_name(f"{file.name}.{of.machine}"))]
    return [file for file in both if file.is_file()]


def needed(of: arch.Arch) -> list[Path]:
    """Return the files with the options that a kernel of an architecture needs."""
    return for_arch(NEEDED, of)


def options(text: str) -> dict[str, str]:
    """Parse NAME=VALUE lines."""
    pairs = (line.partition("=") for line in text.splitlines() if line.startswith("CONFIG_"))
    return {name: value for name, _, value in pairs}


class Kernel:
    """A kernel with the parts that guests and modules need.

    LINE: its name among the kernel lines. DIRECTORY: for what is built for it. IMAGE: what boots.
    HEADERS: headers or a built tree, for modules. MODULES: directory of the kernel's own modules.
    MUST: globs of the tests that must run. SLOW: the factor by which tests may take longer than
    on other kernels.
    """

    def __init__(self, line: str, directory: Path, image: Path, headers: Path,
                 modules: Path, must: Sequence[str] = (), slow: int = 1) -> None:
        self.line, self.must, self.slow = line, must, slow
        self.directory, self.image, self.headers, self.modules = directory, image, headers, modules
        self.config = options(self._header("include/config/auto.conf"))
        self.release = release(self._header("include/generated/utsrelease.h"))
        self.arch = self._arch()
        if not (headers / "Module.symvers").is_file():
            raise Failure(f"{headers} has no Module.symvers: build that kernel to the end first")
        self._check_options()

    def _header(self, name: str) -> str:
        try:
            return (self.headers / name).read_text(encoding="utf-8")
        except FileNotFoundError:
            raise Failure(f"{self.headers} has no {name}: it is neither a kernel's headers nor "
                          "a built tree") from None

    def _arch(self) -> arch.Arch:
        found = [one for one in arch.ALL if one.option in self.config]
        if not found:
            raise Failure(f"the kernel {self.release} is none of "
                          f"{' or '.join(one.name for one in arch.ALL)}")
        return found[0]

    def _check_options(self) -> None:
        for file in needed(self.arch):
            for name, value in options(file.read_text(encoding="utf-8")).items():
                if self.config.get(name) not in ("y", value):
                    raise Failure(f"the kernel {self.release} has no {name}={value}, which "
                                  f"errpath needs ({file.relative_to(ROOT)}): enable it")

    def make(self, out: Path, *words: str) -> Command:
        """Return the command that makes modules in OUT, with the compiler that built the
        kernel."""
        command: list[str | Path] = ["make", "-C", self.headers, f"M={out}", *words]
        if "CONFIG_CC_IS_CLANG" in self.config:
            version = int(self.config["CONFIG_CLANG_VERSION"]) // 10000
            return [*command, f"LLVM=-{version}" if shutil.which(f"clang-{version}") else "LLVM=1"]
        compiler = self.arch.compiler(f"gcc-{int(self.config['CONFIG_GCC_VERSION']) // 10000}")
        command += [*self.arch.cross(), f"CC={compiler}"]
        if shutil.which(compiler):
            return command
        # Debian's headers are spread over several directories.
        places = {out, self.headers.parent, (self.headers / "scripts").resolve().parent}
        return root.enter(root.have(compiler), command, *sorted(places))

    def module(self, name: str) -> bytes | None:
        """Return one of the kernel's own modules, uncompressed; None if it is built in."""
        wanted = re.compile(rf"^(.*/)?{re.sub('[-_]', '[-_]', name)}\.k?o$", re.M)
        listed = wanted.search(self._list("modules.order"))
        if listed:
            return _uncompressed(self.modules / re.sub(r"\.o$", ".ko", listed[0]))
        if not wanted.search(self._list("modules.builtin")):
            raise Failure(f"{self.modules} has no {name}, which the guest needs")
        return None

    def _list(self, name: str) -> str:
        try:
            return (self.modules / name).read_text(encoding="utf-8")
        except FileNotFoundError:
            raise Failure(f"{self.modules} has no {name}: it does not hold the kernel's "
                          "modules") from None


def release(header: str) -> str:
    """Return the release that a kernel's utsrelease.h names."""
    match = re.search(r'UTS_RELEASE "(.*)"', header)
    if not match:
        raise Failure("utsrelease.h names no release: build that kernel to the end first")
    return match[1]


def _uncompressed(file: Path) -> bytes:
    """Read a module, which the distribution may have compressed."""
    readers: dict[str, Callable[[bytes], bytes]] = {
        "": bytes, ".xz": lzma.decompress, ".gz": gzip.decompress, ".zst": _zstd}
    for suffix, read in readers.items():
        compressed = file.with_name(file.name + suffix)
        if compressed.is_file():
            return read(compressed.read_bytes())
    raise Failure(f"{file}, which the guest needs, does not exist")


def _zstd(data: bytes) -> bytes:
    try:
        return subprocess.run(["zstd", "-dcq"], input=data, stdout=subprocess.PIPE,
                              check=True).stdout
    except FileNotFoundError:
        raise Failure("this kernel's modules are compressed with zstd: install zstd") from None


def unpack(debs: Sequence[Path], directory: Path) -> None:
    """Unpack the packages of a kernel, and adapt the paths in its headers."""
    for deb in debs:
        run(["dpkg", "-x", deb, directory], f"unpacking {deb}")
    for makefile in directory.glob("usr/src/linux-headers-*/Makefile"):
        _relocate(makefile)


def _relocate(makefile: Path) -> None:
    """Make a Makefile of headers independent of /usr/src, where it expects to be installed."""
    here = "$(abspath $(dir $(lastword $(MAKEFILE_LIST))))"
    text = makefile.read_text(encoding="utf-8")
    text = re.sub(r"^include /usr/src/", f"include {here}/../", text, flags=re.M)
    text = re.sub(r"^KBUILD_OUTPUT=/usr/src/.*", f"KBUILD_OUTPUT := {here}", text, flags=re.M)
    makefile.write_text(text, encoding="utf-8")


def _one(directory: Path, what: str, *patterns: str) -> Path:
    found = [path for pattern in patterns for path in directory.glob(pattern)]
    if len(found) != 1:
        raise Failure(f"{directory} should hold one kernel's {what}, not {len(found)}: "
                      f"{' or '.join(patterns)}")
    return found[0]


def unpacked(line: str, directory: Path, must: Sequence[str] = (), slow: int = 1) -> Kernel:
    """Return the kernel whose packages were unpacked in this directory."""
    modules = _one(directory, "modules", "lib/modules/*/modules.order",
                   "usr/lib/modules/*/modules.order").parent
    return Kernel(line, directory,
                  _one(directory, "image", "boot/vmlinuz-*", "usr/lib/modules/*/vmlinuz*"),
                  _one(directory, "headers", f"usr/src/linux-headers-{modules.name}"),
                  modules, must, slow)
