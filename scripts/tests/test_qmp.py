# SPDX-License-Identifier: GPL-2.0
"""The client of QEMU's monitor: with scripted answers, and with a real QEMU."""

import json
import os
import subprocess
import threading
import unittest
from typing import Any, BinaryIO

from host.common import Failure
from host.qmp import Qmp, Refused

GREETING = {"QMP": {"version": {"qemu": {"major": 9, "minor": 8, "micro": 7}, "package": ""}}}


class Monitor(unittest.TestCase):
    def scripted(self, *answers: list[Any]) -> Qmp:
        """A client with a scripted other end. ANSWERS: the messages that follow each command."""
        monitor = Qmp("the other")
        end = os.fdopen(os.dup(monitor.fileno()), "r+b", buffering=0)
        threading.Thread(target=self.answer, args=(end, answers), daemon=True).start()
        self.addCleanup(monitor.close)
        return monitor

    @staticmethod
    def answer(end: BinaryIO, answers: tuple[list[Any], ...]) -> None:
        with end:
            end.write(json.dumps(GREETING).encode() + b"\n")
            for messages in ([{"return": {}}], *answers):
                end.readline()
                for message in messages:
                    end.write(json.dumps(message).encode() + b"\n")
            end.readline()

    def connected(self, *answers: list[Any]) -> Qmp:
        monitor = self.scripted(*answers)
        monitor.connect(5)
        return monitor

    def test_result(self) -> None:
        monitor = self.connected([{"event": "A"}, {"return": {"value": 7}}])
        self.assertEqual({"value": 7}, monitor.command("get", {"of-what": 1}, more=2))
        self.assertEqual(9, monitor.version["qemu"]["major"])

    def test_error_is_in_qemus_words(self) -> None:
        monitor = self.connected([{"error": {"class": "GenericError", "desc": "no such thing"}}])
        with self.assertRaisesRegex(Refused, "the other: get: no such thing"):
            monitor.command("get")

    def test_events_are_kept_until_they_are_awaited(self) -> None:
        monitor = self.connected([{"event": "A", "data": {"n": 1}}, {"event": "B"},
                                  {"return": {}}, {"event": "A", "data": {"n": 2}}])
        monitor.command("go")
        self.assertEqual({"n": 1}, monitor.event("A", 5))
        self.assertEqual({"n": 2}, monitor.event("A", 5))
        self.assertEqual({}, monitor.event("B", 5))
        with self.assertRaisesRegex(Failure, "no event A for 0 s"):
            monitor.event("A", 0.1)

    def test_no_answer(self) -> None:
        monitor = self.connected([])
        with self.assertRaisesRegex(Failure, "the other: get has no answer for 0 s"):
            monitor.command("get", limit=0.1)

    def test_the_other_end_is_gone(self) -> None:
        monitor = self.connected()
        with self.assertRaisesRegex(Failure, "the other is gone"):
            monitor.command("get")

    def test_silence(self) -> None:
        monitor = Qmp("the other")
        self.addCleanup(monitor.close)
        other = os.dup(monitor.fileno())
        self.addCleanup(os.close, other)
        with self.assertRaisesRegex(Failure, "the other says nothing for 0 s"):
            monitor.connect(0.1)


class Qemu(unittest.TestCase):
    def start(self, *words: str, other: int | None = None) -> tuple[Qmp, subprocess.Popen[bytes]]:
        """OTHER: a descriptor that QEMU inherits, too."""
        monitor = Qmp()
        self.addCleanup(monitor.close)
        process = subprocess.Popen(["qemu-system-x86_64", "-nodefaults", "-display", "none",
                                    "-machine", "none", *words, *monitor.words()],
                                   pass_fds=[monitor.fileno(), *([other] if other else [])],
                                   stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return monitor, process

    def test_commands_events_and_end(self) -> None:
        monitor, process = self.start("-S")
        monitor.connect()
        self.assertEqual("prelaunch", monitor.command("query-status")["status"])
        with self.assertRaises(Refused):
            monitor.command("no-such-command")
        monitor.command("cont")
        monitor.event("RESUME")
        monitor.command("quit")
        self.assertEqual(0, process.wait(30))

    def test_two_monitors(self) -> None:
        other = Qmp()
        self.addCleanup(other.close)
        monitor, _ = self.start(*other.words(), other=other.fileno())
        for each in (monitor, other):
            each.connect()
            self.assertTrue(each.command("query-status")["running"])

    def test_qemu_that_does_not_start(self) -> None:
        monitor, _ = self.start("-no-such-option")
        with self.assertRaisesRegex(Failure, "QEMU is gone"):
            monitor.connect()
