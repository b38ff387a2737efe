# SPDX-License-Identifier: GPL-2.0
"""What kmemleak found, as the guest's init passes it on, in the light of scripts/kmemleak-allow."""

from host import log
from host.common import SCRIPTS

TEST = "kmemleak"
FIRST = "unreferenced object "


def _objects(lines):
    """The report on each object, as tuples of lines."""
    found = []
    for line in lines:
        if line.startswith(FIRST) or not found:
            found.append(())
        found[-1] += (line,)
    return found


def judge(result):
    """A result, which is an xfail if it is kmemleak's and all that it found is known."""
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
