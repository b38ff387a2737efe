# SPDX-License-Identifier: GPL-2.0
"""Requests of a guest for memory, with a simulated QEMU."""

import errno
import json
import os
import socket
import threading
import unittest
from collections.abc import Mapping
from typing import Any

from host import hotadd
from host.qmp import Qmp, Stream

Message = dict[str, Any]

DONE: Message = {"return": {}}


def report(source: int, status: int) -> Message:
    return {"event": "ACPI_DEVICE_OST", "data": {"info": {"device": "dimm", "source": source,
                                                          "status": status}}}


class Qemu:
    """A QEMU that answers each command with the messages in SAYS, or DONE."""

    def __init__(self, connection: socket.socket, says: Mapping[str, list[Message]]) -> None:
        self.file, self.says = connection.makefile("rw"), says
        self.asked: list[tuple[str, Message]] = []
        threading.Thread(target=self.serve, daemon=True).start()

    def send(self, *messages: Message) -> None:
        for message in messages:
            self.file.write(json.dumps(message) + "\n")
        self.file.flush()

    def serve(self) -> None:
        self.send({"QMP": {"version": {}}})
        for line in self.file:
            command = json.loads(line)
            self.asked.append((command["execute"], command["arguments"]))
            self.send(*self.says.get(command["execute"], [DONE]))


class Answers(unittest.TestCase):
    def ask(self, request: str, seconds: float = 5, **says: list[Message]) -> tuple[int, str]:
        """The answer to one request, as (errno, text)."""
        monitor, port = Qmp(), Stream("QEMU")
        with socket.socket(fileno=os.dup(monitor.fileno())) as its, port.theirs.dup() as guest:
            self.qemu = Qemu(its, {**says, "query-version": says.get("version", [DONE]),
                                   "qom-get": says.get("qom_get", [DONE])})
            hotadd.Requests(monitor, port)
            guest.settimeout(10)
            guest.sendall(f"7 {seconds} {request}\n".encode())
            number, err, text = guest.makefile().readline().split(" ", 2)
            self.assertEqual("7", number)
            return int(err), text.strip()

    def test_dimm_is_taken(self) -> None:
        self.assertEqual((0, "done"), self.ask("plug dimm 4096", device_add=[DONE, report(1, 0)]))
        self.assertIn(("object-add", {"qom-type": "memory-backend-ram", "id": "dimm-ram",
                                      "size": 4096}), self.qemu.asked)

    def test_dimm_is_refused(self) -> None:
        self.assertEqual(errno.EIO, self.ask("plug dimm 4096",
                                             device_add=[DONE, report(1, 1)])[0])

    def test_reports_on_what_was_before_do_not_count(self) -> None:
        self.assertEqual(errno.EIO, self.ask(
            "plug dimm 4096", version=[report(1, 0), DONE],
            device_add=[report(3, 0), report(1, 0x80), report(1, 1), DONE])[0])

    def test_nobody_takes_the_dimm(self) -> None:
        self.assertEqual((errno.ETIMEDOUT, "the guest did not take the DIMM within its time limit"),
                         self.ask("plug dimm 4096", seconds=0.1))

    def test_qemu_refuses_the_dimm(self) -> None:
        self.assertEqual((errno.EIO, "QEMU: device_add: no slots"), self.ask(
            "plug dimm 4096", device_add=[{"error": {"desc": "no slots"}}]))
        self.assertEqual("object-del", self.qemu.asked[-1][0])

    def test_dimm_goes(self) -> None:
        gone = {"event": "DEVICE_DELETED", "data": {"device": "dimm", "path": "/"}}
        self.assertEqual((0, "done"), self.ask(
            "unplug dimm", device_del=[DONE, report(3, 0x84), gone, report(3, 0)]))
        self.assertEqual("object-del", self.qemu.asked[-1][0])
        # The guest still looks at the slot.
        self.assertEqual(errno.ETIMEDOUT, self.ask("unplug dimm", seconds=0.1,
                                                   device_del=[DONE, report(3, 0x84), gone])[0])

    def test_dimm_is_kept(self) -> None:
        self.assertEqual(errno.EBUSY, self.ask("unplug dimm",
                                               device_del=[DONE, report(3, 0x82)])[0])
        self.assertEqual("device_del", self.qemu.asked[-1][0])

    def test_virtio_mem(self) -> None:
        self.assertEqual((0, "done"), self.ask("virtio-mem 4096"))
        self.assertEqual((0, "8192"), self.ask("virtio-mem", qom_get=[{"return": 8192}]))

    def test_no_such_request(self) -> None:
        for request in ("", "plug", "plug dimm", "plug dimm 4k", "nonsense"):
            self.assertEqual((errno.EINVAL, f"no such request: 5 {request}".strip()),
                             self.ask(request))
