# SPDX-License-Identifier: GPL-2.0
"""Merges the shards of a sweep to one report."""

from collections.abc import Sequence
from typing import TypeAlias

from host import shard, sweepproto, sweepreport
from host.sweepreport import Report, Stack

# By what a call is recognised in another run. The number of occurrences can be chance.
Call: TypeAlias = tuple[str, Stack]


def found(events: Sequence[sweepproto.Event], seconds: float) -> dict[str, object]:
    """Return what the file of a shard has. SECONDS: that it took."""
    return {"events": events, "seconds": seconds}


def _call(target: sweepreport.Target) -> Call:
    return target.function, target.stack()


def _add(merged: Report, part: Report) -> None:
    """Add a shard. A call that was failed in several, because a failure there led to it, counts
    with its worst result."""
    for hash_, target in part.targets.items():
        if hash_ not in merged.targets or not target.good():
            merged.targets[hash_] = target
    merged.elsewhere.update(part.elsewhere)
    merged.guests += part.guests
    merged.seconds += part.seconds
    merged.twins = part.twins
    merged.unavailable = part.unavailable


def _not_failed(merged: Report) -> list[sweepreport.Target]:
    """Return the calls that each shard left to another one, which did not have them."""
    calls = {_call(target) for target in merged.targets.values()}
    return [target for hash_, target in merged.elsewhere.items()
            if hash_ not in merged.targets and _call(target) not in calls]


def merge(records: Sequence[shard.Record]) -> Report:
    """Return the report of all shards. It is complete if each shard is, and no call is missing."""
    parts = [Report(record.found["events"], record.found["seconds"]) for record in records]
    merged = Report([])
    merged.start = parts[0].start
    merged.under = sweepreport.under(records[0].set.get("settings", ""))
    merged.shard = f"merged from {len(parts)} of {records[0].shard.of} shards"
    for part in parts:
        _add(merged, part)
    merged.missing = [f"shard {one} is missing" for one in shard.missing([*records])]
    merged.missing += [f"shard {record.shard} is not complete" for record, part
                       in zip(records, parts) if not part.ended and not part.unavailable]
    merged.missing += [f"no shard failed {' < '.join((target.function, *target.stack()))}"
                       for target in _not_failed(merged)]
    merged.ended = not merged.missing and not merged.unavailable
    if merged.missing:
        merged.unavailable = None
    return merged
