# SPDX-License-Identifier: GPL-2.0
"""Unwinds a stack of a guest by the ORC tables of its kernel and modules, as the kernel does
(Documentation/arch/x86/orc-unwinder.rst, arch/x86/kernel/unwind_orc.c)."""

import array
import bisect
import struct
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from host.btf import Btf
from host.common import Failure
from host.guestmem import GuestMemory
from host.kallsyms import Module, Symbols

# Registers of an ORC entry (arch/x86/include/asm/orc_types.h).
UNDEFINED, PREV_SP, DX, DI, BP, SP, R10, R13, BP_INDIRECT, SP_INDIRECT = range(10)
NAMES = {DX: "dx", DI: "di", R10: "r10", R13: "r13"}
# Types of an entry. In kernels before 6.4 the field is two bits wide and begins with CALL.
END_OF_STACK, CALL, REGS, REGS_PARTIAL = range(1, 5)
# Offsets in struct pt_regs.
PT_REGS = {"r13": 16, "bp": 32, "r10": 56, "dx": 96, "di": 112, "ip": 128, "cs": 136, "sp": 152}
IRET_FRAME = PT_REGS["ip"]
FRAMES = 64		# that a stack has at most
SCAN = 1 << 14		# bytes of a stack that are searched for addresses


class Entry(NamedTuple):
    """How to find the caller, for a range of code."""

    sp_offset: int
    bp_offset: int
    sp_reg: int
    bp_reg: int
    type: int


# For code without an entry, as the trampolines of ftrace: it may keep a frame pointer.
BY_FRAME_POINTER = Entry(16, -16, BP, PREV_SP, CALL)


class Table:
    """The entries of the kernel or of a module."""

    def __init__(self, memory: GuestMemory, btf: Btf, count: int, ips: int, entries: int) -> None:
        """COUNT: the number of entries. IPS, ENTRIES: addresses of the two arrays."""
        self._ips, self._count = ips, count
        self._offsets = array.array("i", memory.read(ips, 4 * count))
        self._entries = memory.read(entries, 6 * count)
        self._old = btf.member("orc_entry", "type").bits == 2
        self._end = btf.member("orc_entry", "end") if btf.has("orc_entry", "end") else None

    def _address(self, number: int) -> int:
        return self._ips + 4 * number + self._offsets[number]

    def lookup(self, address: int) -> Entry:
        """The entry of an address, which the table must cover."""
        number = bisect.bisect_right(range(self._count), address, key=self._address) - 1
        sp_offset, bp_offset, bits = struct.unpack_from("<hhH", self._entries, 6 * max(number, 0))
        kind = bits >> 8 & (3 if self._old else 7)
        if self._old:
            ends = self._end and bits >> self._end.offset % 16 & 1
            kind = END_OF_STACK if ends else kind + CALL
        return Entry(sp_offset, bp_offset, bits & 15, bits >> 4 & 15, kind)


class Unwinder:
    """Unwinds stacks of one guest."""

    def __init__(self, memory: GuestMemory, symbols: Symbols, btf: Btf) -> None:
        self._memory, self._symbols = memory, symbols
        self._tables = list(self._all(btf))

    def _all(self, btf: Btf) -> Iterator[tuple[int, int, Table]]:
        """The tables, with the ranges of code that they cover. A kernel without ORC has none."""
        known = self._symbols.address
        if "__start_orc_unwind_ip" not in known:
            return
        first, end = known["__start_orc_unwind_ip"], known["__stop_orc_unwind_ip"]
        yield known["_stext"], known["_etext"], Table(self._memory, btf, (end - first) // 4, first,
                                                      known["__start_orc_unwind"])
        for module in Module.all(self._memory, self._symbols, btf):
            count = module.member(btf, "arch.num_orcs", 4)
            if count:
                yield module.start, module.end, Table(
                    self._memory, btf, count, module.member(btf, "arch.orc_unwind_ip"),
                    module.member(btf, "arch.orc_unwind"))

    def _entry(self, address: int) -> Entry:
        for start, end, table in self._tables:
            if start <= address < end:
                return table.lookup(address)
        return BY_FRAME_POINTER

    def frames(self, registers: Mapping[str, int]) -> Iterator[str]:
        """The functions of a stack, the innermost first. If it cannot be unwound to its end,
        those that it may also have follow, marked by a "?" as in a trace of the kernel.

        REGISTERS: ip, sp, bp and, of a CPU, the other ones. "called" is in it if IP is an address
        of return, which may be behind the end of its function.
        """
        state = dict(registers)
        for _ in range(FRAMES):
            yield self._symbols.name(state["ip"])
            sp = state["sp"]
            try:
                caller = self._caller(state)
            except Failure:
                caller = {"ip": 0}
            if caller is None:
                return
            if not self._symbols.is_text(caller["ip"]):
                yield from self._guess(sp)
                return
            state = caller

    def _caller(self, state: dict[str, int]) -> dict[str, int] | None:
        """The registers of the caller; None at the end of the stack."""
        read = self._memory.word
        entry = self._entry(state["ip"] - ("called" in state))
        if entry.type == END_OF_STACK or entry.sp_reg == UNDEFINED:
            return None
        if entry.sp_reg in (BP, BP_INDIRECT):
            sp = state["bp"]
        elif entry.sp_reg in (SP, SP_INDIRECT):
            sp = state["sp"]
        else:
            sp = state.get(NAMES.get(entry.sp_reg, ""), 0)
        if entry.sp_reg == SP_INDIRECT:
            sp = read(sp) + entry.sp_offset
        elif entry.sp_reg == BP_INDIRECT:
            sp = read(sp + entry.sp_offset)
        else:
            sp += entry.sp_offset
        caller = self._behind(sp, entry.type)
        if caller is None:
            return None
        if entry.bp_reg == PREV_SP:
            caller["bp"] = read(sp + entry.bp_offset)
        elif entry.bp_reg == BP:
            caller["bp"] = read(state["bp"] + entry.bp_offset)
        caller.setdefault("bp", state["bp"])
        return caller

    def _behind(self, sp: int, kind: int) -> dict[str, int] | None:
        """The registers that a call or an exception left on the stack, below SP or from there on;
        None if that came from user space."""
        read = self._memory.word
        if kind == CALL:
            return {"ip": read(sp - 8), "sp": sp, "called": 1}
        regs = sp if kind == REGS else sp - IRET_FRAME
        if read(regs + PT_REGS["cs"]) & 3:
            return None
        names = PT_REGS if kind == REGS else ("ip", "sp")
        return {name: read(regs + PT_REGS[name]) for name in names}

    def _guess(self, sp: int) -> Iterator[str]:
        """What a stack has that can be an address of return."""
        end = (sp | SCAN - 1) + 1
        for at in range(sp & -8, end, 8):
            try:
                address = self._memory.word(at)
            except Failure:
                return
            if self._symbols.is_text(address):
                yield f"? {self._symbols.name(address)}"
