# SPDX-License-Identifier: GPL-2.0
"""Migrates memory from one QEMU to another and looks at what became of its zero pages.

Population: the destination has no more than what was touched. Integrity: it reads as the source
does, and pages that were sent with a content and later as zero pages read as zero.
"""

import contextlib
import itertools
import tempfile
import threading
from collections import namedtuple
from pathlib import Path

from host import known, migration
from host.common import Failure
from host.ktap import Result
from host.memory import Memory
from host.qemu import Machine
from host.qmp import Refused

KiB, MiB, PAGE = 1 << 10, 1 << 20, 1 << 12
RUN = 16 * PAGE		# of one byte

SIZE = 64 * MiB
Region = namedtuple("Region", "start size")
# Sent first, and zeroed after that. What comes behind takes a while, for postcopy to begin in.
ZEROED = Region(8 * MiB, 4 * MiB)
KEPT = Region(16 * MiB, 16 * MiB)
TOUCHED = (ZEROED.size + KEPT.size) // KiB
MOST = TOUCHED + SIZE // KiB // 16
# Bytes a second at which postcopy has two seconds to begin in, once the first region was sent.
SLOW, FAST = 8 * MiB, 8192 * MiB

BACKENDS = {
    "ram": "memory-backend-ram",
    "memfd": "memory-backend-memfd",
    # A directory: QEMU makes a file there that has no name.
    "tmpfs": "memory-backend-file,mem-path=/dev/shm",
    "hugetlb": "memory-backend-memfd,hugetlb=on",
}
# Those of huge pages one at a time: there may be enough for no more.
HUGE_LOCK = threading.Lock()
HUGE = Path("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages")
METHODS = {
    "precopy": ("pause-before-switchover",),
    "multifd": ("pause-before-switchover", "multifd"),
    "mapped-ram": ("pause-before-switchover", "mapped-ram"),
    "postcopy": ("postcopy-ram",),
}

# growth: KiB that the destination got; stale: addresses of pages that do not read as zero,
# though they were zeroed; wrong: of others that are not as on the source
Measured = namedtuple("Measured", "growth stale wrong")


class Skip(Exception):
    """Why this cannot be tried here."""


class Case(namedtuple("Case", "backend sharing prealloc method")):
    """What memory is migrated, and how."""

    @property
    def memory(self):
        return f"{self.backend}.{self.sharing}.{'prealloc' if self.prealloc else 'sparse'}"

    def __str__(self):
        return f"{self.memory}.{self.method}"

    def options(self, machine):
        """Of a QEMU that has this memory."""
        share, prealloc = ("on" if is_on else "off"
                           for is_on in (self.sharing == "shared", self.prealloc))
        return ["-accel", "tcg,tb-size=16", "-machine", f"{machine},memory-backend=ram",
                "-m", f"{SIZE // MiB}M", "-object", f"{BACKENDS[self.backend]},id=ram,size={SIZE},"
                f"share={share},prealloc={prealloc}"]

    def check(self, *binaries):
        """Skip what cannot be."""
        for binary in binaries:
            backend = BACKENDS[self.backend].partition(",")[0]
            if backend not in binary.types:
                raise Skip(f"QEMU {binary.version} has no {backend}")
            for capability in METHODS[self.method]:
                if capability not in binary.capabilities:
                    raise Skip(f"QEMU {binary.version} has no {capability}")
        needed = 2 * SIZE // (2 * MiB)
        free = int(HUGE.read_text(encoding="ascii")) if HUGE.exists() else 0
        if self.backend == "hugetlb" and free < needed:
            raise Skip(f"{free} huge pages are free, {needed} are needed: see vm.nr_hugepages")


def cases():
    """All, in the order of the table."""
    for method, backend, sharing, prealloc in itertools.product(
            METHODS, BACKENDS, ("private", "shared"), (False, True)):
        yield Case(backend, sharing, prealloc, method)


