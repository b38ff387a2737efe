# SPDX-License-Identifier: GPL-2.0
"""The functions of a C file in the style of the kernel, without a compiler: where each begins and
ends, and which functions use a name."""

import bisect
import re
from collections.abc import Iterator
from typing import NamedTuple

# Comments, strings and characters. What follows a backslash in them does not end them.
TEXT = re.compile(r"""//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])+'""", re.S)
# A line of the preprocessor with the lines that continue it.
DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", re.M)
WORD = re.compile(r"[A-Za-z_]\w*")
CALLED = re.compile(r"([A-Za-z_]\w*)\s*\(")
# Macros with arguments that stand beside a function's name.
ATTRIBUTE = re.compile(r"__(attribute__|printf|scanf|aligned|section|releases|acquires|must_hold|"
                       r"no_sanitize\w*|alloc_size|assume_aligned|malloc|cond_\w+|guarded_by|"
                       r"context_unsafe|counted_by|flatten|nonnull\w*|diagnose_as)$|asm$|typeof$")
SYSCALL = re.compile(r"(COMPAT_)?SYSCALL_DEFINE\d$")


class Function(NamedTuple):
    """A function that a file defines. FIRST, LAST: its lines, from 1. BODY: its text between the
    braces, without comments, strings and directives."""

    name: str
    first: int
    last: int
    static: bool
    inline: bool
    body: str

    def uses(self, name: str) -> bool:
        """True if it calls the function NAME, or takes its address."""
        return bool(re.search(rf"(?<![\w.>]){re.escape(name)}\b(?!\s*:)", self.body))


def _blank(match: re.Match[str]) -> str:
    """As many lines without text."""
    return re.sub(r"[^\n]", " ", match[0])


def without_text(source: str) -> str:
    """Replace comments, strings and directives by blanks; lines and columns stay."""
    return DIRECTIVE.sub(_blank, TEXT.sub(_blank, source))


def _arguments_end(head: str, begin: int) -> int:
    """Return where the parenthesis that opens at BEGIN closes."""
    depth = 0
    for at in range(begin, len(head)):
        depth += (head[at] == "(") - (head[at] == ")")
        if not depth:
            return at
    return len(head)


def _name(head: str) -> str | None:
    """Return the name of the function whose text up to the brace is HEAD; None if HEAD begins
    something else, such as a struct."""
    at = 0
    while match := CALLED.search(head, at):
        if "=" in head[at:match.start()]:
            return None
        if SYSCALL.match(match[1]):
            first = WORD.search(head, match.end())
            return f"__do_sys_{first[0]}" if first else None
        at = _arguments_end(head, match.end() - 1)
        if not ATTRIBUTE.match(match[1]):
            return match[1] if "=" not in head[at:] else None
    return None


def _braces(text: str) -> Iterator[tuple[int, int, int]]:
    """Yield each outermost pair of braces: where the text before it begins, and both braces."""
    depth, begin, opened = 0, 0, 0
    for match in re.finditer(r"[{};]", text):
        at = match.start()
        if match[0] == "{":
            opened = opened if depth else at
            depth += 1
        elif match[0] == "}" and depth:
            # By the kernel's style, a brace in the first column ends what is outermost, also where
            # #if and #else opened a brace each.
            depth = 0 if text[at - 1] == "\n" else depth - 1
            if not depth:
                yield begin, opened, at
                begin = at + 1
        elif not depth:
            begin = at + 1


def functions(source: str) -> list[Function]:
    """Return the functions that a file defines, in their order."""
    text = without_text(source)
    starts = [0, *(match.end() for match in re.finditer("\n", text))]
    found = []
    for begin, opened, closed in _braces(text):
        head = text[begin:opened]
        name = _name(head)
        if name:
            lead = len(head) - len(head.lstrip())
            words = set(WORD.findall(head))
            found.append(Function(name, bisect.bisect_right(starts, begin + lead),
                                  bisect.bisect_right(starts, closed), "static" in words,
                                  bool(words & {"inline", "__always_inline", "__inline"}),
                                  text[opened + 1:closed]))
    return found


def at_line(known: list[Function], line: int) -> Function | None:
    """Return the function that has this line; None if none of them has."""
    return next((one for one in known if one.first <= line <= one.last), None)
