# SPDX-License-Identifier: GPL-2.0
"""Runs the selftests on kernel lines. What goes wrong with one stops no other."""

import argparse
import contextlib
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from host import archive, build, common, guest, ksft, session, verdict
from host.common import Failure, say


def options(words, prog, description, lines):
    """The command line of a program that runs lines; LINES: how many it takes ("+", "*"), or
    None."""
    parser = argparse.ArgumentParser(prog=prog, description=description)
    if lines:
        parser.add_argument("lines", metavar="LINE", nargs=lines, help="kernel line "
                            "(kernels.conf, kernels/built.conf), or user: the one of KDIR, or of "
                            "IMAGE and HEADERS")
    parser.add_argument("--tests", default="", help="only these programs, or all")
    parser.add_argument("--append", default="", help="more for the kernel's command line")
    parser.add_argument("--results", type=Path, default=common.BUILD / "results",
                        help="where LINE/ktap, console, kmsg, ... go")
    parser.add_argument("--selftests", type=Path, help="installed selftests, instead of ours")
    parser.add_argument("--together", action="store_true", help="all programs in one guest")
    parser.add_argument("--no-modules", action="store_true", help="leave errpath out")
    parser.add_argument("--timeout", type=int, help="seconds a program may take")
    parser.add_argument("--limit", type=float,
                        help="seconds, from its first word, until a guest counts as hung")
    parser.add_argument("--boot-limit", type=float, default=guest.BOOT_LIMIT,
                        help="seconds until a guest counts as silent")
    return parser.parse_args(words)


class Run:
    """The selftests on one line: prepared, run in guests, told."""

    def __init__(self, line, out):
        self.line, self.out, self.title = line, out, line
        self.unavailable = None		# why it cannot run
        self.sessions, self.results, self.seconds = [], [], 0

    def prepare(self, installed, programs, shares, choice):
        """Fetch the kernel, build for it, and share its programs out over guests."""
        try:
            kernel = archive.fetch(self.line)
            modules = [] if choice.no_modules else build.modules(kernel)
        except Failure as failure:
            self.unavailable = str(failure)
            return
        self.title = f"{self.line}: Linux {kernel.release}"
        for first in range(min(shares, len(programs))):
            share = dict(list(programs.items())[first::shares])
            out = self.out / "+".join(share) if shares > 1 else self.out
            self.sessions.append(session.Session(kernel, modules, installed, share, out,
                                                 choice.append, choice.limit, choice.boot_limit))

    def collect(self):
        """Take together what the sessions left, once all of them are over."""
        self.seconds = time.monotonic() - min(one.started for one in self.sessions)
        results = [result for one in self.sessions for result in one.results]
        self.results = list(dict.fromkeys(results))
        outs = [out for one in self.sessions for out in one.outs]
        for port in ("console", *guest.PORTS) if outs != [self.out] else ():
            data = b"".join((out / port).read_bytes() for out in outs if (out / port).is_file())
            (self.out / port).write_bytes(data)

    def report(self):
        """The line's table, also kept in its file summary."""
        table = "\n".join([f"{self.title}, {self.seconds:.0f} s", *verdict.table(self.results)])
        (self.out / "summary").write_text(
            "\n".join([table, *verdict.totals(self.results), ""]), encoding="utf-8")
        return table


def _programs(lines, installed, tests):
    """What to run on each line."""
    chosen = {line: build.programs(installed, tests[line].split()) for line in lines}
    for names in dict.fromkeys(map(" ".join, chosen.values())):
        those = [line for line in lines if " ".join(chosen[line]) == names]
        say(f"{', '.join(those)}: to run {names}")
    return chosen


def _prepare(lines, choice, tests, pool):
    """Has a Run for each line prepared by the pool; returns futures of them."""
    # A line alone is shared out over guests; of many lines, each has one.
    shares = 1 if choice.together else -(-session.AT_ONCE // len(lines))
    installed = choice.selftests or build.selftests(ksft.fetch())
    programs = _programs(lines, installed, tests)

    def prepared(line):
        run = Run(line, choice.results / line)
        limits = choice.timeout and dict.fromkeys(programs[line], choice.timeout)
        run.prepare(installed, limits or programs[line], shares, choice)
        return run
    return [pool.submit(prepared, line) for line in lines]


def _as_prepared(futures):
    """The Runs, each once it is prepared; None while none is."""
    while futures:
        done = next((future for future in futures if future.done()), None)
        if done:
            futures.remove(done)
        yield done and done.result()


def _run_all(futures):
    """Boots guests as lines are prepared, for these leave much of the processors to builds."""
    going, unavailable = {}, []

    def sessions():
        for run in _as_prepared(futures):
            if run and run.unavailable:
                unavailable.append(run)
            elif run:
                going[run] = list(run.sessions)
                yield from run.sessions
            else:
                yield None
    for over in session.run_all(sessions()):
        owner = next(run for run, left in going.items() if over in left)
        going[owner].remove(over)
        if not going[owner]:
            owner.collect()
            yield owner
    yield from unavailable


def run(lines, choice, tests=None):
    """Run the lines; yields each one's Run when it is over, last those that are unavailable.
    TESTS: programs by line, as choice.tests has them for all."""
    for line in lines:
        archive.known(line)
    with contextlib.ExitStack() as stack:
        for line in sorted(lines):
            stack.enter_context(common.lock(line, choice.results))
        pool = stack.enter_context(ThreadPoolExecutor(int(build.JOBS)))
        # Interrupted: what has not begun does not begin.
        stack.callback(pool.shutdown, cancel_futures=True)
        yield from _run_all(_prepare(lines, choice, tests or dict.fromkeys(lines, choice.tests),
                                     pool))
