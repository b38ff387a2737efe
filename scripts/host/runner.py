# SPDX-License-Identifier: GPL-2.0
"""Runs the selftests on kernel lines. What goes wrong with one stops no other."""

import argparse
import contextlib
import signal
import sys
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


def _prepared(lines, choice):
    """A Run for each line, ready to boot or known to be unavailable."""
    runs = [Run(line, choice.results / line) for line in lines]
    # A line alone is shared out over guests; of many lines, each has one.
    shares = 1 if choice.together else -(-session.AT_ONCE // len(lines))
    with ThreadPoolExecutor(int(build.JOBS)) as pool:
        installed = choice.selftests or build.selftests(ksft.fetch())
        programs = build.programs(installed, choice.tests.split())
        if choice.timeout:
            programs = dict.fromkeys(programs, choice.timeout)
        say(f"{', '.join(lines)}: to run {' '.join(programs)}")
        try:
            for done in [pool.submit(run.prepare, installed, programs, shares, choice)
                         for run in runs]:
                done.result()
        finally:	# Interrupted: what has not begun does not begin.
            pool.shutdown(cancel_futures=True)
    return runs


def run(lines, choice):
    """Run the lines; yields each one's Run when it is over, first those that are unavailable."""
    for line in lines:
        archive.known(line)
    # As on Ctrl-C, so that what was started is ended.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with contextlib.ExitStack() as locks:
        for line in sorted(lines):
            locks.enter_context(common.lock(line, choice.results))
        runs = _prepared(lines, choice)
        yield from (one for one in runs if one.unavailable)
        going = {one: list(one.sessions) for one in runs if one.sessions}
        for over in session.run_all([one for sessions in going.values() for one in sessions]):
            owner = next(one for one, sessions in going.items() if over in sessions)
            going[owner].remove(over)
            if not going[owner]:
                owner.collect()
                yield owner
