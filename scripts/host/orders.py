# SPDX-License-Identifier: GPL-2.0
"""Orders of the host to /init of a guest: environment and files, which scripts/init/orders.c
describes and reads."""

from collections.abc import Mapping
from pathlib import Path

from host.common import Failure

WAIT = b"wait\n"


def orders(environment: Mapping[str, str], files: Mapping[str, bytes]) -> bytes:
    """Return orders. ENVIRONMENT: values by name, without newlines. FILES: contents by path from
    the root, without newlines; they can be executed."""
    lines = [f"env {name}={value}" for name, value in environment.items()]
    if any("\n" in text for text in [*lines, *files]):
        raise Failure("an order to a guest has a newline")
    parts = [f"{line}\n".encode() for line in lines]
    parts += [f"file 755 {len(data)} /{name}\n".encode() + data for name, data in files.items()]
    return b"".join([*parts, b"go\n"])


def option(directory: Path, content: bytes, name: str = "orders") -> list[str]:
    """Write the item opt/errpath/NAME of fw_cfg to a file of a guest's directory, and return
    QEMU's options. QEMU runs in this directory."""
    (directory / name).write_bytes(content)
    return ["-fw_cfg", f"name=opt/errpath/{name},file={name}"]
