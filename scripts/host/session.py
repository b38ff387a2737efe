# SPDX-License-Identifier: GPL-2.0
"""A session runs selftest programs in one guest, and the rest of them in another if it is lost."""

import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from host import build, guest, orders, progress, verdict
from host.common import BUILD, Failure, lock
from host.kernel import Kernel
from host.ktap import Result
from host.stages import record, stage

# Seconds that a guest may take from its first output, besides the limits of its programs.
SLACK = 30
INTERVAL = 0.05		# seconds between two looks at a guest


def at_once() -> int:
    """Return how many guests run at the same time: one more than processors, as a guest mostly
    waits."""
    return int(build.JOBS) + 1


def trial_initrd(kernel: Kernel, nothing: Path = BUILD / "nothing") -> Path:
    """Build an initramfs without any test."""
    with lock("trial"):
        nothing.mkdir(exist_ok=True)
        return build.initramfs(kernel, [], nothing, {}, kernel.directory / "trial-initramfs")


def initramfs(kernel: Kernel, modules: Sequence[Path], installed: Path,
              programs: Mapping[str, str | int], out: Path) -> Path:
    """Write the initramfs of guests that run these programs to a directory."""
    with stage("writing the initramfs", kernel.line):
        return build.initramfs(kernel, modules, installed, programs, out / "initramfs")


class Session:
    """Programs that share one guest. If it is lost, the programs behind the one that was running
    get a new guest; all of them get one, once, if it is lost before the first."""

    def __init__(self, kernel: Kernel, modules: Sequence[Path], installed: Path,
                 programs: Mapping[str, str | int], out: Path, append: str = "",
                 limit: float | None = None, boot_limit: float = guest.BOOT_LIMIT,
                 accel: str | None = None, initrd: Path | None = None) -> None:
        """PROGRAMS: time limits by name. OUT: the directory for the files of the first guest.
        INITRD: an initramfs that other sessions use, too: then the guests are restored from a
        template."""
        self.kernel, self.modules, self.installed = kernel, modules, installed
        self.programs = {name: int(limit) * kernel.slow for name, limit in programs.items()}
        self.out, self.append = out, append
        self.limit, self.boot_limit, self.accel = limit, boot_limit * kernel.slow, accel
        self.initrd = initrd
        self.outs: list[Path] = []		# one for each guest
        self.results: list[Result] = []
        self.started = 0.0

    def _boot(self, programs: Mapping[str, int], out: Path) -> guest.Guest:
        """Boot a guest that runs these programs."""
        self.outs.append(out)
        out.mkdir(parents=True, exist_ok=True)
        accel = self.accel or guest.accelerator(self.kernel, trial_initrd)
        limit = self.limit or SLACK * self.kernel.slow + sum(programs.values())
        if self.initrd:
            content = orders.orders({}, {build.LISTING: build.listing_of(programs)})
            return guest.start(guest.command(self.kernel, self.initrd, self.append, accel), out,
                               content, (limit, self.boot_limit), self.kernel.line)
        initrd = initramfs(self.kernel, self.modules, self.installed, programs, out)
        return guest.Guest(guest.command(self.kernel, initrd, self.append, accel), out, limit,
                           self.boot_limit)

    def _run_guest(self, programs: Mapping[str, int], out: Path, stop: threading.Event,
                   watch: progress.Watch) -> tuple[dict[str, int], str]:
        """Run programs in one guest. Return those that need another guest, and where that one
        writes, below the directory of the first."""
        one = self._boot(programs, out)
        try:
            watch.boots(out, programs)
            while not (ending := one.poll()):
                watch.look()
                if stop.wait(INTERVAL):
                    return {}, ""
        except Failure as failure:	# QEMU failed: a result; the programs go on in another guest
            self.results.append(Result("guest", "fail", str(failure)))
            ending = "ended"
        finally:
            one.end()
            self._record(one)
        results, lost_during = verdict.judge(out, ending, programs, self.kernel.must)
        watch.ends(results[-1] if lost_during else None)
        self.results += results
        begun = [name for name in verdict.begun(out) if name in programs]
        left = {name: programs[name] for name in programs if name not in begun}
        return left, f"after-{begun[-1]}" if begun else "again"

    def _record(self, one: guest.Guest) -> None:
        """Record the stages of a guest that has ended."""
        now = time.monotonic()
        record("booting guests", one.started, one.spoke or now, self.kernel.line)
        if one.spoke:
            record("running programs", one.spoke, now, self.kernel.line)

    def _give_up(self, programs: Iterable[str], why: str) -> None:
        """Add a result for each program that cannot run."""
        self.results += [Result(name, "LOST", f"did not run: {why}") for name in programs]

    def run(self, stop: threading.Event | None = None,
            watch: progress.Watch | None = None) -> list[Result]:
        """Run all programs; returns the results. STOP, once set, ends the guest and the session.
        WATCH: is notified of what the guests do."""
        stop, watch = stop or threading.Event(), watch or progress.Watch()
        programs, out = self.programs, self.out
        self.started = time.monotonic()
        try:
            while programs and not stop.is_set():
                left, below = self._run_guest(programs, out, stop, watch)
                if left and below == out.name == "again":
                    self._give_up(left, "its guest did not boot, twice")
                    break
                programs, out = left, self.out / below
        except Failure as failure:	# no guest: a result, so that other sessions go on
            self.results.append(Result("guest", "fail", str(failure)))
            self._give_up(programs, "it got no guest")
        finally:
            watch.over()
        return self.results


def run(kernel: Kernel, modules: Sequence[Path], installed: Path,
        programs: Mapping[str, str | int], out: Path, accel: str | None = None) -> list[Result]:
    """Run one session on its own; returns its results."""
    return Session(kernel, modules, installed, programs, out, accel=accel).run()
