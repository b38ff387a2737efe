# SPDX-License-Identifier: GPL-2.0
"""A guest that sends the records of a sweep."""

import re
import time
from collections.abc import Sequence
from pathlib import Path

from host import guest, template

# Seconds without a record until a guest counts as hung. The guest itself has the time limit of
# each run of the operation.
QUIET = 90
HANG = re.compile(rb'\{"event":"hang"')


class Watched(guest.Guest):
    """A guest whose time limit starts again with each record that it sends, and that gives up
    with the record "hang"."""

    def __init__(self, arguments: Sequence[str], out: Path, limit: float, boot_limit: float,
                 begin: template.Template | None = None) -> None:
        self.received, self.hangs = 0, False	# bytes of whole records
        super().__init__(arguments, out, limit, boot_limit, begin=begin)

    def poll(self) -> str | None:
        if (self.out / "sweep").stat().st_size != self.received:
            with open(self.out / "sweep", "rb") as file:
                file.seek(self.received)
                whole = file.read().rpartition(b"\n")[0]
            if whole:
                self.received += len(whole) + 1
                self.deadline = time.monotonic() + QUIET
                self.hangs = any(HANG.match(line) for line in whole.splitlines())
        ending: str | None = super().poll()
        return ending

    def _gave_up(self) -> bool:
        return self.hangs or super()._gave_up()
