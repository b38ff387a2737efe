# SPDX-License-Identifier: GPL-2.0
"""Guests that run selftests: each from its boot to its results, some of them at once."""

import time

from host import build, guest, verdict
from host.common import BUILD, Failure
from host.ktap import Result

# What a guest may take from its first word besides its programs' own limits, in seconds.
SLACK = 30
# One more guest than processors, for much of what they do is to wait for the kernel.
AT_ONCE = int(build.JOBS) + 1


def trial_initrd(kernel, nothing=BUILD / "nothing"):
    """An initramfs with nothing to test."""
    nothing.mkdir(exist_ok=True)
    return build.initramfs(kernel, [], nothing, {}, kernel.directory / "trial-initramfs")


class Session:
    """Programs that run in one guest, or, when they lose it, the rest of them in the next."""

    def __init__(self, kernel, modules, installed, programs, out, append="", limit=None,
                 boot_limit=guest.BOOT_LIMIT, accel=None):
        """PROGRAMS: their time limits by name. OUT: where the first guest's files go."""
        self.kernel, self.modules, self.installed = kernel, modules, installed
        self.programs = {name: int(limit) * kernel.slow for name, limit in programs.items()}
        self.out, self.append = out, append
        self.limit, self.boot_limit, self.accel = limit, boot_limit * kernel.slow, accel
        self.guest, self.outs, self.results, self.started = None, [], [], None

    def start(self):
        """Boot a guest for what is left to run."""
        self.started = self.started or time.monotonic()
        self.outs.append(self.out)
        self.out.mkdir(parents=True, exist_ok=True)
        initrd = build.initramfs(self.kernel, self.modules, self.installed, self.programs,
                                 self.out / "initramfs")
        accel = self.accel or guest.accelerator(self.kernel, trial_initrd(self.kernel))
        limit = self.limit or SLACK * self.kernel.slow + sum(self.programs.values())
        self.guest = guest.Guest(guest.command(self.kernel, initrd, self.append, accel),
                                 self.out, limit, self.boot_limit)

    def poll(self):
        """True once nothing is left to run."""
        ending = self.guest.poll()
        if not ending:
            return False
        results, lost_during = verdict.judge(self.out, ending, self.programs, self.kernel.must)
        self.results += results
        names = list(self.programs)
        rest = names[names.index(lost_during) + 1:] if lost_during in names else []
        if not rest:
            return True
        self.programs = {name: self.programs[name] for name in rest}
        self.out = self.outs[0] / f"after-{lost_during}"
        self.start()
        return False

    def attempt(self, step):
        """Start or poll. A guest that cannot be had is a result: others go on; true, as it is
        over."""
        try:
            return step()
        except Failure as failure:
            self.results.append(Result("guest", "fail", str(failure)))
            return True

    def end(self):
        if self.guest:
            self.guest.end()


def run_all(sessions):
    """Run sessions, AT_ONCE at a time; yields each as it is done, and leaves no guest behind.
    SESSIONS: to be iterated over; None says that the next one is not there yet."""
    sessions, coming, end, running = iter(sessions), None, object(), []
    try:
        while running or coming is not end:
            while len(running) < AT_ONCE and (coming := next(sessions, end)) not in (None, end):
                running.append(coming)
                if coming.attempt(coming.start):
                    yield running.pop()
            time.sleep(0.05)
            done = [session for session in running if session.attempt(session.poll)]
            running = [session for session in running if session not in done]
            yield from done
    finally:
        for session in running:
            session.end()


def run(*arguments, **options):
    """Run one session; returns its results."""
    session, = run_all([Session(*arguments, **options)])
    return session.results
