# SPDX-License-Identifier: GPL-2.0
"""Who calls a function, from the C files of a kernel's source."""

import functools
import subprocess
from collections.abc import Callable, Collection
from pathlib import Path

from host import csource

# Directories of a source that can have code of an x86 kernel.
DIRECTORIES = ("arch/x86", "block", "crypto", "drivers", "fs", "include", "init", "io_uring", "ipc",
               "kernel", "lib", "mm", "net", "security", "virt")
# How far to look: callers of callers of ... A name that more files have is everywhere.
LEVELS = 6
MANY_FILES = 60

Read = Callable[[str], bytes | None]


class Source:
    """The functions of a kernel's source. READ: returns the content of a file by its name below
    TREE, or None."""

    def __init__(self, tree: Path, read: Read) -> None:
        self.tree, self._read = tree, read
        self._functions = functools.lru_cache(maxsize=None)(self._parse)
        self._files = functools.lru_cache(maxsize=None)(self._grep)

    def _parse(self, file: str) -> list[csource.Function]:
        text = (self._read(file) or b"").decode("utf-8", "replace")
        return csource.functions(text)

    def functions(self, file: str) -> list[csource.Function]:
        """Return the functions that a file defines."""
        return self._functions(file)

    def _grep(self, name: str) -> list[str]:
        places = [place for place in DIRECTORIES if (self.tree / place).is_dir()]
        found = subprocess.run(["grep", "-rlwF", "--include=*.[ch]", name, *places], text=True,
                               cwd=self.tree, stdout=subprocess.PIPE, check=False).stdout
        return sorted(found.splitlines())

    def definitions(self, name: str) -> list[tuple[str, csource.Function]]:
        """Return the functions of this name, with their files."""
        return [(file, one) for file in self._files(name) for one in self.functions(file)
                if one.name == name]

    def callers(self, name: str) -> list[str]:
        """Return the functions that call NAME or take its address."""
        defined = self.definitions(name)
        own = [file for file, one in defined if one.static and file.endswith(".c")]
        files = own if own and len(own) == len(defined) else self._files(name)
        if len(files) > MANY_FILES:
            return []
        found = [one.name for file in files for one in self.functions(file)
                 if one.name != name and one.uses(name)]
        return list(dict.fromkeys(found))

    def nearest(self, name: str, wanted: Collection[str]) -> list[str]:
        """Return the functions of WANTED that call NAME in the fewest steps, through functions
        that are not in WANTED; empty if there are none within LEVELS steps."""
        seen, level = {name}, [name]
        for _ in range(LEVELS):
            above = [one for called in level for one in self.callers(called) if one not in seen]
            level = list(dict.fromkeys(above))
            seen.update(level)
            reached = [one for one in level if one in wanted]
            if reached or not level:
                return reached
        return []
