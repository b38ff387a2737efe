# SPDX-License-Identifier: GPL-2.0
"""Runs a sweep: guest after guest, until each call of an operation was failed and judged."""

import hashlib
import json
import re
import shutil
import time
from collections import namedtuple

from host import build, guest, log, oops, session
from host.common import ROOT, SCRIPTS, Failure, say

Row = namedtuple("Row", "operation lines append")

# Seconds without a word until a guest counts as hung; the operation's own limit is the guest's.
QUIET = 90
PROGRAM_LIMIT = 7200
# Guests that may in a row not come up, on a machine that is too busy, before a sweep gives up.
BOOTS = 3
# Each injection's line goes to the console before the failure has an effect; and what a wrong
# pointer points to is the same in each guest.
APPEND = "loglevel=6 nokaslr"
INJECT = re.compile(r"errpath: inject ")
TIME = re.compile(r"^\[ *[0-9.]+\] ")


def rows():
    """The rows of sweeps.conf."""
    table = (SCRIPTS / "sweeps.conf").read_text(encoding="utf-8")
    for operation, lines, append in (text.split() for text in table.splitlines()
                                     if text and text[0] != "#"):
        yield Row(operation, lines.split(","), "" if append == "-" else append.replace(",", " "))


def row_of(operation, line):
    """The operation's row for this line, or what one has without."""
    return next((row for row in rows() if row.operation == operation and line in row.lines),
                Row(operation, [], ""))


def known(operation):
    """A Failure if there is no such operation."""
    there = sorted(name for file in (ROOT / "selftests/sweeps").glob("*.c") for name in
                   re.findall(r"^SWEEP_OPERATION\((\w+)\)", file.read_text(encoding="utf-8"), re.M))
    if operation not in there:
        raise Failure(f"no operation {operation!r}; there are: {' '.join(there)}")


class _Watched(guest.Guest):
    """A guest that may take as long as it goes on telling what it does."""

    def __init__(self, arguments, out, boot_limit):
        self.said = 0
        super().__init__(arguments, out, QUIET, boot_limit)

    def poll(self):
        said = (self.out / "sweep").stat().st_size
        if said != self.said:
            self.said, self.deadline = said, time.monotonic() + QUIET
        return super().poll()


def _records(out):
    """What a guest told; its last line may be cut off."""
    for line in (out / "sweep").read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            yield json.loads(line)
        except ValueError:
            return


