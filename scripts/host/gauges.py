# SPDX-License-Identifier: GPL-2.0
"""Makes selftests/lib/GAUGES.md of the table in selftests/lib/gauges.c."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from host.common import ROOT, Failure

LIB = ROOT / "selftests/lib"
FILE = LIB / "GAUGES.md"

ENTRY = re.compile(r"^\t\{\n(.*?)^\t\},$", re.M | re.S)
FIELD = re.compile(r"\.(\w+) = (?:\"(.*)\"|([\w]+)),$", re.M)

HEAD = """\
# Gauges: the counters that a verdict compares, and their bounds

Made by `scripts/gauges --write` of the table in `gauges.c`: edit that, not this file.

A counter is FILE.ENTRY: an entry of /proc/vmstat, /proc/meminfo, a cache of /proc/slabinfo (its
objects in use), or a sum: `zoneinfo.free_and_pagesets`, `vmalloc.areas` and `vmalloc.pages` of
/proc/vmallocinfo, `vmstat.nr_lru_anon` and `vmstat.nr_lru_file` (pages on the LRU lists, active or not), `iomem.lines`, and `pages.unaccounted`: all pages without those that are free or
in use by slabs, user memory, the page cache, page tables, vmalloc and percpu memory. Entries of a NUMA node's vmstat and meminfo are `nodeN.FILE.ENTRY`,
with the bound of FILE.ENTRY. The first pattern in the table that matches a counter decides.

What lives on only because somebody holds a reference has separate counters:

- `references.CACHE`: the objects of a slab cache, without those that are parts of live tasks: address
  spaces (`mm_struct`), dead tasks, process numbers, credentials, users and namespaces. A cache that the
  kernel merged with others has no such counter: the guests boot with `slab_nomerge`;
- `huge_zero.references` and `percpu.bytes`, read from /proc/kcore: the references to the huge zero page,
  and the percpu memory that is allocated. They need root, kallsyms with variables, and BTF;
- `modules.NAME`: the references to a module;
- `cgroup.ENTRY`: the entries of the root's cgroup.stat, where a hierarchy of cgroup v2 is mounted.

- *One failure*: a difference above this fails the verdict, after the kernel has settled. After many
  failures a gauge that is not exact may differ by {slope} pages or objects for each of them.
- *Many failures*: a test that compares slopes fails if each failure loses this or more beyond the
  loss of a clean operation, and all failures together lose the number in brackets or more.
- *Measured*: the largest difference that `selftests/noise.c` saw over 60 clean operations, three times
  over, on 6.1.192, 6.12.117 and 6.12.117-rt (or only on the kernel in brackets) in guests with 2
  CPUs. Bounds are at least twice that, except for slabs: `noise` does not shrink them, as a verdict
  does before it fails. Where nothing stands, no difference was seen, or the counter is not compared.

"""


class Gauge(NamedTuple):
    """An entry of the table."""
    pattern: str
    bound: str
    slope: bool
    why: str
    measured: str


def _constant(header: str, name: str) -> float:
    text = (LIB / header).read_text(encoding="utf-8")
    found = re.search(rf"^#define {name} ([\d.]+)$", text, re.M)
    if not found:
        raise Failure(f"{LIB / header}: no number {name}")
    return float(found[1])


def gauges(path: Path = LIB / "gauges.c") -> list[Gauge]:
    """Read the entries of the table, in their order."""
    text = path.read_text(encoding="utf-8")
    found = []
    for entry in ENTRY.findall(text):
        fields = {name: string or word for name, string, word in FIELD.findall(entry)}
        unknown = fields.keys() - set(Gauge._fields)
        if unknown or len(fields) != entry.count("="):
            raise Failure(f"{path}: cannot read the entry {entry!r}")
        found.append(Gauge(fields["pattern"], fields["bound"], "slope" in fields, fields["why"],
                           fields.get("measured", "")))
    if len(found) != text.count(".pattern ="):
        raise Failure(f"{path}: an entry does not begin and end with a brace on a line")
    return found


def _number(value: float) -> str:
    return f"{value:g}"


def _bounds(gauge: Gauge) -> tuple[str, str]:
    """Return the bounds of one failure and of many failures, in words."""
    each = _number(_constant("slopes.h", "SLOPE_BOUND"))
    slabs = _constant("gauges.h", "GAUGE_SLABS_PER_CPU")
    if gauge.bound == "GAUGE_IGNORED":
        return "not compared", ""
    if gauge.bound == "GAUGE_EXACT":
        one, many = "any difference", each
    elif gauge.bound == "GAUGE_SLABS":
        checked = _number(_constant("gauges.h", "GAUGE_CHECKED_SLABS") / 2)
        one = f"{_number(slabs)} slabs for each CPU"
        many = f"{each} ({_number(slabs / 2)} slabs for each CPU; {checked} objects with slab_debug=F)"
    else:
        one, many = gauge.bound, f"{each} ({_number(int(gauge.bound) / 2)})"
    return one, many if gauge.slope else ""


def _lines() -> Iterator[str]:
    yield "| gauge | one failure | many failures | why | measured |"
    yield "|---|---|---|---|---|"
    for gauge in gauges():
        columns = (f"`{gauge.pattern}`", *_bounds(gauge), gauge.why, gauge.measured)
        yield f"| {' | '.join(columns)} |".replace("  ", " ")


def text() -> str:
    """Return the text of GAUGES.md."""
    head = HEAD.format(slope=_number(_constant("slopes.h", "SLOPE_BOUND")))
    return head + "\n".join(_lines()) + "\n"
