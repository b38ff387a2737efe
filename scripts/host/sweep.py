# SPDX-License-Identifier: GPL-2.0
"""Runs a sweep: boots guest after guest until each call of an operation was failed and judged."""

import hashlib
import json
import os
import re
import shutil
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any, NamedTuple

from host import (build, examine, guest, log, oops, orders, session, sweepproto, template,
                  twins, watched)
from host.common import ROOT, SCRIPTS, Failure, say
from host.kernel import Kernel


class Row(NamedTuple):
    """A row of sweeps.conf."""

    operation: str
    lines: list[str]	# kernel lines
    append: str		# for the kernel's command line


COMMAND = "command"	# the operation that runs shell commands
# The test of the sweep itself, and what CMD uses.
INTERNAL = ("chain", COMMAND)
SETTINGS = "settings"	# file with the arguments that another sweep must have to find the same
# File with the hashes of calls that twins found, and that no other twin reached.
UNREACHED = "unreached"
PROGRAM_LIMIT = 7200	# seconds that the guest's program may run
# Consecutive guests that may fail to boot, on a busy machine, before a sweep gives up.
BOOTS = 3
# loglevel=6 sends the line of each injection to the console before the failure has an effect.
# nokaslr makes a wrong pointer point to the same place in each guest. slab_debug=F lets the kernel
# check slabs, so that each lost object is seen; kernels before 6.9 have it as slub_debug.
APPEND = "loglevel=6 nokaslr slub_debug=F"
# KASAN reports each bad access, and not only the first one.
KASAN_APPEND = "kasan_multi_shot"
# Words that the guest's program reads: they reach it by orders, not by the kernel's command line,
# so that all operations share a template.
ORDERED = re.compile(r"(?<!\S)(ERRPATH_\w+=\S*)\s*")
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


def options(operation: str) -> str:
    """Return the words that sweeps.conf has for an operation, whatever the kernel line; or
    empty."""
    return next((row.append for row in rows() if row.operation == operation), "")


def operations() -> list[str]:
    """Return the names of all operations."""
    return sorted(name for file in (ROOT / "selftests/sweeps").glob("*.c")
                  for name in OPERATION.findall(file.read_text(encoding="utf-8")))


def _declares(operation: str, field: str) -> bool:
    """True if an operation sets a field of its declaration to true."""
    sources = (file.read_text(encoding="utf-8") for file in (ROOT / "selftests/sweeps").glob("*.c"))
    return any(re.search(rf"^SWEEP_OPERATION\({operation}\) = {{[^}}]*\.{field} = true", text, re.M)
               for text in sources)


def asks_host(operation: str) -> bool:
    """True if an operation asks the host for memory, which comes at no known time of the guest."""
    return _declares(operation, "asks_host")


def has_workers(operation: str) -> bool:
    """True if kernel threads do the work of an operation, and not its process."""
    return _declares(operation, "workers")


def offered() -> list[str]:
    """Return the names of the operations that a user can name, without those that only errpath
    itself uses."""
    return [name for name in operations() if name not in INTERNAL]


