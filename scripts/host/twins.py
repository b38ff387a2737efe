# SPDX-License-Identifier: GPL-2.0
"""Judges each target of a sweep in a separate guest. All guests are restored from one template, and
each instruction takes a nanosecond of their clock: until a call fails they are twins. One of them
fails nothing. After the operation has succeeded again, each gauge must be as in this one.
"""

import os
import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import TYPE_CHECKING

from host import build, guest, orders, sweepproto, sweepreport, template, watched
from host.common import Failure, say

if TYPE_CHECKING:
    from host.sweep import Sweep

ACCEL = "icount"
CLEAN = 2		# twins in which nothing fails: those are compared with each other
# Seconds that the guest may take for the clean runs, and a twin for its first record.
LIMIT = 300
# Bytes of a twin's orders: the same for all, so that reading them takes the same memory.
ORDERS = 16384
INTERVAL = 0.01		# seconds between two looks at a guest
# Where the sweep program waits for its orders.
WAITING = b'{"event":"waiting"'


class NoTwins(Failure):
    """The guests are no twins, or cannot be made."""


def wanted(settings: str) -> bool:
    """False if the user wants other guests: SNAPSHOT=0, TWINS=0, or settings for which a guest has
    to run the operation many times, or never with a failure."""
    return (template.wanted() and os.environ.get("TWINS", "1") != "0"
            and not any(f"ERRPATH_{name}=" in settings for name in ("K", "PAIRS", "SURVEY")))


def _is_over(out: Path) -> bool:
    return b'{"event":"end"' in (out / "sweep").read_bytes()


class Twins:
    """The twins of one sweep."""

    def __init__(self, sweep: "Sweep", stop: threading.Event) -> None:
        """STOP: once set, all guests end."""
        self.sweep, self._stop = sweep, stop
        environment, append = sweep.environment()
        self._orders = orders.orders({**environment, "ERRPATH_TWINS": "1"}, {})
        self._initrd = sweep.initramfs()
        self._arguments = guest.command(sweep.kernel, self._initrd, append, ACCEL)
        self._template = self._make()
        self._clean = b""	# the gauges of the twin in which nothing fails, as orders

    def _make(self) -> template.Template:
        stop = template.Stop("sweep", WAITING, {"orders": self._orders, "twin": orders.WAIT})
        try:
            return template.get_later(self._arguments, guest.started, stop,
                                      self.sweep.kernel.line, LIMIT)
        except (Failure, OSError) as error:
            raise NoTwins(str(error)) from None

    def _first(self) -> None:
        """Make the directory of the guest of which the template was made, with its records."""
        if self.sweep.outs():
            return
        out = self.sweep.next_out()
        for name in ("sweep", "ktap", "console"):
            shutil.copyfile(self._template.directory / name, out / name)

    def _start(self, out: Path, content: bytes) -> guest.Guest:
        """Restore a twin with these orders."""
        if len(content) > ORDERS:
            raise NoTwins(f"the orders of a twin have {len(content)} bytes, at most {ORDERS}")
        words = [*self._arguments, *orders.option(out, self._orders),
                 *orders.option(out, content.ljust(ORDERS) + b"\ngo\n", "twin")]
        try:
            return watched.Watched(words, out, watched.QUIET, LIMIT, begin=self._template)
        except guest.NotRestored as failure:
            self._template.drop()
            raise NoTwins(str(failure)) from None

    def _run(self, hash_: str, then: str = "") -> Path | None:
        """Run the twin that fails this target; returns its directory, or None if it was stopped.
        The file `ending` says how it ended. THEN: a target to fail after it."""
        out = self.sweep.next_out()
        last = f"then {then}\n" if then else ""
        one = self._start(out, f"target {hash_}\n{last}".encode() + self._clean)
        ending = None
        try:
            while not ending and not self._stop.is_set():
                time.sleep(INTERVAL)
                ending = "judged" if _is_over(out) else one.poll()
        finally:
            one.end()
        if not ending:
            return None
        (out / "ending").write_text(ending, encoding="ascii")
        return out

    def _run_clean(self, pool: ThreadPoolExecutor) -> None:
        """Run twins in which nothing fails: their stacks, counters and errors must be the same."""
        done = [*pool.map(self._run, [sweepproto.NOTHING] * (self.sweep.clean or CLEAN))]
        outs = [out for out in done if out]
        if len(outs) < len(done):
            return
        for out in outs[1:]:
            if (out / "sweep").read_bytes() != (outs[0] / "sweep").read_bytes():
                raise NoTwins("two guests in which nothing failed differ: see "
                              f"{outs[0]}/sweep and {out}/sweep")
        moved = [record for record in sweepproto.read(outs[0] / "sweep")
                 if record["event"] == "moved"]
        if not moved:
            raise NoTwins(f"a guest in which nothing failed ended without a result: see {outs[0]}")
        self._clean = "".join(f"{name} {difference}\n"
                              for name, difference in moved[-1]["gauges"]).encode()

    def _left(self) -> list[tuple[str, str]]:
        """The targets that are left: those of the template, and those that exist only after
        another one has failed, behind it."""
        done = {sweepproto.NOTHING, *self.sweep.done()}
        left: dict[str, tuple[str, str]] = {}
        for out in self.sweep.outs():
            failed = ""
            for record in sweepproto.read(out / "sweep"):
                if record["event"] == "target":
                    failed = record["hash"] if record["hash"] != sweepproto.NOTHING else ""
                elif record["event"] == "found" and record["hash"] not in done:
                    pair = (failed, record["hash"]) if failed else (record["hash"], "")
                    left.setdefault(record["hash"], pair)
        return [*left.values()]

    def _run_left(self, pool: ThreadPoolExecutor) -> None:
        """Judge all targets, and those that are found by that."""
        before: list[tuple[str, str]] = []
        while (left := self._left()) and left != before and not self._stop.is_set():
            say(f"{len(left)} calls to fail, each in a guest of its own")
            runs = [pool.submit(self._run, *pair) for pair in left]
            for one in as_completed(runs):
                one.result()
            before = left
        if left and not self._stop.is_set():	# the last round judged none of them
            self.sweep.give_up([then or hash_ for hash_, then in left])
            say(sweepreport.unreached(len(left)))

    def run(self) -> None:
        """Judge all targets that are left. Raises NoTwins if these guests cannot do that."""
        self._first()
        with ThreadPoolExecutor(int(build.JOBS)) as pool:
            try:
                self._run_clean(pool)
                self._run_left(pool)
            finally:
                self._stop.set()
        self._stop.clear()
        self._initrd.unlink()
