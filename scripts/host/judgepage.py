# SPDX-License-Identifier: GPL-2.0
"""The page of scripts/judge, to be pasted into a mail, and its JSON."""

import textwrap
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypedDict

from host import judgement
from host.cover import Lines, Ran, spans
from host.judgement import Result
from host.likely import CLASSES
from host.sweepreport import Target

WIDTH = 75	# of a line of a mail
STACKS = 3	# that are shown of a group


class Operation(NamedTuple):
    """An operation whose calls were failed."""

    name: str
    what: str
    targets: tuple[int, ...]	# calls that were failed, on each kernel
    all: int			# calls of the operation


class Page(NamedTuple):
    """All that the page says."""

    title: str
    kernels: Sequence[str]		# "Linux RELEASE (what it is)"; of two the second is judged
    functions: Sequence[str]		# touched, or in question
    through: Mapping[str, Sequence[str]]	# functions that are judged through callers
    symbols: Collection[str]		# of THROUGH, those that the kernel has out of line
    hidden: Mapping[str, Sequence[str]]	# functions on no stack with the patch; their callers
    unreached: Mapping[str, Sequence[str]]	# functions that are not; callers that could be
    aside: Sequence[str]		# changes that are in no function
    operations: Sequence[Operation]
    others: Sequence[str]		# operations that reach the functions, too
    results: Sequence[Result]
    repeats: int			# of each failure
    seconds: float			# of the guests
    repeat: str				# the command
    reason: str				# why nothing can be told, or empty
    ran: Ran | None			# which lines ran, if that was recorded


class JsonResult(TypedDict):
    """One failed call."""

    kind: str
    operation: str
    function: str
    stack: list[str]
    occurrence: int
    before: str | None		# verdict: outcome and findings
    after: str | None
    kept_before: list[tuple[str, int]]	# what is lost: FILE:LINE FUNCTION, and bytes
    kept_after: list[tuple[str, int]]
    likely: str
    why_likely: str


class Json(TypedDict):
    """The page as JSON."""

    title: str
    status: int
    verdict: str
    kernels: list[str]
    functions: list[str]
    through: dict[str, list[str]]
    unreached: dict[str, list[str]]
    aside: list[str]
    operations: dict[str, list[int]]	# calls that were failed, on each kernel
    calls: dict[str, int]		# of each operation
    others: list[str]
    results: list[JsonResult]
    seconds: float
    repeat: str
    ran: dict[str, Any] | None	# as Ran: lines that ran without a failure, only with one, never


def status(page: Page) -> int:
    """Return the exit status."""
    return 125 if page.reason else judgement.status(page.results)


def _count(number: int, what: str = "call") -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _kinds(page: Page) -> dict[str, list[Result]]:
    found = {kind: [one for one in page.results if one.kind == kind] for kind in judgement.KINDS}
    return {kind: results for kind, results in found.items() if results}


def verdict(page: Page) -> str:
    """Return the result in one line."""
    if page.reason:
        return f"cannot be told: {page.reason}"
    if status(page) == 125:
        return "cannot be told: no call could be failed"
    counts = ", ".join(f"{len(results)} x {kind}" for kind, results in _kinds(page).items())
    two = len(page.kernels) > 1
    good = "nothing got worse" if two else "no bug that is not known"
    bad = "something got worse, or is still wrong" if two else "a bug that is not known"
    return f"{bad if status(page) else good}: {counts}"


def _wrapped(text: str, first: str, rest: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=first, subsequent_indent=rest,
                         break_long_words=False, break_on_hyphens=False)


def _entry(name: str, text: str) -> list[str]:
    return _wrapped(text, f"{name:<12}", " " * 12)


def _stack(page: Page, target: Target) -> str:
    """The allocator and its callers, up to the first function in question."""
    wanted = {*page.functions, *(name for names in (*page.through.values(), *page.hidden.values())
                                 for name in names)}
    stack = target.stack()
    last = next((number for number, name in enumerate(stack) if name in wanted), len(stack))
    number = f", call {target.occurrence}" if target.occurrence > 1 else ""
    return " < ".join((target.function, *stack[:last + 1])) + number


def _verdict(result: Result, target: Target | None) -> str:
    """What happened on one kernel."""
    if result.is_of_nothing() and not (target and target.lost):
        found = target.findings() if target else []
        return "; ".join(text for text, _ in found) or "nothing is wrong"
    if not target:
        return "no such call"
    return target.verdict()


