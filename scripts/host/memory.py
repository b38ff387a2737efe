# SPDX-License-Identifier: GPL-2.0
"""The memory of another process, by /proc: how much of it is populated, and its content."""

import contextlib
import functools
import itertools
import mmap
import os
import re

from host.common import Failure

HEAD = re.compile(r"([0-9a-f]+)-([0-9a-f]+) ...([ps]) ")


def _resident_pages() -> int:
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1])


@functools.cache
def reads_populate() -> bool:
    """Return whether this machine's kernel allocates anonymous memory that is only read. Others map
    the zero page, which does not count."""
    pages = 4096
    with mmap.mmap(-1, pages * mmap.PAGESIZE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as anonymous:
        before = _resident_pages()
        for page in range(pages):
            anonymous[page * mmap.PAGESIZE]
        return _resident_pages() - before > pages // 2


class Memory:
    """The only mapping of exactly SIZE bytes in the process PID: the memory of its guest."""

    def __init__(self, pid: int, size: int) -> None:
        """Raises a Failure if there is none, or more than one."""
        self.pid, self.size = pid, size
        found = [head for head in map(HEAD.match, self._lines("maps"))
                 if head and int(head[2], 16) - int(head[1], 16) == size]
        if len(found) != 1:
            raise Failure(f"process {pid} has {len(found)} mappings of {size} bytes, not one: "
                          "which is its guest's memory?")
        self.name, self.start = found[0][0].split()[0], int(found[0][1], 16)
        self.shared = found[0][3] == "s"

    def _lines(self, name: str) -> list[str]:
        with open(f"/proc/{self.pid}/{name}", encoding="utf-8", errors="replace") as file:
            return file.read().splitlines()

    def kib(self) -> int:
        """The populated memory in KiB. For shared memory that is all of its file, mapped or not;
        for private memory only what is mapped, because the kernel may drop pages of the file
        that private copies hide."""
        if self.shared:
            with contextlib.suppress(PermissionError):	# only root may read it
                # This works for a file without a name, too.
                return os.stat(f"/proc/{self.pid}/map_files/{self.name}").st_blocks // 2
        return self._mapped_kib()

    def _mapped_kib(self) -> int:
        lines = self._lines("smaps")
        at = next(number for number, line in enumerate(lines) if line.startswith(self.name + " "))
        # How many fields a mapping has depends on the kernel: they end where the next one begins.
        block = itertools.takewhile(lambda line: not HEAD.match(line), lines[at + 1:])
        fields = dict(line.split()[:2] for line in block if line.endswith(" kB"))
        return sum(int(fields[name + ":"])
                   for name in ("Rss", "Swap", "Shared_Hugetlb", "Private_Hugetlb"))

    def read(self) -> bytes:
        """The content as the process itself would read it. Reading may populate memory."""
        with open(f"/proc/{self.pid}/mem", "rb") as file:
            file.seek(self.start)
            return file.read(self.size)
