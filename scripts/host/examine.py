# SPDX-License-Identifier: GPL-2.0
"""Examines a guest that is given up, before it ends: where do its processors and tasks hang?

The host stops the guest and reads its registers and memory, so that a guest that hangs with
interrupts off is examined too. It writes to the directory of the guest:
    registers   the registers of all CPUs, as QEMU prints them
    tasks       first the tasks that hang, then the stack of each task
"""

import re
import struct
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from host.btf import Btf
from host.common import Failure
from host.guestmem import GuestMemory
from host.kallsyms import Symbols, each
from host.orc import Unwinder
from host.qmp import Qmp

REGISTERS, TASKS = "registers", "tasks"
LIMIT = 10.0		# seconds that QEMU may take for the first answer
BETWEEN = 1.0		# seconds between two looks
CPU = re.compile(r"^CPU#(\d+)$", re.M)
REGISTER = re.compile(r"\bR?(SP|BP|IP|DX|DI|R10|R13|CPL) ?=([0-9a-f]+)", re.I)
# Bits of a task's state (include/linux/sched.h), the ones that decide first; 0 is R.
STATES = {0x8000: "frozen", 0x400: "I", 1: "S", 2: "D", 4: "T", 8: "t", 0x10: "X", 0x20: "Z",
          0x40: "P", 0x1000: "D"}
COMM = 16
HANGS = "hangs: "
SHOWN_TASKS, SHOWN_FRAMES = 3, 4
# Functions by which a task waits, and by which it got from user space to the kernel.
WAITING = re.compile(r"\? |__schedule|schedule|io_schedule|preempt_schedule")
ENTRY = re.compile(r"do_syscall_|entry_|x64_sys_call|asm_|ret_from_fork|kthread\b|worker_thread\b")


class Task(NamedTuple):
    """A task, and its stack, the innermost function first: FUNCTION+OFFSET/SIZE [MODULE]."""

    pid: int
    comm: str
    state: str
    cpu: int | None		# that executes it
    user: bool			# False: a thread of the kernel
    frames: list[str]
    stays: bool = True		# a CPU executed it at the first look, too

    def title(self) -> str:
        on = "" if self.cpu is None else f", on CPU {self.cpu}"
        return f"{self.comm} (pid {self.pid}, {self.state}{on})"

    def rank(self) -> tuple[bool, ...]:
        """For sorting: how much a task looks like the one that hangs. One that a CPU executes in
        another state than R is about to sleep, and one that no CPU executed a moment before is at
        work; init passes on what others report."""
        executes = (self.cpu is not None and self.state == "R" and bool(self.frames)
                    and self.stays)
        return (executes and self.user and self.pid != 1, self.state == "D" and self.user,
                executes, self.state == "D")

    def where(self) -> str:
        """The innermost functions, without those of the scheduler."""
        names = [re.split(r"[+.]", frame)[0] for frame in self.frames]
        while names and WAITING.match(names[0]):
            names.pop(0)
        ends = [number for number, name in enumerate(names) if ENTRY.match(name)]
        shown = names[:ends[0] if ends else None][:SHOWN_FRAMES]
        return f"{self.comm} ({self.state}) in {' < '.join(shown) or 'user space'}"


def _state(bits: int) -> str:
    """The letter of a task's state, as ps has it."""
    return next((letter for bit, letter in STATES.items() if bits & bit), "R")


def _cpus(text: str) -> dict[int, dict[str, int]]:
    """The registers of each CPU that the unwinder needs, and "cpl", from "info registers -a"."""
    parts = CPU.split(text)[1:]
    return {int(number): {name.lower(): int(value, 16) for name, value in REGISTER.findall(part)}
            for number, part in zip(parts[::2], parts[1::2])}


