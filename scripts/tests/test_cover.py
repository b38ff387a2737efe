# SPDX-License-Identifier: GPL-2.0
"""Which lines ran: blocks of a disassembly, lines of blocks, files that are built for it."""

import json
import tempfile
import unittest
from pathlib import Path
from typing import cast

from host import changes, cover, source

# What objdump prints: a function of two blocks, whose first instruction is before the first call;
# and a cold part.
TEXT = """
vmlinux:     file format elf64-x86-64

ffffffff81000000 <f>:
ffffffff81000000:\tendbr64
ffffffff81000004:\tpush   %rbx
ffffffff81000005:\tcall   ffffffff81000100 <__sanitizer_cov_trace_pc>
ffffffff8100000a:\ttest   %rdi,%rdi
ffffffff8100000d:\tje     ffffffff81000020 <f+0x20>
ffffffff8100000f:\tcall   ffffffff81000100 <__sanitizer_cov_trace_pc>
ffffffff81000014:\tret

ffffffff8100003f <f.cold>:
ffffffff8100003f:\tpush   %rbx
ffffffff81000040:\tcall   ffffffff81000100 <__sanitizer_cov_trace_pc>
ffffffff81000045:\tmov    $0x1,%eax
"""
FIRST, SECOND, COLD = 0xffffffff8100000a, 0xffffffff81000014, 0xffffffff81000045


class Blocks(unittest.TestCase):
    def test_blocks_of_a_disassembly(self) -> None:
        found: dict[int, list[int]] = {}
        for address, block in cover._blocks_of(TEXT):
            found.setdefault(block, []).append(address & 0xff)
        self.assertEqual({FIRST: [0, 4, 0xa, 0xd], SECOND: [0x14], COLD: [0x3f, 0x45]},
                         {block: sorted(addresses) for block, addresses in found.items()})


class Ran(unittest.TestCase):
    def cover(self) -> cover.Cover:
        directory = Path(self.enterContext(tempfile.TemporaryDirectory()))
        blocks = [(FIRST, [("mm/a.c", 1), ("mm/a.c", 2)]), (SECOND, [("mm/a.c", 2), ("mm/a.c", 3)]),
                  (COLD, [("mm/a.c", 5), ("mm/b.h", 1)])]
        (directory / cover.BLOCKS).write_text(json.dumps(blocks), encoding="ascii")
        self.assertTrue(cover.Cover.can(directory / "vmlinuz"))
        return cover.Cover(directory / "vmlinuz")

    def test_lines(self) -> None:
        """Addresses come as signed numbers; a line without code is none."""
        one = self.cover()
        one.add([FIRST - 2**64], [FIRST - 2**64, SECOND - 2**64])
        self.assertEqual(([1, 2], [3], [5]), one.lines("mm/a.c", range(1, 9)))
        self.assertEqual(([], [3], []), one.lines("mm/a.c", [3, 4]))
        self.assertEqual(([], [], []), one.lines("mm/other.c", [3, 4]))

    def test_spans(self) -> None:
        self.assertEqual("1-3 5 7-8", cover.spans([1, 2, 3, 5, 7, 8]))


class Instrumented(unittest.TestCase):
    def test_files(self) -> None:
        class Tree:
            @staticmethod
            def original(name: str) -> bytes | None:
                return {"mm/Makefile": b"obj-y := a.o\n"}.get(name)

        before = changes.Changed(cast(source.Source, Tree()))
        before.content["mm/a.c"] = b"int a;\n"
        made = cover.instrumented(before, ["mm/a.c", "mm/a.h", "nowhere/b.c"])
        self.assertEqual({"mm/a.c": b"int a;\n", "mm/Makefile": b"obj-y := a.o\n\n"
                          b"KCOV_INSTRUMENT_a.o := y\nCFLAGS_a.o += -g\n"}, made.content)
        self.assertEqual(["mm/a.c"], [*before.content])
