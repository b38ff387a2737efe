# SPDX-License-Identifier: GPL-2.0
"""Directories, messages, locks, and how other programs are run."""

import argparse
import contextlib
import errno
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import IO, NoReturn

from host import variables

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "scripts"
BUILD = ROOT / "build"

Command = Sequence[str | Path]

# Errors of the file system that the user can mend.
MENDABLE = (errno.EROFS, errno.ENOSPC, errno.EACCES, errno.EDQUOT)
# Bytes that build/ must have left: an initramfs takes 45 MB.
ROOM = 64 << 20
# Seconds to wait for a lock without a word.
PATIENCE = 2

# Exit status of a program that could not do its work, for example because of bad input: git bisect
# run then tries another commit.
COULD_NOT_RUN = 125

_running: set[int] = set()	# process groups of the commands that run() waits for
_ending = 0			# the number of the signal that interrupted this program
_output = threading.Lock()	# held while something is printed
_status = ""			# the status line at the bottom of the terminal


class Failure(Exception):
    """An error that is reported to the user in one line."""


class Parser(argparse.ArgumentParser):
    """A parser of options for which wrong ones are a Failure, like all other bad input."""

    def error(self, message: str) -> NoReturn:
        raise Failure(f"{message}; {self.prog} --help lists the options")


def _print(text: str) -> None:
    """Print TEXT (or nothing) above the status line."""
    clear = "\r\033[K" if sys.stdout.isatty() else ""
    width = shutil.get_terminal_size().columns - 1
    sys.stdout.write(f"{clear}{text}{_status[:width]}")
    sys.stdout.flush()


def show(text: str) -> None:
    """Print lines of text, and keep the status line below them."""
    with _output:
        _print(f"{text}\n")


def say(text: str) -> None:
    """Print a message of errpath's own."""
    show(f"errpath: {text}")


def status(text: str) -> None:
    """Replace the status line of a terminal; an empty TEXT removes it."""
    global _status
    with _output:
        _status = text
        _print("")


def _end(group: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGTERM)


def _interrupted(number: int, _: FrameType | None) -> NoReturn:
    """Terminate the commands that any thread runs, or is about to run, and raise SystemExit,
    which makes the main thread clean up."""
    global _ending
    _ending = number
    for group in list(_running):
        _end(group)
    sys.exit(128 + number)


def _attempt(function: Callable[[list[str]], int | None]) -> int | None:
    """Run a program's main function, if the user's variables are right; what the user can mend is
    a Failure."""
    if mistake := variables.mistake(os.environ, ROOT):
        raise Failure(mistake)
    free = shutil.disk_usage(BUILD if BUILD.exists() else ROOT).free
    if free < ROOM:
        raise Failure(f"{BUILD} has {free >> 20} MiB left; errpath needs {ROOM >> 20} at "
                      "least")
    try:
        return function(sys.argv[1:])
    except OSError as error:
        if error.errno not in MENDABLE:
            raise
        raise Failure(f"{error.filename or BUILD}: {error.strerror}") from error


def main(function: Callable[[list[str]], int | None]) -> NoReturn:
    """Run a program's main function; a Failure is printed as one line and exits with
    COULD_NOT_RUN. An interruption is printed as one line, too, and what fails because of it is
    not."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupted)
    try:
        sys.exit(_attempt(function))
    except Failure as failure:
        sys.stdout.flush()
        if _ending:
            sys.exit(128 + _ending)
        print(f"errpath: {failure}", file=sys.stderr)
        sys.exit(COULD_NOT_RUN)
    finally:
        if _ending:
            print(f"errpath: interrupted by {signal.Signals(_ending).name}", file=sys.stderr)


@contextlib.contextmanager
def lock(name: str, directory: Path = BUILD) -> Iterator[None]:
    """Exclude all other threads and processes that take the lock NAME of this directory."""
    directory.mkdir(parents=True, exist_ok=True)
    with open(directory / f".lock-{name}", "a+", encoding="ascii") as file:
        _take(file, name)
        yield


def _holder(file: IO[str]) -> str:
    """Name the process that wrote its number to a lock, with its command."""
    file.seek(0)
    pid = file.read().strip()
    try:
        words = Path("/proc", pid, "cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:	# it has just ended
        return f"process {pid}"
    return f"process {pid}, {' '.join(words).strip()}"


def _take(file: IO[str], name: str) -> None:
    """Take a lock, and write the number of this process to it. Waiting for another process is said
    once."""
    deadline = time.monotonic() + PATIENCE
    while True:
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        if time.monotonic() > deadline:
            holder = _holder(file)
            if not holder.startswith(f"process {os.getpid()},"):
                say(f"waiting for {holder}: it uses {name}")
            fcntl.flock(file, fcntl.LOCK_EX)
            break
        time.sleep(0.02)
    file.truncate(0)
    file.write(f"{os.getpid()}\n")
    file.flush()


def run(command: Command, what: str, cwd: Path | None = None,
        env: Mapping[str, str] | None = None) -> str:
    """Run a command quietly and return its output. If it fails, print the output and raise a
    Failure that says what failed. ENV: its environment; by default ours, without the user's
    variables."""
    # In a new process group: an interrupted make ends its children, but not theirs.
    with subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True,
                          errors="replace", start_new_session=True, cwd=cwd,
                          env=env or variables.for_others(os.environ)) as process:
        _running.add(process.pid)
        if _ending:	# another thread started it after the interrupt
            _end(process.pid)
        output, _ = process.communicate()
        _running.discard(process.pid)
    if process.returncode:
        if not _ending:
            sys.stderr.write(output)
        raise Failure(f"{what} failed (exit {process.returncode}): "
                      f"{' '.join(map(str, command))}")
    return output


def absolute(path: str) -> Path:
    """Return a path that a user gave as an absolute one: programs that get it, such as QEMU, run
    in other directories."""
    return Path(path).absolute()


def lines_of(path: Path) -> list[str]:
    """The lines of a file; raises a Failure that names the line if it is not UTF-8."""
    data = path.read_bytes()
    try:
        return data.decode().splitlines()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise Failure(f"{path}:{line}: this line is not UTF-8") from None


def rows(path: Path) -> list[str]:
    """The lines of a table, without empty lines and comments."""
    lines = lines_of(path)
    return [line for line in lines if line and line[0] != "#"]


def point(link: Path, target: Path) -> None:
    """Make the symbolic link LINK name TARGET, which is beside it, in one atomic step."""
    fresh = link.with_name(f".{link.name}.{os.getpid()}")
    fresh.symlink_to(target.name)
    os.replace(fresh, link)


def write_if_changed(path: Path, data: bytes) -> None:
    """Write a file, but keep its time stamp if its content stays, so that make rebuilds
    nothing."""
    if not path.is_file() or path.read_bytes() != data:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def mirror(sources: Iterable[Path], base: Path, target: Path) -> None:
    """Copy SOURCES (files and directories below BASE) to TARGET, and remove the C files there
    that SOURCES do not have."""
    wanted = {file.relative_to(base): file
              for source in sources
              for file in ([source] if source.is_file() else sorted(source.rglob("*")))
              if file.is_file()}
    for name, file in wanted.items():
        write_if_changed(target / name, file.read_bytes())
        (target / name).chmod(file.stat().st_mode & 0o777)
    for file in [*target.rglob("*.[ch]")]:
        if file.relative_to(target) not in wanted and not file.name.endswith(".mod.c"):
            file.unlink()
