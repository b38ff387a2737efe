# SPDX-License-Identifier: GPL-2.0
"""Migrates memory from one QEMU to another and judges what happened to its zero pages.

Population: the destination populates no more memory than was touched on the source. Source: the
migration populates nothing there. Integrity: the destination reads as the source does. In particular, pages that were sent with a content first, and as zero
pages later, read as zero.
"""

import contextlib
import itertools
import tempfile
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from host import known, migration
from host.common import Failure
from host.ktap import Result
from host.memory import Memory, reads_populate
from host.qemu import Binary, Machine
from host.qmp import Refused
from host.virtio_mem import VirtioMem

KiB, MiB, PAGE = 1 << 10, 1 << 20, 1 << 12	# bytes
RUN = 16 * PAGE		# bytes of the same value in the content

SIZE = 64 * MiB		# of the migrated memory


class Region(NamedTuple):
    """A part of the migrated memory, in bytes."""

    start: int
    size: int


# This region is sent first, and zeroed after that. The region behind it takes a while to send:
# meanwhile, postcopy can begin.
ZEROED = Region(8 * MiB, 4 * MiB)
KEPT = Region(16 * MiB, 16 * MiB)
TOUCHED = (ZEROED.size + KEPT.size) // KiB	# KiB
MOST = TOUCHED + SIZE // KiB // 16		# KiB that the destination may populate
# Bytes per second. SLOW gives postcopy two seconds to begin after the first region was sent.
SLOW, FAST = 8 * MiB, 8192 * MiB

BACKENDS = {
    "ram": "memory-backend-ram",
    "memfd": "memory-backend-memfd",
    # QEMU creates a file without a name in this directory.
    "tmpfs": "memory-backend-file,mem-path=/dev/shm",
    "hugetlb": "memory-backend-memfd,hugetlb=on",
}
# Cases with huge pages run one at a time, because there may be only enough pages for one.
HUGE_LOCK = threading.Lock()
HUGE = Path("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages")
VIRTIO_MEM = "virtio-mem"	# a device that has the memory, half of which is plugged
BOOT_MEMORY = 16 * MiB		# of a machine with such a device


class Method(NamedTuple):
    """A way to migrate: QEMU's capabilities, and its parameter zero-page-detection (None: the
    default, which is multifd where QEMU has it)."""

    capabilities: tuple[str, ...]
    detection: str | None = None


PAUSE = "pause-before-switchover"
DETECTION = "zero-page-detection"
METHODS = {
    "precopy": Method((PAUSE,)),
    "multifd": Method((PAUSE, "multifd")),
    "mapped-ram": Method((PAUSE, "mapped-ram")),
    "postcopy": Method(("postcopy-ram",)),
    # All pages are sent as they are; zero pages by the thread that also sends without multifd.
    "precopy-none": Method((PAUSE,), "none"),
    "multifd-none": Method((PAUSE, "multifd"), "none"),
    "multifd-legacy": Method((PAUSE, "multifd"), "legacy"),
    "multifd-multifd": Method((PAUSE, "multifd"), "multifd"),
}
RESULTS = ("population", "source", "integrity")


class Measured(NamedTuple):
    """What a migration did to the destination's memory."""

    growth: int		# KiB that it populated
    source: int		# KiB that the source populated meanwhile
    stale: list[int]	# addresses of pages that were zeroed, but do not read as zero
    wrong: list[int]	# addresses of other pages that differ from the source


class Skip(Exception):
    """The reason why a case cannot be tried here."""


class Case(NamedTuple):
    """One kind of memory, and one method to migrate it."""

    backend: str	# of BACKENDS
    sharing: str	# "private" or "shared"
    prealloc: bool
    method: str		# of METHODS
    device: str = ""	# VIRTIO_MEM, or "": it is the machine's RAM

    @property
    def memory(self) -> str:
        """The kind of memory, for tables and test names."""
        kind = f"{self.backend}.{self.sharing}.{'prealloc' if self.prealloc else 'sparse'}"
        return f"{self.device}.{kind}" if self.device else kind

    @property
    def is_anonymous(self) -> bool:
        """True if what QEMU reads, but nobody wrote, is in no file, and not preallocated."""
        return self.backend == "ram" and self.sharing == "private" and not self.prealloc

    @property
    def size(self) -> int:
        """The size of the backend in bytes."""
        return 2 * SIZE if self.device else SIZE

    def __str__(self) -> str:
        return f"{self.memory}.{self.method}"

    def options(self, machine: str) -> list[str]:
        """QEMU's options for a machine of this type with this memory."""
        share, prealloc = ("on" if is_on else "off"
                           for is_on in (self.sharing == "shared", self.prealloc))
        words = ["-accel", "tcg,tb-size=16", "-object", f"{BACKENDS[self.backend]},id=ram,"
                 f"size={self.size},share={share},prealloc={prealloc}"]
        if self.device:
            return [*words, "-machine", machine, "-m",
                    f"size={BOOT_MEMORY // MiB}M,slots=1,maxmem=1G", *VirtioMem.words("ram", SIZE)]
        return [*words, "-machine", f"{machine},memory-backend=ram", "-m", f"{SIZE // MiB}M"]

    def check(self, *binaries: Binary) -> None:
        """Raise Skip if one of the QEMUs, or this machine, cannot run the case."""
        for binary in binaries:
            backend = BACKENDS[self.backend].partition(",")[0]
            if backend not in binary.types:
                raise Skip(f"QEMU {binary.version} has no {backend}")
            for capability in METHODS[self.method].capabilities:
                if capability not in binary.capabilities:
                    raise Skip(f"QEMU {binary.version} has no {capability}")
            if METHODS[self.method].detection and DETECTION not in binary.parameters:
                raise Skip(f"QEMU {binary.version} has no {DETECTION}")
            if self.device and f"{self.device}-pci" not in binary.types:
                raise Skip(f"QEMU {binary.version} has no {self.device}-pci")
        needed = 2 * SIZE // (2 * MiB)
        free = int(HUGE.read_text(encoding="ascii")) if HUGE.exists() else 0
        if self.backend == "hugetlb" and free < needed:
            raise Skip(f"{free} huge pages are free, {needed} are needed: see vm.nr_hugepages")


