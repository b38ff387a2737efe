# SPDX-License-Identifier: GPL-2.0
"""The protocol between a sweep's guest and its host: schema, and check of each record.

A record is a JSON object on one line. The guest sends it over the virtio port errpath.sweep,
which QEMU writes to the file `sweep` of the guest's results. The classes below are the schema:
check() compares each record with it, and selftests/sweeps/README.md describes it for people.
selftests/sweeps/core/records.c sends the records.
"""

import functools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import (Annotated, Any, Literal, NamedTuple, TypeAlias, TypedDict, Union, cast,
                    get_args, get_origin, get_type_hints, is_typeddict)

from host.common import Failure


class Unit(NamedTuple):
    """What a value is, where its type does not say so: for the manual."""

    text: str


#: The hash of the target that is no call: with it, nothing fails.
NOTHING = "0" * 16
Hash: TypeAlias = Annotated[str, Unit("16 hex digits")]
Errno: TypeAlias = Annotated[int, Unit("0 or -errno")]
Flag: TypeAlias = Annotated[Literal[0, 1], Unit("0: no, 1: yes")]
Count: TypeAlias = Annotated[int, Unit("calls")]
Address: TypeAlias = Annotated[int, Unit("address, signed")]
Result: TypeAlias = Literal["pass", "xfail", "fail"]


class Run(TypedDict):
    """Result of one run of the operation."""

    steps: list[tuple[Annotated[str, Unit("step")], Errno]]
    signal: Annotated[int, Unit("signal number")]
    wrong: str
    where: Annotated[str, Unit("lines of /proc/PID/stack")]


class Finding(TypedDict):
    """Something that differs from before the failure."""

    what: str
    difference: Annotated[int, Unit("the counter's own")]
    lasting: Flag
    known: Flag


class Start(TypedDict):
    """The first record of each guest."""

    event: Literal["start"]
    operation: str
    what: str
    point: str
    scope: str
    skip: str
    kernel: str


class Unavailable(TypedDict):
    """The operation cannot run on this kernel: the last record."""

    event: Literal["unavailable"]
    why: str


class Found(TypedDict):
    """A call that can be failed, of a guest with twins."""

    event: Literal["found"]
    hash: Hash


class Waiting(TypedDict):
    """The guest waits until the host has kept it as a template."""

    event: Literal["waiting"]
    targets: Annotated[int, Unit("targets")]


class Moved(TypedDict):
    """The gauges of a twin that differ after the success from what they should be."""

    event: Literal["moved"]
    hash: Hash
    stacks: Hash
    gauges: list[tuple[Annotated[str, Unit("counter")], Annotated[int, Unit("the counter's own")]]]


class Call(TypedDict):
    """A call that can be failed."""

    hash: Hash
    occurrence: Annotated[int, Unit("calls, from 1")]
    first: Annotated[str, Unit("16 hex digits, or empty")]
    request: Annotated[str, Unit("FLAGS,BYTES")]
    function: str
    frames: list[Annotated[str, Unit("FUNCTION+OFFSET/SIZE [MODULE]")]]


class Target(Call):
    """Announces the call that fails next."""

    event: Literal["target"]


class Elsewhere(Call):
    """A call that another shard fails."""

    event: Literal["elsewhere"]


class Failed(TypedDict):
    """The operation ran with the call failing."""

    event: Literal["failed"]
    hash: Hash
    fired: Count
    run: Run


class Again(TypedDict):
    """The operation ran again, without a failure."""

    event: Literal["again"]
    hash: Hash
    run: Run


class Repeating(TypedDict):
    """The failure is being repeated; a sign of life."""

    event: Literal["repeating"]
    hash: Hash
    done: Annotated[int, Unit("commands")]


class Repeated(TypedDict):
    """The failure was repeated."""

    event: Literal["repeated"]
    hash: Hash
    fired: Count


class Clean(TypedDict):
    """Where code ran with nothing failed, in files that are built for KCOV."""

    event: Literal["clean"]
    addresses: list[Address]


class Covered(TypedDict):
    """The same of the run in which the call failed."""

    event: Literal["covered"]
    hash: Hash
    addresses: list[Address]


class Kept(TypedDict):
    """What each of the repeated failures left allocated, by line of the kernel's source."""

    event: Literal["kept"]
    hash: Hash
    lines: list[tuple[Annotated[str, Unit("FILE:LINE FUNCTION")], Annotated[int, Unit("bytes")]]]


class Judged(TypedDict):
    """The verdict about the call; the next record is about another one."""

    event: Literal["judged"]
    hash: Hash
    result: Result
    reason: str
    findings: list[Finding]


class Broken(TypedDict):
    """No success after the failure, not even after recovery: the last record of this guest."""

    event: Literal["broken"]
    hash: Hash
    run: Run
    result: Result
    reason: str
    findings: list[Finding]


class Hang(TypedDict):
    """A run did not end within its time limit: the last record of this guest."""

    event: Literal["hang"]
    hash: Hash
    run: Run


class End(TypedDict):
    """All targets of the lane are judged: the last record of this guest."""

    event: Literal["end"]
    targets: Annotated[int, Unit("targets")]
    survey: Annotated[str, Unit("16 hex digits")]


