# SPDX-License-Identifier: GPL-2.0
"""Reads selftests/known-issues, as selftests/lib/known.c does, and scripts/qemu-known-issues.

Both files have a block for each bug; selftests/known-issues describes the form.
"""

import fnmatch
import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple, NoReturn, Protocol

from host.common import ROOT, SCRIPTS, Failure, lines_of
from host.ktap import Result

KERNEL_FILE = ROOT / "selftests/known-issues"
QEMU_FILE = SCRIPTS / "qemu-known-issues"

KEY = re.compile(r"([a-z]+): +(.+)")
BUG_KEYS = ("versions", "reason", "upstream")
ID = re.compile(r"[a-z0-9-]+")
RELEASE = re.compile(r"\d+\.\d+\.\d+")
RANGE = re.compile(r"\d+\.\d+(\+|\.\*)")
MACHINES = ("x86_64", "aarch64")
VERSIONS = re.compile(rf"{RANGE.pattern}|{'|'.join(MACHINES)}")
ONLY = re.compile(rf"{VERSIONS.pattern}|may|must")
# The reason of a result is "known: [ID] OBSERVATION; [ID] OBSERVATION".
ID_IN_REASON = re.compile(rf"(?:^known: |; )\[({ID.pattern})\] ")

ERRNOS = "0|EAGAIN|EBUSY|EEXIST|EINPROGRESS|EINVAL|ENODEV|ENOMEM|ENXIO|EPROTO|ETIMEDOUT"
KERNEL_OBSERVATION = re.compile(rf"kmsg .+|oops \S+ .+|errno \S+ ({ERRNOS})|"
                                r"\S+\.\S+ [+-][1-9]\d* (kB )?(once|per failure|afterwards)")
QEMU_OBSERVATION = re.compile(r"(destination|source) ([+-]\d+) KiB")


class Bug(NamedTuple):
    """What the rows of one block have in common."""
    id: str
    versions: tuple[str, ...]
    reason: str
    upstream: str
    stock: tuple[str, ...]	# of the file, as swept
    swept: tuple[str, ...]


class Row(NamedTuple):
    """An observation that a test is expected to make."""
    test: str
    observation: str
    only: tuple[str, ...]
    bug: Bug
    line: int

    def applies(self, version: str, debian: bool,
                machine: str = MACHINES[0]) -> tuple[bool, bool]:
        """Return whether the row applies to a version, and whether it must show there.

        DEBIAN: Debian built it; any other kernel may have a fix that its version does not show.
        """
        ranges = [word for word in self.only if word not in ("may", "must", *MACHINES)]
        in_ranges = (_in_ranges(self.bug.versions, version)
                     and (not ranges or _in_ranges(ranges, version))
                     and _on_machine(self.bug.versions, machine)
                     and _on_machine(self.only, machine))
        seen = (in_ranges and version in self.bug.stock
                and (not self.test.startswith("sweep.") or _in_ranges(self.bug.swept, version)))
        return (seen if "must" in self.only else in_ranges,
                seen and debian and "may" not in self.only)

    @property
    def growth(self) -> int:
        """Return by how many KiB the memory of a QEMU grows."""
        found = QEMU_OBSERVATION.fullmatch(self.observation)
        return int(found[2]) if found else 0


class Qemu(Protocol):
    """One end of a migration."""
    version: str
    stock: bool


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in version.split("."))


def _on_machine(words: Iterable[str], machine: str) -> bool:
    """True if the words name this machine, or none."""
    named = [word for word in words if word in MACHINES]
    return not named or machine in named


def _in_ranges(words: Iterable[str], version: str) -> bool:
    ranges = [word for word in words if word not in MACHINES]
    return any(_numbers(version)[:2] >= _numbers(one[:-1]) if one.endswith("+")
               else fnmatch.fnmatchcase(version, one) for one in ranges)


