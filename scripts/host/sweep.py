# SPDX-License-Identifier: GPL-2.0
"""Runs a sweep: guest after guest, until each call of an operation was failed and judged."""

import hashlib
import json
import re
import shutil
import time
from collections import namedtuple

from host import build, guest, session
from host.common import ROOT, SCRIPTS, Failure, say

Row = namedtuple("Row", "operation lines append")

# Seconds without a word until a guest counts as hung; the operation's own limit is the guest's.
QUIET = 90
PROGRAM_LIMIT = 7200
# Guests that may in a row not come up, on a machine that is too busy, before a sweep gives up.
BOOTS = 3
# Each injection's line goes to the console before the failure has an effect.
APPEND = "loglevel=6"
OOPS = re.compile(r"(BUG: |Oops|kernel BUG at |general protection fault|Kernel panic).*")


def rows():
    """The rows of sweeps.conf."""
    table = (SCRIPTS / "sweeps.conf").read_text(encoding="utf-8")
    for operation, lines, append in (text.split() for text in table.splitlines()
                                     if text and text[0] != "#"):
        yield Row(operation, lines.split(","), "" if append == "-" else append.replace(",", " "))


def row_of(operation):
    """The operation's row, or what one has without."""
    return next((row for row in rows() if row.operation == operation), Row(operation, [], ""))


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
        self.row, self.out, self.settings = row_of(operation), out, settings
        self.files = {"selftests/sweep-command": command.encode()} if command else {}
        self.started, self.seconds = None, 0

    # What is there from before.

    def _key(self):
        """Names what is swept: a sweep of anything else is another one."""
        parts = [self.kernel.release, self.row.operation, self.settings, str(self.files)]
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
            lost = _lost(out, records)
            if lost:
                yield lost

    def ended(self):
        return any(event["event"] in ("end", "unavailable") for event in self.events())

    def done(self):
        return [event["hash"] for event in self.events() if event["event"] in ("judged", "lost")]

    # Guests.

    def _guest(self, out):
        """Boot one for what is left."""
        out.mkdir(parents=True, exist_ok=True)
        initrd = build.initramfs(self.kernel, self.modules, self.installed,
                                 {"sweep": PROGRAM_LIMIT}, out / "initramfs",
                                 more={"selftests/sweep-done": "\n".join(self.done()).encode(),
                                       **self.files})
        accel = guest.accelerator(self.kernel, session.trial_initrd(self.kernel))
        append = f"{APPEND} ERRPATH_SWEEP={self.row.operation} {self.settings} {self.row.append}"
        return _Watched(guest.command(self.kernel, initrd, append.strip(), accel), out,
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


def _lost(out, records):
    """The event of a guest that was lost, charged to the call that it announced last; None if it
    came to its end, was ended by us, or was not failing anything."""
    if not (out / "ending").is_file():
        return None
    open_target = None
    for record in records:
        if record["event"] == "target":
            open_target = record
        elif record["event"] in ("judged", "end"):
            open_target = None
    if not open_target:
        return None
    hang = next((record for record in records if record["event"] in ("hang", "broken")), None)
    console = (out / "console").read_text(encoding="utf-8", errors="replace").splitlines()
    oops = next((line for line in console if OOPS.search(line)), None)
    if oops:
        how, text = "oops", OOPS.search(oops)[0].strip()
    elif hang and hang["event"] == "broken":
        how, text = "broken", "it does not succeed again, not even after recovery"
    elif hang:
        how, text = "hang", hang["run"]["where"]
    else:
        how, text = "hang", "the guest said nothing more"
    fired = any(record["event"] == "failed" and record["hash"] == open_target["hash"]
                for record in records)
    return {"event": "lost", "hash": open_target["hash"], "how": how, "text": text,
            "after": "the failure" if fired else "", "guest": out.name}
