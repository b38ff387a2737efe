# SPDX-License-Identifier: GPL-2.0
"""Runs the selftests on kernel lines. A line that fails does not stop the others."""

import argparse
import contextlib
import functools
import os
import shutil
import sys
import threading
import time
from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import TypeAlias

from host import (archive, build, closing, common, guest, known, ksft, session, shard, stages,
                  streams, user_files, verdict)
from host.arch import Arch
from host.common import Failure, say
from host.kernel import Kernel
from host.ktap import Result
from host.progress import Progress, Watch


# Where the selftests of each architecture are, once they are built.
Installed: TypeAlias = "Mapping[Arch, Future[Path]]"


def options(words: Sequence[str], prog: str, description: str | None,
            lines: str | None, shards: bool = False) -> argparse.Namespace:
    """Parse the command line of a program that runs lines. LINES: how many it takes ("+", "*"),
    or None. SHARDS: whether it can run a part of the programs only."""
    parser = common.Parser(prog=prog, description=description)
    if lines:
        parser.add_argument("lines", metavar="LINE", nargs=lines, help="kernel line "
                            "(kernels.conf, kernels/built.conf), or user: the one of KDIR, or of "
                            "IMAGE and HEADERS")
    parser.add_argument("--tests", default="", help="only these programs; all: every program")
    parser.add_argument("--append", default="", help="words to add to the kernel command line")
    parser.set_defaults(shard=None)
    if shards:
        parser.add_argument("--shard", type=shard.parse, metavar="NUMBER/OF",
                            help="run only this part of the programs, as 2/5")
    parser.add_argument("--results", type=common.absolute, default=common.BUILD / "results",
                        help="directory for LINE/ktap, console, kmsg, ...")
    parser.add_argument("--selftests", type=common.absolute, help="other installed selftests")
    parser.add_argument("--together", action="store_true", help="all programs in one guest")
    parser.add_argument("--no-modules", action="store_true", help="do not build and load errpath")
    parser.add_argument("--timeout", type=int, help="seconds that a program may take")
    parser.add_argument("--limit", type=float,
                        help="seconds, from its first output, until a guest counts as hung")
    parser.add_argument("--boot-limit", type=float, default=guest.BOOT_LIMIT,
                        help="seconds until a guest without output counts as silent")
    choice = parser.parse_args(words)
    if choice.shard:
        choice.results = choice.shard.below(choice.results)
    return choice


# Files of a line in which the ports of all guests are joined, if their names are different.
FILES = {"ktap": "output"}
# What a run leaves in the directory of a line, besides the directories of its guests.
OTHERS = ("bench", "bench-against", "zero-guest")	# directories of other programs
LEFT = ("summary", *streams.FILES, "console", *(FILES.get(port, port) for port in guest.PORTS))


