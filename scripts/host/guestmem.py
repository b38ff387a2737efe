# SPDX-License-Identifier: GPL-2.0
"""The memory of a guest that is stopped, read through QEMU's monitor by the guest's own page
tables. The guest does nothing for that, so that it works for one that hangs with interrupts off.

/init reports where the kernel keeps VMCOREINFO, the note that crash dumps have for their readers
(kernel/vmcore_info.c): lines as "SYMBOL(swapper_pg_dir)=ffffffff82a10000". x86-64 only.
"""

import re
from pathlib import Path

from host.common import Failure
from host.qmp import Qmp

PAGE = 4096
NOTE_LIMIT = 1 << 16		# bytes of VMCOREINFO that are believed
REPORT = re.compile(r"^# vmcoreinfo ([0-9a-f]+) ([0-9a-f]+)$", re.M)
# arch/x86: where the image of the kernel is mapped, and bits of an entry of a page table.
START_KERNEL_MAP = 0xffffffff80000000
PRESENT, HUGE, ADDRESS = 1, 1 << 7, 0x000ffffffffff000


class GuestMemory:
    """The memory of a guest by physical and by kernel addresses. INFO: VMCOREINFO by name."""

    def __init__(self, monitor: Qmp, out: Path) -> None:
        """OUT: the working directory of QEMU, which has the file ktap. Raises a Failure if the
        guest has not reported VMCOREINFO."""
        self._monitor, self._file = monitor, out / "memory"
        self._pages: dict[int, bytes] = {}	# by physical address
        self._frames: dict[int, int] = {}	# physical address by kernel address
        self.info: dict[str, str] = {}
        found = REPORT.search((out / "ktap").read_text(encoding="utf-8", errors="replace"))
        if not found:
            raise Failure("the guest did not report where VMCOREINFO is (it did not get that far, "
                          "or its kernel has no CONFIG_VMCORE_INFO)")
        self._read_note(int(found[1], 16), int(found[2], 16))
        top = self.symbol("swapper_pg_dir") - START_KERNEL_MAP + self.number("phys_base")
        self._top, self._levels = top, 5 if self.info.get("NUMBER(pgtable_l5_enabled)") == "1" else 4

    def forget(self) -> None:
        """Forget what was read: the guest has run since."""
        self._pages.clear()
        self._frames.clear()

    def _read_note(self, address: int, size: int) -> None:
        note = self.physical(address, min(size, NOTE_LIMIT))
        lines = note.decode("latin-1").splitlines()
        self.info = dict(line.split("=", 1) for line in lines if "=" in line)

    def symbol(self, name: str) -> int:
        """The address of a symbol of VMCOREINFO."""
        return int(self._value(f"SYMBOL({name})"), 16)

    def has_symbol(self, name: str) -> bool:
        return f"SYMBOL({name})" in self.info

    def number(self, name: str) -> int:
        return int(self._value(f"NUMBER({name})"))

    def _value(self, name: str) -> str:
        if name not in self.info:
            raise Failure(f"VMCOREINFO of the guest has no {name}")
        return self.info[name]

    def physical(self, address: int, size: int) -> bytes:
        """Read physical memory."""
        # QEMU runs in the directory of the file.
        self._monitor.command("pmemsave", val=address, size=size, filename=self._file.name)
        data = self._file.read_bytes()
        self._file.unlink()
        return data

    def _page(self, address: int) -> bytes:
        """A page of physical memory."""
        if address not in self._pages:
            self._pages[address] = self.physical(address, PAGE)
        return self._pages[address]

    def _frame(self, page: int) -> int:
        """The physical address of a page, which is given by its kernel address."""
        if page not in self._frames:
            self._frames[page] = self._walk(page)
        return self._frames[page]

    def _walk(self, page: int) -> int:
        table = self._top
        for level in reversed(range(self._levels)):
            shift = 12 + 9 * level
            at = (page >> shift & 511) * 8
            entry = int.from_bytes(self._page(table)[at:at + 8], "little")
            if not entry & PRESENT:
                break
            table = entry & ADDRESS
            if level == 0 or level < 3 and entry & HUGE:
                inside = (1 << shift) - 1
                return table & ~inside | page & inside
        raise Failure(f"the kernel of the guest does not map {page:#x}")

    def read(self, address: int, size: int) -> bytes:
        """Read by a kernel address; raises a Failure if that is not mapped."""
        first = address & -PAGE
        pages = [self._frame(page) for page in range(first, address + size, PAGE)]
        if len(pages) > 8 and pages == list(range(pages[0], pages[0] + len(pages) * PAGE, PAGE)):
            return self.physical(pages[0] + address - first, size)
        data = b"".join(map(self._page, pages))
        return data[address - first:][:size]

    def word(self, address: int, size: int = 8) -> int:
        """Read an unsigned number of SIZE bytes."""
        return int.from_bytes(self.read(address, size), "little")

    def text(self, address: int, limit: int) -> str:
        """Read a string that ends with a NUL, or after LIMIT bytes."""
        data = b""
        while len(data) < limit and b"\0" not in data:
            at = address + len(data)
            data += self.read(at, PAGE - at % PAGE)
        return data[:limit].partition(b"\0")[0].decode(errors="replace")
