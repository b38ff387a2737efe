# SPDX-License-Identifier: GPL-2.0
"""Starts, watches and ends one QEMU guest."""

import contextlib
import ctypes
import functools
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO

from host import arch, build, examine, hotadd, load, orders, template
from host.common import BUILD, Failure, lock, say
from host.kernel import Kernel
from host.qmp import Qmp, Stream
from host.stages import stage

# 3136 is no multiple of 128, so that RAM ends inside a memory section; memmap= in APPEND
# reserves another one. Tests of hot-add put ranges beside and into both.
MEMORY = "3136M"
CPUS = os.environ.get("CPUS") or "2"
PORTS = ("ktap", "kmsg", "counters", "status", "sweep")
BOOT_LIMIT = 60		# seconds until the first output, on an idle machine
KVM_LIMIT = 10		# seconds that the trial of KVM may take
GAVE_UP = b"hang\n"	# status of a guest that cannot go on: give_up() of scripts/init/ports.c

# oops=panic, panic=-1 and -no-reboot: the first oops ends the guest.
# "-action reboot=shutdown,shutdown=pause" would keep it stopped, so that all of its tasks could be
# examined (seen with QEMU 7.2), for 3 s of each oops; its console has the stack that counts.
# printk.devkmsg=on: no rate limit on the markers that tests write to the kernel log.
# slab_nomerge: each kind of object is counted separately.
APPEND = "quiet oops=panic panic=-1 printk.devkmsg=on log_buf_len=4M slab_nomerge"


# With one thread for each CPU, QEMU 7.2 can execute instructions that the guest has patched
# since: if ftrace turns the hook of a busy function on and off, the kernel dies of an int3 that
# belongs to nothing (seen within 60 rounds without errpath; never with a single thread). A boot
# takes no longer with one.
# icount: a clock that counts instructions, a nanosecond each; a number is that of the CPUs.
ICOUNT = {name: ["-accel", "tcg", "-icount", "shift=0,sleep=off", "-smp", cpus]
          for name, cpus in (("icount", "1"), ("icount2", "2"), ("icount4", "4"))}
ACCELERATORS = {
    "kvm": ["-accel", "kvm", "-smp", CPUS],
    "tcg": ["-accel", "tcg,thread=single", "-smp", CPUS],
    **ICOUNT,
}


# Looked up before any fork: the child of a process with threads must not take a lock that one of
# them may hold.
PRCTL = ctypes.CDLL(None).prctl


