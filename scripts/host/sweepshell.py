# SPDX-License-Identifier: GPL-2.0
"""A prompt in a guest of a sweep at the moment before a failure that the sweep reported."""

import contextlib
import os
import shlex
import tempfile
from collections.abc import Iterator
from pathlib import Path

from host import build, guest, session, shell, sweep, sweepreport
from host.common import BUILD, Failure, say


@contextlib.contextmanager
def _gdb(wanted: bool) -> Iterator[list[str]]:
    """Yield QEMU's options for gdb's stub on a socket, which are none unless WANTED."""
    if not wanted:
        yield []
        return
    # Not in the directory of the results: the path of a socket has at most 107 bytes.
    with tempfile.TemporaryDirectory(prefix="errpath-") as directory:
        socket = Path(directory, "gdb")
        say(f"gdb's stub: gdb -ex 'target remote {socket}'")
        yield ["-gdb", f"unix:{socket},server=on,wait=off"]


def _name(target: sweepreport.Target) -> str:
    """The target as the guest's program takes it."""
    return f"{target.first}:{target.hash}" if target.first else target.hash


def run(one: sweep.Sweep, target: sweepreport.Target, command: str, gdb: bool) -> int:
    """Boot a guest of a sweep, and stop right before a target fails. Returns the exit status, as
    shell.interactive() and shell.one_command().

    COMMAND: run it there, within shell.command_limit(); empty: a prompt on our terminal. GDB: open
    gdb's stub on a socket, and print how to attach.
    """
    if not command and not os.isatty(0):
        raise Failure('SHELL=ID needs a terminal; without one, CMD="..." says what to run there')
    with tempfile.TemporaryDirectory(prefix="shell-", dir=BUILD) as directory, _gdb(gdb) as words:
        return _run(one, target, command, words, Path(directory))


def _run(one: sweep.Sweep, target: sweepreport.Target, command: str, words: list[str],
         out: Path) -> int:
    """As run(), with more options for QEMU. OUT: a directory for the guest's files."""
    at = f"./sweep at {_name(target)} /bin/sh"
    if command:
        at += f" -c {shlex.quote(command)}"
    files = one.files if command else {**one.files, "prompt": at.encode()}
    initrd = build.initramfs(one.kernel, one.modules, one.installed, {"sweep": 0},
                             out / "initramfs", at if command else "", files)
    accel = guest.accelerator(one.kernel, session.trial_initrd)
    say(f"booting {one.kernel.release}: {target.verdict()}")
    arguments = [*guest.command(one.kernel, initrd, f"{one.append()} {guest.prompt_words()}",
                                accel), *words]
    if not command:
        return shell.interactive(arguments, out)
    return shell.one_command(arguments, out, shell.command_limit(),
                             guest.BOOT_LIMIT * one.kernel.slow)