def _sides(result: Result, two: bool) -> list[str]:
    """What happened, on each kernel."""
    sides = [("before", result.before), ("after", result.after)] if two else [("", result.after)]
    texts = [(name, _verdict(result, target)) for name, target in sides]
    if len({text for _, text in texts}) == 1:
        texts = [("", texts[0][1])]
    return [line for name, text in texts
            for line in _wrapped(f"{name}: {text}" if name else text, "    ", "      ")]


def _kept(results: Sequence[Result], two: bool) -> Iterator[str]:
    """Which lines of source allocated what is lost, on each kernel: of the call that was asked."""
    for name in ("before", "after"):
        sides = [getattr(result, name) for result in results]
        kept: list[tuple[str, int]] = next((side.kept for side in sides if side and side.kept), [])
        for where, size in kept:
            side = f" {name}" if two else ""
            yield from _wrapped(f"lost{side}: {size} bytes, {where}()", "    ", "      ")


def _group(page: Page, results: Sequence[Result]) -> Iterator[str]:
    """Lines about calls with the same result."""
    first = results[0]
    yield from _sides(first, len(page.kernels) > 1)
    yield from _kept(results, len(page.kernels) > 1)
    if first.is_of_nothing():
        yield from _wrapped("with no call failed: what a failure leads to cannot be told", "    ",
                            "      ")
        return
    reason = first.target.judged["reason"] if first.target.judged else ""
    if reason and first.kind in (judgement.KNOWN, judgement.SAME, judgement.CHANGED):
        yield from _wrapped(reason, "    ", "      ")
    reasons = dict.fromkeys(result.likelihood().reason for result in results)
    yield from _wrapped(f"how likely: {_likelihoods(results)} ({'; '.join(filter(None, reasons))})",
                        "    ", "      ")
    stacks: dict[str, int] = {}
    for result in results:
        text = _stack(page, result.target)
        stacks[text] = stacks.get(text, 0) + 1
    shown = [*stacks.items()][:STACKS]
    for text, count in shown:
        yield from _wrapped(f"{count} x {text}", "    ", "        ")
    if len(stacks) > len(shown):
        yield f"    and {_count(len(stacks) - len(shown), 'stack')} more"


def _texts(result: Result) -> tuple[str, str]:
    before, after = ("" if target is None else target.verdict()
                     for target in (result.before, result.after))
    return before, after


def _likelihoods(results: Sequence[Result]) -> str:
    """How many calls are of which class."""
    counts = Counter(result.likelihood().name for result in results)
    return ", ".join(f"{counts[name]} {name}" for name in CLASSES if counts[name])


def _plain(results: Sequence[Result]) -> list[str]:
    """Lines about calls with the same result, of which nothing is to be said."""
    first = results[0]
    return [*_wrapped(f"{len(results)} x {first.target.verdict()}; {first.operation}",
                      "    ", "      "),
            *_wrapped(f"how likely: {_likelihoods(results)}", "      ", "        ")]


def _sections(page: Page) -> Iterator[str]:
    """A section for each kind of result."""
    for kind, results in _kinds(page).items():
        yield ""
        what = "the operation itself" if results[0].is_of_nothing() else _count(len(results))
        yield f"{kind.capitalize()}: {what}"
        groups: dict[tuple[str, str, str], list[Result]] = {}
        for result in results:
            groups.setdefault((result.operation, *_texts(result)), []).append(result)
        for number, group in enumerate(groups.values()):
            if kind in (judgement.SAME, judgement.FINE) and not group[0].target.findings():
                yield from _plain(group)
                continue
            if number:
                yield ""
            yield from _group(page, group)


def _names(functions: Sequence[str]) -> str:
    return ", ".join(f"{name}()" for name in functions)


def _head(page: Page) -> Iterator[str]:
    """What was judged, and how."""
    for number, kernel in enumerate(page.kernels):
        name = "kernel" if len(page.kernels) == 1 else ("before", "after")[number]
        yield from _entry(name, kernel)
    yield from _entry("functions", _names(page.functions) or "none")
    for name, callers in page.through.items():
        why = "no call's stack has it" if name in page.symbols else "it is inlined, or new"
        yield from _entry("", f"{name}(): {why}; judged through {_names(callers)}")
    for name, callers in page.hidden.items():
        yield from _entry("", f"{name}(): with the patch on no stack, as it is inlined or ends in "
                          f"a jump; judged through {_names(callers) or 'no caller'}, too")
    for place in page.aside:
        yield from _entry("", f"not judged: {place}")
    for one in page.operations:
        counts = " and ".join(map(str, dict.fromkeys(one.targets)))
        yield from _entry("operation", f"{one.name}: {one.what}; {counts} of its {one.all} calls "
                          "failed, one at a time")
    if page.others:
        yield from _entry("", f"not run, as they reach no other calls there: "
                          f"{' '.join(page.others)}")
    if page.operations:
        more = (f", and {page.repeats} times more to find small leaks" if page.repeats else
                ", in a guest that is the same as one in which nothing fails")
        yield from _entry("failures", f"each once{more}")
        if page.ran:
            yield from _ran(page.ran)
        yield from _entry("time", f"{page.seconds:.0f} s in guests")