def _end_with(parent: int) -> None:
    """In the child: arrange that it ends when PARENT ends, in whatever way."""
    pr_set_pdeathsig = 1
    PRCTL(pr_set_pdeathsig, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def option(path: Path) -> str:
    """Escape the commas of a path in an option of QEMU, which would end it."""
    return str(path).replace(",", ",,")


def command(kernel: Kernel, initrd: Path, append: str, accel: str = "tcg", size: str = MEMORY,
            grows: bool = True) -> list[str]:
    """Return the QEMU command line, without ports and console. GROWS: the guest has slots for
    more memory."""
    of = kernel.arch
    more = [*arch.firmware(of), *(hotadd.QEMU if grows else ())]
    if of.acpi:
        more += ["-acpitable", f"file={option(build.acpi_table())}"]
    return [of.qemu, "-nodefaults", "-no-user-config", "-no-reboot",
            "-display", "none", "-machine", of.board, *ACCELERATORS[accel],
            "-cpu", "host" if accel == "kvm" else of.processor(kernel.config),
            "-m", f"{size},{hotadd.LIMITS}" if grows else size, *more,
            "-kernel", str(kernel.image), "-initrd", str(initrd), "-append",
            f"console={of.console} {APPEND} {of.append} ERRPATH_LINE={kernel.line} "
            f"ERRPATH_SLOW={kernel.slow} {append}".strip()]


def _ports() -> list[str]:
    # append=on: a restored guest goes on with the files of its template. ioeventfd=off: QEMU
    # takes what a port sends while the guest waits, and so at the same instruction in all twins.
    words = ["-chardev", "file,id=console,path=console,append=on", "-serial", "chardev:console",
             "-device", "virtio-serial-pci,ioeventfd=off"]
    for port in PORTS:
        words += ["-chardev", f"file,id={port},path={port},append=on",
                  "-device", f"virtserialport,chardev={port},name=errpath.{port}"]
    return words


class Host:
    """What the host has of a QEMU: its monitor, and the port by which the guest asks for memory."""

    def __init__(self) -> None:
        self.monitor, self.port = Qmp(), Stream("QEMU")

    def start(self, arguments: Sequence[str], fds: Sequence[int] = (), cwd: Path | None = None,
              stdin: int | None = None, stdout: int | None = None,
              stderr: int | None = None) -> subprocess.Popen[bytes]:
        """Start QEMU."""
        ours = (self.monitor.fileno(), self.port.theirs.fileno())
        words = ["-chardev", f"socket,id=monitor,fd={ours[0]}",
                 "-mon", "chardev=monitor,mode=control",
                 "-chardev", f"socket,id=host,fd={ours[1]}",
                 "-device", "virtserialport,chardev=host,name=errpath.host"]
        return subprocess.Popen([*arguments, *words], pass_fds=(*fds, *ours), cwd=cwd, stdin=stdin,
                                stdout=stdout, stderr=stderr,
                                preexec_fn=functools.partial(_end_with, os.getpid()))

    def serve(self) -> None:
        """Serve the requests of the guest, in a thread."""
        hotadd.Requests(self.monitor, self.port)


@contextlib.contextmanager
def started(arguments: Sequence[str], directory: Path) -> Iterator[
        tuple[subprocess.Popen[bytes], Qmp]]:
    """Start a QEMU with the ports of a Guest in its directory; yield its process and monitor, and
    end it."""
    host = Host()
    process = host.start([*arguments, *_ports()], cwd=directory, stdin=subprocess.DEVNULL,
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        host.port.attach()
        host.monitor.connect()
        yield process, host.monitor
    finally:
        process.kill()
        process.wait()
        host.monitor.close()
        host.port.close()


class NotRestored(Failure):
    """A guest could not be restored from its template."""


class Guest:
    """A guest that writes console and ports to files of the directory OUT."""

    def __init__(self, arguments: Sequence[str], out: Path, limit: float,
                 boot_limit: float = BOOT_LIMIT, fds: Sequence[int] = (),
                 begin: template.Template | None = None) -> None:
        """LIMIT: seconds from the first output until the guest counts as hung. BOOT_LIMIT:
        seconds without output until it counts as silent. FDS: file descriptors that QEMU
        inherits. BEGIN: restore the guest from this template; NotRestored if that fails."""
        self.out, self.limit = out, limit
        out.mkdir(parents=True, exist_ok=True)
        examine.forget(out)
        for name in ("console", *PORTS):
            (out / name).write_bytes(begin.output(name) if begin and name != "sweep" else b"")
        self.started, self.spoke = time.monotonic(), 0.0	# SPOKE: at its first output
        self.lost, self.deadline = "silent", self.started + boot_limit
        host, self._examiner = Host(), Qmp()
        words = begin.options(arguments) if begin else arguments
        # Relative file names, as a comma in a path would end an option of QEMU.
        self.process = host.start([*words, *_ports(), *self._examiner.words()],
                                  (*fds, self._examiner.fileno()), cwd=out,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.PIPE)
        if begin:
            self._restore(begin, host)
        host.serve()

    def _restore(self, begin: template.Template, host: Host) -> None:
        try:
            host.port.attach()
            host.monitor.connect()
            begin.restore(host.monitor)
        except Failure as failure:
            self.process.kill()
            said = self._stderr().read().decode(errors="replace").strip()
            self.end()
            raise NotRestored(f"{failure} {said}".strip()) from None

    def _spoke(self) -> bool:
        return (self.out / "ktap").stat().st_size > 0

    def _gave_up(self) -> bool:
        """True if the guest asks to be examined and ended."""
        return (self.out / "status").read_bytes() == GAVE_UP

    def poll(self) -> str | None:
        """Return "ended" if the guest ended by itself; "silent" or "hang" if it exceeded its
        limit, or gave up, and was examined and ended here; None while it runs."""
        if self.process.poll() is not None:
            self._check_qemu()
            self.end()
            return "ended"
        if self.lost == "silent" and self._spoke():
            self.spoke = time.monotonic()
            self.lost, self.deadline = "hang", self.spoke + self.limit
        if time.monotonic() < self._deadline() and not self._gave_up():
            return None
        examine.examine(self._examiner, self.out)
        self.end()
        return self.lost

    def _deadline(self) -> float:
        """Return when this guest counts as lost: that of a boot follows the machine's load."""
        if self.lost == "silent":
            return self.started + (self.deadline - self.started) * load.factor()
        return self.deadline

    def _check_qemu(self) -> None:
        if self.process.returncode:
            raise Failure(f"qemu failed (exit {self.process.returncode}): "
                          f"{self._stderr().read().decode(errors='replace').strip()}")

    def _stderr(self) -> IO[bytes]:
        assert self.process.stderr	# a pipe, see __init__()
        return self.process.stderr

    def end(self) -> None:
        """End the guest if it still runs."""
        self.process.kill()
        self.process.wait()
        self._stderr().close()
        self._examiner.close()


def start(arguments: Sequence[str], out: Path, content: bytes, limits: tuple[float, float],
          line: str = "", make: Callable[..., Guest] = Guest) -> Guest:
    """Start a guest that takes orders: restored from a template if there can be one.

    CONTENT: its orders. LIMITS: limit and boot_limit of Guest. LINE: kernel line, for messages.
    MAKE: class of the guest.
    """
    out.mkdir(parents=True, exist_ok=True)
    begin = template.get(arguments, started, line, limits[1])
    words = [*arguments, *orders.option(out, content)]
    if begin:
        try:
            return make(words, out, *limits, begin=begin)
        except NotRestored as failure:
            say(f"{line}: a guest was not restored, and boots: {failure}")
            begin.drop()
    return make(words, out, *limits)


def wait(guests: Sequence[Guest], stop: threading.Event | None = None) -> list[str | None]:
    """Wait until all guests ended; returns how each did: None if this ended it because STOP was
    set. No guest outlives an exception."""
    endings: list[str | None] = [None] * len(guests)
    try:
        while None in endings and not (stop and stop.is_set()):
            time.sleep(0.05)
            endings = [ending or guest.poll() for ending, guest in zip(endings, guests)]
    finally:
        for guest in guests:
            guest.end()
    return endings


def prompt_words() -> str:
    """The words of the kernel's command line for a prompt on our terminal."""
    size = shutil.get_terminal_size()
    return (f"ERRPATH_SHELL=1 TERM={os.environ.get('TERM', 'vt100')} "
            f"LINES={size.lines} COLUMNS={size.columns}")


def accelerator(kernel: Kernel, make_initrd: Callable[[Kernel], Path]) -> str:
    """Return "kvm" if a trial guest runs with it, else "tcg": on some machines /dev/kvm exists
    but every guest hangs. MAKE_INITRD: makes an initramfs without tests for it."""
    if not kernel.arch.is_native() or not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return "tcg"
    verdict = BUILD / "accelerator"
    with lock("accelerator"):
        if not verdict.exists():
            say("trying KVM")
            with stage("trying KVM", kernel.line):
                works = _kvm_works(kernel, make_initrd(kernel))
            verdict.write_text("kvm" if works else "tcg", encoding="ascii")
    return verdict.read_text(encoding="ascii")


def _kvm_works(kernel: Kernel, initrd: Path) -> bool:
    out = BUILD / "kvm-trial"
    try:
        trial = Guest(command(kernel, initrd, "", "kvm"), out, KVM_LIMIT, KVM_LIMIT)
        return wait([trial]) == ["ended"] and (out / "status").read_text() == "0\n"
    except Failure:
        return False
    finally:
        shutil.rmtree(out)
