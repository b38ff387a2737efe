# SPDX-License-Identifier: GPL-2.0
"""The command that makes a page of scripts/judge again."""

import shlex
from collections.abc import Mapping

from host import tried, user

# The user's variables on which the page depends, beside those that are options of scripts/judge.
VARIABLES = ("KDIR", "IMAGE", "HEADERS", "MODULES", "SOURCE", "PATCH", "LLVM", "KASAN", "FILES",
             "SNAPSHOT", "TWINS")


def command(line: str, options: Mapping[str, str], environment: Mapping[str, str]) -> str:
    """Return the command, for this clone. LINE: the kernel line. OPTIONS: other variables of make
    judge by name. ENVIRONMENT: with the user's variables."""
    given = {name: environment.get(name, "") for name in VARIABLES}
    if line in tried.LINES:
        given["SOURCE"] = given["SOURCE"] or tried.DEFAULT
    elif line != user.LINE:
        given["KERNEL"] = line
    words = [f"{name}={shlex.quote(value)}" for name, value in {**given, **options}.items()
             if value.strip()]
    return " ".join(["make judge", *words])