class Lost(TypedDict):
    """Made by the host, never sent: a guest was lost while this call was failed."""

    event: Literal["lost"]
    hash: Hash
    how: Literal["oops", "hang", "broken"]
    text: str			# the oops in one line, or where the operation hangs
    log: list[str]		# other lines of the log that known-issues does not have
    known: bool
    later: bool			# after the record "failed"
    guest: str			# name of its directory


Record: TypeAlias = Union[Start, Unavailable, Found, Waiting, Elsewhere, Target, Failed, Again,
                          Moved, Clean, Covered,
                          Repeating, Repeated, Kept, Judged, Broken, Hang, End]
Event: TypeAlias = Union[Record, Lost]


@functools.cache
def fields(schema: Any) -> dict[str, Any]:
    """The types of a record's or an object's fields, by name."""
    return get_type_hints(schema, include_extras=True)


def _name(schema: Any) -> str:
    """The value of a record's field "event"."""
    name: str = get_args(fields(schema)["event"])[0]
    return name


#: The schema of each record that a guest sends, by its field "event".
RECORDS: dict[str, Any] = {_name(schema): schema for schema in get_args(Record)}
#: The objects inside of records, by the name that type_name() gives them.
OBJECTS: dict[str, Any] = {"run": Run, "finding": Finding}


def type_name(wanted: Any) -> str:
    """A type as the manual and error messages write it."""
    origin, arguments = get_origin(wanted), get_args(wanted)
    if origin is Annotated:
        return type_name(arguments[0])
    if origin is Literal:
        return " or ".join(json.dumps(value) for value in arguments)
    if origin is list:
        return f"array of {type_name(arguments[0])}"
    if origin is tuple:
        return f"[{', '.join(map(type_name, arguments))}]"
    if is_typeddict(wanted):
        return next(name for name, schema in OBJECTS.items() if schema is wanted)
    return {str: "string", int: "integer"}[wanted]


def unit(wanted: Any) -> str:
    """The unit of a field, or of the elements of an array; empty if it has none."""
    if get_origin(wanted) is Annotated:
        return next(more.text for more in wanted.__metadata__ if isinstance(more, Unit))
    return ", ".join(filter(None, map(unit, get_args(wanted))))


def _problem(value: Any, wanted: Any, name: str) -> str | None:
    """Why a value is not of the type WANTED, in words; or None. NAME: of the value."""
    origin, arguments = get_origin(wanted), get_args(wanted)
    if origin is Annotated:
        return _problem(value, arguments[0], name)
    if is_typeddict(wanted) and isinstance(value, dict):
        return _object_problem(value, wanted, name)
    if origin is list and isinstance(value, list):
        parts = [(f"{name}[{number}]", part, arguments[0]) for number, part in enumerate(value)]
    elif origin is tuple and isinstance(value, list) and len(value) == len(arguments):
        parts = [(f"{name}[{number}]", *pair) for number, pair in enumerate(zip(value, arguments))]
    # In Python, unlike in JSON, true equals 1: compare the types, too.
    elif type(value) is wanted or (type(value), value) in [(type(one), one) for one in arguments]:
        return None
    else:
        return f"{name} is {json.dumps(value)[:40]}, not {type_name(wanted)}"
    return next(filter(None, (_problem(part, kind, place) for place, part, kind in parts)), None)


def _object_problem(value: dict[str, Any], schema: Any, name: str) -> str | None:
    """Why an object does not have just the fields of SCHEMA; or None. NAME: empty for a record."""
    prefix = f"{name}." if name else ""
    known = fields(schema)
    missing, unknown = known.keys() - value.keys(), value.keys() - known.keys()
    if missing:
        return f"the field {prefix}{min(missing)} is missing"
    if unknown:
        return f"the field {prefix}{min(unknown)} is unknown"
    return next(filter(None, (_problem(value[field], wanted, f"{prefix}{field}")
                              for field, wanted in known.items())), None)


def check(record: Any) -> Record:
    """Return the record if the schema has it; or raise a Failure that says what is wrong."""
    event = record.get("event") if isinstance(record, dict) else None
    if not isinstance(event, str):
        raise Failure("not an object with a string \"event\"")
    if event not in RECORDS:
        raise Failure(f"unknown record {json.dumps(event)}; known: {', '.join(RECORDS)}")
    problem = _object_problem(record, RECORDS[event], "")
    if problem:
        raise Failure(f"record \"{event}\": {problem}")
    return cast(Record, record)


def _parse(line: str) -> Record:
    try:
        return check(json.loads(line))
    except ValueError:
        raise Failure("not a line of JSON") from None


def read(path: Path) -> Iterator[Record]:
    """The records that a guest sent, in the file PATH. The last line may be cut off, where the
    guest was lost while it sent it. Raises a Failure for any other line that is no record, or
    that is about a call which no record "target" announced."""
    announced = set()
    text = path.read_text(encoding="utf-8", errors="replace")
    for number, line in enumerate(text.splitlines(keepends=True), 1):
        if not line.endswith("\n"):
            return
        try:
            record = _parse(line)
            about = record.get("hash")
            if record["event"] in ("target", "found", "elsewhere"):
                announced.add(about)
            elif about is not None and about not in announced:
                raise Failure(f"record \"{record['event']}\": no record \"target\" announced "
                              f"the call {about}")
        except Failure as failure:
            raise Failure(f"{path}:{number}: {failure}: the guest's sweep program and "
                          "scripts/host/sweepproto.py do not agree") from None
        yield record
