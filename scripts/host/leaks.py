# SPDX-License-Identifier: GPL-2.0
"""Judges the report of kmemleak, which the guest's init passes on, by scripts/kmemleak-allow."""

from collections.abc import Iterable

from host import log
from host.common import SCRIPTS
from host.ktap import Result

TEST = "kmemleak"
FIRST = "unreferenced object "	# begins the report of each object


def _objects(lines: Iterable[str]) -> list[tuple[str, ...]]:
    """The lines about each object. Lines before the first object count as an object, too."""
    found: list[tuple[str, ...]] = []
    for line in lines:
        if line.startswith(FIRST) or not found:
            found.append(())
        found[-1] += (line,)
    return found


def judge(result: Result) -> Result:
    """Turn a failed result of kmemleak into an xfail if all leaked objects are known; keep only
    the unknown ones if not. Other results are returned as they are."""
    if result.name != TEST or not result.detail:
        return result
    objects, known = _objects(result.detail), log.allow_list(SCRIPTS / "kmemleak-allow")
    unknown = [lines for lines in objects
               if not any(regexp.search(line) for regexp in known for line in lines)]
    if unknown:
        return result._replace(reason=f"{len(unknown)} leaked objects",
                               detail=tuple(line for lines in unknown for line in lines))
    return result._replace(outcome="xfail", reason=f"known: {len(objects)} leaked objects",
                           detail=())