class _Kernel:
    """The tasks of a stopped guest."""

    def __init__(self, memory: GuestMemory) -> None:
        self._memory = memory
        self._symbols = Symbols(memory)
        at = self._symbols.address
        if "__start_BTF" not in at:
            raise Failure("the guest's kernel has no BTF (CONFIG_DEBUG_INFO_BTF)")
        data = memory.read(at["__start_BTF"], at["__stop_BTF"] - at["__start_BTF"])
        self._btf = Btf(data)
        self._symbols.add_modules(self._btf)
        self._unwinder = Unwinder(memory, self._symbols, self._btf)
        self._offsets = {path: self._btf.offset("task_struct", path) for path in
                         ("pid", "comm", "__state", "on_cpu", "thread_info.cpu", "thread.sp", "mm",
                          "tasks", "thread_node", "signal")}
        self._frame = {name: self._btf.offset("inactive_task_frame", name)
                       for name in ("bp", "ret_addr")}

    def _word(self, task: int, path: str, size: int = 8) -> int:
        return self._memory.word(task + self._offsets[path], size)

    def _all(self) -> Iterator[int]:
        """The addresses of all tasks but the idle ones of CPUs."""
        heads = self._btf.offset("signal_struct", "thread_head")
        for leader in each(self._memory, self._symbols.address["init_task"] + self._offsets["tasks"]):
            signal = self._word(leader - self._offsets["tasks"], "signal")
            for thread in each(self._memory, signal + heads):
                yield thread - self._offsets["thread_node"]

    def _registers(self, task: int) -> dict[str, int]:
        """The registers of a task that no CPU executes, from the frame of the last switch."""
        sp = self._word(task, "thread.sp")
        ip, bp = (self._memory.word(sp + self._frame[name]) for name in ("ret_addr", "bp"))
        return {"ip": ip, "bp": bp, "sp": sp + self._frame["ret_addr"] + 8, "called": 1}

    def _stack(self, task: int, cpu: Mapping[str, int] | None) -> list[str]:
        if cpu and cpu["cpl"] == 3:
            return []
        return list(self._unwinder.frames(cpu or self._registers(task)))

    def executing(self) -> set[int]:
        """The pids of the tasks that a CPU executes."""
        return {self._word(task, "pid", 4) for task in self._all() if self._word(task, "on_cpu", 4)}

    def _task(self, task: int, cpus: Mapping[int, Mapping[str, int]]) -> Task:
        state = self._word(task, "__state", 4)
        cpu = self._word(task, "thread_info.cpu", 4) if self._word(task, "on_cpu", 4) else None
        registers = cpus.get(cpu) if cpu is not None else None
        return Task(self._word(task, "pid", 4),
                    self._memory.text(task + self._offsets["comm"], COMM),
                    _state(state), cpu, bool(self._word(task, "mm")),
                    self._stack(task, registers))

    def tasks(self, cpus: Mapping[int, Mapping[str, int]]) -> Iterator[Task]:
        """All tasks. CPUS: the registers of each."""
        for address in self._all():
            yield self._task(address, cpus)


def _text(tasks: Sequence[Task]) -> Iterator[str]:
    """The lines of the file tasks."""
    ranked = sorted(tasks, key=lambda task: (task.rank(), task.pid), reverse=True)
    hanging = [task for task in ranked if any(task.rank())][:SHOWN_TASKS] or ranked[:1]
    yield from (f"{HANGS}{task.where()}" for task in hanging)
    for task in ranked:
        yield ""
        yield task.title()
        yield from (f"  {frame}" for frame in task.frames or ["in user space"])


def _stop(monitor: Qmp, out: Path) -> str:
    """Stop the guest; returns the registers of its CPUs, and writes them to their file."""
    monitor.command("stop")
    registers: str = monitor.command("human-monitor-command",
                                     {"command-line": "info registers -a"}).replace("\r", "")
    (out / REGISTERS).write_text(registers, encoding="utf-8")
    return registers


def _look(monitor: Qmp, out: Path) -> list[Task]:
    """The tasks. The guest is stopped twice, as the task that asked for help still runs at first."""
    runs = monitor.command("query-status")["running"]
    registers = _stop(monitor, out)
    memory = GuestMemory(monitor, out)
    kernel = _Kernel(memory)
    first = kernel.executing()
    if runs:
        monitor.command("cont")
        time.sleep(BETWEEN)
        registers = _stop(monitor, out)
        memory.forget()
    return [task._replace(stays=task.pid in first) for task in kernel.tasks(_cpus(registers))]


def examine(monitor: Qmp, out: Path) -> None:
    """Stop a guest and examine it. What fails is a line of the file tasks.

    MONITOR: of its QEMU, not connected. OUT: the working directory of QEMU.
    """
    try:
        monitor.connect(LIMIT)
        lines = [*_text(_look(monitor, out))]
    except Failure as failure:
        lines = [f"not examined: {failure}"]
    except (LookupError, ValueError, struct.error) as error:
        # The memory of a guest that hangs can hold anything.
        lines = [f"not examined: its memory is not as that of other kernels: {error!r}"]
    (out / TASKS).write_text("\n".join([*lines, ""]), encoding="utf-8")


def forget(out: Path) -> None:
    """Remove the files of a guest that used the directory before."""
    for name in (REGISTERS, TASKS):
        (out / name).unlink(missing_ok=True)


def where(out: Path) -> str:
    """The tasks by which a guest hung: "COMM (STATE) in FUNCTION < CALLER"; empty if it was not
    examined."""
    if not (out / TASKS).is_file():
        return ""
    lines = (out / TASKS).read_text(encoding="utf-8").splitlines()
    return "; ".join(line.removeprefix(HANGS) for line in lines if line.startswith(HANGS))
