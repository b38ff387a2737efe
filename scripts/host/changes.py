# SPDX-License-Identifier: GPL-2.0
"""Changes of a kernel's source, by our coccinelle scripts or by a user's patches.

A change is a file scripts/kernels/changes/NAME.cocci, or the files of a directory NAME/, in
the order of their names. The first line of each is a comment that names the files it changes.
"""

import difflib
import functools
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from host.common import SCRIPTS, Failure, run

if TYPE_CHECKING:
    from host.source import Source

CHANGES = SCRIPTS / "kernels/changes"

Names = tuple[str, ...]
Contents = tuple[bytes | None, ...]	# None: the file does not exist


def scripts(name: str) -> list[Path]:
    """Return the coccinelle scripts of a change."""
    found = sorted((CHANGES / name).glob("*.cocci")) or [CHANGES / f"{name}.cocci"]
    if not found[0].is_file():
        raise Failure(f"there is no change {name!r}: neither {name}.cocci nor a directory in "
                      f"{CHANGES}")
    return found


class Changed:
    """Files of a source that are changed step by step. CONTENT: of each changed file by name;
    None: the file does not exist."""

    def __init__(self, source: "Source") -> None:
        self.source = source
        self.content: dict[str, bytes | None] = {}

    def now(self, name: str) -> bytes | None:
        """Return the present content of a file; None if it does not exist."""
        return self.content[name] if name in self.content else self.source.original(name)

    def step(self, names: Iterable[str],
             change: Callable[[Names, Contents], Contents]) -> list[str]:
        """Apply CHANGE, which returns the new contents of these files; returns the names of files
        that it did not change."""
        names = list(names)
        before = tuple(self.now(name) for name in names)
        after = change(tuple(names), before)
        self.content.update(zip(names, after))
        return [name for name, one, other in zip(names, before, after) if one == other]

    def diff(self) -> Iterator[str]:
        """Yield the lines of a patch that has all changes."""
        for name, after in sorted(self.content.items()):
            before = self.source.original(name)
            yield from difflib.unified_diff(_lines(before), _lines(after),
                                            f"a/{name}" if before is not None else "/dev/null",
                                            f"b/{name}" if after is not None else "/dev/null")


def _in_directory(change: Callable[[Path], object], names: Names, contents: Contents) -> Contents:
    """Call CHANGE with a directory that has only these files; returns what it made of them."""
    with tempfile.TemporaryDirectory(prefix="errpath-") as scratch:
        directory = Path(scratch)
        for name, content in zip(names, contents):
            if content is not None:
                (directory / name).parent.mkdir(parents=True, exist_ok=True)
                (directory / name).write_bytes(content)
        change(directory)
        return tuple(_read(directory / name) for name in names)


def _read(file: Path) -> bytes | None:
    return file.read_bytes() if file.is_file() else None


def _lines(content: bytes | None) -> list[str]:
    return (content or b"").decode("utf-8", "surrogateescape").splitlines(keepends=True)


@functools.lru_cache(maxsize=None)
def _spatched(script: Path, names: Names, contents: Contents) -> Contents:
    """Return what a script makes of files. The result is cached for other kernels, as coccinelle
    takes half a minute for a large change."""
    command: list[str | Path] = ["spatch", "--very-quiet", "--no-includes", "--in-place",
                                 "--sp-file", script, *names]
    return _in_directory(lambda directory: run(command, f"applying {script.name}", cwd=directory),
                         names, contents)


def _spatch(changed: Changed, script: Path) -> None:
    with script.open(encoding="utf-8") as text:
        names = text.readline().removeprefix("//").split()
    missing = [name for name in names if changed.source.original(name) is None]
    if not names or missing:
        raise Failure(f"{script.name}: its first line should be a comment that names files of "
                      f"{changed.source.name}{', not ' if missing else ''}{' '.join(missing)}")
    same = changed.step(names, functools.partial(_spatched, script))
    if same:
        raise Failure(f"{script.name} changes nothing in {' and '.join(same)} of "
                      f"{changed.source.name}")


