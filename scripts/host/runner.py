# SPDX-License-Identifier: GPL-2.0
"""Runs the selftests on kernel lines. A line that fails does not stop the others."""

import argparse
import contextlib
import functools
import os
import sys
import threading
import time
from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from pathlib import Path

from host import archive, build, closing, common, guest, known, ksft, session, stages, verdict
from host.common import Failure, say
from host.kernel import Kernel
from host.ktap import Result
from host.progress import Progress, Watch


def options(words: Sequence[str], prog: str, description: str | None,
            lines: str | None) -> argparse.Namespace:
    """Parse the command line of a program that runs lines. LINES: how many it takes ("+", "*"),
    or None."""
    parser = argparse.ArgumentParser(prog=prog, description=description)
    if lines:
        parser.add_argument("lines", metavar="LINE", nargs=lines, help="kernel line "
                            "(kernels.conf, kernels/built.conf), or user: the one of KDIR, or of "
                            "IMAGE and HEADERS")
    parser.add_argument("--tests", default="", help="only these programs; all: every program")
    parser.add_argument("--append", default="", help="words to add to the kernel command line")
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
    return parser.parse_args(words)


class Run:
    """The selftests on one kernel line: prepared, run in guests, collected."""

    def __init__(self, line: str, out: Path) -> None:
        self.line, self.out, self.title = line, out, line
        self.unavailable: str | None = None	# why the line cannot run
        self.sessions: list[session.Session] = []
        self.results: list[Result] = []
        self.programs: list[str] = []
        self.seconds = 0.0

    def prepare(self, installed: "Future[Path]", programs: Mapping[str, str | int], shares: int,
                choice: argparse.Namespace) -> None:
        """Fetch the kernel, build the modules, and split the programs into sessions. INSTALLED:
        where the selftests are, once they are built."""
        self.programs = list(programs)
        try:
            kernel = archive.fetch(self.line)
            modules = _modules(kernel, choice)
        except Failure as failure:
            self.unavailable = str(failure)
            return
        self.title = f"{self.line}: Linux {kernel.release}"
        self._split(kernel, modules, installed.result(), programs, shares, choice)

    def _split(self, kernel: Kernel, modules: Sequence[Path], installed: Path,
               programs: Mapping[str, str | int], shares: int, choice: argparse.Namespace) -> None:
        """Split the programs into sessions, whose guests are restored from one template."""
        self.out.mkdir(parents=True, exist_ok=True)
        initrd = session.initramfs(kernel, modules, installed, programs, self.out)
        for first in range(min(shares, len(programs))):
            share = dict(list(programs.items())[first::shares])
            out = self.out / "+".join(share) if shares > 1 else self.out
            self.sessions.append(session.Session(kernel, modules, installed, share, out,
                                                 choice.append, choice.limit, choice.boot_limit,
                                                 initrd=initrd))

    def collect(self) -> None:
        """Merge the results and files of the sessions, once all of them ended."""
        self.seconds = time.monotonic() - min(one.started for one in self.sessions)
        results = [result for one in self.sessions for result in one.results]
        self.results = list(dict.fromkeys(results))
        outs = [out for one in self.sessions for out in one.outs]
        for port in ("console", *guest.PORTS) if outs != [self.out] else ():
            data = b"".join((out / port).read_bytes() for out in outs if (out / port).is_file())
            (self.out / port).write_bytes(data)

    def closing(self, lines: int = closing.LINES) -> list[str]:
        """Return the closing block, of at most so many lines."""
        ran = {result.name.partition(".")[0] for result in self.results} & set(self.programs)
        return closing.block(
            f"{self.title}: {len(ran)} of {len(self.programs)} programs, {self.seconds:.0f} s",
            f"evidence: {os.path.relpath(self.out)}/: summary counters ktap kmsg console",
            self.results, known.bugs(), lines)

    def report(self) -> str:
        """Return the table of results; the file summary has it too, with the stages and all that
        the closing block leaves out."""
        table = "\n".join([f"{self.title}, {self.seconds:.0f} s", *verdict.table(self.results)])
        (self.out / "summary").write_text(
            "\n".join([table, "", *self._stages(), *self.closing(sys.maxsize), ""]),
            encoding="utf-8")
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


class Scheduler:
    """Runs kernel lines side by side, each in a thread that prepares it and waits for its guests.

    At most JOBS lines are prepared, and session.AT_ONCE guests run, at the same time.
    """

    def __init__(self, choice: argparse.Namespace, progress: Progress) -> None:
        self._choice, self._progress = choice, progress
        self._stop = threading.Event()		# once set, all sessions end
        self._builds = threading.Semaphore(int(build.JOBS))
        self._guests = ThreadPoolExecutor(session.AT_ONCE)

    def _run_line(self, line: str, installed: "Future[Path]", programs: Mapping[str, str | int],
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

    def run(self, installed: "Future[Path]", programs: Mapping[str, Mapping[str, str | int]],
            shares: int) -> Generator[Run, None, None]:
        """Run the programs of each line; yields a Run when it has ended, unavailable ones last."""
        unavailable = []
        with self._guests, ThreadPoolExecutor(len(programs)) as lines, self._stopped():
            work = functools.partial(self._run_line, installed=installed, shares=shares)
            runs = [lines.submit(work, line, programs=chosen)
                    for line, chosen in programs.items()]
            for future in as_completed(runs):
                if future.result().unavailable:
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


def _selftests(choice: argparse.Namespace, names: Collection[str]) -> Path:
    """Build what needs no kernel: /init and these selftests; returns their directory."""
    build.init()
    return choice.selftests or build.selftests(ksft.fetch(), names)


def _programs(lines: Sequence[str], choice: argparse.Namespace,
              tests: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Choose the programs for each line, and print them."""
    text = ((choice.selftests / "kselftest-list.txt").read_text(encoding="utf-8")
            if choice.selftests else build.listing())
    chosen = {line: build.programs(text, tests[line].split()) for line in lines}
    for names in dict.fromkeys(map(" ".join, chosen.values())):
        those = [line for line in lines if " ".join(chosen[line]) == names]
        say(f"{', '.join(those)}: to run {names}")
    return chosen


def run(lines: Sequence[str], choice: argparse.Namespace, tests: Mapping[str, str] | None = None,
        progress: Progress | None = None) -> Iterator[Run]:
    """Run the lines; yields each Run when it has ended, and last those that are unavailable.
    TESTS: programs by line; choice.tests for all by default."""
    for line in lines:
        archive.known(line)
    tests = tests or dict.fromkeys(lines, choice.tests)
    # The programs of a single line are shared by several guests; of many lines, each has one.
    shares = 1 if choice.together else -(-session.AT_ONCE // len(lines))
    with contextlib.ExitStack() as stack:
        for line in sorted(lines):
            stack.enter_context(common.lock(line, choice.results))
        programs: Mapping[str, Mapping[str, str | int]] = {
            line: dict.fromkeys(names, choice.timeout) if choice.timeout else names
            for line, names in _programs(lines, choice, tests).items()}
        pool = stack.enter_context(ThreadPoolExecutor(1))
        installed = pool.submit(_selftests, choice,
                                sorted({name for names in programs.values() for name in names}))
        yield from Scheduler(choice, progress or Progress(lines=False)).run(installed, programs,
                                                                            shares)
