# SPDX-License-Identifier: GPL-2.0
"""Which lines of a kernel's source ran: KCOV records the basic blocks, and debug information says
which lines are in a block. Both are made only of the files in question, which costs nothing
elsewhere: the kernel needs CONFIG_KCOV without CONFIG_KCOV_INSTRUMENT_ALL."""

import json
import re
import subprocess
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from host.changes import Changed
from host.common import run

BLOCKS = "blocks.json"	# beside the image of a kernel that tells what ran
RANGE = re.compile(r"^ +([0-9a-f]{16}) ([0-9a-f]{16}) *$", re.M)
INSTRUCTION = re.compile(r"^ *([0-9a-f]+):\t")
FUNCTION = re.compile(r"^[0-9a-f]{16} <")
TRACE = "<__sanitizer_cov_trace_pc>"

Blocks = Sequence[tuple[int, Sequence[tuple[str, int]]]]	# address, FILE and LINE of each line


def instrumented(changed: Changed, files: Iterable[str]) -> Changed:
    """Return a source whose C files FILES are built for KCOV and with debug information. Files
    whose directory has no Makefile are left out."""
    made = Changed(changed.source)
    made.content.update(changed.content)
    for name in files:
        file = Path(name)
        makefile = str(file.with_name("Makefile"))
        content = made.now(makefile)
        if file.suffix == ".c" and content is not None:
            made.content[makefile] = content + (f"\nKCOV_INSTRUMENT_{file.stem}.o := y\n"
                                                f"CFLAGS_{file.stem}.o += -g\n").encode()
    return made


def _instructions(image: Path) -> Iterator[tuple[int, int]]:
    """Yield each instruction of the code with debug information, and the block it is in: the
    address that KCOV records when the block is entered."""
    ranges = RANGE.findall(run(["readelf", "--debug-dump=aranges", image], "reading ranges"))
    for begin, length in ranges:
        start, size = int(begin, 16), int(length, 16)
        if not size:
            continue
        text = run(["objdump", "-d", "--no-show-raw-insn", f"--start-address={start}",
                    f"--stop-address={start + size}", image], "disassembling")
        yield from _blocks_of(text)


def _blocks_of(text: str) -> Iterator[tuple[int, int]]:
    """The same of the text that objdump prints. A block's call is not its first instruction in a
    function, which begins with saving registers."""
    waiting: list[int] = []
    block, entering = 0, False
    for line in text.splitlines():
        if FUNCTION.match(line):
            waiting, block = [], 0
        match = INSTRUCTION.match(line)
        if not match:
            continue
        address = int(match[1], 16)
        if entering:
            block, entering = address, False
            yield from ((before, block) for before in waiting)
            waiting = []
        if TRACE in line:
            entering = True
        elif block:
            yield address, block
        else:
            waiting.append(address)


def _lines_of(image: Path, addresses: Sequence[int], tree: str) -> Iterator[list[tuple[str, int]]]:
    """Yield the lines of each instruction, with those where functions around it are inlined."""
    text = subprocess.run(["addr2line", "-e", image, "-a", "-i"], check=True, text=True,
                          input="".join(f"{address:#x}\n" for address in addresses),
                          stdout=subprocess.PIPE).stdout
    for part in re.split(r"^0x[0-9a-f]{16}\n", text, flags=re.M)[1:]:
        found = []
        for place in part.splitlines():
            file, _, number = place.split(" ")[0].rpartition(":")
            if number.isdigit():
                found.append((file.rpartition(tree)[2].removeprefix("./"), int(number)))
        yield found


def blocks(image: Path) -> Blocks:
    """Return the blocks of a vmlinux that KCOV can record, with their lines."""
    pairs = [*_instructions(image)]
    known: dict[int, set[tuple[str, int]]] = {}
    for (_, block), lines in zip(pairs, _lines_of(image, [address for address, _ in pairs],
                                                  "/tree/")):
        known.setdefault(block, set()).update(lines)
    return [(block, sorted(lines)) for block, lines in sorted(known.items())]


class Lines(NamedTuple):
    """How lines of a patch, or of a function, ran. CLEAN: with nothing failed. FAILED: only when a
    call failed. NEVER: not at all."""

    clean: list[int]
    failed: list[int]
    never: list[int]


class Cover:
    """What ran, of a kernel's files."""

    def __init__(self, image: Path) -> None:
        """IMAGE: of the kernel."""
        self._blocks: Blocks = json.loads((image.parent / BLOCKS).read_text(encoding="ascii"))
        self._clean: set[int] = set()
        self._failed: set[int] = set()

    @staticmethod
    def can(image: Path) -> bool:
        """True if the kernel tells what ran."""
        return (image.parent / BLOCKS).is_file()

    def add(self, clean: Iterable[int], failed: Iterable[int]) -> None:
        """Add addresses that guests recorded, as signed numbers."""
        self._clean |= {address % 2**64 for address in clean}
        self._failed |= {address % 2**64 for address in failed}

    def _numbers(self, file: str, among: Collection[int] | None = None) -> set[int]:
        return {line for block, lines in self._blocks if among is None or block in among
                for name, line in lines if name == file}

    def lines(self, file: str, wanted: Collection[int]) -> Lines:
        """Sort those of the lines WANTED of a file that have code."""
        clean = self._numbers(file, self._clean)
        failed = self._numbers(file, self._failed) - clean
        code = self._numbers(file) & set(wanted)
        return Lines(sorted(code & clean), sorted(code & failed), sorted(code - clean - failed))


class Ran(NamedTuple):
    """The lines of the page: of the patch's changes, and of each touched function, by file."""

    changed: Mapping[str, Lines]
    functions: Mapping[str, tuple[str, Lines]]	# by name: file and lines


def spans(numbers: Sequence[int]) -> str:
    """Return numbers as text: 3-5 9."""
    found: list[list[int]] = []
    for number in numbers:
        if found and number == found[-1][1] + 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return " ".join(f"{one}" if one == two else f"{one}-{two}" for one, two in found)
