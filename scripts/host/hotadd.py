# SPDX-License-Identifier: GPL-2.0
"""Plugs and unplugs memory at the request of a running guest, over the port errpath.host.

Request     ID SECONDS plug dimm BYTES      answered once the guest's kernel reports the result
                       unplug dimm          the same
                       virtio-mem BYTES     request this size
                       virtio-mem           answered by the current size
Answer      ID ERRNO TEXT                   ERRNO 0: done
"""

import errno
import threading
import time
from collections.abc import Callable
from typing import Any

from host.common import Failure
from host.qmp import Qmp, Refused, Stream

Event = Callable[[str, dict[str, Any]], bool]	# a test of an event's name and data

# Devices that guest.command() adds: slots for DIMMs, and a virtio-mem device that can grow.
QEMU = ("-object", "memory-backend-ram,id=virtio-mem-ram,size=1G",
        "-device", "virtio-mem-pci,id=virtio-mem,memdev=virtio-mem-ram,requested-size=0")
LIMITS = "slots=4,maxmem=8G"

DIMM, DIMM_RAM = "dimm", "dimm-ram"
# Events on which _OST reports, and its status while one is in progress (ACPI 6.5, 6.3.5).
DEVICE_CHECK, EJECT_REQUEST = 1, 3
IN_PROGRESS = (0x80, 0x84)
VIRTIO_MEM = "/machine/peripheral/virtio-mem"
# Seconds to wait for a request before waiting again.
PATIENCE = 3600


class Answer(Exception):
    """The answer to a request that failed."""

    def __init__(self, number: int, text: str) -> None:
        super().__init__(text)
        self.number = number


def _is_report(source: int) -> Event:
    """Return a test for the guest's final report (ACPI's _OST) on this source."""
    return lambda name, data: (name == "ACPI_DEVICE_OST" and data["info"]["source"] == source
                               and data["info"]["status"] not in IN_PROGRESS)


def _is_dimm_deleted(name: str, data: dict[str, Any]) -> bool:
    return name == "DEVICE_DELETED" and data.get("device") == DIMM


class Requests:
    """Serves the requests of a guest until QEMU ends."""

    def __init__(self, monitor: Qmp, port: Stream) -> None:
        """PORT: the stream of the port errpath.host. QEMU has just started; the monitor may be
        connected already."""
        self.qmp, self.port = monitor, port
        port.attach()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        try:
            if not self.qmp.version:
                self.qmp.connect()
            while True:
                request = self.port.receive(time.monotonic() + PATIENCE)
                if request is not None:
                    self.port.send(self._answer(request))
        except Failure:
            pass	# QEMU ended or hangs; requests have a time limit in the guest
        finally:
            self.qmp.close()
            self.port.close()

    def _answer(self, request: str) -> str:
        number, _, rest = request.partition(" ")
        try:
            return f"{number} 0 {self._do(rest.split()) or 'done'}"
        except Answer as answer:
            return f"{number} {answer.number} {answer}"
        except Refused as refused:
            return f"{number} {errno.EIO} {refused}"
        except ValueError:
            return f"{number} {errno.EINVAL} no such request: {rest}"

    def _do(self, words: list[str]) -> str | None:
        deadline = time.monotonic() + float(words[0] if words else "")
        match words[1:]:
            case ["plug", "dimm", size]:
                self._plug(int(size), deadline)
            case ["unplug", "dimm"]:
                self._unplug(deadline)
            case ["virtio-mem", size]:
                self._resize(int(size))
            case ["virtio-mem"]:
                return str(self.qmp.command("qom-get", path=VIRTIO_MEM, property="size"))
            case _:
                raise ValueError
        return None

    def _wait_for(self, wanted: Event, what: str, deadline: float) -> tuple[str, dict[str, Any]]:
        """Wait for an event for which WANTED is true; returns its name and data."""
        while True:
            event = self.qmp.any_event(deadline)
            if not event:
                raise Answer(errno.ETIMEDOUT, f"the guest did not {what} within its time limit")
            name, data = event
            if wanted(name, data):
                return name, data

    def _plug(self, size: int, deadline: float) -> None:
        self.qmp.forget_events()
        self.qmp.command("object-add", {"qom-type": "memory-backend-ram", "id": DIMM_RAM,
                                        "size": size})
        try:
            self.qmp.command("device_add", driver="pc-dimm", id=DIMM, memdev=DIMM_RAM)
        except Refused:
            self.qmp.command("object-del", id=DIMM_RAM)
            raise
        _, data = self._wait_for(_is_report(DEVICE_CHECK), "take the DIMM", deadline)
        status = data["info"]["status"]
        if status:
            raise Answer(errno.EIO, f"the guest refused the DIMM (_OST {status})")

    def _unplug(self, deadline: float) -> None:
        self.qmp.forget_events()
        self.qmp.command("device_del", id=DIMM)
        name, data = self._wait_for(
            lambda *event: _is_dimm_deleted(*event) or _is_report(EJECT_REQUEST)(*event),
            "give up the DIMM", deadline)
        if name != "DEVICE_DELETED":
            raise Answer(errno.EBUSY, f"the guest keeps the DIMM (_OST {data['info']['status']})")
        # The DIMM is gone when the guest has evaluated _EJ0. Its kernel then reads the slot's
        # status (acpi_scan_hot_remove()): a DIMM that is plugged before that counts as one that
        # did not go, and is not added.
        self._wait_for(_is_report(EJECT_REQUEST), "report that the DIMM is gone", deadline)
        self.qmp.command("object-del", id=DIMM_RAM)

    def _resize(self, size: int) -> None:
        self.qmp.command("qom-set", path=VIRTIO_MEM, property="requested-size", value=size)
