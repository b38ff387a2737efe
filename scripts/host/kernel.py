# SPDX-License-Identifier: GPL-2.0
"""A kernel: where its parts are, and what builds and guests need to know of it."""

import gzip
import lzma
import re
import shutil
import subprocess

from host import root
from host.common import ROOT, SCRIPTS, Failure, run

# What tests need of a kernel, and what a guest does.
NEEDED = (ROOT / "selftests/config", SCRIPTS / "kernels/guest.config")


def options(text):
    """NAME=VALUE lines as a dictionary."""
    return dict(line.split("=", 1) for line in text.splitlines() if line.startswith("CONFIG_"))


class Kernel:
    """IMAGE boots, HEADERS (or a built tree) build modules, MODULES has the kernel's own.

    DIRECTORY: for what is built for this kernel. MUST: globs of the tests that must run.
    SLOW: how many times as long as on common kernels a test may take.
    """

    def __init__(self, line, directory, image, headers, modules, must=(), slow=1):
        self.line, self.must, self.slow = line, must, slow
        self.directory, self.image, self.headers, self.modules = directory, image, headers, modules
        self.config = options(self._header("include/config/auto.conf"))
        self.release = re.search(r'UTS_RELEASE "(.*)"',
                                 self._header("include/generated/utsrelease.h"))[1]
        if not (headers / "Module.symvers").is_file():
            raise Failure(f"{headers} has no Module.symvers: build that kernel to the end first")
        self._check_options()

    def _header(self, name):
        try:
            return (self.headers / name).read_text(encoding="utf-8")
        except FileNotFoundError:
            raise Failure(f"{self.headers} has no {name}: it is neither a kernel's headers nor "
                          "a built tree") from None

    def _check_options(self):
        for file in NEEDED:
            for name, value in options(file.read_text(encoding="utf-8")).items():
                if self.config.get(name) not in ("y", value):
                    raise Failure(f"the kernel {self.release} has no {name}={value}, which "
                                  f"errpath needs ({file.relative_to(ROOT)}): configure it so")

    def make(self, out, *words):
        """The command that makes modules in OUT, by the compiler that built the kernel."""
        command = ["make", "-C", self.headers, f"M={out}", *words]
        if "CONFIG_CC_IS_CLANG" in self.config:
            version = int(self.config["CONFIG_CLANG_VERSION"]) // 10000
            return [*command, f"LLVM=-{version}" if shutil.which(f"clang-{version}") else "LLVM=1"]
        compiler = f"gcc-{int(self.config['CONFIG_GCC_VERSION']) // 10000}"
        command.append(f"CC={compiler}")
        if shutil.which(compiler):
            return command
        # Debian's headers are in more than one directory.
        places = {out, self.headers.parent, (self.headers / "scripts").resolve().parent}
        return root.enter(root.have(compiler), command, *sorted(places))

    def module(self, name):
        """One of the kernel's own modules, uncompressed; None where it is built in."""
        wanted = re.compile(rf"^(.*/)?{re.sub('[-_]', '[-_]', name)}\.k?o$", re.M)
        listed = wanted.search(self._list("modules.order"))
        if listed:
            return _uncompressed(self.modules / re.sub(r"\.o$", ".ko", listed[0]))
        if not wanted.search(self._list("modules.builtin")):
            raise Failure(f"{self.modules} has no {name}, which the guest needs")
        return None

    def _list(self, name):
        try:
            return (self.modules / name).read_text(encoding="utf-8")
        except FileNotFoundError:
            raise Failure(f"{self.modules} has no {name}: it does not hold the kernel's "
                          "modules") from None


def _uncompressed(file):
    """A module, whose FILE a distribution may have compressed."""
    for suffix, read in (("", bytes), (".xz", lzma.decompress), (".gz", gzip.decompress),
                         (".zst", _zstd)):
        compressed = file.with_name(file.name + suffix)
        if compressed.is_file():
            return read(compressed.read_bytes())
    raise Failure(f"there is no {file}, which the guest needs")


def _zstd(data):
    try:
        return subprocess.run(["zstd", "-dcq"], input=data, stdout=subprocess.PIPE,
                              check=True).stdout
    except FileNotFoundError:
        raise Failure("this kernel's modules are compressed by zstd: install zstd") from None


def unpack(debs, directory):
    """Unpack a kernel's packages, and make its headers find each other there."""
    for deb in debs:
        run(["dpkg", "-x", deb, directory], f"unpacking {deb}")
    for makefile in directory.glob("usr/src/linux-headers-*/Makefile"):
        _relocate(makefile)


def _relocate(makefile):
    """The headers' Makefile names itself and the common one by the path it has when installed."""
    here = "$(abspath $(dir $(lastword $(MAKEFILE_LIST))))"
    text = makefile.read_text(encoding="utf-8")
    text = re.sub(r"^include /usr/src/", f"include {here}/../", text, flags=re.M)
    text = re.sub(r"^KBUILD_OUTPUT=/usr/src/.*", f"KBUILD_OUTPUT := {here}", text, flags=re.M)
    makefile.write_text(text, encoding="utf-8")


def _one(directory, what, *patterns):
    found = [path for pattern in patterns for path in directory.glob(pattern)]
    if len(found) != 1:
        raise Failure(f"{directory} should hold one kernel's {what}, not {len(found)}: "
                      f"{' or '.join(patterns)}")
    return found[0]


def unpacked(line, directory, must=()):
    """The kernel whose packages were unpacked there."""
    modules = _one(directory, "modules", "lib/modules/*/modules.order",
                   "usr/lib/modules/*/modules.order").parent
    return Kernel(line, directory,
                  _one(directory, "image", "boot/vmlinuz-*", "usr/lib/modules/*/vmlinuz*"),
                  _one(directory, "headers", f"usr/src/linux-headers-{modules.name}"),
                  modules, must)