class Run:
    """The selftests on one kernel line: prepared, run in guests, collected."""

    def __init__(self, line: str, out: Path) -> None:
        self.line, self.out, self.title = line, out, line
        self.unavailable: str | None = None	# why the line cannot run
        self.sessions: list[session.Session] = []
        self.results: list[Result] = []
        self.programs: list[str] = []
        self.seconds = 0.0

    def clear(self) -> None:
        """Remove what an earlier run left, so that an interrupted one leaves no older results."""
        for name in LEFT:
            (self.out / name).unlink(missing_ok=True)
        for ktap in self.out.glob("*/ktap"):
            if ktap.parent.name not in OTHERS:
                shutil.rmtree(ktap.parent)

    def prepare(self, installed: "Installed", programs: Mapping[str, str | int], shares: int,
                choice: argparse.Namespace) -> None:
        """Fetch the kernel, build the modules, and split the programs into sessions."""
        self.programs = list(programs)
        try:
            kernel = archive.fetch(self.line)
            modules = _modules(kernel, choice)
        except Failure as failure:
            self.unavailable = str(failure)
            return
        self.title = f"{self.line}: Linux {kernel.release}"
        self._split(kernel, modules, installed[kernel.arch].result(), programs, shares, choice)

    def _split(self, kernel: Kernel, modules: Sequence[Path], installed: Path,
               programs: Mapping[str, str | int], shares: int, choice: argparse.Namespace) -> None:
        """Split the programs into sessions, whose guests are restored from one template."""
        self.out.mkdir(parents=True, exist_ok=True)
        initrd = session.initramfs(kernel, modules, installed, programs, self.out)
        for first in range(min(shares, len(programs))):
            share = dict(list(programs.items())[first::shares])
            out = self.out / ("+".join(share) if shares > 1 else "guest")
            self.sessions.append(session.Session(kernel, modules, installed, share, out,
                                                 choice.append, choice.limit, choice.boot_limit,
                                                 initrd=initrd))

    def collect(self) -> None:
        """Merge the results and files of the sessions, once all of them ended."""
        self.seconds = time.monotonic() - min(one.started for one in self.sessions)
        self.results = merged([result for one in self.sessions for result in one.results])
        outs = [out for one in self.sessions for out in one.outs]
        for port in ("console", *guest.PORTS):
            data = b"".join((out / port).read_bytes() for out in outs if (out / port).is_file())
            (self.out / FILES.get(port, port)).write_bytes(data)

    def closing(self, lines: int = closing.LINES) -> list[str]:
        """Return the closing block, of at most so many lines."""
        ran = {result.name.partition(".")[0] for result in self.results} & set(self.programs)
        return closing.block(
            f"{self.title}: {len(ran)} of {len(self.programs)} programs, {self.seconds:.0f} s",
            f"evidence: {os.path.relpath(self.out)}/: summary junit.xml ktap counters kmsg console",
            self.results, known.bugs(), lines)

    def report(self) -> str:
        """Return the table of results; the file summary has it too, with the stages and all that
        the closing block leaves out. KTAP and JUnit XML are written beside it."""
        table = "\n".join([f"{self.title}, {self.seconds:.0f} s", *verdict.table(self.results)])
        (self.out / "summary").write_text(
            "\n".join([table, "", *self._stages(), *self.closing(sys.maxsize), ""]),
            encoding="utf-8")
        streams.write(self.out, streams.ktap(self.results), [self])
        return table

    def _stages(self) -> list[str]:
        """Return the table of stages, and an empty line behind it."""
        table = stages.table(self.line)
        return [*table, ""] if table else []

    def shown(self) -> list[str]:
        """Return what is printed before the closing block: failures, or all results and the stages
        with V=1."""
        table = self.report()
        if os.environ.get("V", "0") not in ("", "0"):
            return [*table.splitlines(), "", *self._stages()]
        failed = closing.failures(self.results)
        return [*failed, ""] if failed else []


def merged(results: Sequence[Result]) -> list[Result]:
    """Merge equal results, as of modules that each guest loads. Each lost guest counts."""
    merged: list[Result] = []
    for result in results:
        if result.outcome == "LOST" or result.name == "guest" or result not in merged:
            merged.append(result)
    return merged


class Scheduler:
    """Runs kernel lines side by side, each in a thread that prepares it and waits for its guests.

    At most JOBS lines are prepared, and session.at_once() guests run, at the same time.
    """

    def __init__(self, choice: argparse.Namespace, progress: Progress) -> None:
        self._choice, self._progress = choice, progress
        self._stop = threading.Event()		# once set, all sessions end
        self._builds = threading.Semaphore(int(build.JOBS))
        self._guests = ThreadPoolExecutor(session.at_once())

    def _run_line(self, line: str, installed: "Installed", programs: Mapping[str, str | int],
                  shares: int) -> Run:
        run = Run(line, self._choice.results / line)
        with self._builds:
            if not self._stop.is_set():
                run.prepare(installed, programs, shares, self._choice)
        self._progress.expect(0 if run.unavailable else len(programs))
        sessions = [self._guests.submit(one.run, self._stop, Watch(self._progress, name))
                    for name, one in _named(run)]
        for over in as_completed(sessions):
            over.result()	# raises what the session raised
        if sessions:
            run.collect()
        return run

    def run(self, installed: "Installed", programs: Mapping[str, Mapping[str, str | int]],
            shares: int, unavailable_last: bool = True) -> Generator[Run, None, None]:
        """Run the programs of each line; yields a Run when it has ended, unavailable ones last if
        UNAVAILABLE_LAST."""
        unavailable = []
        with self._guests, ThreadPoolExecutor(len(programs)) as lines, self._stopped():
            work = functools.partial(self._run_line, installed=installed, shares=shares)
            runs = [lines.submit(work, line, programs=chosen)
                    for line, chosen in programs.items()]
            for future in as_completed(runs):
                if future.result().unavailable and unavailable_last:
                    unavailable.append(future.result())
                else:
                    yield future.result()
        yield from unavailable

    @contextlib.contextmanager
    def _stopped(self) -> Iterator[None]:
        """End all guests when the caller is interrupted, and start no others."""
        try:
            yield
        finally:
            self._stop.set()
            self._progress.close()