class Sweep:
    """The sweep of one operation on one kernel, in a directory that outlives it."""

    def __init__(self, kernel, modules, installed, operation, out, settings="", command=""):
        """SETTINGS: words for the kernel's command line that the guest's program reads.
        COMMAND: what the operation "command" is."""
        self.kernel, self.modules, self.installed = kernel, modules, installed
        self.row, self.out, self.settings = row_of(operation, kernel.line), out, settings
        self.files = {"selftests/sweep-command": command.encode()} if command else {}
        self.started, self.seconds = None, 0

    # What is there from before.

    def _key(self):
        """Names what is swept: a sweep of anything else is another one."""
        parts = [self.kernel.release, self.append(), str(self.files)]
        parts += [hashlib.sha256(file.read_bytes()).hexdigest()
                  for file in [*self.modules, self.installed / "sweep",
                               self.installed / "known-issues"]]
        return hashlib.sha256(" ".join(parts).encode()).hexdigest()

    def resume(self):
        """Keep what an interrupted sweep of the same left; true if there was one."""
        key = self.out / "key"
        same = key.is_file() and key.read_text(encoding="ascii") == self._key()
        if same and not self.ended():
            return bool(self.outs())
        shutil.rmtree(self.out, ignore_errors=True)
        self.out.mkdir(parents=True)
        key.write_text(self._key(), encoding="ascii")
        return False

    def outs(self):
        """The directories of the guests so far."""
        found = [told.parent for told in self.out.glob("guest-*/sweep")]
        return sorted(found, key=lambda out: int(out.name.partition("-")[2]))

    def events(self):
        """All that guests told, and for each that was lost what it was lost by."""
        for out in self.outs():
            records = list(_records(out))
            yield from records
            event = lost(out, records)
            if event:
                yield event

    def ended(self):
        return any(event["event"] in ("end", "unavailable") for event in self.events())

    def done(self):
        return [event["hash"] for event in self.events() if event["event"] in ("judged", "lost")]

    # Guests.

    def append(self):
        """For the kernel's command line, where the last of a name counts: the user's."""
        return " ".join([APPEND, f"ERRPATH_SWEEP={self.row.operation}", self.row.append,
                         self.settings])

    def _guest(self, out):
        """Boot one for what is left."""
        out.mkdir(parents=True, exist_ok=True)
        initrd = build.initramfs(self.kernel, self.modules, self.installed,
                                 {"sweep": PROGRAM_LIMIT}, out / "initramfs",
                                 more={"selftests/sweep-done": "\n".join(self.done()).encode(),
                                       **self.files})
        accel = guest.accelerator(self.kernel, session.trial_initrd(self.kernel))
        return _Watched(guest.command(self.kernel, initrd, self.append(), accel), out,
                        guest.BOOT_LIMIT)

    def run(self):
        """Guest after guest until all is done."""
        started, barren = time.monotonic(), 0
        while not self.ended():
            before = len(self.done())
            out = self.out / f"guest-{len(self.outs()) + 1}"
            ending, = guest.wait([self._guest(out)])
            (out / "initramfs").unlink()
            (out / "ending").write_text(ending, encoding="ascii")
            barren = barren + 1 if len(self.done()) == before else 0
            if barren and not self.ended() and (_spoke(out) or barren == BOOTS):
                raise Failure(f"the guest ended without a result: see {out}/ktap and console")
            if not self.ended():
                say(f"guest {'lost' if _spoke(out) else 'did not boot'}, {len(self.done())} calls "
                    "done: going on in a new one")
        self.seconds = time.monotonic() - started


def _spoke(out):
    return (out / "sweep").stat().st_size > 0


def _open_target(records):
    """The announcement of the call that a guest did not come to judge, or None."""
    target = None
    for record in records:
        if record["event"] == "target":
            target = record
        elif record["event"] in ("judged", "end"):
            target = None
    return target


def _problems(lines):
    """What the last failure left in a console that known-issues has not, but for its oops."""
    def scan(part):
        text = "\n".join(TIME.sub("<4>[] ", line) for line in part)
        return log.scan(text, log.deny_list(), log.allow_list(), complete=False)

    last = max((number for number, line in enumerate(lines) if INJECT.search(line)), default=0)
    return [problem.text for problem in scan(lines)[len(scan(lines[:last])):]]


def _oops(console):
    """The oops that a console ends in and what else the failure left there; or None."""
    before, lines = oops.split(console, INJECT)
    if not lines:
        return None
    found, problems = oops.known(console, INJECT), _problems(before)
    # Of a known one what is known: the rest may be another one each time.
    line = found.regexp if found else oops.first_line(lines)
    return {"how": "oops", "text": f"in {oops.function(lines) or '?'}(): {line}",
            "log": problems, "known": bool(found) and not problems}


def lost(out, records):
    """The event of a guest that was lost, charged to the call that it announced last; None if it
    came to its end, was ended by us, or was not failing anything."""
    target = _open_target(records)
    if not target or not (out / "ending").is_file():
        return None
    # What the guest told of why it had to end: it had to be hung, or to be broken for good.
    told = {record["event"]: record for record in records}
    console = (out / "console").read_text(encoding="utf-8", errors="replace")
    # A kernel that oopses ends its guest; one that only says BUG goes on.
    ended = (out / "ending").read_text(encoding="ascii") == "ended"
    if "broken" in told:
        how = {"how": "broken", "text": "", "known": told["broken"]["result"] == "xfail"}
    elif "hang" in told:
        how = {"how": "hang", "text": told["hang"]["run"]["where"]}
    else:
        how = ended and _oops(console) or {"how": "hang", "text": ""}
    later = target["hash"] == told.get("failed", {}).get("hash")
    return {"event": "lost", "hash": target["hash"], "known": False, **how,
            "after": "later" if later else "", "guest": out.name}
