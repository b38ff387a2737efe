# SPDX-License-Identifier: GPL-2.0
"""The architectures of kernels: how guests of each boot, and what builds for them on this machine."""

import platform
from collections.abc import Container, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from host.common import SCRIPTS, Failure, lock, run
from host.stages import stage


class Arch(NamedTuple):
    """An architecture.

    NAME: Debian's. MACHINE: the kernel's (uname -m). OPTION: the option of a kernel's configuration
    that is set for it alone. TRIPLET: prefix of its compilers. SOURCE: its directory below arch/ in
    Linux's sources. IMAGE: what is built there to boot. QEMU: the program. BOARD: its machine,
    with options. MODEL: the processor that it emulates. CONSOLE: the device of the serial port.
    APPEND: words of the kernel's command line that only this architecture needs. FIRMWARE: a file
    of the machine, or None. ACPI: guests get the table of the simulated VMBus.
    """

    name: str
    machine: str
    option: str
    triplet: str
    source: str
    image: str
    qemu: str
    board: str
    model: str
    console: str
    append: str
    firmware: str | None
    acpi: bool

    def is_native(self) -> bool:
        """True if this machine executes its programs."""
        return self.machine == platform.machine()

    def compiler(self, name: str) -> str:
        """Return the program that compiles for it: NAME, as gcc-12, or a cross compiler."""
        return name if self.is_native() else f"{self.triplet}-{name}"

    def cross(self) -> list[str]:
        """Return the words by which Linux's Makefile builds for it on this machine."""
        return [] if self.is_native() else [f"ARCH={self.source}",
                                            f"CROSS_COMPILE={self.triplet}-"]

    def processor(self, config: Container[str]) -> str:
        """Return the processor for a kernel with these options: a Cortex-A57 has no pages of
        16 KiB."""
        return "cortex-a76" if "CONFIG_ARM64_16K_PAGES" in config else self.model

    def setup(self) -> None:
        """Install what builds for it and boots it, unless make does that on this machine anyway."""
        if not self.is_native():
            _install(self.name)


# no_timer_check: on a busy host the guest's timer can seem broken, and the boot ends in a panic.
# memmap=: a part of the RAM is reserved, so that tests of hot-add can put ranges into it.
X86 = Arch("amd64", "x86_64", "CONFIG_X86_64", "x86_64-linux-gnu", "x86", "bzImage",
           "qemu-system-x86_64", "q35", "qemu64", "ttyS0", "no_timer_check memmap=128M$0x40000000 "
           # Persistent memory: 256M, so that without its metadata it still has a memory block.
           "memmap=256M!0x60000000 "
           # MMIO windows for the simulated VMBus, below and above 4 GiB, with RAM behind them;
           # pci=no_e820 lets the PCI core place BARs there although they are reserved.
           "memmap=64M$0x50000000 memmap=64M$0x120000000 pci=no_e820", None, True)
# DIMMs are plugged by ACPI, which needs firmware. memhp_default_state: Debian's kernels put added
# memory online, also that of tests, which is not there: the kernel dies at its first use.
ARM64 = Arch("arm64", "aarch64", "CONFIG_ARM64", "aarch64-linux-gnu", "arm64", "Image",
             "qemu-system-aarch64", "virt,acpi=on", "cortex-a57", "ttyAMA0",
             "memhp_default_state=offline",
             "/usr/share/qemu-efi-aarch64/QEMU_EFI.fd", False)
ALL: Sequence[Arch] = (X86, ARM64)


def named(name: str) -> Arch:
    """Return the architecture that Debian calls NAME."""
    found = [arch for arch in ALL if arch.name == name]
    if not found:
        raise Failure(f"the architecture is {' or '.join(arch.name for arch in ALL)}, not {name!r}")
    return found[0]


def host() -> Arch:
    """Return the architecture of this machine."""
    found = [arch for arch in ALL if arch.is_native()]
    if not found:
        raise Failure(f"errpath does not support machines of {platform.machine()}")
    return found[0]


@cache
def _install(name: str) -> None:
    # Threads that fetch the kernel and build the selftests both come here.
    with lock("setup"), stage(f"installing packages for {name}"):
        run([SCRIPTS / "setup", name], f"installing what {name} needs")


def firmware(arch: Arch) -> list[str]:
    """Return the options of QEMU for the firmware."""
    if not arch.firmware:
        return []
    if not Path(arch.firmware).is_file():
        raise Failure(f"{arch.firmware} does not exist: scripts/setup {arch.name} installs it")
    return ["-bios", arch.firmware]