def _content(region):
    """What it holds at first, never zero: (start, size, byte)."""
    return [(start, RUN, start // RUN % 251 + 1)
            for start in range(region.start, region.start + region.size, RUN)]


class _Migration:
    """From one machine to another: the first region is zeroed once it was sent."""

    def __init__(self, case, source, destination, uri):
        self.method, self.uri = case.method, uri
        self.source, self.destination = source, destination

    def prepare(self):
        states = [{"capability": capability, "state": True}
                  for capability in METHODS[self.method]]
        try:
            for machine in (self.destination, self.source):
                machine.monitor.command("migrate-set-capabilities", capabilities=states)
        except Refused as refused:
            raise Skip(f"QEMU refuses {self.method}: {refused.reason}") from None

    def _incoming(self):
        self.destination.monitor.command("migrate-incoming", uri=self.uri)

    def _zero(self):
        self.source.fill([(*ZEROED, 0)])

    def run(self):
        rate = SLOW if self.method == "postcopy" else FAST
        # Without a downtime, all that is left is sent before the switchover, or the pause at it.
        self.source.monitor.command("migrate-set-parameters",
                                    {"max-bandwidth": rate, "downtime-limit": 0})
        if self.method != "mapped-ram":		# that is a file, read when all of it is there
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
        # The source is done before the destination is.
        migration.wait(self.destination.monitor, migration.status("completed"))

    def _round_then_zero(self):
        told = migration.wait(self.source.monitor, migration.status("pre-switchover"))
        sent = told["ram"]["normal"]
        if sent < TOUCHED * KiB // PAGE:
            raise Failure(f"only {sent} pages were sent with a content: nothing to judge")
        self._zero()
        self.source.monitor.command("migrate-continue", state="pre-switchover")


def _compare(source, destination):
    """Pages of the destination that are stale, and those that are otherwise wrong."""
    wanted, got = bytearray(source.read()), destination.read()
    # The source itself must not be wrong where we know better.
    for start, size, byte in [(*ZEROED, 0), *_content(KEPT)]:
        wanted[start:start + size] = bytes([byte]) * size
    if got == wanted:
        return [], []
    differ = [at for at in range(0, SIZE, PAGE) if got[at:at + PAGE] != wanted[at:at + PAGE]]
    stale = [at for at in differ if 0 <= at - ZEROED.start < ZEROED.size]
    return stale, [at for at in differ if at not in stale]


def _measure(case, source, destination, directory):
    scheme = "file" if case.method == "mapped-ram" else "unix"
    one = _Migration(case, source, destination, f"{scheme}:{directory}/migration")
    one.prepare()
    source.fill(_content(ZEROED) + _content(KEPT))
    memory = Memory(destination.process.pid, SIZE)
    before = memory.kib()
    one.run()
    growth = memory.kib() - before	# reading it makes more of it
    return Measured(growth, *_compare(Memory(source.process.pid, SIZE), memory))


def machine_type(source, destination):
    """One that both know: the source's newest, or else the destination's."""
    for name in (source.q35, destination.q35):
        if name in source.machines & destination.machines:
            return name
    raise Failure(f"QEMU {source.version} and {destination.version} have no q35 in common")


def measure(case, source, destination):
    """Migrate from a binary to another; Skip or Failure where that cannot be."""
    options = case.options(machine_type(source, destination))
    with contextlib.ExitStack() as stack:
        if case.backend == "hugetlb":
            stack.enter_context(HUGE_LOCK)
        case.check(source, destination)
        directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="errpath-"))
        there = stack.enter_context(Machine(destination.words, "the destination",
                                            [*options, "-incoming", "defer"]))
        here = stack.enter_context(Machine(source.words, "the source", options))
        return _measure(case, here, there, directory)


def population(case, growth):
    """Preallocated memory stays; other memory comes only where it was touched."""
    name, told = f"{case}.population", f"{growth:+} KiB"
    if case.prealloc:
        good, told = growth == 0, f"{told} of what was preallocated"
    else:
        good, told = 0 <= growth <= MOST, f"{told}, {TOUCHED} touched"
    return Result(name, "pass" if good else "fail", told)


def integrity(case, stale, wrong):
    name = f"{case}.integrity"
    if not stale and not wrong:
        return Result(name, "pass", "")
    told = [f"{len(pages)} pages {what} (first at {pages[0]:#x})"
            for pages, what in ((stale, f"of {ZEROED.size // PAGE} stale"), (wrong, "wrong"))
            if pages]
    return Result(name, "fail", ", ".join(told))


def judge(case, source, destination, table=()):
    """Both results of a case, and what was measured or None."""
    try:
        measured = measure(case, source, destination)
    except Skip as skip:
        return _both(case, "skip", str(skip)), None
    except Failure as failure:
        return _both(case, "fail", str(failure)), None
    grown = known.judge(population(case, measured.growth), measured.growth, source, destination,
                        table)
    return [grown, integrity(case, measured.stale, measured.wrong)], measured


def _both(case, outcome, reason):
    return [Result(f"{case}.{what}", outcome, reason) for what in ("population", "integrity")]
