# SPDX-License-Identifier: GPL-2.0
"""The symbols of a guest's kernel and modules, read from its memory: what its /proc/kallsyms has
(kernel/kallsyms.c and scripts/kallsyms.c in the kernel's source)."""

import array
import bisect
from collections.abc import Iterator

from host.btf import Btf
from host.guestmem import GuestMemory

TOKENS = 256
# Bytes that are enough for the table of tokens, and for the names of so many symbols.
TOKENS_SIZE, CHUNK = 1 << 13, 1 << 18
NAME_LIMIT = 1 << 10
TEXT = "tTwW"
MODULE_NAME = 56


class _Names:
    """The compressed names of a kernel, one after the other."""

    def __init__(self, memory: GuestMemory) -> None:
        self._memory = memory
        self._at = memory.symbol("kallsyms_names")
        self._data, self._place = b"", 0
        table = memory.read(memory.symbol("kallsyms_token_table"), TOKENS_SIZE)
        index = memory.read(memory.symbol("kallsyms_token_index"), 2 * TOKENS)
        starts = array.array("H", index)
        self._tokens = [table[start:table.index(b"\0", start)].decode("latin-1")
                        for start in starts]

    def next(self) -> str:
        """The next name, after the character of its type."""
        if len(self._data) - self._place < NAME_LIMIT:
            self._data = self._data[self._place:]
            self._data += self._memory.read(self._at, CHUNK)
            self._at, self._place = self._at + CHUNK, 0
        length = self._data[self._place]
        self._place += 1
        if length & 0x80:
            length = length & 0x7f | self._data[self._place] << 7
            self._place += 1
        tokens = self._data[self._place:self._place + length]
        self._place += length
        return "".join(map(self._tokens.__getitem__, tokens))


def _addresses(memory: GuestMemory, count: int) -> list[int]:
    """The addresses of the symbols: kallsyms_sym_address(). An offset of kernel 7.3 begins at its
    own place. Kernels that have a base for all of them may keep the per-CPU symbols as they are:
    these then have negative offsets for all others."""
    table = memory.symbol("kallsyms_offsets")
    offsets = array.array("i", memory.read(table, 4 * count))
    if not memory.has_symbol("kallsyms_relative_base"):
        return [table + 4 * number + offset for number, offset in enumerate(offsets)]
    base = memory.word(memory.symbol("kallsyms_relative_base"))
    if any(offset < 0 for offset in offsets):
        return [offset if offset >= 0 else base - 1 - offset for offset in offsets]
    return [base + offset for offset in offsets]


class Symbols:
    """The symbols of the kernel, and functions of modules once add_modules() has read them."""

    def __init__(self, memory: GuestMemory) -> None:
        self._memory = memory
        count = memory.word(memory.symbol("kallsyms_num_syms"), 4)
        names, addresses = _Names(memory), _addresses(memory, count)
        all_names = [names.next() for _ in range(count)]
        self.address = {name[1:]: address for name, address in zip(all_names, addresses)}
        # Functions by address. Of several with one address, the first one.
        text: dict[int, str] = {}
        for name, address in zip(all_names, addresses):
            if name[0] in TEXT:
                text.setdefault(address, name[1:])
        self._ranges = [(self.address["_stext"], self.address["_etext"])]
        self._set(text)

    def _set(self, text: dict[int, str]) -> None:
        self._text, self._starts = text, sorted(text)

    def add_modules(self, btf: Btf) -> None:
        """Read the functions of modules."""
        text = dict(self._text)
        for module in Module.all(self._memory, self, btf):
            self._ranges.append((module.start, module.end))
            text.update({address: f"{name} [{module.name}]"
                         for address, name in module.functions(btf)})
        self._set(text)

    def is_text(self, address: int) -> bool:
        """True if an address is in the code of the kernel or of a module."""
        return any(start <= address < end for start, end in self._ranges)

    def name(self, address: int) -> str:
        """The function of an address as FUNCTION+OFFSET/SIZE [MODULE]."""
        at = bisect.bisect_right(self._starts, address) - 1
        if at < 0 or not self.is_text(address):
            return f"{address:#x}"
        start = self._starts[at]
        end = self._starts[at + 1] if at + 1 < len(self._starts) else start
        name, _, module = self._text[start].partition(" ")
        return f"{name}+{address - start:#x}/{end - start:#x} {module}".strip()


class Module:
    """A loaded module: the range of its code, and its tables."""

    def __init__(self, memory: GuestMemory, btf: Btf, at: int) -> None:
        """AT: the address of its struct module."""
        self._memory, self._at = memory, at
        self.name = memory.text(at + btf.offset("module", "name"), MODULE_NAME)
        # Kernels before 6.4 have one range for each kind of memory.
        if btf.has("module", "mem"):
            code = at + btf.offset("module", "mem")
            kind = "module_memory"
        else:
            code = at + btf.offset("module", "core_layout")
            kind = "module_layout"
        self.start = memory.word(code + btf.offset(kind, "base"))
        self.end = self.start + memory.word(code + btf.offset(kind, "size"), 4)

    @classmethod
    def all(cls, memory: GuestMemory, symbols: Symbols, btf: Btf) -> "Iterator[Module]":
        """All modules."""
        for entry in each(memory, symbols.address["modules"]):
            yield cls(memory, btf, entry - btf.offset("module", "list"))

    def member(self, btf: Btf, path: str, size: int = 8) -> int:
        """A number of its struct module."""
        return self._memory.word(self._at + btf.offset("module", path), size)

    def functions(self, btf: Btf) -> Iterator[tuple[int, str]]:
        """The addresses and names of its symbols that are in its code."""
        # struct mod_kallsyms, and symbols as struct elf64_sym.
        tables = self.member(btf, "kallsyms")
        symtab, names = (self._memory.word(tables + btf.offset("mod_kallsyms", name))
                         for name in ("symtab", "strtab"))
        count = self._memory.word(tables + btf.offset("mod_kallsyms", "num_symtab"), 4)
        for number in range(1, count):
            entry = self._memory.read(symtab + 24 * number, 24)
            address = int.from_bytes(entry[8:16], "little")
            if self.start <= address < self.end:
                yield address, self._memory.text(names + int.from_bytes(entry[:4], "little"), 128)


def each(memory: GuestMemory, head: int, limit: int = 10000) -> Iterator[int]:
    """The entries of a list (struct list_head), at most LIMIT."""
    entry = memory.word(head)
    while entry != head and limit:
        yield entry
        entry, limit = memory.word(entry), limit - 1
