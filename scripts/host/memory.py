# SPDX-License-Identifier: GPL-2.0
"""What a process holds of a piece of memory, and what is in it, by /proc."""

import contextlib
import os
import re

from host.common import Failure

HEAD = re.compile(r"([0-9a-f]+)-([0-9a-f]+) ...([ps]) ")


class Memory:
    """The mapping of just SIZE bytes of a process, of which there is one: its guest's memory."""

    def __init__(self, pid, size):
        self.pid, self.size = pid, size
        found = [head for head in map(HEAD.match, self._lines("maps"))
                 if int(head[2], 16) - int(head[1], 16) == size]
        if len(found) != 1:
            raise Failure(f"process {pid} has {len(found)} mappings of {size} bytes, not one: "
                          "which is its guest's memory?")
        self.name, self.start = found[0][0].split()[0], int(found[0][1], 16)
        self.shared = found[0][3] == "s"

    def _lines(self, name):
        with open(f"/proc/{self.pid}/{name}", encoding="utf-8", errors="replace") as file:
            return file.read().splitlines()

    def kib(self):
        """What there is of it. Shared: all of its file, mapped or not. Private: what is mapped,
        for pages of the file that copies hide are the kernel's to drop."""
        if self.shared:
            with contextlib.suppress(PermissionError):	# only root may
                # Of a file that is deleted or never had a name, too.
                return os.stat(f"/proc/{self.pid}/map_files/{self.name}").st_blocks // 2
        return self._mapped_kib()

    def _mapped_kib(self):
        lines = self._lines("smaps")
        at = next(number for number, line in enumerate(lines) if line.startswith(self.name + " "))
        fields = dict(line.split()[:2] for line in lines[at + 1:at + 30] if line.endswith(" kB"))
        return sum(int(fields[name + ":"])
                   for name in ("Rss", "Swap", "Shared_Hugetlb", "Private_Hugetlb"))

    def read(self):
        """All of it, as the process would read it: that may add to what there is."""
        with open(f"/proc/{self.pid}/mem", "rb") as file:
            file.seek(self.start)
            return file.read(self.size)