def known(operation: str) -> None:
    """Raise a Failure if there is no such operation."""
    if operation not in operations():
        raise Failure(f"no operation {operation!r}; there are: {' '.join(offered())}")


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
                 out: Path, settings: str = "", command: str = "",
                 lanes: int = 0, clean: int = 0) -> None:
        """MODULES: the .ko files. INSTALLED: directory of the selftests. OUT: directory of the
        results. SETTINGS: words for the kernel's command line, which the guest's program reads.
        COMMAND: shell commands that the operation "command" runs. LANES: guests at a time;
        0: JOBS. CLEAN: twins in which nothing fails; 0: CLEAN, and go on without twins if these
        differ."""
        self.kernel, self.modules, self.installed = kernel, modules, installed
        self.row, self.out = row_of(operation, kernel.line), out
        self.settings, self.command = settings, command
        self.files: dict[str, bytes] = {}
        if command:
            self.files["selftests/sweep-command"] = command.encode()
        self.lanes, self.clean, self.seconds = lanes or int(build.JOBS), clean, 0.0
        self._mutex = threading.Lock()		# held while a guest gets its number
        self._stop = threading.Event()		# once set, all guests end

    # Results of guests that ran before.

    def _key(self) -> str:
        """A hash of all that the results depend on."""
        parts = [self.kernel.release, self.append(), str(self.files), str(self._users_files())]
        parts += [hashlib.sha256(file.read_bytes()).hexdigest()
                  for file in [self.kernel.image, *self.modules, self.installed / "sweep",
                               self.installed / "known-issues"]]
        return hashlib.sha256(" ".join(parts).encode()).hexdigest()

    def set(self) -> dict[str, str]:
        """What shards of one sweep have in common, by name."""
        settings = " ".join(word for word in self.append().split()
                            if not word.startswith("ERRPATH_SHARD="))
        return {"line": self.kernel.line, "kernel": self.kernel.release,
                "operation": self.row.operation, "settings": settings, "command": self.command,
                "files": str(self._users_files()),
                "known-issues": self._digest([self.installed / "known-issues"]),
                "modules": self._digest(self.modules)}

    @staticmethod
    def _digest(files: Sequence[Path]) -> str:
        return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]

    def is_current(self) -> bool:
        """True if the directory has the complete results of a sweep with the same key."""
        key = self.out / "key"
        return (key.is_file() and key.read_text(encoding="ascii") == self._key()
                and self.ended())

    def _users_files(self) -> dict[str, str]:
        """Return hashes of the user's files in the guest."""
        return {name: hashlib.sha256(data).hexdigest()
                for name, (_, data) in build.users_files(self.kernel).items()}

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
        (self.out / SETTINGS).write_text(json.dumps([self.settings, self.command]),
                                         encoding="utf-8")
        return False

    @staticmethod
    def settings_of(out: Path) -> tuple[str, str]:
        """The arguments SETTINGS and COMMAND of the sweep whose results OUT has."""
        if not (out / SETTINGS).is_file():
            raise Failure(f"{os.path.relpath(out)} has no results: run the sweep without SHELL= "
                          "first")
        settings, command = json.loads((out / SETTINGS).read_text(encoding="utf-8"))
        return settings, command

    def outs(self) -> list[Path]:
        """The directories of the guests so far, in their order."""
        found = [file.parent for file in self.out.glob("guest-*/sweep")]
        return sorted(found, key=lambda out: int(out.name.partition("-")[2]))

    def unreached(self) -> list[str]:
        """Return the hashes of the targets that twins found, but could not fail."""
        file = self.out / UNREACHED
        return file.read_text(encoding="ascii").split() if file.is_file() else []

    def give_up(self, hashes: Sequence[str]) -> None:
        """Note that no twin reaches these targets."""
        (self.out / UNREACHED).write_text("\n".join([*hashes, ""]), encoding="ascii")

    def events(self) -> Iterator[sweepproto.Event]:
        """The records of all guests, and an event for each guest that was lost. Raises a Failure
        for a record that the schema does not have."""
        end: sweepproto.Record | None = None
        for out in self.outs():
            records = list(sweepproto.read(out / "sweep"))
            end = next((record for record in records if record["event"] == "end"), end)
            yield from (record for record in records if record["event"] != "end"
                        and record.get("hash") != sweepproto.NOTHING)
            event = lost(out, records)
            if event and event["hash"] != sweepproto.NOTHING:
                yield event
        if end and self.ended():
            yield end

    def oops(self) -> str:
        """Return the oops that ended the last guest, in one line; empty if none did."""
        for out in reversed(self.outs()):
            console = (out / "console").read_text(encoding="utf-8", errors="replace")
            _, lines = oops.split(console, INJECT)
            return _oops_text(lines) if lines else ""
        return ""

    def nothing(self) -> Iterator[sweepproto.Event]:
        """The same records about a guest in which nothing failed, if there was one. Its counters
        are what those of the others are compared with: only the log counts."""
        for out in self.outs():
            records = list(sweepproto.read(out / "sweep"))
            about = [record for record in records if record.get("hash") == sweepproto.NOTHING]
            if not any(record["event"] == "judged" for record in about):
                continue
            yield from (record for record in records if record["event"] == "start")
            yield from (_only_log(record) for record in about if record["event"] != "found")
            return

    def ended(self) -> bool:
        """True if all targets that are reached again were judged: by twins, by one guest, or by
        those of all lanes, if these found the same targets."""
        if self._is_by_twins():	# a shard can have no target
            return not {*self.found()} - {*self.done()} - {*self.unreached()}
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

    def _is_by_twins(self) -> bool:
        return any(record["event"] in ("found", "waiting") for out in self.outs()
                   for record in sweepproto.read(out / "sweep"))

    def found(self) -> list[str]:
        """The hashes of the targets that twins found."""
        return [record["hash"] for out in self.outs() for record in sweepproto.read(out / "sweep")
                if record["event"] == "found"]

    def done(self) -> list[str]:
        """The hashes of the targets that were judged, or that a guest was lost by."""
        done = []
        for out in self.outs():
            records = list(sweepproto.read(out / "sweep"))
            done += [record["hash"] for record in records if record["event"] == "judged"]
            event = lost(out, records)
            done += [event["hash"]] if event else []
        return done

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
        kasan = KASAN_APPEND if "CONFIG_KASAN" in self.kernel.config else ""
        return " ".join(filter(None, [APPEND, kasan, f"ERRPATH_SWEEP={self.row.operation}",
                                      self.row.append, self.settings]))

    def environment(self) -> tuple[dict[str, str], str]:
        """The words of append() that the guest's program reads, by name, and the others."""
        words = ORDERED.findall(self.append())
        # The other words stay as typed: those in quotes can have several blanks in a row.
        return dict(word.split("=", 1) for word in words), ORDERED.sub("", self.append()).strip()

    def initramfs(self) -> Path:
        """Write the initramfs of all guests."""
        return build.initramfs(self.kernel, self.modules, self.installed,
                               {"sweep": PROGRAM_LIMIT}, self.out / "initramfs", more=self.files)

    def _guest(self, lane: Lane, initrd: Path, out: Path) -> guest.Guest:
        """Start a guest for the remaining targets of a lane."""
        accel = guest.accelerator(self.kernel, session.trial_initrd)
        environment, append = self.environment()
        content = orders.orders({**environment, "ERRPATH_LANE": lane.text()},
                                {"selftests/sweep-done": "\n".join(self.done()).encode()})
        return guest.start(guest.command(self.kernel, initrd, append, accel), out, content,
                           (watched.QUIET, guest.BOOT_LIMIT), self.kernel.line, watched.Watched)

    def next_out(self, lane: str = "") -> Path:
        """Make the directory of another guest. LANE: as Lane.text(); empty for a twin."""
        with self._mutex:
            numbers = [int(out.name.partition("-")[2]) for out in self.out.glob("guest-*")]
            out = self.out / f"guest-{max(numbers, default=0) + 1}"
            out.mkdir()
        (out / "lane").write_text(lane, encoding="ascii")
        (out / "sweep").touch()
        return out

    def _run_lane(self, lane: Lane, initrd: Path) -> None:
        """Run guest after guest until all targets of a lane are done. Raises a Failure if a guest
        gets nothing done, or if BOOTS guests in a row do not boot."""
        barren = 0
        while not self._lane_ended(lane) and not self._stop.is_set():
            out = self.next_out(lane.text())
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

    def _run_lanes(self) -> None:
        """Run the guests of all lanes until all targets are done; raises a Failure as
        _run_lane()."""
        initrd = self.initramfs()
        lanes = [Lane(number, self.lanes) for number in range(self.lanes)]
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

    def _run_twins(self) -> bool:
        """Judge all targets by twins; false if that cannot be done: then no result is left.
        Raises NoTwins instead if the caller said how many are to be the same."""
        try:
            twins.Twins(self, self._stop).run()
        except twins.NoTwins as failure:
            if self.clean:
                raise
            say(f"{self.row.operation}: no twins: {failure}")
            for out in self.outs():
                shutil.rmtree(out)
        return self.ended()

    def run(self) -> None:
        """Run guests until all targets are done: twins if possible, otherwise those of lanes.
        Raises a Failure as _run_lane()."""
        started = time.monotonic()
        wanted = twins.wanted(self.append()) and not asks_host(self.row.operation)
        if not wanted or not self._run_twins():
            self._run_lanes()
        self.seconds = time.monotonic() - started


def _only_log(record: sweepproto.Record) -> sweepproto.Record:
    """The record; a verdict without the differences of counters."""
    if record["event"] != "judged":
        return record
    findings = [one for one in record["findings"] if not one["difference"]
                and not one["known"] and not one["what"].startswith("/proc/")]
    only: sweepproto.Judged = {"event": "judged", "hash": record["hash"],
                               "result": "fail" if findings else "pass", "reason": "",
                               "findings": findings}
    return only


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
    return {"event": "lost", "hash": target["hash"], "how": "hang", "text": examine.where(out),
            "log": [], "known": False, "later": False, "guest": out.name}


def _oops_text(lines: list[str], line: str = "") -> str:
    """An oops in one line. LINE: what to show of it; by default its first line."""
    return f"in {oops.function(lines) or '?'}(): {line or oops.first_line(lines)}"


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
    event.update({"how": "oops", "text": _oops_text(lines, line),
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
