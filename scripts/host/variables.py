# SPDX-License-Identifier: GPL-2.0
"""The variables that a user gives to make or to a script: what is wrong with them, and how other
programs are kept from seeing them."""

import re
from collections.abc import Mapping
from pathlib import Path

# Of the Makefile. Makes that the scripts run would expand what these hold, as shell commands too.
OURS = ("KERNEL", "TESTS", "LINES", "OP", "CMD", "APPEND", "JOBS", "CPUS", "LIMIT", "V",
        "SNAPSHOT", "TWINS", "KDIR", "IMAGE", "HEADERS", "MODULES", "SOURCE", "PATCH", "LLVM",
        "KASAN", "FUNC", "K", "OCCURRENCES", "PAIRS", "PERSISTENT", "MEMCG", "AGAINST", "AGAIN",
        "REPRODUCE", "GDB", "BUSTED", "QEMU", "QEMU_TO", "QEMU_PROOF", "FILES", "SHARD", "SHARDS",
        "PREFIX", "DESTDIR")
# By these, make passes the variables of its command line to the makes below it.
MAKE = ("MAKEFLAGS", "MAKEOVERRIDES", "MFLAGS", "MAKELEVEL")
# What the Makefile makes of SHELL=ID.
BEFORE = "BEFORE"

NUMBERS = {"JOBS": "a number of processes", "CPUS": "a number of processors",
           "LIMIT": "a number of seconds",
           "K": "a number of repetitions", "OCCURRENCES": "a number of calls"}
SWITCHES = ("V", "SNAPSHOT", "TWINS", "LLVM", "KASAN", "PAIRS", "PERSISTENT", "MEMCG", "AGAIN",
            "REPRODUCE", "GDB", "QEMU_PROOF")
OWN_KERNEL = ("KDIR", "IMAGE", "HEADERS")
OWN_SOURCE = ("SOURCE", "PATCH")
# Each of the first with each of the second: they name different kernels.
EXCLUSIVE = ((("KERNEL",), OWN_KERNEL), (("KERNEL",), OWN_SOURCE), (OWN_KERNEL, OWN_SOURCE))
# What make and Kbuild can have in the path of a directory in which they build.
PATH = re.compile(r"[\w./,@+-]+")


def for_others(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for programs of others: without the user's variables."""
    return {name: value for name, value in environment.items() if name not in (*OURS, *MAKE, BEFORE)}


def _no_number(environment: Mapping[str, str]) -> str | None:
    for name, what in NUMBERS.items():
        text = environment.get(name, "")
        if text and not re.fullmatch(r"0*[1-9][0-9]*", text, re.A):
            return f"{name} is {what}, not {text!r}"
    return None


def _no_switch(environment: Mapping[str, str]) -> str | None:
    for name in SWITCHES:
        text = environment.get(name, "")
        if text not in ("", "0", "1"):
            return f"{name} is 0 or 1, not {text!r}"
    return None


def _excluded(environment: Mapping[str, str]) -> str | None:
    given = {name for name, text in environment.items() if text.strip()}
    if environment.get("KERNEL") == "user":	# the name of the user's own kernel
        given.discard("KERNEL")
    for some, others in EXCLUSIVE:
        for one in some:
            for other in others:
                if {one, other} <= given:
                    return f"{one} with {other}: which kernel? Give only one of the two"
    return None


def mistake(environment: Mapping[str, str], root: Path) -> str | None:
    """Return what is wrong with the variables, or with the path ROOT of this clone; None if nothing
    is."""
    if not PATH.fullmatch(str(root)):
        return (f"make cannot build in {str(root)!r}: move this clone to a path of letters, digits "
                "and . , @ + - _")
    return _no_number(environment) or _no_switch(environment) or _excluded(environment)
