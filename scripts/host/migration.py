# SPDX-License-Identifier: GPL-2.0
"""Waits until a QEMU reports that its migration has reached a given state."""

import time
from collections.abc import Callable
from typing import Any, TypeAlias

from host.common import Failure
from host.qmp import LIMIT, Qmp

Info: TypeAlias = dict[str, Any]		# the result of query-migrate
Condition: TypeAlias = Callable[[Info], bool]

OVER = ("failed", "cancelled", "completed")


def status(wanted: str) -> Condition:
    """The migration has this status."""
    return lambda info: bool(info.get("status") == wanted)


def sent(pages: int) -> Condition:
    """At least this many pages were sent with their content, not as zero pages."""
    return lambda info: bool(info.get("ram", {}).get("normal", 0) >= pages)


def rounds(number: int) -> Condition:
    """All memory was sent, and after that the pages that changed, this many times."""
    return lambda info: bool(info.get("ram", {}).get("dirty-sync-count", 0) > number)


def wait(monitor: Qmp, reached: Condition, limit: float = LIMIT) -> Info:
    """Wait until the condition REACHED holds for the migration; return the result of
    query-migrate. Raises a Failure after LIMIT seconds, or if the migration ends before."""
    deadline = time.monotonic() + limit
    while True:
        info: Info = monitor.command("query-migrate")
        if reached(info):
            return info
        state = info.get("status", "not begun")
        if state in OVER:
            raise Failure(f"{monitor.whose}: migration {state} too early: "
                          f"{info.get('error-desc', 'QEMU gives no reason')}")
        if time.monotonic() > deadline:
            raise Failure(f"{monitor.whose}: migration still {state} after {limit:.0f} s")
        time.sleep(0.005)