def _how(what: str, lines: Sequence[Lines]) -> str:
    """How many lines ran in which way."""
    clean, failed, never = (sum(len(one[number]) for one in lines) for number in range(3))
    return (f"{what}: of {_count(clean + failed + never, 'line')} with code {clean} ran without a "
            f"failure, {failed} only with one, {never} never")


def _ran(ran: Ran) -> Iterator[str]:
    """Which lines of the patch ran on the kernel with it."""
    never: dict[str, set[int]] = {}
    for name, one in [*ran.changed.items(), *ran.functions.values()]:
        never.setdefault(name, set()).update(one.never)
    yield from _entry("lines", _how("changed", [*ran.changed.values()]))
    for name, (_, one) in ran.functions.items():
        yield from _entry("", _how(f"{name}()", [one]))
    for name, numbers in never.items():
        if numbers:
            yield from _entry("", f"never ran: {name}:{spans(sorted(numbers))}")


def _unreached(page: Page) -> Iterator[str]:
    if page.unreached:
        yield ""
        yield "No operation reaches:"
    for name, callers in page.unreached.items():
        nearest = f"; nearest callers that one reaches: {_names(callers)}" if callers else (
            ", and no caller of it that is known")
        yield from _wrapped(f"{name}(){nearest}", "    ", "      ")


def text(page: Page) -> Iterator[str]:
    """Yield the lines of the page."""
    yield from _wrapped(f"errpath judge: {page.title}", "", "  ")
    yield from _wrapped(verdict(page), "", "  ")
    yield ""
    yield from _head(page)
    yield from _sections(page)
    yield from _unreached(page)
    yield ""
    yield from (["repeat by:", f"    {page.repeat}"] if page.repeat else [])


def _json_result(result: Result) -> JsonResult:
    likelihood = result.likelihood()
    return {"kind": result.kind, "operation": result.operation,
            "function": result.target.function, "stack": [*result.target.stack()],
            "occurrence": result.target.occurrence,
            "before": result.before.verdict() if result.before else None,
            "after": result.after.verdict() if result.after else None,
            "kept_before": result.before.kept if result.before else [],
            "kept_after": result.after.kept if result.after else [],
            "likely": likelihood.name, "why_likely": likelihood.reason}


def as_json(page: Page) -> Json:
    """Return the page as JSON has it."""
    return {"title": page.title, "status": status(page), "verdict": verdict(page),
            "kernels": [*page.kernels], "functions": [*page.functions],
            "through": {name: [*callers] for name, callers in page.through.items()},
            "unreached": {name: [*callers] for name, callers in page.unreached.items()},
            "aside": [*page.aside],
            "operations": {one.name: [*one.targets] for one in page.operations},
            "calls": {one.name: one.all for one in page.operations},
            "others": [*page.others], "results": [_json_result(one) for one in page.results],
            "seconds": round(page.seconds, 1), "repeat": page.repeat,
            "ran": page.ran._asdict() if page.ran else None}


def status_of(pages: Sequence[Page]) -> int:
    """Return the exit status of a series: 1 if that of a patch is; 125 if none has an answer."""
    statuses = [status(page) for page in pages]
    if 1 in statuses:
        return 1
    return 0 if 0 in statuses else 125


def series(pages: Sequence[Page]) -> Iterator[str]:
    """Yield the lines of all pages; those of a series begin with a table."""
    if len(pages) > 1:
        yield f"errpath judge: {len(pages)} patches, each against those before it"
        yield ""
        for number, page in enumerate(pages, 1):
            yield from _wrapped(f"{page.title}: {verdict(page)}", f"{number:3} ", "      ")
        yield ""
    for number, page in enumerate(pages, 1):
        if number > 1:
            yield ""
        yield from text(page)
