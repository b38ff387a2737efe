# SPDX-License-Identifier: GPL-2.0
"""One QEMU guest: starts it, watches it, ends it."""

import ctypes
import functools
import os
import select
import shutil
import signal
import subprocess
import time

from host import build, hotadd
from host.common import BUILD, Failure, lock, say
from host.qmp import Qmp, Stream

# A memory section that ends in the middle (3136 is no multiple of 128), and with memmap= one
# that the kernel leaves alone: tests of hot-add put ranges beside and into them.
MEMORY = "3136M"
CPUS = "2"
PORTS = ("ktap", "kmsg", "counters", "status", "sweep")
BOOT_LIMIT = 60		# seconds until the first word
COMMAND_LIMIT = 600	# seconds that make shell CMD= may take
KVM_LIMIT = 10

# oops=panic, panic=-1 and -no-reboot: a broken kernel ends its guest at once.
# printk.devkmsg=on: no rate limit on the markers that tests write to the kernel log.
# no_timer_check: on a busy host the guest's timer can seem broken, and the boot ends in a panic.
APPEND = ("console=ttyS0 quiet oops=panic panic=-1 printk.devkmsg=on log_buf_len=4M "
          "no_timer_check "
          "memmap=128M$0x40000000 "
          # MMIO windows for the simulated VMBus: below and above 4 GiB, with RAM behind them,
          # in which the PCI core may place BARs all the same.
          "memmap=64M$0x50000000 memmap=64M$0x120000000 pci=no_e820")


# With a thread a CPU, QEMU 7.2 can run instructions that the guest has since patched: a kernel
# whose own ftrace turns a busy function's hook on and off dies of an int3 that nobody owns
# (seen within 60 rounds without errpath; with one thread not). A boot takes no longer.
# icount: one CPU whose clock counts instructions, a nanosecond each.
ACCELERATORS = {
    "kvm": ["-accel", "kvm", "-cpu", "host", "-smp", CPUS],
    "tcg": ["-accel", "tcg,thread=single", "-cpu", "qemu64", "-smp", CPUS],
    "icount": ["-accel", "tcg", "-icount", "shift=0,sleep=off", "-cpu", "qemu64", "-smp", "1"],
}


# Looked up here: a child of a process with threads must not wait for a lock that one of them had.
PRCTL = ctypes.CDLL(None).prctl


