# SPDX-License-Identifier: GPL-2.0
"""Which allocations of each operation lie below which functions of a kernel.

A survey is a sweep that fails nothing: it runs the operation without a failure and lists its
calls. Those of a kernel are kept in build/index/LINE/, for as long as the kernel, the modules and
the sweep program are the same.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from host import build, sweep, sweepreport
from host.common import BUILD, Failure, lock, say
from host.kernel import Kernel
from host.sweepreport import Target, function

INDEX = BUILD / "index"
NOT_INDEXED = ("command",)	# needs a command of the user's


class Broken(Failure):
    """An operation that ends the kernel with nothing failed. TEXT: the oops."""

    def __init__(self, operation: str, text: str) -> None:
        super().__init__(f"{operation} ends the kernel, with nothing failed: {text}")
        self.operation, self.text = operation, text


class Subject(NamedTuple):
    """A kernel, and what its guests need."""

    kernel: Kernel
    modules: Sequence[Path]	# .ko files
    installed: Path		# directory of the selftests


def functions_of(target: Target) -> list[str]:
    """Return the functions of a call's whole stack, the caller first."""
    return [function(frame) for frame in target.frames]


class Survey(NamedTuple):
    """The calls of one operation. UNAVAILABLE: why the kernel cannot run it, or None."""

    operation: str
    unavailable: str | None
    targets: Sequence[Target]
    what: str = ""		# the operation in words

    def below(self, names: Collection[str]) -> list[Target]:
        """Return the calls that lie below any of these functions."""
        return [target for target in self.targets if set(names) & set(functions_of(target))]


class Index:
    """The surveys of a kernel. KERNEL: its name. SYMBOLS: all functions that it has out of
    line."""

    def __init__(self, kernel: str, surveys: Mapping[str, Survey], symbols: set[str]) -> None:
        self.kernel, self.surveys, self.symbols = kernel, surveys, symbols
        self.reached = {name for one in surveys.values() for target in one.targets
                        for name in functions_of(target)}

    def operations(self, names: Collection[str]) -> dict[str, list[Target]]:
        """Return the calls below these functions by operation; only operations that have some."""
        found = {name: one.below(names) for name, one in self.surveys.items()}
        return {name: targets for name, targets in found.items() if targets}


def _survey(subject: Subject, operation: str, out: Path) -> tuple[Survey, set[str]]:
    """Return the survey of an operation, and the functions that the kernel had meanwhile."""
    one = sweep.Sweep(subject.kernel, subject.modules, subject.installed, operation, out,
                      f"{sweep.options(operation)} ERRPATH_SURVEY=1".strip(), lanes=1)
    if not one.is_current():
        one.resume()
        try:
            one.run()
        except Failure:
            if oops := one.oops():
                raise Broken(operation, oops) from None
            raise
    report = sweepreport.Report(one.events())
    symbols = {function(line) for guest in one.outs()
               for line in (guest / "counters").read_text(encoding="utf-8").splitlines()}
    return (Survey(operation, report.unavailable, [*report.targets.values()], report.start["what"]),
            symbols)


def of(subject: Subject, operations: Iterable[str] = ()) -> Index:
    """Return the index of a kernel. OPERATIONS: only these; all by default."""
    chosen = [*operations] or [name for name in sweep.operations() if name not in NOT_INDEXED]
    directory = INDEX / subject.kernel.line
    with lock(f"index-{subject.kernel.line}"), ThreadPoolExecutor(int(build.JOBS)) as pool:
        say(f"index of {subject.kernel.release}: {' '.join(chosen)}")
        done = [*pool.map(lambda name: _survey(subject, name, directory / name), chosen)]
    return Index(f"Linux {subject.kernel.release}", {one.operation: one for one, _ in done},
                 {name for _, symbols in done for name in symbols})