class _Reader:
    """Reads one file, line by line."""

    def __init__(self, path: Path, observation: re.Pattern[str]) -> None:
        self.path, self.observation = path, observation
        self.number = 0
        self.lists: dict[str, tuple[str, ...]] = {}	# stock and swept
        self.block: dict[str, str] = {}
        self.ids: set[str] = set()
        self.rows: list[Row] = []

    def wrong(self, what: str) -> NoReturn:
        raise Failure(f"{self.path}:{self.number}: {what}")

    def words(self, text: str, form: re.Pattern[str]) -> tuple[str, ...]:
        words = tuple(text.split())
        for word in words:
            if not form.fullmatch(word):
                self.wrong(f"a word that does not belong here: {word}")
        return words

    def key(self, key: str, value: str) -> None:
        if key in ("stock", "swept"):
            if key in self.lists:
                self.wrong(f"a second key: {key}")
            self.lists[key] = self.words(value, RELEASE if key == "stock" else RANGE)
        elif key == "bug":
            if not ID.fullmatch(value):
                self.wrong(f"not an id: {value}")
            if value in self.ids:
                self.wrong(f"a second bug of this id: {value}")
            self.ids.add(value)
            self.block = {"bug": value}
        elif key not in BUG_KEYS:
            self.wrong(f"unknown key: {key}")
        elif key in self.block:
            self.wrong(f"a second key: {key}")
        else:
            if key == "versions":
                self.words(value, VERSIONS)
            self.block[key] = value

    def row(self, line: str) -> None:
        columns = [column.strip() for column in line.split(" | ")]
        if not 2 <= len(columns) <= 3 or not all(columns):
            self.wrong("neither KEY: VALUE nor TEST | OBSERVATION [| ONLY]")
        for key in ("bug", *BUG_KEYS):
            if key not in self.block:
                self.wrong(f"a row needs a key above it: {key}")
        if not self.observation.fullmatch(columns[1]):
            self.wrong(f"not an observation: {columns[1]}")
        bug = Bug(self.block["bug"], tuple(self.block["versions"].split()), self.block["reason"],
                  self.block["upstream"], self.lists.get("stock", ()), self.lists.get("swept", ()))
        self.rows.append(Row(columns[0], columns[1], self.words("".join(columns[2:]), ONLY), bug,
                             self.number))

    def read(self) -> list[Row]:
        for self.number, line in enumerate(lines_of(self.path), 1):
            line = line.rstrip()
            key = KEY.fullmatch(line)
            if key:
                self.key(key[1], key[2])
            elif line and not line.startswith("#"):
                self.row(line)
        return self.rows


def kernel_rows(path: Path = KERNEL_FILE) -> list[Row]:
    """Read what the tests are expected to see of kernel bugs."""
    return _Reader(path, KERNEL_OBSERVATION).read()


def bugs(path: Path = KERNEL_FILE) -> dict[str, Bug]:
    """Return the known kernel bugs by id, in the order of the file."""
    return {row.bug.id: row.bug for row in kernel_rows(path)}


def ids(reason: str) -> list[str]:
    """Return the ids of the bugs that the reason of an xfail names."""
    return list(dict.fromkeys(ID_IN_REASON.findall(reason)))


def of_oops(test: str, function: str) -> str:
    """Return "[ID] " of the bug by which TEST ends in an oops of FUNCTION; "" if it has none."""
    found = [row for row in kernel_rows() if fnmatch.fnmatchcase(test, row.test)
             and row.observation.startswith(f"oops {function} ")]
    return f"[{found[0].bug.id}] " if found else ""


def rows(path: Path = QEMU_FILE) -> list[Row]:
    """Read what stock QEMUs are known to do wrong."""
    found = _Reader(path, QEMU_OBSERVATION).read()
    for row in found:
        end = row.observation.split()[0]
        if not row.test.endswith({"destination": ".population", "source": ".source"}[end]):
            raise Failure(f"{path}:{row.line}: only population, of the destination, and source can "
                          "be known issues: wrong memory never is")
    return found


def judge(result: Result, growth: int, source: Qemu, destination: Qemu,
          table: Iterable[Row]) -> Result:
    """Return the RESULT of a population that grew by GROWTH KiB, after a comparison with the
    rows of TABLE.

    SOURCE, DESTINATION: the QEMUs. The older of them decides how both migrate.
    """
    version = min(source.version, destination.version, key=_numbers)
    alike = destination.stock and source.version == destination.version
    for row in table:
        applies, must = row.applies(version, alike)
        if not applies or not fnmatch.fnmatchcase(result.name, row.test):
            continue
        known = f"[{row.bug.id}] {row.growth:+} KiB: {row.bug.reason}"
        if growth == row.growth:
            return result._replace(outcome="xfail", reason=f"known: {known}")
        if result.outcome != "pass":
            continue
        if must:
            return result._replace(outcome="fail", reason=f"{result.reason}, though QEMU {version} "
                                   f"is known for {known}")
        return result._replace(reason=f"FIXED in this QEMU: {known}")
    return result
