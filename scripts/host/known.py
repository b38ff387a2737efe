# SPDX-License-Identifier: GPL-2.0
"""What stock QEMUs are known to do wrong: scripts/qemu-known-issues.

A row: TEST | QEMU | OBSERVATION | REASON, in the manner of selftests/known-issues.
"""

import fnmatch
import re
from collections import namedtuple

from host.common import SCRIPTS, Failure

Row = namedtuple("Row", "test versions growth reason")

FILE = SCRIPTS / "qemu-known-issues"
OBSERVATION = re.compile(r"destination ([+-]\d+) KiB")


def rows(path=FILE):
    """All rows of the file."""
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        columns = [column.strip() for column in line.split(" | ")]
        observation = OBSERVATION.fullmatch(columns[2]) if len(columns) == 4 else None
        if not observation:
            raise Failure(f"{path}:{number}: not TEST | QEMU | destination +N KiB | REASON")
        if not columns[0].endswith(".population"):
            raise Failure(f"{path}:{number}: only population can be a known issue: wrong memory "
                          "never is")
        found.append(Row(columns[0], columns[1].split(), int(observation[1]), columns[3]))
    return found


def _numbers(version):
    return tuple(int(number) for number in version.split("."))


def _applies(token, version):
    if token.endswith("+"):
        return _numbers(version)[:2] >= _numbers(token[:-1])
    return fnmatch.fnmatchcase(version, token)


def judge(result, growth, source, destination, table):
    """The RESULT of a population that grew by so many KiB, in the light of what is known.

    SOURCE, DESTINATION: the QEMUs. As the older of them can, so they migrate.
    """
    version = min(source.version, destination.version, key=_numbers)
    alike = destination.stock and source.version == destination.version
    for row in table:
        tokens = [token for token in row.versions if _applies(token, version)]
        if not tokens or not fnmatch.fnmatchcase(result.name, row.test):
            continue
        if growth == row.growth:
            return result._replace(outcome="xfail", reason=f"known: {growth:+} KiB: {row.reason}")
        if result.outcome != "pass":
            continue
        if alike and version in tokens:
            return result._replace(outcome="fail", reason=f"{result.reason}, though QEMU {version} "
                                   f"is known for {row.growth:+} KiB: {row.reason}")
        return result._replace(reason=f"FIXED in this QEMU: {row.growth:+} KiB: {row.reason}")
    return result
