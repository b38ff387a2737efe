# SPDX-License-Identifier: GPL-2.0
"""Places, messages, locks, and how to run other programs."""

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "scripts"
BUILD = ROOT / "build"

_running = set()	# process groups, each of what run() waits for
_ending = False


class Failure(Exception):
    """Something the user must know, in one line."""


def say(text):
    print(f"errpath: {text}", flush=True)


def _end(group):
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGTERM)


def _interrupted(number, _):
    """End what run() has begun or begins, in all threads; then what the program began, as
    exceptions do."""
    global _ending
    _ending = True
    for group in list(_running):
        _end(group)
    sys.exit(128 + number)


def main(function):
    """Run a program's main function; a Failure is one line and exit code 1."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupted)
    try:
        sys.exit(function(sys.argv[1:]))
    except Failure as failure:
        sys.stdout.flush()
        sys.exit(f"errpath: {failure}")


@contextlib.contextmanager
def lock(name, directory=BUILD):
    """One at a time, over all processes that use this directory."""
    directory.mkdir(parents=True, exist_ok=True)
    with open(directory / f".lock-{name}", "w", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def run(command, what, **options):
    """Run quietly and return the output; when it fails, show it and say what failed."""
    # In a group of its own: make ends its children when it is interrupted, but not theirs.
    with subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True,
                          errors="replace", start_new_session=True, **options) as process:
        _running.add(process.pid)
        if _ending:	# begun by a thread that waited for what was ended
            _end(process.pid)
        output, _ = process.communicate()
        _running.discard(process.pid)
    if process.returncode:
        sys.stderr.write(output)
        raise Failure(f"{what} failed (exit {process.returncode}): "
                      f"{' '.join(map(str, command))}")
    return output


def point(link, target):
    """Let the symbolic link LINK name TARGET (beside it), at no time naming nothing."""
    fresh = link.with_name(f".{link.name}.{os.getpid()}")
    fresh.symlink_to(target.name)
    os.replace(fresh, link)


def write_if_changed(path, data):
    """Keep the time stamp of a file whose content stays, for make's sake."""
    if not path.is_file() or path.read_bytes() != data:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def mirror(sources, base, target):
    """Make TARGET hold SOURCES (files and directories of BASE) and no other source file."""
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
