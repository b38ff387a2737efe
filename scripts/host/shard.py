# SPDX-License-Identifier: GPL-2.0
"""A shard: the part of a sweep or a matrix that one of several machines runs.

The hash of a name selects the shard, so that a target, or a program on a kernel line, is in the
same shard each time. What a shard found is in one file, from which `make merge` makes the report
of all.
"""

import argparse
import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from host.common import Failure

FILE = "shard.json"


class Shard(NamedTuple):
    """One of OF parts; NUMBER is from 1."""

    number: int
    of: int

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    def has(self, name: str) -> bool:
        """True if NAME is in this shard."""
        digest = hashlib.sha256(name.encode()).digest()
        return int.from_bytes(digest[:8], "big") % self.of == self.number - 1

    def below(self, results: Path) -> Path:
        """Return the directory of this shard's results, so that several can run on one machine."""
        return results / f"shard-{self.number}-of-{self.of}"


def parse(text: str) -> Shard:
    """Return the shard that a user names: 2/5."""
    match = re.fullmatch(r"0*([1-9]\d{0,3})/0*([1-9]\d{0,3})", text, re.A)
    if not match or int(match[1]) > int(match[2]):
        raise argparse.ArgumentTypeError(f"SHARD is a number and how many there are, as 2/5, not {text!r}")
    return Shard(int(match[1]), int(match[2]))


class Record(NamedTuple):
    """What a shard found, and what it is a part of."""

    what: str			# sweep or matrix
    set: dict[str, str]		# what must be the same in all shards: by name
    shard: Shard
    found: Any			# of a sweep: its events; of a matrix: its runs
    path: Path			# of the file


def write(directory: Path, what: str, set_: Mapping[str, str], shard: Shard, found: Any) -> None:
    """Write the file of a shard."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / FILE).write_text(json.dumps(
        {"what": what, "set": set_, "shard": list(shard), "found": found}) + "\n", encoding="utf-8")


def read(path: Path) -> Record:
    """Read the file of a shard."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        return Record(record["what"], record["set"], Shard(*record["shard"]), record["found"], path)
    except (ValueError, KeyError, TypeError) as error:
        raise Failure(f"{path} is not the file of a shard: {error!r}") from None


def _refuse(one: Record, other: Record) -> None:
    """Raise a Failure if two shards are not parts of one whole."""
    pairs = {"kind": (one.what, other.what), "number of shards": (one.shard.of, other.shard.of),
             **{name: (one.set.get(name), other.set.get(name)) for name in {**one.set, **other.set}}}
    for name, (here, there) in pairs.items():
        if here != there:
            raise Failure(f"not of one set, as {name} differs: {here} in {one.path}, "
                          f"{there} in {other.path}")
    if one.shard == other.shard:
        raise Failure(f"shard {one.shard} is there twice: {one.path} and {other.path}")


def collect(directories: list[Path]) -> list[Record]:
    """Return the shards below some directories by number. Raises a Failure if they are not parts
    of one whole."""
    found = []
    for directory in directories:
        files = sorted(directory.rglob(FILE))
        if not files:
            raise Failure(f"no {FILE} is below {directory}: run make sweep or make matrix there "
                          "with SHARD=")
        found += [read(file) for file in files]
    for number, one in enumerate(found):
        for other in found[:number]:
            _refuse(other, one)
    return sorted(found, key=lambda record: record.shard)


def missing(records: list[Record]) -> list[Shard]:
    """Return the shards that are not there."""
    of = records[0].shard.of
    return sorted({Shard(number, of) for number in range(1, of + 1)}
                  - {record.shard for record in records})
