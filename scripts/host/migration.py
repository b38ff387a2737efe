# SPDX-License-Identifier: GPL-2.0
"""Waits for what a QEMU tells of its migration."""

import time

from host.common import Failure
from host.qmp import LIMIT

OVER = ("failed", "cancelled", "completed")


def status(wanted):
    """Is it in this state?"""
    return lambda told: told.get("status") == wanted


def sent(pages):
    """Were so many pages sent with a content?"""
    return lambda told: told.get("ram", {}).get("normal", 0) >= pages


def rounds(number):
    """Was all memory sent, and so often again what had changed?"""
    return lambda told: told.get("ram", {}).get("dirty-sync-count", 0) > number


def wait(monitor, reached, limit=LIMIT):
    """Wait until QEMU tells of a migration what is REACHED; returns that."""
    deadline = time.monotonic() + limit
    while True:
        told = monitor.command("query-migrate")
        if reached(told):
            return told
        state = told.get("status", "not begun")
        if state in OVER:
            raise Failure(f"{monitor.whose}: migration {state} too early: "
                          f"{told.get('error-desc', 'no reason told')}")
        if time.monotonic() > deadline:
            raise Failure(f"{monitor.whose}: migration still {state} after {limit:.0f} s")
        time.sleep(0.005)