def _named(run: Run) -> Iterator[tuple[str, session.Session]]:
    """Yield the sessions of a line with the names that progress messages have for them."""
    for number, one in enumerate(run.sessions, 1):
        yield f"{run.line}, guest {number}" if len(run.sessions) > 1 else run.line, one


def _modules(kernel: Kernel, choice: argparse.Namespace) -> list[Path]:
    """Build the modules. Meanwhile try KVM, which later guests need not wait for then."""
    with ThreadPoolExecutor(1) as pool:
        trial = pool.submit(guest.accelerator, kernel, session.trial_initrd)
        modules = [] if choice.no_modules else build.modules(kernel)
        trial.result()
    return modules


def _selftests(choice: argparse.Namespace, names: Collection[str], of: Arch) -> Path:
    """Build what needs no kernel: /init and these selftests; returns their directory."""
    of.setup()
    build.init(of)
    return choice.selftests or build.selftests(ksft.fetch(), names, arch=of)


def programs(lines: Sequence[str], choice: argparse.Namespace,
             tests: Mapping[str, str] | None = None) -> dict[str, dict[str, str]]:
    """Return the programs for each line with their time limits, those of all shards. TESTS: by
    line; choice.tests for all by default."""
    tests = tests or dict.fromkeys(lines, choice.tests)
    text = ((choice.selftests / "kselftest-list.txt").read_text(encoding="utf-8")
            if choice.selftests else build.listing())
    return {line: build.programs(text, tests[line].split()) for line in lines}


def _in_shard(chosen: Mapping[str, dict[str, str]],
              part: shard.Shard | None) -> dict[str, dict[str, str]]:
    """Return the programs of a shard, and only the lines that have some; all without a shard."""
    parts = {line: {name: limit for name, limit in names.items()
                    if not part or part.has(f"{line} {name}")} for line, names in chosen.items()}
    return {line: names for line, names in parts.items() if names}


def _programs(lines: Sequence[str], choice: argparse.Namespace,
              tests: Mapping[str, str] | None) -> dict[str, dict[str, str]]:
    """Choose the programs for each line, and print them."""
    chosen = _in_shard(programs(lines, choice, tests), choice.shard)
    for names in dict.fromkeys(map(" ".join, chosen.values())):
        those = [line for line in chosen if " ".join(chosen[line]) == names]
        say(f"{', '.join(those)}: to run {names}")
    return chosen


def run(lines: Sequence[str], choice: argparse.Namespace, tests: Mapping[str, str] | None = None,
        progress: Progress | None = None,
        unavailable_last: bool = True) -> Generator[Run, None, None]:
    """Run the lines; yields each Run when it has ended, those that are unavailable last if
    UNAVAILABLE_LAST. Once closed, it ends what still runs. TESTS: programs by line; choice.tests
    for all by default."""
    for line in lines:
        archive.check(line)
    user_files.paths()	# a missing file is a Failure now, not once everything is built
    with contextlib.ExitStack() as stack:
        for line in sorted(lines):
            stack.enter_context(common.lock(line, choice.results))
            Run(line, choice.results / line).clear()
        chosen: Mapping[str, Mapping[str, str | int]] = {
            line: dict.fromkeys(names, choice.timeout) if choice.timeout else names
            for line, names in _programs(lines, choice, tests).items()}
        if not chosen:	# of a shard
            return
        # Several guests of each line share its programs, also of many lines: the last one that
        # runs would have a single guest otherwise, and leave processors idle.
        shares = 1 if choice.together else session.at_once()
        pool = stack.enter_context(ThreadPoolExecutor(1))
        built = sorted({name for names in chosen.values() for name in names})
        installed = {of: pool.submit(_selftests, choice, built, of)
                     for of in dict.fromkeys(map(archive.arch_of, chosen))}
        yield from Scheduler(choice, progress or Progress(lines=False)).run(
            installed, chosen, shares, unavailable_last)
