# SPDX-License-Identifier: GPL-2.0
"""How likely it is that a kernel in use fails an allocation, from its gfp flags, size and context.

The manual (scripts/README.md, "How likely a failure is") names the functions of the kernel that
each rule is from.
"""

import re
from typing import NamedTuple

# The classes, least likely first.
NEVER = "cannot fail in practice"
KILLED = "when its task is killed"
MEMCG = "at the limit of its memory cgroup"
PRESSURE = "under memory pressure"
UNKNOWN = "not known"
CLASSES = (NEVER, KILLED, MEMCG, PRESSURE, UNKNOWN)

PAGE = 4096
COSTLY_ORDER = 3	# PAGE_ALLOC_COSTLY_ORDER of include/linux/mmzone.h

# Combined flags, as the kernel prints them (include/trace/events/mmflags.h), that let the
# allocator reclaim memory in the task's own context (include/linux/gfp_types.h).
BLOCKING = {"GFP_KERNEL", "GFP_KERNEL_ACCOUNT", "GFP_NOFS", "GFP_NOIO", "GFP_USER", "GFP_HIGHUSER",
            "GFP_HIGHUSER_MOVABLE", "GFP_TRANSHUGE", "__GFP_DIRECT_RECLAIM", "__GFP_RECLAIM"}
# All others that can stand first.
NOT_BLOCKING = {"GFP_ATOMIC", "GFP_NOWAIT", "GFP_TRANSHUGE_LIGHT", "GFP_DMA", "GFP_DMA32"}
# Flags with which the allocator gives up before it kills a task.
GIVES_UP = {"__GFP_NORETRY": "does not retry", "__GFP_RETRY_MAYFAIL": "retries, then fails",
            "__GFP_THISNODE": "on one node only", "GFP_DMA": "in a low zone",
            "GFP_DMA32": "in a low zone", "__GFP_DMA": "in a low zone",
            "__GFP_DMA32": "in a low zone"}
ACCOUNTED = {"GFP_KERNEL_ACCOUNT", "__GFP_ACCOUNT"}
# Allocators that look for a fatal signal, or take a lock that a fatal signal interrupts.
KILLABLE = re.compile(r"vmalloc|pcpu_alloc|alloc_contig")
# Allocators that get single pages, however large the request is.
BY_PAGES = re.compile(r"vmalloc|pcpu_alloc|_bulk")
CONTIGUOUS = re.compile(r"alloc_contig")


class Request(NamedTuple):
    """A request to an allocator, as the knob `stacks` shows it."""

    flags: frozenset[str]
    size: int			# bytes
    context: frozenset[str]	# of "interrupt", "memalloc"

    @property
    def order(self) -> int:
        """The order of the pages that hold the request."""
        return max(0, (max(self.size, 1) - 1) // PAGE).bit_length()


class Likelihood(NamedTuple):
    """How likely a failure is: one of CLASSES, and the reason, which can be empty."""

    name: str
    reason: str

    def text(self) -> str:
        return f"{self.name} ({self.reason})" if self.reason else self.name


def parse(text: str) -> Request | None:
    """Parse FLAGS,BYTES and words of the context; None if it is "-", as no allocator was called."""
    words = text.split(",")
    if len(words) < 2 or not words[1].isdigit():
        return None
    return Request(frozenset(words[0].split("|")), int(words[1]), frozenset(words[2:]))


def _gives_up(request: Request, function: str) -> str:
    """Why the allocator gives up although its caller can wait; or empty."""
    if CONTIGUOUS.search(function):
        return "a range must be emptied"
    if request.order > COSTLY_ORDER and not BY_PAGES.search(function):
        return f"order {request.order}"
    return next((reason for flag, reason in GIVES_UP.items() if flag in request.flags), "")


def likelihood(text: str, function: str) -> Likelihood:
    """Return how likely a failure is.

    TEXT: the request, as the knob `stacks` shows it. FUNCTION: the allocator that was called.
    """
    request = parse(text)
    if not request:
        return Likelihood(UNKNOWN, "no request was recorded")
    if "interrupt" in request.context:
        return Likelihood(PRESSURE, "in an interrupt")
    if "memalloc" in request.context:
        return Likelihood(PRESSURE, "PF_MEMALLOC does not reclaim")
    if not request.flags & BLOCKING:
        known = request.flags & NOT_BLOCKING
        return Likelihood(PRESSURE, min(known, default="does not wait for memory"))
    reason = _gives_up(request, function)
    if reason:
        return Likelihood(PRESSURE, reason)
    if request.flags & ACCOUNTED:
        return Likelihood(MEMCG, "accounted")
    # Of up to a page, kvmalloc() asks only the slab allocator.
    if KILLABLE.search(function) and not ("kvmalloc" in function and request.size <= PAGE):
        return Likelihood(KILLED, "")
    return Likelihood(NEVER, f"order {request.order}, waits for memory")
