# SPDX-License-Identifier: GPL-2.0
"""Where the members of the kernel's structures are, from its BTF
(Documentation/bpf/btf.rst in the kernel's source)."""

import struct
from typing import NamedTuple

from host.common import Failure

MAGIC = 0xeb9f
ARRAY, STRUCT, UNION = 3, 4, 5
QUALIFIERS = (8, 9, 10, 11, 18)		# typedef, volatile, const, restrict, type tag
# Bytes that follow a type of some kinds: of all such types, and for each of its members.
MORE = {1: (4, 0), ARRAY: (12, 0), STRUCT: (0, 12), UNION: (0, 12), 6: (0, 8), 13: (0, 8),
        14: (4, 0), 15: (0, 12), 17: (4, 0), 19: (0, 12)}


class Member(NamedTuple):
    """A member of a structure. OFFSET: in bits, from its begin. BITS: of a bit field, or 0."""

    offset: int
    type: int
    bits: int


class Btf:
    """The types of a kernel."""

    def __init__(self, data: bytes) -> None:
        """DATA: the content of /sys/kernel/btf/vmlinux."""
        magic, _, _, head, types, size, strings, _ = struct.unpack_from("<HBBIIIII", data)
        if magic != MAGIC:
            raise Failure("the kernel's BTF cannot be read")
        self._data, self._strings = data, head + strings
        self._types = [0]		# offsets by number
        self._structures: dict[str, int] = {}
        at, end = head + types, head + types + size
        while at < end:
            name, info, _ = struct.unpack_from("<III", data, at)
            kind = info >> 24 & 31
            if kind == STRUCT and name:
                self._structures.setdefault(self._string(name), len(self._types))
            self._types.append(at)
            fixed, each = MORE.get(kind, (0, 0))
            at += 12 + fixed + each * (info & 0xffff)

    def _string(self, offset: int) -> str:
        at = self._strings + offset
        return self._data[at:self._data.index(b"\0", at)].decode()

    def _members(self, number: int) -> dict[str, Member]:
        """The members of a type by name, with those of its unnamed members."""
        at = self._types[number]
        _, info, other = struct.unpack_from("<III", self._data, at)
        if info >> 24 & 31 in QUALIFIERS:
            return self._members(other)
        found: dict[str, Member] = {}
        if info >> 24 & 31 not in (STRUCT, UNION):
            return found
        for place in range(at + 12, at + 12 + 12 * (info & 0xffff), 12):
            name, type_, offset = struct.unpack_from("<III", self._data, place)
            bits = offset >> 24 if info >> 31 else 0
            offset &= 0xffffff if info >> 31 else 0xffffffff
            if name:
                found[self._string(name)] = Member(offset, type_, bits)
            else:
                found.update({inner: member._replace(offset=member.offset + offset)
                              for inner, member in self._members(type_).items()})
        return found

    def member(self, structure: str, path: str) -> Member:
        """The member that a path as "thread.sp" names; raises a Failure if there is none."""
        number, offset, found = self._structures.get(structure, 0), 0, None
        for name in path.split("."):
            found = self._members(number).get(name) if number else None
            if not found:
                raise Failure(f"the kernel has no member {path} in struct {structure}")
            number, offset = found.type, offset + found.offset
        assert found
        return found._replace(offset=offset)

    def has(self, structure: str, path: str) -> bool:
        try:
            self.member(structure, path)
        except Failure:
            return False
        return True

    def offset(self, structure: str, path: str) -> int:
        """The offset of a member, in bytes."""
        return self.member(structure, path).offset // 8