def _with_parent(parent):
    """In the child: end when PARENT ends, however that ends, and if it already has."""
    pr_set_pdeathsig = 1
    PRCTL(pr_set_pdeathsig, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def _option(path):
    """A path in an option of QEMU's, where a comma would end it."""
    return str(path).replace(",", ",,")


def command(kernel, initrd, append, accel="tcg", size=MEMORY, grows=True):
    """The QEMU command line, without ports and console. GROWS: it can be given more memory."""
    more = hotadd.QEMU if grows else ()
    return ["qemu-system-x86_64", "-nodefaults", "-no-user-config", "-no-reboot",
            "-display", "none", "-machine", "q35", *ACCELERATORS[accel],
            "-acpitable", f"file={_option(build.acpi_table())}",
            "-m", f"{size},{hotadd.LIMITS}" if grows else size, *more,
            "-kernel", str(kernel.image), "-initrd", str(initrd), "-append",
            f"{APPEND} ERRPATH_LINE={kernel.line} ERRPATH_SLOW={kernel.slow} {append}".strip()]


def _ports():
    words = ["-serial", "file:console", "-device", "virtio-serial-pci"]
    for port in PORTS:
        words += ["-chardev", f"file,id={port},path={port}",
                  "-device", f"virtserialport,chardev={port},name=errpath.{port}"]
    return words


def _start(arguments, fds=(), **options):
    """Start QEMU, and what serves its guest's requests as long as it runs."""
    monitor, port = Qmp(), Stream("QEMU")
    ours = (monitor.fileno(), port.theirs.fileno())
    words = ["-chardev", f"socket,id=monitor,fd={ours[0]}", "-mon", "chardev=monitor,mode=control",
             "-chardev", f"socket,id=host,fd={ours[1]}",
             "-device", "virtserialport,chardev=host,name=errpath.host"]
    process = subprocess.Popen([*arguments, *words], pass_fds=(*fds, *ours),
                               preexec_fn=functools.partial(_with_parent, os.getpid()), **options)
    hotadd.Requests(monitor, port)
    return process


class Guest:
    """A guest that writes console and ports to files of the directory OUT."""

    def __init__(self, arguments, out, limit, boot_limit=BOOT_LIMIT, fds=()):
        """LIMIT: seconds from its first word until it counts as hung; BOOT_LIMIT: seconds until
        then, or it counts as silent. FDS: file descriptors that QEMU inherits."""
        self.out, self.limit = out, limit
        out.mkdir(parents=True, exist_ok=True)
        for name in ("console", *PORTS):
            (out / name).write_bytes(b"")
        self.lost, self.deadline = "silent", time.monotonic() + boot_limit
        # Relative file names: QEMU's options give commas in paths a meaning.
        self.process = _start([*arguments, *_ports()], fds, cwd=out, stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def _spoke(self):
        return (self.out / "ktap").stat().st_size > 0

    def poll(self):
        """How it ended: "ended" by itself, or "silent" or "hang" by us; None if it goes on."""
        if self.process.poll() is not None:
            self._check_qemu()
            self.end()
            return "ended"
        if self.lost == "silent" and self._spoke():
            self.lost, self.deadline = "hang", time.monotonic() + self.limit
        if time.monotonic() < self.deadline:
            return None
        self.end()
        return self.lost

    def _check_qemu(self):
        if self.process.returncode:
            raise Failure(f"qemu failed (exit {self.process.returncode}): "
                          f"{self.process.stderr.read().decode(errors='replace').strip()}")

    def end(self):
        self.process.kill()
        self.process.wait()
        self.process.stderr.close()


def wait(guests):
    """Wait for all guests, and leave none behind; returns how each ended."""
    endings = [None] * len(guests)
    try:
        while None in endings:
            time.sleep(0.05)
            endings = [ending or guest.poll() for ending, guest in zip(endings, guests)]
    finally:
        for guest in guests:
            guest.end()
    return endings


def interactive(arguments, limit=None):
    """A guest whose console is our standard input and output; it ends with the terminal, and
    after LIMIT seconds, which is a failure."""
    process = _start([*arguments, "-serial", "mon:stdio", "-device", "virtio-serial-pci"])
    deadline = time.monotonic() + limit if limit else None
    hang_up = select.poll()
    if os.isatty(0):
        hang_up.register(0, 0)
    late = False
    while process.poll() is None:
        late = deadline and time.monotonic() > deadline
        if late or hang_up.poll(100):
            process.kill()
            process.wait()
    if late:
        raise Failure(f"the guest did not end within {limit} s: LIMIT=SECONDS gives it longer")
    return process.returncode


def one_command(arguments, limit=COMMAND_LIMIT):
    """A guest that runs one command with our standard output; returns that one's exit status."""
    status = interactive([*arguments, "-device", "isa-debug-exit,iobase=0xf4,iosize=1"], limit)
    return status >> 1


def accelerator(kernel, initrd):
    """KVM if a trial guest really runs with it: its device can be there and hang them all.

    INITRD: one that has nothing to test.
    """
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return "tcg"
    verdict = BUILD / "accelerator"
    with lock("accelerator"):
        if not verdict.exists():
            say("trying KVM")
            verdict.write_text("kvm" if _kvm_works(kernel, initrd) else "tcg", encoding="ascii")
    return verdict.read_text(encoding="ascii")


def _kvm_works(kernel, initrd):
    out = BUILD / "kvm-trial"
    try:
        trial = Guest(command(kernel, initrd, "", "kvm"), out, KVM_LIMIT, KVM_LIMIT)
        return wait([trial]) == ["ended"] and (out / "status").read_text() == "0\n"
    except Failure:
        return False
    finally:
        shutil.rmtree(out)