def cases() -> Iterator[Case]:
    """All cases, in the order of the table."""
    for device, method, backend, sharing, prealloc in itertools.product(
            ("", VIRTIO_MEM), METHODS, BACKENDS, ("private", "shared"), (False, True)):
        special = bool(device or METHODS[method].detection)
        if device and METHODS[method].detection or special and (prealloc or backend == "hugetlb"):
            continue	# nothing that the other cases do not show
        yield Case(backend, sharing, prealloc, method, device)


def _content(region: Region) -> list[tuple[int, int, int]]:
    """The content of a region before the migration, which has no zero: (start, size, byte)."""
    return [(start, RUN, start // RUN % 251 + 1)
            for start in range(region.start, region.start + region.size, RUN)]


class _Migration:
    """A migration during which the region ZEROED is zeroed, after it was sent."""

    def __init__(self, case: Case, source: Machine, destination: Machine, uri: str) -> None:
        self.method, self.uri = case.method, uri
        self.source, self.destination = source, destination
        self.start = self._plug() if case.device else 0

    def _plug(self) -> int:
        """Plug the first half of the device's memory; return its address."""
        device = VirtioMem(self.source)
        device.start()
        device.plug(SIZE)
        return device.address

    def fill(self, ranges: Sequence[tuple[int, int, int]]) -> None:
        """Write the memory of the source. RANGES: (offset, size, byte)."""
        self.source.fill([(self.start + at, size, byte) for at, size, byte in ranges])

    def prepare(self) -> None:
        """Set capabilities and parameters; raises Skip if a QEMU refuses them."""
        method = METHODS[self.method]
        states = [{"capability": capability, "state": True}
                  for capability in method.capabilities]
        try:
            for machine in (self.destination, self.source):
                machine.monitor.command("migrate-set-capabilities", capabilities=states)
                if method.detection:
                    machine.monitor.command("migrate-set-parameters",
                                            {DETECTION: method.detection})
        except Refused as refused:
            raise Skip(f"QEMU refuses {self.method}: {refused.reason}") from None

    def _incoming(self) -> None:
        self.destination.monitor.command("migrate-incoming", uri=self.uri)

    def _zero(self) -> None:
        self.fill([(*ZEROED, 0)])

    def run(self) -> None:
        """Migrate; raises a Failure if that fails or does not end."""
        rate = SLOW if self.method == "postcopy" else FAST
        # With a downtime of 0 all remaining pages are sent before the switchover or the pause.
        self.source.monitor.command("migrate-set-parameters",
                                    {"max-bandwidth": rate, "downtime-limit": 0})
        if self.method != "mapped-ram":		# mapped-ram is a file that is read afterwards
            self._incoming()
        self.source.monitor.command("migrate", uri=self.uri)
        if self.method == "postcopy":
            migration.wait(self.source.monitor, migration.sent(ZEROED.size // PAGE))
            self._zero()
            self.source.monitor.command("migrate-start-postcopy")
        else:
            self._round_then_zero()
        migration.wait(self.source.monitor, migration.status("completed"))
        if self.method == "mapped-ram":
            self._incoming()
        # The source completes before the destination.
        migration.wait(self.destination.monitor, migration.status("completed"))

    def _round_then_zero(self) -> None:
        info = migration.wait(self.source.monitor, migration.status("pre-switchover"))
        sent = info["ram"]["normal"]
        if sent < TOUCHED * KiB // PAGE:
            raise Failure(f"only {sent} pages were sent with a content: nothing to judge")
        self._zero()
        self.source.monitor.command("migrate-continue", state="pre-switchover")


def _compare(source: Memory, destination: Memory) -> tuple[list[int], list[int]]:
    """The addresses of the destination's stale pages, and of its other wrong pages."""
    wanted, got = bytearray(source.read()), destination.read()
    # Where the content is known, do not trust the source either.
    for start, size, byte in [(*ZEROED, 0), *_content(KEPT)]:
        wanted[start:start + size] = bytes([byte]) * size
    if got == wanted:
        return [], []
    differ = [at for at in range(0, len(wanted), PAGE) if got[at:at + PAGE] != wanted[at:at + PAGE]]
    stale = [at for at in differ if 0 <= at - ZEROED.start < ZEROED.size]
    return stale, [at for at in differ if at not in stale]


def _measure(case: Case, source: Machine, destination: Machine, directory: str) -> Measured:
    scheme = "file" if case.method == "mapped-ram" else "unix"
    one = _Migration(case, source, destination, f"{scheme}:{directory}/migration")
    one.prepare()
    one.fill(_content(ZEROED) + _content(KEPT))
    memories = [Memory(machine.process.pid, case.size) for machine in (destination, source)]
    before = [memory.kib() for memory in memories]
    one.run()
    # Before they are read, which populates more.
    growth, source_growth = (memory.kib() - kib for memory, kib in zip(memories, before))
    return Measured(growth, source_growth, *_compare(memories[1], memories[0]))


def machine_type(source: Binary, destination: Binary) -> str:
    """The newest machine type of the source or of the destination that both have. Raises a Failure
    if there is none."""
    names: tuple[str, str] = (source.q35, destination.q35)
    for name in names:
        if name in source.machines & destination.machines:
            return name
    raise Failure(f"QEMU {source.version} and {destination.version} have no q35 in common")


def measure(case: Case, source: Binary, destination: Binary) -> Measured:
    """Migrate from one QEMU to another. Raises Skip if they cannot run the case, and a Failure if
    the migration fails."""
    options = case.options(machine_type(source, destination))
    with contextlib.ExitStack() as stack:
        if case.backend == "hugetlb":
            stack.enter_context(HUGE_LOCK)
        case.check(source, destination)
        directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="errpath-"))
        receiver = stack.enter_context(Machine(destination.words, "the destination",
                                               [*options, "-incoming", "defer"]))
        sender = stack.enter_context(Machine(source.words, "the source", options))
        measured = _measure(case, sender, receiver, directory)
    return measured


def population(case: Case, growth: int) -> Result:
    """Judge the growth of the destination's memory, in KiB. Preallocated memory must stay
    populated; other memory must be populated only where it was touched. If zero pages are sent as
    other pages are, all of it must be: less shows that QEMU detected them nevertheless."""
    if METHODS[case.method].detection == "none":
        good, reason = growth == SIZE // KiB, f"{growth:+} KiB, {SIZE // KiB} sent"
    elif case.prealloc:
        good, reason = growth == 0, f"{growth:+} KiB of what was preallocated"
    else:
        good, reason = 0 <= growth <= MOST, f"{growth:+} KiB, {TOUCHED} touched"
    return Result(f"{case}.population", "pass" if good else "fail", reason)


def population_of_source(case: Case, growth: int) -> Result:
    """Judge the growth of the source's memory, in KiB: a migration must populate nothing."""
    return Result(f"{case}.source", "fail" if growth else "pass", f"{growth:+} KiB")


def integrity(case: Case, stale: Sequence[int], wrong: Sequence[int]) -> Result:
    """Judge the addresses of stale pages and of other wrong pages: there must be none."""
    name = f"{case}.integrity"
    if not stale and not wrong:
        return Result(name, "pass", "")
    parts = [f"{len(pages)} pages {what} (first at {pages[0]:#x})"
             for pages, what in ((stale, f"of {ZEROED.size // PAGE} stale"), (wrong, "wrong"))
             if pages]
    return Result(name, "fail", ", ".join(parts))


def judge(case: Case, source: Binary, destination: Binary,
          table: Sequence[known.Row] = ()) -> tuple[list[Result], Measured | None]:
    """Try a case. Returns the results RESULTS, and the measurement, which is None if the case was
    skipped or failed. TABLE: the known issues."""
    try:
        measured = measure(case, source, destination)
    except Skip as skip:
        return _all(case, "skip", str(skip)), None
    except Failure as failure:
        return _all(case, "fail", str(failure)), None
    grown = [(population(case, measured.growth), measured.growth),
             (population_of_source(case, measured.source), measured.source)]
    if case.is_anonymous and reads_populate():
        reason = "this machine's kernel allocates anonymous memory that is only read"
        judged = _all(case, "skip", reason)[:2]
    else:
        judged = [known.judge(result, growth, source, destination, table)
                  for result, growth in grown]
    return [*judged, integrity(case, measured.stale, measured.wrong)], measured


def _all(case: Case, outcome: str, reason: str) -> list[Result]:
    return [Result(f"{case}.{what}", outcome, reason) for what in RESULTS]
