# SPDX-License-Identifier: GPL-2.0
"""Runs a sweep: boots guest after guest until each call of an operation was failed and judged."""

import hashlib
import re
import shutil
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any, NamedTuple

from host import build, guest, log, oops, orders, session, sweepproto, template
from host.common import ROOT, SCRIPTS, Failure, say
from host.kernel import Kernel


class Row(NamedTuple):
    """A row of sweeps.conf."""

    operation: str
    lines: list[str]	# kernel lines
    append: str		# for the kernel's command line


# Seconds without a record until a guest counts as hung. The guest itself has the time limit of
# each run of the operation.
QUIET = 90
PROGRAM_LIMIT = 7200	# seconds that the guest's program may run
# Consecutive guests that may fail to boot, on a busy machine, before a sweep gives up.
BOOTS = 3
# loglevel=6 sends the line of each injection to the console before the failure has an effect.
# nokaslr makes a wrong pointer point to the same place in each guest. slab_debug=F lets the kernel
# check slabs, so that each lost object is seen; kernels before 6.9 have it as slub_debug.
APPEND = "loglevel=6 nokaslr slub_debug=F"
# Words that the guest's program reads: they reach it by orders, not by the kernel's command line,
# so that all operations share a template.
ORDERED = re.compile(r"ERRPATH_\w+=")
INJECT = re.compile(r"errpath: inject ")
TIME = re.compile(r"^\[ *[0-9.]+\] ")
OPERATION = re.compile(r"^SWEEP_OPERATION\((\w+)\)", re.M)


def rows() -> Iterator[Row]:
    """The rows of sweeps.conf."""
    table = (SCRIPTS / "sweeps.conf").read_text(encoding="utf-8")
    for operation, lines, append in (text.split() for text in table.splitlines()
                                     if text and text[0] != "#"):
        yield Row(operation, lines.split(","), "" if append == "-" else append.replace(",", " "))


def row_of(operation: str, line: str) -> Row:
    """The operation's row for a kernel line; one without options if sweeps.conf has none."""
    return next((row for row in rows() if row.operation == operation and line in row.lines),
                Row(operation, [], ""))


def operations() -> list[str]:
    """Return the names of all operations."""
    return sorted(name for file in (ROOT / "selftests/sweeps").glob("*.c")
                  for name in OPERATION.findall(file.read_text(encoding="utf-8")))


def known(operation: str) -> None:
    """Raise a Failure if there is no such operation."""
    if operation not in operations():
        raise Failure(f"no operation {operation!r}; there are: {' '.join(operations())}")


class _Watched(guest.Guest):
    """A guest whose time limit starts again with each record that it sends."""

    def __init__(self, arguments: Sequence[str], out: Path, limit: float, boot_limit: float,
                 begin: template.Template | None = None) -> None:
        self.received = 0	# bytes
        super().__init__(arguments, out, limit, boot_limit, begin=begin)

    def poll(self) -> str | None:
        received = (self.out / "sweep").stat().st_size
        if received != self.received:
            self.received, self.deadline = received, time.monotonic() + QUIET
        ending: str | None = super().poll()
        return ending


class Lane(NamedTuple):
    """A part of the targets: those that one of several guests judges."""

    number: int
    lanes: int

    def text(self) -> str:
        return f"{self.number}/{self.lanes}"

    @classmethod
    def of(cls, out: Path) -> "Lane":
        """The lane of a guest with this directory."""
        number, _, lanes = (out / "lane").read_text(encoding="ascii").partition("/")
        return cls(int(number), int(lanes))


