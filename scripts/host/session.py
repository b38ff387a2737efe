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


def run(kernel, modules, installed, programs, out, append="", limit=None,
        boot_limit=guest.BOOT_LIMIT, accel=None):
    """Boot a guest that runs PROGRAMS; returns the results."""
    out.mkdir(parents=True, exist_ok=True)
    initrd = build.initramfs(kernel, modules, installed, programs, out / "initramfs")
    accel = accel or guest.accelerator(kernel, trial_initrd(kernel))
    limit = limit or SLACK + sum(map(int, programs.values()))
    vm = guest.Guest(guest.command(kernel, initrd, append, accel), out)
    ending = vm.wait(limit, boot_limit)
    return verdict.judge(out, ending, programs, kernel.must)
