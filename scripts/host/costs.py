# SPDX-License-Identifier: GPL-2.0
"""Costs that selftests/bench.c prints: parser, table, and the bars of scripts/bench.conf."""

import fnmatch
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from host import common
from host.common import SCRIPTS, Failure

# Counts by subject, injector and case.
Costs = dict[str, dict[str, dict[str, int]]]

CONF = SCRIPTS / "bench.conf"
LINE = re.compile(r"^# bench (\S+) (\S+) (\S+) (\d+)$", re.M)
NATIVE = ("none", "not-loaded")	# injector and case of the cost without errpath
CASES = ("not-loaded", "disarmed", "empty", "task-mismatch", "caller-mismatch", "stack-mismatch",
         "injecting")
LIMIT = re.compile(r"(?:([a-z_+]+):([a-z-]+)(?: ([+/]) ([\d.]+))?|(\d+))")
COLUMNS = 6			# of bench.conf; the last one may contain blanks
# In ns of the guest, in which it may also wait; all other subjects are counted in instructions.
TIMES = ("alloc", "cpus-arming")


def parse(text: str) -> Costs:
    """Return the costs in the output of guests."""
    costs: Costs = {}
    for subject, injector, case, count in LINE.findall(text):
        cases = costs.setdefault(subject, {}).setdefault(injector, {})
        if case in cases:
            raise Failure(f"bench printed {subject} {injector} {case} twice")
        cases[case] = int(count)
    return costs


class Bar(NamedTuple):
    """A row of bench.conf, which describes the columns.

    OTHER: injector and case of the same subject, or None: the limit is NUMBER.
    OPERATOR: what NUMBER does to that cost, "+" or "/".
    """

    subject: str
    injector: str
    case: str
    relation: str
    other: tuple[str, str] | None
    operator: str
    number: float

    def limit(self, costs: Costs) -> float:
        """Return the most that the case may cost."""
        if not self.other:
            return self.number
        base = costs[self.subject][self.other[0]][self.other[1]]
        return base + self.number if self.operator == "+" else base / self.number

    def _limit_text(self) -> str:
        if not self.other:
            return ""
        return f" ({':'.join(self.other)} {self.operator} {self.number:g})"

    def missed(self, costs: Costs) -> str:
        """Return one line if the case misses the bar, otherwise an empty string."""
        name = f"{self.subject} {self.injector} {self.case}"
        try:
            cost, limit = costs[self.subject][self.injector][self.case], self.limit(costs)
        except KeyError as missing:
            return f"{name}: not measured: {missing.args[0]}"
        kept = cost == limit if self.relation == "==" else cost <= limit
        return "" if kept else (f"{name}: {cost}, which is not {self.relation} {limit:g}"
                                f"{self._limit_text()}")


def _bar(row: str) -> tuple[str, Bar]:
    """Return the glob of the lines, and the bar."""
    words = row.split(None, COLUMNS - 1)
    limit = LIMIT.fullmatch(" ".join(words[-1].split()))
    if len(words) != COLUMNS or words[4] not in ("<=", "==") or not limit:
        raise Failure(f"{CONF.name}: not a bar: {row}")
    lines, subject, injector, case, relation, _ = words
    if limit[5]:
        return lines, Bar(subject, injector, case, relation, None, "", int(limit[5]))
    return lines, Bar(subject, injector, case, relation, (limit[1], limit[2]),
                      limit[3] or "+", float(limit[4] or 0))


def bars(line: str, conf: Path = CONF) -> list[Bar]:
    """Return the bars of a kernel line."""
    pairs = [_bar(row) for row in common.rows(conf)]
    return [bar for glob, bar in pairs if fnmatch.fnmatchcase(line, glob)]


def missed(some: Iterable[Bar], costs: Costs) -> list[str]:
    """Return a line for each bar that is missed."""
    return [text for bar in some if (text := bar.missed(costs))]


def unit(subject: str) -> str:
    """Return the unit of a subject's counts."""
    return "ns" if subject in TIMES else "instructions"


def native(costs: Costs, subject: str) -> int | None:
    """Return the cost of a subject without errpath, if it was measured."""
    return costs[subject].get(NATIVE[0], {}).get(NATIVE[1])


def is_growth(costs: Costs, subject: str) -> bool:
    """Tell whether the cases of a subject are numbers."""
    return all(case.isdigit() for cases in costs[subject].values() for case in cases)


def cases(injectors: Mapping[str, Mapping[str, int]]) -> list[str]:
    """Return the cases of a subject: those of CASES first, in that order."""
    names = dict.fromkeys(case for counts in injectors.values() for case in counts)
    return [*(name for name in CASES if name in names),
            *(name for name in names if name not in CASES)]


def _cell(count: int | None, base: int | None) -> str:
    if count is None:
        return f"{'-':>18}"
    ratio = f"x {count / base:.3g}" if base else ""
    return f"{count:>9} {ratio:<8}"


def _subject(costs: Costs, subject: str) -> Iterator[str]:
    """Yield a row for each case, with a column for each injector: count, and how many times the
    cost without errpath that is."""
    injectors, base = costs[subject], native(costs, subject)
    yield f"  {subject + ', ' + unit(subject):<26}" + "".join(f"{name:>18}" for name in injectors)
    for case in cases(injectors):
        yield f"    {case:<24}" + "".join(_cell(injectors[name].get(case), base)
                                          for name in injectors).rstrip()


def _growth(costs: Costs, subject: str) -> Iterator[str]:
    """Yield a line for each injector: the counts by number."""
    for injector, counts in costs[subject].items():
        yield (f"  {subject + ', ' + unit(subject):<26}  {injector}  "
               + "  ".join(f"{case}: {count}" for case, count in counts.items()))


def compared(costs: Costs) -> Iterator[str]:
    """Yield a line for each other injector of each subject: its costs as multiples of errpath's."""
    for subject, injectors in costs.items():
        ours = injectors.get("errpath", {})
        for name, counts in injectors.items():
            shared = [case for case in counts if case in ours and case != "disarmed"]
            if name != "errpath" and shared:
                yield f"  {subject + ': ' + name + ' / errpath':<38}" + "  ".join(
                    f"{case} {counts[case] / ours[case]:.3g}" for case in shared)


def table(title: str, costs: Costs) -> Iterator[str]:
    """Yield lines of text: all costs, and the other injectors compared with errpath."""
    yield title
    for subject in costs:
        yield from (_growth if is_growth(costs, subject) else _subject)(costs, subject)
    yield from compared(costs)
