# SPDX-License-Identifier: GPL-2.0
"""Templates: guests that booted, and were stopped and kept when /init waited for orders. Other
guests are restored from them in a tenth of a second.

The RAM of a template is a file, which the restored guests map privately, so that they share what
none of them writes. A template is kept for as long as everything is the same that it was made of:
QEMU, its options, the kernel, and the files of the guest.
"""

import contextlib
import functools
import hashlib
import json
import os
import shlex
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import ContextManager, NamedTuple, TypeAlias

from host import load, orders
from host.common import BUILD, Failure, lock, run, say
from host.qmp import Qmp
from host.stages import stage

TEMPLATES = BUILD / "templates"
# A template takes about 0.4 GB of the disk: keep those that were used last.
KEEP = 8
READY = b"errpath init: waiting for orders"	# ORDERS_WAIT of scripts/init/init.h
INTERVAL = 0.02		# seconds between two looks at a guest
ABANDONED = 3600	# seconds until an unfinished template counts as abandoned
MIGRATION_LIMIT = 60	# seconds that saving or restoring may take
# Templates that could not be made: this process tries each of them once.
_failed: set[Path] = set()
# Options of a QEMU that is restored.
INCOMING = ("-incoming", "defer", "-S")
# Without the RAM, which is in a file that both ends share.
CAPABILITY = "x-ignore-shared"


Process: TypeAlias = "subprocess.Popen[bytes]"
# Starts a QEMU in a directory; a context manager that yields process and monitor, and ends it.
Start: TypeAlias = Callable[[Sequence[str], Path], ContextManager[tuple[Process, Qmp]]]


class Stop(NamedTuple):
    """Where a guest is stopped to become a template.

    FILE, TEXT: what the guest writes to which file of its directory when it waits. ITEMS: contents
    of opt/errpath/NAME of fw_cfg until then, by name.
    """

    file: str
    text: bytes
    items: Mapping[str, bytes]


# Where /init waits, behind the boot.
INIT = Stop("console", READY, {"orders": orders.WAIT})


def wanted() -> bool:
    """False if the user wants every guest to boot: SNAPSHOT=0."""
    return os.environ.get("SNAPSHOT", "1") != "0"


def _memory(arguments: Sequence[str]) -> str:
    """The size of the RAM: what the option -m says, up to the comma."""
    return arguments[list(arguments).index("-m") + 1].partition(",")[0]


def _with_ram(arguments: Sequence[str], ram: Path, shared: bool) -> list[str]:
    """Return QEMU's options, with the file RAM as the RAM of the guest."""
    words = list(arguments)
    words[words.index("-machine") + 1] += ",memory-backend=ram"
    path = str(ram).replace(",", ",,")
    return [*words, "-object", f"memory-backend-file,id=ram,size={_memory(words)},mem-path={path},"
            f"share={'on' if shared else 'off'},reserve=off"]


@functools.lru_cache
def _digest_of(path: Path, *_: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _digest(path: Path) -> str:
    """A hash of a file, computed again only if the file was changed."""
    status = path.stat()
    return _digest_of(path, status.st_size, status.st_mtime_ns, status.st_ino)


def _qemu(program: str) -> str:
    """Say which QEMU a program is, so that a template is restored by the one that made it."""
    path = Path(shutil.which(program) or program)
    version = run([path, "--version"], "asking QEMU for its version")
    status = path.stat()
    return f"{version} {status.st_size} {status.st_mtime_ns}"


def _key(arguments: Sequence[str], stop: Stop) -> str:
    """Return a name for all that a template is made of. Of a file of the options, the content
    counts, and not the path."""
    parts = [_qemu(arguments[0]), stop.file, repr(stop.text), repr(sorted(stop.items.items()))]
    for word in arguments[1:]:
        path = Path(word.removeprefix("file="))
        parts.append(_digest(path) if path.is_absolute() and path.is_file() else word)
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:24]


def _migrate(monitor: Qmp, command: str, uri: str) -> None:
    """Save or restore the state of the devices; raises a Failure if QEMU cannot."""
    monitor.command("migrate-set-capabilities",
                    capabilities=[{"capability": CAPABILITY, "state": True}])
    monitor.command(command, uri=uri)
    deadline = time.monotonic() + MIGRATION_LIMIT
    while time.monotonic() < deadline:
        info = monitor.command("query-migrate")
        if info.get("status") == "completed":
            return
        if info.get("status") == "failed":
            raise Failure(f"QEMU: {command}: {info.get('error-desc', 'failed')}")
        time.sleep(INTERVAL)
    raise Failure(f"QEMU: {command} takes more than {MIGRATION_LIMIT} s")


