# SPDX-License-Identifier: GPL-2.0
"""The load of the machine, by which time limits of a boot grow."""

import os


def factor() -> float:
    """Return how many times longer a guest may take to boot than on an idle machine: the number of
    tasks for each processor, at least 1."""
    return max(1.0, os.getloadavg()[0] / len(os.sched_getaffinity(0)))


def text() -> str:
    """Name the load, for a message."""
    return f"load {os.getloadavg()[0]:.1f} on {len(os.sched_getaffinity(0))} processors"