def by_scripts(source: "Source", names: Sequence[str]) -> Changed:
    """Apply these changes, one after the other."""
    if names and not shutil.which("spatch"):
        raise Failure("coccinelle, which changes the kernel's source, is missing: apt-get install "
                      "coccinelle")
    changed = Changed(source)
    for name in names:
        for script in scripts(name):
            _spatch(changed, script)
    return changed


def _diffs(patch: Path, directory: Path) -> list[Path]:
    """Return the diffs in a patch file, or in each mail of a mailbox, in order."""
    if not patch.read_bytes().startswith(b"From "):
        return [patch]
    run(["git", "mailsplit", f"-o{directory}", patch], f"reading {patch.name}")
    diffs = []
    for mail in sorted(directory.iterdir()):
        diff = directory / f"{mail.name}.diff"
        with mail.open("rb") as text:
            subprocess.run(["git", "mailinfo", "/dev/null", diff], stdin=text, check=True,
                           stdout=subprocess.DEVNULL)
        if diff.stat().st_size:	# a cover letter has no diff
            diffs.append(diff)
    return diffs


def _git_apply(directory: Path, *words: str | Path) -> str:
    """Run git apply in a directory, which git must not take for a part of errpath's repository."""
    done = subprocess.run(["git", "apply", *words], capture_output=True, text=True, check=False,
                          cwd=directory,
                          env={**os.environ, "GIT_CEILING_DIRECTORIES": str(directory.parent)})
    if done.returncode:
        raise Failure(done.stderr.splitlines()[0].removeprefix("error: "))
    return done.stdout


def _patched(diff: Path, names: Names, contents: Contents) -> Contents:
    """Return what a diff makes of files."""
    return _in_directory(lambda directory: _git_apply(directory, diff.absolute()), names, contents)


def _touched(diff: Path) -> set[str]:
    """Return the names of all files that a diff changes; of renames and copies, both names."""
    counts = _git_apply(diff.parent, "--numstat", diff.absolute())
    text = diff.read_text(encoding="utf-8", errors="surrogateescape")
    return {*(row.split("\t")[2] for row in counts.splitlines()),
            *re.findall(r"^(?:rename|copy) from (.*)$", text, re.M)}


class Step(NamedTuple):
    """One diff of PATCH. CHANGED: the source with it and all before it. PROBLEM: why it does not
    apply, or empty; then CHANGED is without it."""

    title: str
    changed: Changed
    problem: str


def _title(patch: Path, mail: Path) -> str:
    """The subject of a mail; the name of the patch file if it has none."""
    head = mail.read_text(encoding="utf-8", errors="replace")[:4000]
    subject = re.search(r"^Subject: *(\S.*(?:\n[ \t]+\S.*)*)", head, re.M)
    return " ".join(subject[1].split()) if subject else patch.name


def steps(source: "Source", patches: Iterable[Path]) -> Iterator[Step]:
    """Yield each diff of patch files and mailboxes, applied after those before it that apply."""
    before = Changed(source)
    for patch in patches:
        with tempfile.TemporaryDirectory(prefix="errpath-") as mails:
            for diff in _diffs(patch, Path(mails)):
                mail = diff.with_suffix("") if diff.parent == Path(mails) else diff
                changed, problem = Changed(source), ""
                changed.content = dict(before.content)
                try:
                    changed.step(_touched(diff), functools.partial(_patched, diff))
                    before = changed
                except Failure as failure:
                    problem = str(failure)
                yield Step(_title(patch, mail), before, problem)


def by_patches(source: "Source", patches: Iterable[Path]) -> Changed:
    """Apply patch files and mailboxes, one after the other."""
    changed = Changed(source)
    for patch in patches:
        with tempfile.TemporaryDirectory(prefix="errpath-") as mails:
            try:
                for diff in _diffs(patch, Path(mails)):
                    changed.step(_touched(diff), functools.partial(_patched, diff))
            except Failure as failure:
                raise Failure(f"PATCH: {patch} does not apply to {source.name}: "
                              f"{failure}") from None
    return changed