class Sweep:
    """The sweep of one operation on one kernel. Its directory outlives the process, so that an
    interrupted sweep can be resumed."""

    def __init__(self, kernel: Kernel, modules: Sequence[Path], installed: Path, operation: str,
                 out: Path, settings: str = "", command: str = "") -> None:
        """MODULES: the .ko files. INSTALLED: directory of the selftests. OUT: directory of the
        results. SETTINGS: words for the kernel's command line, which the guest's program reads.
        COMMAND: shell commands that the operation "command" runs."""
        self.kernel, self.modules, self.installed = kernel, modules, installed
        self.row, self.out, self.settings = row_of(operation, kernel.line), out, settings
        self.files: dict[str, bytes] = {}
        if command:
            self.files["selftests/sweep-command"] = command.encode()
        self.seconds = 0.0
        self._mutex = threading.Lock()		# held while a guest gets its number
        self._stop = threading.Event()		# once set, all guests end

    # Results of guests that ran before.

    def _key(self) -> str:
        """A hash of all that the results depend on."""
        parts = [self.kernel.release, self.append(), str(self.files)]
        parts += [hashlib.sha256(file.read_bytes()).hexdigest()
                  for file in [*self.modules, self.installed / "sweep",
                               self.installed / "known-issues"]]
        return hashlib.sha256(" ".join(parts).encode()).hexdigest()

    def resume(self) -> bool:
        """Keep the results of an interrupted sweep if its key is the same, and remove all other
        results. Returns true if some were kept."""
        key = self.out / "key"
        same = key.is_file() and key.read_text(encoding="ascii") == self._key()
        if same and not self.ended():
            return bool(self.outs())
        shutil.rmtree(self.out, ignore_errors=True)
        self.out.mkdir(parents=True)
        key.write_text(self._key(), encoding="ascii")
        return False

    def outs(self) -> list[Path]:
        """The directories of the guests so far, in their order."""
        found = [file.parent for file in self.out.glob("guest-*/sweep")]
        return sorted(found, key=lambda out: int(out.name.partition("-")[2]))

    def events(self) -> Iterator[sweepproto.Event]:
        """The records of all guests, and an event for each guest that was lost. Raises a Failure
        for a record that the schema does not have."""
        for out in self.outs():
            records = list(sweepproto.read(out / "sweep"))
            yield from records
            event = lost(out, records)
            if event:
                yield event

    def ended(self) -> bool:
        """True if all targets were judged: by one guest, or by those of all lanes, if these found
        the same targets."""
        ends: dict[int, dict[int, str]] = {}	# surveys by number of lanes, and by lane
        for out in self.outs():
            for record in sweepproto.read(out / "sweep"):
                if record["event"] == "unavailable":
                    return True
                if record["event"] == "end":
                    lane = Lane.of(out)
                    ends.setdefault(lane.lanes, {})[lane.number] = record["survey"]
        return any(len(surveys) == lanes and len(set(surveys.values())) == 1
                   for lanes, surveys in ends.items())

    def _lane_ended(self, lane: Lane) -> bool:
        return any(record["event"] in ("end", "unavailable")
                   for out in self.outs() if Lane.of(out) == lane
                   for record in sweepproto.read(out / "sweep"))

    def done(self) -> list[str]:
        """The hashes of the targets that were judged, or that a guest was lost by."""
        return [event["hash"] for event in self.events()
                if event["event"] == "judged" or event["event"] == "lost"]

    @staticmethod
    def _got_done(out: Path) -> bool:
        """True if a guest, which has ended, judged a target or was lost by one."""
        records = list(sweepproto.read(out / "sweep"))
        return (any(record["event"] == "judged" for record in records)
                or lost(out, records) is not None)

    # Guests.

    def append(self) -> str:
        """The words for the kernel's command line. Of two words with the same name the last one
        counts: the user's."""
        return " ".join([APPEND, f"ERRPATH_SWEEP={self.row.operation}", self.row.append,
                         self.settings])

    def _initramfs(self) -> Path:
        """Write the initramfs of all guests."""
        return build.initramfs(self.kernel, self.modules, self.installed,
                               {"sweep": PROGRAM_LIMIT}, self.out / "initramfs", more=self.files)

    def _guest(self, lane: Lane, initrd: Path, out: Path) -> guest.Guest:
        """Start a guest for the remaining targets of a lane."""
        accel = guest.accelerator(self.kernel, session.trial_initrd)
        words = self.append().split()
        environment = dict(word.split("=", 1) for word in words if ORDERED.match(word))
        append = " ".join(word for word in words if not ORDERED.match(word))
        content = orders.orders({**environment, "ERRPATH_LANE": lane.text()},
                                {"selftests/sweep-done": "\n".join(self.done()).encode()})
        return guest.start(guest.command(self.kernel, initrd, append, accel), out, content,
                           (QUIET, guest.BOOT_LIMIT), self.kernel.line, _Watched)

    def _next_out(self, lane: Lane) -> Path:
        """Make the directory of another guest."""
        with self._mutex:
            numbers = [int(out.name.partition("-")[2]) for out in self.out.glob("guest-*")]
            out = self.out / f"guest-{max(numbers, default=0) + 1}"
            out.mkdir()
        (out / "lane").write_text(lane.text(), encoding="ascii")
        (out / "sweep").touch()
        return out

    def _run_lane(self, lane: Lane, initrd: Path) -> None:
        """Run guest after guest until all targets of a lane are done. Raises a Failure if a guest
        gets nothing done, or if BOOTS guests in a row do not boot."""
        barren = 0
        while not self._lane_ended(lane) and not self._stop.is_set():
            out = self._next_out(lane)
            ending = guest.wait([self._guest(lane, initrd, out)], self._stop)[0]
            if not ending:
                return
            (out / "ending").write_text(ending, encoding="ascii")
            ended = self._lane_ended(lane)
            barren = barren + 1 if not self._got_done(out) else 0
            if barren and not ended and (_has_records(out) or barren == BOOTS):
                raise Failure(f"the guest ended without a result: see {out}/ktap and console")
            if not ended:
                say(f"guest {'lost' if _has_records(out) else 'did not boot'}, "
                    f"{len(self.done())} calls done: going on in a new one")

    def run(self) -> None:
        """Run the guests of all lanes until all targets are done; raises a Failure as
        _run_lane()."""
        started, initrd = time.monotonic(), self._initramfs()
        lanes = [Lane(number, int(build.JOBS)) for number in range(int(build.JOBS))]
        with ThreadPoolExecutor(len(lanes)) as pool:
            try:
                runs = [pool.submit(self._run_lane, lane, initrd) for lane in lanes]
                for one in as_completed(runs):
                    one.result()
            finally:
                self._stop.set()
        self._stop.clear()
        if not self.ended():	# the lanes found different targets
            self._run_lane(Lane(0, 1), initrd)
        initrd.unlink()
        self.seconds = time.monotonic() - started


