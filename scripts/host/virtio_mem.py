# SPDX-License-Identifier: GPL-2.0
"""A driver of the device virtio-mem-pci for a QEMU that executes nothing: it plugs memory as a
guest would. Registers and requests are those of the Virtual I/O Device specification."""

import time
from typing import NamedTuple

from host.common import Failure
from host.qemu import Machine
from host.qmp import LIMIT

SLOT = 2		# of the device on the bus pcie.0
BAR = 0xd000_0000	# where its registers go: between the RAM and what the machine has below 4 GiB
RINGS = 0x10_0000	# address in the guest's RAM of the queue and of a request

# PCI: registers of the configuration space.
COMMAND, BARS, CAPABILITIES = 0x04, 0x10, 0x34
MEMORY_AND_MASTER = 6
VENDOR = 9		# the kind of capability that virtio uses
COMMON, NOTIFY, DEVICE = 1, 2, 4	# the structures that it points to
# The structure COMMON.
(FEATURE_SELECT, FEATURES, ACCEPT_SELECT, ACCEPT, STATUS, QUEUE_SELECT, QUEUE_SIZE, QUEUE_ENABLE,
 NOTIFY_OFFSET, DESCRIPTORS, DRIVER_RING, DEVICE_RING) = (0, 4, 8, 12, 20, 22, 24, 28, 30, 32, 40, 48)
ACKNOWLEDGE, DRIVER, DRIVER_OK, FEATURES_OK = 1, 2, 4, 8
UNPLUGGED_INACCESSIBLE = 1 << 1	# a feature; a device can insist on it
VERSION_1 = 1 << 0		# a feature of the second 32
# The structure DEVICE.
BLOCK_SIZE, ADDRESS = 0, 16
# A descriptor: address, length, flags, and the next one.
NEXT, WRITE = 1, 2
PLUG, ACK = 0, 0
QUEUE = 8		# entries


class _Structure(NamedTuple):
    address: int
    multiplier: int	# of NOTIFY: bytes for each offset of a queue


class VirtioMem:
    """The device with the options words() in a machine."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self._find()

    @staticmethod
    def words(backend: str, size: int) -> list[str]:
        """QEMU's options for a device with the memory BACKEND, of which the guest shall plug SIZE
        bytes."""
        return ["-device", f"virtio-mem-pci,memdev={backend},addr={SLOT},requested-size={size}"]

    def _config(self, offset: int) -> int:
        """Read 32 bits of the configuration space."""
        self.machine.ask(f"outl 0xcf8 {1 << 31 | SLOT << 11 | offset & ~3:#x}")
        return int(self.machine.ask("inl 0xcfc"), 16) >> 8 * (offset & 3)

    def _set_config(self, offset: int, value: int) -> None:
        self.machine.ask(f"outl 0xcf8 {1 << 31 | SLOT << 11 | offset:#x}")
        self.machine.ask(f"outl 0xcfc {value:#x}")

    def _find(self) -> None:
        """Map the registers, and find the structures."""
        self.structures: dict[int, _Structure] = {}
        at = self._config(CAPABILITIES) & 0xff
        while at:
            head = self._config(at)
            if head & 0xff == VENDOR:
                bar = self._config(at + 4) & 0xff
                self._set_config(BARS + 4 * bar, BAR)
                self._set_config(BARS + 4 * bar + 4, 0)
                self.structures[head >> 24] = _Structure(BAR + self._config(at + 8),
                                                         self._config(at + 16))
            at = head >> 8 & 0xff
        self._set_config(COMMAND, MEMORY_AND_MASTER)

    def _read(self, structure: int, offset: int, width: str) -> int:
        return int(self.machine.ask(f"read{width} {self.structures[structure].address + offset:#x}"),
                   16)

    def _write(self, structure: int, offset: int, width: str, value: int) -> None:
        self.machine.ask(f"write{width} {self.structures[structure].address + offset:#x} {value:#x}")

    def _set_memory(self, address: int, *fields: tuple[str, int]) -> None:
        """Write numbers, each with its width, to the guest's RAM."""
        for width, value in fields:
            self.machine.ask(f"write{width} {address:#x} {value:#x}")
            address += {"b": 1, "w": 2, "l": 4, "q": 8}[width]

    @property
    def address(self) -> int:
        """The guest-physical address of the device's memory."""
        return self._read(DEVICE, ADDRESS, "q")

    def start(self) -> None:
        """Set the device up as a driver does."""
        for status in ACKNOWLEDGE, ACKNOWLEDGE | DRIVER:
            self._write(COMMON, STATUS, "b", status)
        for half, wanted in enumerate((UNPLUGGED_INACCESSIBLE, VERSION_1)):
            self._write(COMMON, FEATURE_SELECT, "l", half)
            offered = self._read(COMMON, FEATURES, "l")
            self._write(COMMON, ACCEPT_SELECT, "l", half)
            self._write(COMMON, ACCEPT, "l", offered & wanted)
        status |= FEATURES_OK
        self._write(COMMON, STATUS, "b", status)
        if self._read(COMMON, STATUS, "b") != status:
            raise Failure("virtio-mem does not accept the features of this driver")
        self._write(COMMON, QUEUE_SELECT, "w", 0)
        self._write(COMMON, QUEUE_SIZE, "w", QUEUE)
        for register, page in ((DESCRIPTORS, 0), (DRIVER_RING, 1), (DEVICE_RING, 2)):
            self._write(COMMON, register, "l", RINGS + (page << 12))
            self._write(COMMON, register + 4, "l", 0)
        self._write(COMMON, QUEUE_ENABLE, "w", 1)
        self._write(COMMON, STATUS, "b", status | DRIVER_OK)

    def plug(self, size: int) -> None:
        """Plug the first SIZE bytes; raises a Failure if the device refuses."""
        request, response = RINGS + (3 << 12), RINGS + (4 << 12)
        blocks = size // self._read(DEVICE, BLOCK_SIZE, "q")
        self._set_memory(request, ("q", PLUG), ("q", self.address), ("q", blocks))
        self._set_memory(RINGS, ("q", request), ("l", 24), ("w", NEXT), ("w", 1),
                         ("q", response), ("l", 10), ("w", WRITE), ("w", 0))
        self._set_memory(RINGS + (1 << 12), ("w", 0), ("w", 1), ("w", 0))
        notify = self.structures[NOTIFY]
        offset = self._read(COMMON, NOTIFY_OFFSET, "w") * notify.multiplier
        self._write(NOTIFY, offset, "w", 0)
        self._await_answer()
        answer = int(self.machine.ask(f"readw {response:#x}"), 16)
        if answer != ACK:
            raise Failure(f"virtio-mem refuses to plug {size} bytes: its answer is {answer}")

    def _await_answer(self) -> None:
        deadline = time.monotonic() + LIMIT
        while not int(self.machine.ask(f"readw {RINGS + (2 << 12) + 2:#x}"), 16):
            if time.monotonic() > deadline:
                raise Failure(f"virtio-mem has no answer for {LIMIT:.0f} s")
            time.sleep(0.005)
