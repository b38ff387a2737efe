# SPDX-License-Identifier: GPL-2.0
"""Memory that a guest asks its host for, over the port errpath.host, while it runs.

Request     ID SECONDS plug dimm BYTES      done, when the guest's kernel says so
                       unplug dimm          the same
                       virtio-mem BYTES     it is to be so large
                       virtio-mem           answered by how large it is
Answer      ID ERRNO TEXT                   0: done
"""

import errno
import threading
import time

from host.common import Failure
from host.qmp import Refused

# What command() of guest.py gives a guest: a DIMM goes into a slot, virtio-mem grows in place.
QEMU = ("-object", "memory-backend-ram,id=virtio-mem-ram,size=1G",
        "-device", "virtio-mem-pci,id=virtio-mem,memdev=virtio-mem-ram,requested-size=0")
LIMITS = "slots=4,maxmem=8G"

DIMM, DIMM_RAM = "dimm", "dimm-ram"
# What _OST reports on, and its status while it goes on (ACPI 6.5, 6.3.5).
DEVICE_CHECK, EJECT_REQUEST = 1, 3
GOES_ON = (0x80, 0x84)
VIRTIO_MEM = "/machine/peripheral/virtio-mem"
# Seconds to wait for a request before looking whether QEMU is still there.
PATIENCE = 3600


class Answer(Exception):
    """The answer to a request, where it is not simply done."""

    def __init__(self, number, text):
        super().__init__(text)
        self.number = number


def _is_report(source):
    """Is an event a report of the guest (ACPI's _OST) on this, other than that it goes on?"""
    return lambda name, data: (name == "ACPI_DEVICE_OST" and data["info"]["source"] == source
                               and data["info"]["status"] not in GOES_ON)


def _is_dimm_deleted(name, data):
    return name == "DEVICE_DELETED" and data.get("device") == DIMM


class Requests:
    """Serves a guest until QEMU ends."""

    def __init__(self, monitor, port):
        """MONITOR: its Qmp. PORT: the Stream of its port errpath.host. QEMU has just started."""
        self.qmp, self.port = monitor, port
        port.attach()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        try:
            self.qmp.connect()
            while True:
                request = self.port.receive(time.monotonic() + PATIENCE)
                if request is not None:
                    self.port.send(self._answer(request))
        except Failure:
            pass	# QEMU is gone, or stuck: who asks has a limit of his own
        finally:
            self.qmp.close()
            self.port.close()

    def _answer(self, request):
        number, _, rest = request.partition(" ")
        try:
            return f"{number} 0 {self._do(rest.split()) or 'done'}"
        except Answer as answer:
            return f"{number} {answer.number} {answer}"
        except Refused as refused:
            return f"{number} {errno.EIO} {refused}"
        except ValueError:
            return f"{number} {errno.EINVAL} no such request: {rest}"

    def _do(self, words):
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

    def _guest_says(self, meant, what, deadline):
        """Wait for an event that is MEANT; returns its name and data."""
        while True:
            said = self.qmp.any_event(deadline)
            if not said:
                raise Answer(errno.ETIMEDOUT, f"the guest did not {what} within its time limit")
            if meant(*said):
                return said

    def _plug(self, size, deadline):
        self.qmp.forget_events()
        self.qmp.command("object-add", {"qom-type": "memory-backend-ram", "id": DIMM_RAM,
                                        "size": size})
        try:
            self.qmp.command("device_add", driver="pc-dimm", id=DIMM, memdev=DIMM_RAM)
        except Refused:
            self.qmp.command("object-del", id=DIMM_RAM)
            raise
        _, data = self._guest_says(_is_report(DEVICE_CHECK), "take the DIMM", deadline)
        status = data["info"]["status"]
        if status:
            raise Answer(errno.EIO, f"the guest refused the DIMM (_OST {status})")

    def _unplug(self, deadline):
        self.qmp.forget_events()
        self.qmp.command("device_del", id=DIMM)
        name, data = self._guest_says(
            lambda *event: _is_dimm_deleted(*event) or _is_report(EJECT_REQUEST)(*event),
            "give up the DIMM", deadline)
        if name != "DEVICE_DELETED":
            raise Answer(errno.EBUSY, f"the guest keeps the DIMM (_OST {data['info']['status']})")
        self.qmp.command("object-del", id=DIMM_RAM)

    def _resize(self, size):
        self.qmp.command("qom-set", path=VIRTIO_MEM, property="requested-size", value=size)