def _has_records(out: Path) -> bool:
    return (out / "sweep").stat().st_size > 0


def _open_target(records: Sequence[sweepproto.Record]) -> sweepproto.Target | None:
    """The announcement of the call that was failed but not judged, or None."""
    target = None
    for record in records:
        if record["event"] == "target":
            target = record
        elif record["event"] in ("judged", "end"):
            target = None
    return target


def _problems(lines: Sequence[str]) -> list[str]:
    """The unexpected lines of a console after its last injection. LINES: up to the oops."""
    def scan(part: Sequence[str]) -> list[Any]:
        text = "\n".join(TIME.sub("<4>[] ", line) for line in part)
        problems: list[Any] = log.scan(text, log.deny_list(), log.allow_list(), complete=False)
        return problems

    last = max((number for number, line in enumerate(lines) if INJECT.search(line)), default=0)
    return [problem.text for problem in scan(lines)[len(scan(lines[:last])):]]


def _lost(target: sweepproto.Target, out: Path) -> sweepproto.Lost:
    """The event of a guest about which nothing else is known: it hangs."""
    return {"event": "lost", "hash": target["hash"], "how": "hang", "text": "", "log": [],
            "known": False, "later": False, "guest": out.name}


def _oops(target: sweepproto.Target, out: Path) -> sweepproto.Lost | None:
    """The event of a guest whose console ends in an oops; None if it does not."""
    console = (out / "console").read_text(encoding="utf-8", errors="replace")
    before, lines = oops.split(console, INJECT)
    if not lines:
        return None
    found, problems = oops.known(console, INJECT), _problems(before)
    # Of a known oops show the regexp: what it matches may differ from run to run.
    line = found.regexp if found else oops.first_line(lines)
    event = _lost(target, out)
    event.update({"how": "oops", "text": f"in {oops.function(lines) or '?'}(): {line}",
                  "log": problems, "known": bool(found) and not problems})
    return event


def lost(out: Path, records: Sequence[sweepproto.Record]) -> sweepproto.Lost | None:
    """The event of a guest that was lost, which is attributed to the call that it announced last;
    None if it ran to its end, if this process ended it, or if it had not announced a call.

    OUT: the guest's directory. RECORDS: those that it sent.
    """
    target = _open_target(records)
    if not target or not (out / "ending").is_file():
        return None
    event = _lost(target, out)
    # Before the guest's program ends the guest, it sends the reason.
    broken = next((record for record in records if record["event"] == "broken"), None)
    hang = next((record for record in records if record["event"] == "hang"), None)
    # A kernel that oopses ends its guest; one that only warns goes on.
    ended = (out / "ending").read_text(encoding="ascii") == "ended"
    if broken:
        event.update({"how": "broken", "known": broken["result"] == "xfail"})
    elif hang:
        event["text"] = hang["run"]["where"]
    elif ended:
        event = _oops(target, out) or event
    event["later"] = any(record["event"] == "failed" and record["hash"] == target["hash"]
                         for record in records)
    return event