class Template:
    """A template that is complete. Its directory has the files ram, state and console, and those
    of the guest's ports."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._use()

    def _use(self) -> None:
        """Of all templates, those that were used last are kept."""
        (self.directory / "used").touch()

    def options(self, arguments: Sequence[str]) -> list[str]:
        """Return the options of a QEMU that is restored. ARGUMENTS: those that the template was
        asked for with."""
        self._use()
        return [*_with_ram(arguments, self.directory / "ram", False), *INCOMING]

    def restore(self, monitor: Qmp) -> None:
        """Restore a QEMU that was started with options(), and let it run."""
        state = shlex.quote(str(self.directory / "state"))
        _migrate(monitor, "migrate-incoming", f"exec:cat {state}")
        monitor.command("cont")

    def copy(self, directory: Path) -> None:
        """Copy the RAM and the console to a directory, where another template is made of them."""
        run(["cp", "--sparse=always", self.directory / "ram", directory / "ram"],
            "copying a template")
        (directory / "console").write_bytes(self.output("console"))

    def output(self, name: str) -> bytes:
        """What the guest wrote until it was stopped, to this file of its directory."""
        file = self.directory / name
        return file.read_bytes() if file.exists() else b""

    def drop(self) -> None:
        """Remove the template: the next guest makes a fresh one."""
        shutil.rmtree(self.directory, ignore_errors=True)


@contextlib.contextmanager
def _fresh(directory: Path) -> Iterator[Path]:
    """Yield an empty directory, which becomes DIRECTORY if the body of the with statement ends
    without an exception, and otherwise is removed."""
    fresh = directory.with_name(f".{directory.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    try:
        yield fresh
        fresh.rename(directory)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _boot(process: Process, stop: Stop, directory: Path, limit: float) -> None:
    """Wait until the guest is where it is to be stopped; raises a Failure if it does not get
    there."""
    started = time.monotonic()
    while stop.text not in (directory / stop.file).read_bytes():
        if process.poll() is not None:
            raise Failure("the guest ended before it waited for orders")
        if time.monotonic() > started + limit * load.factor():
            raise Failure("the guest did not wait for orders within "
                          f"{time.monotonic() - started:.0f} s ({load.text()})")
        time.sleep(INTERVAL)


def _items(directory: Path, items: Mapping[str, bytes]) -> list[str]:
    return [word for name, content in items.items()
            for word in orders.option(directory, content, name)]


def _make(arguments: Sequence[str], start: Start, stop: Stop, directory: Path,
          limit: float, begin: Template | None) -> None:
    """Boot a guest, or restore it from the template BEGIN, and keep it in DIRECTORY."""
    (directory / stop.file).touch()
    with open(directory / "ram", "wb") as file:
        file.truncate(_bytes(_memory(arguments)))
    if begin:
        begin.copy(directory)
    words = [*_with_ram(arguments, Path("ram"), True), *_items(directory, stop.items),
             *(INCOMING if begin else [])]
    with start(words, directory) as (process, monitor):
        if begin:
            begin.restore(monitor)
        _boot(process, stop, directory, limit)
        monitor.command("stop")
        _migrate(monitor, "migrate", "exec:cat >state")


def _bytes(size: str) -> int:
    """The number of bytes of a size as 3136M."""
    return int(size[:-1]) << {"M": 20, "G": 30}[size[-1]]


def _keep_few() -> None:
    """Remove the templates that were not used for longest. Guests that were restored from one
    keep its RAM."""
    used = sorted(TEMPLATES.glob("[!.]*/used"), key=lambda file: file.stat().st_mtime)
    for file in used[:-KEEP]:
        shutil.rmtree(file.parent, ignore_errors=True)
    # What was being made when its process was killed.
    for fresh in TEMPLATES.glob(".*.new"):
        if time.time() - fresh.stat().st_mtime > ABANDONED:
            shutil.rmtree(fresh, ignore_errors=True)


def get(arguments: Sequence[str], start: Start, line: str, limit: float) -> Template | None:
    """Return the template of a guest, made first if there is none; None if none can be made: then
    the guest must boot.

    ARGUMENTS: QEMU's options, without ports and orders. START: starts QEMU with options, and the
    ports, in a directory. LINE: the kernel line, for messages. LIMIT: seconds that the boot may
    take.
    """
    if not wanted():
        return None
    try:
        return _get(arguments, start, INIT, line, limit)
    except (Failure, OSError) as error:
        say(f"{line}: no template, each guest boots: {error}")
        return None


def get_later(arguments: Sequence[str], start: Start, stop: Stop, line: str,
              limit: float) -> Template:
    """Return a template that is stopped later than by get(), from whose template it is made.

    STOP: where. LIMIT: seconds until there, without the boot. The others are those of get(). Raises
    a Failure or OSError if it cannot be made.
    """
    begin = get(arguments, start, line, limit)
    made = _get(arguments, start, stop, line, limit, begin)
    if not made:
        raise Failure("the template could not be made a moment ago")
    return made


def _get(arguments: Sequence[str], start: Start, stop: Stop, line: str, limit: float,
         begin: Template | None = None) -> Template | None:
    """As get(), but raises a Failure or OSError, once, if no template can be made."""
    directory = TEMPLATES / _key(arguments, stop)
    with lock(f"template-{directory.name}", TEMPLATES):
        if directory in _failed:
            return None
        if not (directory / "state").exists():
            _failed.add(directory)
            with stage("making a template", line), _fresh(directory) as fresh:
                _make(arguments, start, stop, fresh, limit, begin)
            _failed.remove(directory)
            with lock("keep", TEMPLATES):
                _keep_few()
        return Template(directory)
