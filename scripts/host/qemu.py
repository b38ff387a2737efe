# SPDX-License-Identifier: GPL-2.0
"""QEMU binaries, with the capabilities that they report; and machines that execute nothing."""

import re
import shutil
import subprocess
import tempfile
import time
import weakref
from collections.abc import Sequence
from types import TracebackType

from host import root
from host.common import BUILD, Command, Failure, absolute
from host.qmp import LIMIT, Qmp, Stream

# Commands that are sent before their answers are read: a socket buffers only some hundred.
AT_ONCE = 64
_machines: "weakref.WeakSet[Machine]" = weakref.WeakSet()	# that may still run


def end_all() -> None:
    """End all machines, so that no other thread waits for one any longer."""
    for machine in list(_machines):
        machine.process.kill()


class Machine:
    """A QEMU with OPTIONS, stopped before its first instruction; a context manager.

    Its memory can be written as by a device, and its monitor takes commands. WHOSE: its name in
    errors.
    """

    def __init__(self, binary: Command, whose: str, options: Command) -> None:
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

    def __enter__(self) -> "Machine":
        try:
            self._qtest.attach()
            self.monitor.connect()
        except BaseException as error:
            self._end(error)
            raise
        return self

    def __exit__(self, _: type[BaseException] | None, error: BaseException | None,
                 __: TracebackType | None) -> None:
        self._end(error)

    def _end(self, error: BaseException | None) -> None:
        """End QEMU. If it had ended by itself, add its last output to the error."""
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

    def _died(self) -> bool:
        try:
            self.process.wait(0.5)
        except subprocess.TimeoutExpired:
            return False
        return True

    def fill(self, ranges: Sequence[tuple[int, int, int]]) -> None:
        """Write memory so that dirty page tracking notices. RANGES: (start, size, byte)."""
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

    def ask(self, command: str) -> str:
        """Give a command of the protocol qtest to the machine; return the answer behind OK."""
        self._qtest.send(command)
        answer = self._qtest.receive(time.monotonic() + LIMIT) or "nothing"
        if answer.split()[0] != "OK":
            raise Failure(f"{self.whose}: {command}: {answer}")
        return answer[2:].strip()


class Binary:
    """A QEMU: the words of its command, and what it reports about itself."""

    def __init__(self, words: Command) -> None:
        self.words = [str(word) for word in words]
        with Machine(self.words, self.words[-1], ["-machine", "none"]) as machine:
            ask = machine.monitor.command
            version = machine.monitor.version
            self.capabilities = {entry["capability"] for entry in ask("query-migrate-capabilities")}
            self.types = {entry["name"] for entry in ask("qom-list-types", abstract=False)}
            self.parameters = set(ask("query-migrate-parameters"))
            machines = ask("query-machines")
        self.version = "{major}.{minor}.{micro}".format(**version["qemu"])
        # True for a distribution's QEMU; any other may have changes.
        self.stock = version["package"].startswith("Debian ")
        self.machines = {entry["name"] for entry in machines}
        self.q35 = next(entry["name"] for entry in machines if entry.get("alias") == "q35")


def named(word: str) -> Binary:
    """Return the QEMU that a user names: a program, or a Debian suite whose QEMU is fetched."""
    program = shutil.which(word)
    if program:
        return Binary([absolute(program)])
    if not re.fullmatch(r"[a-z]+(-[a-z]+)?", word):
        raise Failure(f"QEMU: there is no program {word}")
    try:
        directory = root.with_package(word, "qemu-system-x86")
    except Failure as failure:
        raise Failure(f"QEMU: there is no program {word}, and no suite with a QEMU: {failure}"
                      ) from None
    return Binary(root.enter(directory, ["/usr/bin/qemu-system-x86_64"], BUILD,
                             tempfile.gettempdir()))
