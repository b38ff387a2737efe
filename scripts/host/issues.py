# SPDX-License-Identifier: GPL-2.0
"""Reads the bugs of selftests/known-issues: a block for each, which begins with "bug: ID"."""

import fnmatch
import re
from pathlib import Path
from typing import NamedTuple

from host import common
from host.common import ROOT

FILE = ROOT / "selftests/known-issues"
MANUAL = "selftests/KNOWN-BUGS.md"
FIELD = re.compile(r"(\w+): (.*)")


class Bug(NamedTuple):
    """A kernel bug that tests are expected to show."""

    name: str
    fields: dict[str, str]		# versions, reason, upstream
    rows: list[tuple[str, str]]		# globs of tests, and what each of them observes

    def reason(self) -> str:
        """Return what is wrong, in one sentence."""
        return self.fields.get("reason", "")


def read(path: Path = FILE) -> tuple[dict[str, str], dict[str, Bug]]:
    """Return the fields in front of the first block (stock, ...), and the bugs by name."""
    head: dict[str, str] = {}
    bugs: dict[str, Bug] = {}
    fields, rows = head, list[tuple[str, str]]()
    for line in common.rows(path):
        field, (test, *columns) = FIELD.fullmatch(line), line.split(" | ")
        if field and field[1] == "bug":
            fields, rows = {}, []
            bugs[field[2]] = Bug(field[2], fields, rows)
        elif columns:
            rows.append((test, columns[0]))
        elif field:
            fields[field[1]] = field[2]
    return head, bugs


def of_oops(bugs: dict[str, Bug], test: str, function: str) -> str:
    """Return the name of the bug that makes TEST oops in FUNCTION, or an empty string."""
    return next((bug.name for bug in bugs.values() for glob, observation in bug.rows
                 if fnmatch.fnmatchcase(test, glob)
                 and observation.startswith(f"oops {function} ")), "")
