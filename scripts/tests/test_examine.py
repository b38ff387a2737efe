# SPDX-License-Identifier: GPL-2.0
"""What is said about a guest that hangs, without a guest; test_guests.py has real ones."""

import array
import tempfile
import unittest
from pathlib import Path
from typing import Any, cast

from host import examine, kallsyms
from host.common import Failure
from host.examine import Task
from host.guestmem import GuestMemory
from host.qmp import Qmp

SCHEDULE = ["__schedule+0x1/0x2", "schedule+0x1/0x2"]
ENTRY = ["do_syscall_64+0x1/0x2", "entry_SYSCALL_64_after_hwframe+0x1/0x2"]


def task(comm: str, state: str = "S", cpu: int | None = None, user: bool = True,
         frames: list[str] | None = None) -> Task:
    return Task(7, comm, state, cpu, user, [*SCHEDULE, f"{comm}_waits.isra.0+0x1/0x2 [module]",
                                            *ENTRY] if frames is None else frames)


class Text(unittest.TestCase):
    def hanging(self, *tasks: Task) -> list[str]:
        return [line.removeprefix(examine.HANGS) for line in examine._text(tasks)
                if line.startswith(examine.HANGS)]

    def test_tasks_that_hang_come_first(self) -> None:
        self.assertEqual(
            ["spins (R) in f < g", "waits (D) in waits_waits", "init (R) in f"],
            self.hanging(task("sleeps"), task("thread", "D", user=False), task("waits", "D"),
                         task("runs", "R", 0, frames=[]), task("falls asleep", "S", 0),
                         task("init", "R", 0, frames=["f+0x1/0x2", *ENTRY])._replace(pid=1),
                         task("spins", "R", 1, frames=["f+0x1/0x2", "g.cold+0x1/0x2", *ENTRY])))

    def test_a_task_that_ran_only_at_the_second_look_does_not_hang(self) -> None:
        reports = task("reports", "R", 0, frames=["pipe_write+0x1/0x2", *ENTRY])
        self.assertEqual(["waits (D) in waits_waits"],
                         self.hanging(reports._replace(stays=False), task("waits", "D")))

    def test_if_none_hangs_the_newest_is_named(self) -> None:
        self.assertEqual(["b (S) in b_waits"],
                         self.hanging(task("a"), task("b")._replace(pid=8)))
        self.assertEqual([], self.hanging())

    def test_user_space(self) -> None:
        self.assertEqual(["a (R) in user space"], self.hanging(task("a", "R", 0, frames=[])))

    def test_states(self) -> None:
        for bits, letter in ((0, "R"), (1, "S"), (2, "D"), (0x102, "D"), (0x402, "I"),
                             (0x2001, "S"), (0x8000, "frozen"), (0x1000, "D")):
            self.assertEqual(letter, examine._state(bits), hex(bits))

    def test_registers(self) -> None:
        text = ("CPU#0\nRAX=01 RDI=02 RBP=0a RSP=ffff\nR10=0b R13=0c\n"
                "RIP=0d RFL=00 [---] CPL=3 II=0\nGDT=     00 7f\nCPU#1\nRSP=1f\nRIP=2f CPL=0\n")
        self.assertEqual({0: {"di": 2, "bp": 10, "sp": 0xffff, "r10": 11, "r13": 12, "ip": 13,
                              "cpl": 3}, 1: {"sp": 0x1f, "ip": 0x2f, "cpl": 0}},
                         examine._cpus(text))


class Tables:
    """The memory of a kernel's table of addresses, at 0x1000: OFFSETS. BASE: what they begin at."""

    def __init__(self, offsets: list[int], base: int | None) -> None:
        self.offsets, self.base = array.array("i", offsets), base

    def has_symbol(self, _: str) -> bool:
        return self.base is not None

    def symbol(self, name: str) -> int:
        return 0x1000 if name == "kallsyms_offsets" else 0

    def read(self, _: int, size: int) -> bytes:
        return self.offsets.tobytes()[:size]

    def word(self, _: int) -> int | None:
        return self.base


class Addresses(unittest.TestCase):
    """Each form of kallsyms_offsets."""

    def test_addresses(self) -> None:
        for offsets, base, expected in (([8, -1, -11], 0x8000, [8, 0x8000, 0x800a]),
                                        ([0, 10], 0x8000, [0x8000, 0x800a]),
                                        ([-0x10, 0x20], None, [0xff0, 0x1024])):
            memory = cast(GuestMemory, Tables(offsets, base))
            self.assertEqual(expected, kallsyms._addresses(memory, len(offsets)))


class Monitor:
    """A monitor that answers as SAYS has it."""

    def __init__(self, says: dict[str, Any]) -> None:
        self.says = says
        self.save: Any = None		# executes pmemsave

    def connect(self, limit: float) -> None:
        if "connect" in self.says:
            raise self.says["connect"]

    def command(self, name: str, arguments: object = None, **more: Any) -> Any:
        return self.save(**more) if name == "pmemsave" else self.says[name]


class NotExamined(unittest.TestCase):
    """What cannot be found out is a line of the file tasks, and no error."""

    def setUp(self) -> None:
        self.out = Path(self.enterContext(tempfile.TemporaryDirectory()))
        (self.out / "ktap").write_text("KTAP version 1\n")

    def tasks(self, **says: Any) -> str:
        examine.examine(cast(Qmp, Monitor(says)), self.out)
        self.assertEqual("", examine.where(self.out))
        return (self.out / examine.TASKS).read_text()

    def test_qemu_says_nothing(self) -> None:
        self.assertEqual("not examined: QEMU says nothing\n",
                         self.tasks(connect=Failure("QEMU says nothing")))

    def test_kernel_without_vmcoreinfo(self) -> None:
        said = self.tasks(**{"query-status": {"running": True}, "stop": {}, "human-monitor-command": "CPU#0\r\nRIP=1\r\n"})
        self.assertRegex(said, r"\Anot examined: the guest did not report where VMCOREINFO is .*\n\Z")
        self.assertEqual(b"CPU#0\nRIP=1\n", (self.out / examine.REGISTERS).read_bytes())

    def test_memory_of_noise(self) -> None:
        """The note is right; all tables that it leads to are not."""
        names = ("swapper_pg_dir", "kallsyms_num_syms", "kallsyms_names", "kallsyms_offsets",
                 "kallsyms_token_table", "kallsyms_token_index")
        note = "".join(f"SYMBOL({name})=ffffffff81000000\n" for name in names)
        # Each entry of a page table is of a huge page at 0, which has just these entries.
        page = (0x81).to_bytes(8, "little") * 512

        def save(val: int, size: int, filename: str) -> None:
            data = (page * (size // len(page) + 1))[:size]
            (self.out / filename).write_bytes(note.encode() if val == 0x5000 else data)

        (self.out / "ktap").write_text("KTAP version 1\n# vmcoreinfo 5000 400\n")
        note += "NUMBER(phys_base)=0\n"
        monitor = Monitor({"query-status": {"running": True}, "stop": {}, "human-monitor-command": "CPU#0\n"})
        monitor.save = save
        examine.examine(cast(Qmp, monitor), self.out)
        self.assertRegex((self.out / examine.TASKS).read_text(), r"\Anot examined: .*\n\Z")
        self.assertFalse((self.out / "memory").exists())

    def test_files_of_an_earlier_guest_are_removed(self) -> None:
        (self.out / examine.TASKS).write_text("hangs: other\n")
        self.assertEqual("other", examine.where(self.out))
        examine.forget(self.out)
        self.assertEqual("", examine.where(self.out))


if __name__ == "__main__":
    unittest.main()
