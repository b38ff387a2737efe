# SPDX-License-Identifier: GPL-2.0
"""One run: a guest with modules and selftests on one kernel, from boot to verdict."""

from host import build, guest, verdict
from host.common import BUILD

# What a guest may take from its first word besides its programs' own limits, in seconds.
SLACK = 30


def trial_initrd(kernel, nothing=BUILD / "nothing"):
    """An initramfs with nothing to test."""
    nothing.mkdir(exist_ok=True)
    return build.initramfs(kernel, [], nothing, {}, kernel.directory / "trial-initramfs")


class Session:
    """A guest that runs programs, and what comes of them."""

    def __init__(self, kernel, modules, installed, programs, out, append="", limit=None,
                 boot_limit=guest.BOOT_LIMIT, accel=None):
        self.kernel, self.programs, self.out = kernel, programs, out
        out.mkdir(parents=True, exist_ok=True)
        initrd = build.initramfs(kernel, modules, installed, programs, out / "initramfs")
        accel = accel or guest.accelerator(kernel, trial_initrd(kernel))
        limit = limit or SLACK + sum(map(int, programs.values()))
        self.guest = guest.Guest(guest.command(kernel, initrd, append, accel), out, limit,
                                 boot_limit)

    def results(self, ending):
        return verdict.judge(self.out, ending, self.programs, self.kernel.must)


def run(*arguments, **options):
    """Boot one guest for all programs; returns the results."""
    session = Session(*arguments, **options)
    return session.results(*guest.wait([session.guest]))


def run_apart(kernel, modules, installed, programs, out, *arguments, **options):
    """Share the programs out over guests that run at once: one more than there are
    processors, for much of what they do is to wait for the kernel. What they left is in
    OUT/PROGRAM+PROGRAM, and one behind the other in OUT."""
    guests = int(build.JOBS) + 1
    shares = [dict(list(programs.items())[first::guests]) for first in range(guests)]
    sessions = []
    try:
        for share in filter(None, shares):
            sessions.append(Session(kernel, modules, installed, share, out / "+".join(share),
                                    *arguments, **options))
        endings = guest.wait([session.guest for session in sessions])
    finally:
        for session in sessions:
            session.guest.end()
    for port in ("console", *guest.PORTS):
        (out / port).write_bytes(b"".join((session.out / port).read_bytes()
                                          for session in sessions))
    results = [result for session, ending in zip(sessions, endings)
               for result in session.results(ending)]
    return list(dict.fromkeys(results))
