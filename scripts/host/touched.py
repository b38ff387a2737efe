# SPDX-License-Identifier: GPL-2.0
"""The functions that a patch touches, hunk by hunk."""

import difflib
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from host import changes, csource
from host.common import Failure

COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.S)
REFUSED = {"binary files": re.compile(r"^(GIT binary patch|Binary files .* differ)", re.M),
           "renamed files": re.compile(r"^(rename|copy) (from|to) ", re.M)}


class Touched(NamedTuple):
    """What a patch touches. FUNCTIONS: names, each once. OUTSIDE: FILE:LINE of changed code that
    is in no function. OTHER: changed files that are not C. LINES: numbers of the lines of code that
    are new or changed, by file."""

    functions: list[str]
    outside: list[str]
    other: list[str]
    lines: dict[str, list[int]]


def check(patches: Iterable[Path]) -> None:
    """Raise a Failure for a patch file with a diff that cannot be judged."""
    for patch in patches:
        text = patch.read_text(encoding="utf-8", errors="surrogateescape")
        for what, pattern in REFUSED.items():
            if pattern.search(text):
                raise Failure(f"PATCH: {patch} has {what}, whose functions cannot be compared")


def _lines(content: bytes | None) -> list[str]:
    """The lines of a file, those of comments empty."""
    text = (content or b"").decode("utf-8", "surrogateescape")
    return [line.rstrip() for line in
            COMMENT.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text).split("\n")]


def _changed(one: list[str], other: list[str]) -> Iterator[tuple[int, int, int, int]]:
    """Yield the parts that differ, as difflib's opcodes have them."""
    same = 0
    while same < min(len(one), len(other)) and one[same] == other[same]:
        same += 1
    matcher = difflib.SequenceMatcher(None, one[same:], other[same:], False)
    for tag, *at in matcher.get_opcodes():
        if tag != "equal":
            first, last, begin, end = (number + same for number in at)
            yield first, last, begin, end


def _of_side(content: bytes | None, lines: list[str],
             parts: Iterable[tuple[int, int]]) -> Iterator[str | int]:
    """Yield the functions that have changed lines, and the numbers of such lines outside of any.
    PARTS: from line to line, from 0, the last one not included."""
    known = csource.functions((content or b"").decode("utf-8", "surrogateescape"))
    for first, last in parts:
        for number in range(first + 1, last + 1):
            if lines[number - 1].strip():
                function = csource.at_line(known, number)
                yield function.name if function else number


def _new_lines(before: bytes | None, after: bytes | None) -> list[int]:
    """The numbers of the lines of code that are new or changed."""
    one, other = _lines(before), _lines(after)
    return [number for _, _, begin, end in _changed(one, other)
            for number in range(begin + 1, end + 1) if other[number - 1].strip()]


def _of_file(name: str, before: bytes | None, after: bytes | None) -> Iterator[str]:
    """Yield the names of the functions of one file, and FILE:LINE outside of them."""
    one, other = _lines(before), _lines(after)
    parts = list(_changed(one, other))
    found = [*_of_side(after, other, [part[2:] for part in parts]),
             *_of_side(before, one, [part[:2] for part in parts])]
    shown = False
    for what in found:
        if isinstance(what, str):
            yield what
        elif not shown:		# one line is enough to say where
            shown = True
            yield f"{name}:{what}"


def touched(one: changes.Changed, two: changes.Changed) -> Touched:
    """Return what differs between two states of a source, of which TWO has more changes."""
    found: list[str] = []
    other = []
    lines = {}
    for name, after in sorted(two.content.items()):
        before = one.now(name)
        if before == after:
            continue
        if not name.endswith((".c", ".h")):
            other.append(name)
            continue
        found += _of_file(name, before, after)
        lines[name] = _new_lines(before, after)
    names = list(dict.fromkeys(found))
    return Touched([name for name in names if ":" not in name],
                   [name for name in names if ":" in name], other, lines)
