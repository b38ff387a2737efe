# SPDX-License-Identifier: GPL-2.0
"""QEMU binaries: what each can do, by asking it; and machines of them that run no instruction."""

import re
import shutil
import subprocess
import tempfile
import time
import weakref

from host import root
from host.common import BUILD, Failure
from host.qmp import LIMIT, Qmp, Stream

# Commands before their answers are read: a socket holds only some hundred of these.
AT_ONCE = 64
# All that were started and may still run.
_machines = weakref.WeakSet()


def end_all():
    """So that who waits for one of them, in another thread, does so no longer."""
    for machine in list(_machines):
        machine.process.kill()


class Machine:
    """A QEMU with OPTIONS, stopped before its first instruction; for use by `with`.

    Its memory can be written as by a device, and its monitor commanded. WHOSE: what errors
    call it.
    """

    def __init__(self, binary, whose, options):
        self.whose = whose
        self.monitor, self._qtest = Qmp(whose), Stream(whose)
        self._said = tempfile.TemporaryFile()
        ends = [self.monitor.fileno(), self._qtest.theirs.fileno()]
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *binary, "-nodefaults", "-no-user-config",
             "-display", "none", "-S", *options, *self.monitor.words(),
             "-chardev", f"socket,id=qtest,fd={ends[1]}",
             "-object", "qtest,id=qtest,chardev=qtest,log=/dev/null"],
            pass_fds=ends, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=self._said)
        _machines.add(self)

    def __enter__(self):
        try:
            self._qtest.attach()
            self.monitor.connect()
        except BaseException as error:
            self._end(error)
            raise
        return self

    def __exit__(self, _, error, __):
        self._end(error)

    def _end(self, error):
        """When it ended by itself, what it said last is better than that it is gone."""
        died = isinstance(error, Failure) and self._died()
        self.process.kill()
        self.process.wait()
        self.monitor.close()
        self._qtest.close()
        self._said.seek(0)
        said = "; ".join(self._said.read().decode(errors="replace").splitlines())
        self._said.close()
        if died and said:
            raise Failure(f"{error} ({self.whose}: {said})") from None

    def _died(self):
        try:
            self.process.wait(0.5)
        except subprocess.TimeoutExpired:
            return False
        return True

    def fill(self, ranges):
        """Write memory, as who tracks its dirty pages sees; RANGES: (start, size, byte)."""
        for first in range(0, len(ranges), AT_ONCE):
            some = ranges[first:first + AT_ONCE]
            for start, size, value in some:
                self._qtest.send(f"memset {start:#x} {size:#x} {value:#x}")
            deadline = time.monotonic() + LIMIT
            for start, size, _ in some:
                answer = self._qtest.receive(deadline)
                if answer != "OK":
                    raise Failure(f"{self.whose} cannot write {size:#x} bytes at {start:#x}: "
                                  f"{answer}")


class Binary:
    """A QEMU: the words of its command, and what it says of itself."""

    def __init__(self, words):
        self.words = [str(word) for word in words]
        with Machine(self.words, self.words[-1], ["-machine", "none"]) as machine:
            ask = machine.monitor.command
            version = machine.monitor.version
            self.capabilities = {entry["capability"] for entry in ask("query-migrate-capabilities")}
            self.types = {entry["name"] for entry in ask("qom-list-types", abstract=False)}
            machines = ask("query-machines")
        self.version = "{major}.{minor}.{micro}".format(**version["qemu"])
        # A distribution's, which others have, too; not somebody's own, which may have changes.
        self.stock = version["package"].startswith("Debian ")
        self.machines = {entry["name"] for entry in machines}
        self.q35 = next(entry["name"] for entry in machines if entry.get("alias") == "q35")


def named(word):
    """The QEMU that a user names: a program, or a Debian suite whose QEMU is fetched."""
    program = shutil.which(word)
    if program:
        return Binary([program])
    if not re.fullmatch(r"[a-z]+(-[a-z]+)?", word):
        raise Failure(f"QEMU: there is no program {word}")
    directory = root.with_package(word, "qemu-system-x86")
    return Binary(root.enter(directory, ["/usr/bin/qemu-system-x86_64"], BUILD,
                             tempfile.gettempdir()))
