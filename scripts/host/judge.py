# SPDX-License-Identifier: GPL-2.0
"""Judges functions of one kernel, or of a source without and with a patch: fails the allocations
below them in operations that reach them."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from host import (archive, build, callers, changes, cover, index, judgement, judgepage, ksft,
                  source, sweep, sweepreport, touched, tried)
from host.common import Failure, say
from host.index import Index, Subject
from host.kernel import Kernel
from host.judgepage import Operation, Page
from host.sweepreport import Report, Target

NAME = re.compile(r"[A-Za-z_]\w*")
SERIES = re.compile(r"\d+\.\d+")
# Calls that a lane must have: with fewer, starting one more guest costs more.
LANE = 6
# How often an operation without twins repeats each failure: enough to see one lost object or page.
REPEATS = 5
# Failures of which each must leave an allocation of the same line of source.
KEPT_REPEATS = 10
PROFILING, PROFILED = "CONFIG_MEM_ALLOC_PROFILING", "sysctl.vm.mem_profiling=1"


class Choice(NamedTuple):
    """What the user asked for. REPEATS: of each failure; 0: none by twins, else REPEATS."""

    functions: Sequence[str]
    operations: Sequence[str]
    repeats: int
    results: Path
    repeat: str		# the command that does it again
    append: str = ""	# words for the kernels' command lines


class Questions(NamedTuple):
    """The functions in question, sorted by what an index knows of them.

    REACHED: some call lies below them. THROUGH: those that are judged through callers. UNREACHED:
    those that are not judged, with callers that could be.
    """

    reached: list[str]
    through: dict[str, list[str]]
    unreached: dict[str, list[str]]

    def below(self) -> set[str]:
        """The functions below which calls fail."""
        return {*self.reached, *(name for names in self.through.values() for name in names)}


def check_names(functions: Iterable[str], operations: Iterable[str]) -> None:
    """Raise a Failure for what cannot be a name of a function, or is none of an operation."""
    for name in functions:
        if not NAME.fullmatch(name):
            raise Failure(f"FUNC: {name!r} is not the name of a function")
    for name in operations:
        sweep.known(name)
        if name in index.NOT_INDEXED:
            raise Failure(f"OP: {name} has no calls of its own: name another operation")


def subject(kernel: Kernel) -> Subject:
    """Return a kernel with modules and sweep program."""
    return Subject(kernel, build.modules(kernel),
                   build.selftests(ksft.fetch(), ["sweep"], arch=kernel.arch))


def source_of(one: Subject) -> callers.Source | None:
    """Return the source of a kernel's series from Debian; None if there is none."""
    series = SERIES.match(one.kernel.release)
    if not series or series[0] not in source.SUITES:
        return None
    code = source.debian(series[0])
    return callers.Source(code.tree, code.original)


def ask(names: Iterable[str], known: Index, code: callers.Source | None,
        through: bool) -> Questions:
    """Sort functions by what the index knows. CODE: the kernel's source, or None. THROUGH: judge
    a function that no call lies below through its callers, as one that is inlined always is.
    Raises a Failure for a function that neither kernel nor source has."""
    questions = Questions([], {}, {})
    for name in names:
        if name in known.reached:
            questions.reached.append(name)
            continue
        if name not in known.symbols and not (code and code.definitions(name)):
            raise Failure(f"no function {name}() in {known.kernel}" + (
                " or its source" if code else
                ": if the compiler inlined it, name a function that calls it"))
        nearest = code.nearest(name, known.reached) if code else []
        instead = nearest and (through or name not in known.symbols)
        (questions.through if instead else questions.unreached)[name] = nearest
    return questions


def _shapes(targets: Iterable[Target], below: Collection[str]) -> set[tuple[str, ...]]:
    """The stacks of calls up to the first function in question, which operations can share."""
    found = set()
    for target in targets:
        names = index.functions_of(target)
        last = next(number for number, name in enumerate(names) if name in below)
        found.add((target.function, *names[:last + 1]))
    return found


def choose(known: Index, below: Collection[str]) -> tuple[list[str], list[str]]:
    """Return operations that together have each stack below the functions, and those that would
    add none. Of several that add as many, the first of sweeps.conf is taken, which begins with
    those that take little time."""
    order = {row.operation: number for number, row in enumerate(sweep.rows())}
    calls = known.operations(below)
    left = {name: _shapes(targets, below) for name, targets in calls.items()}
    chosen: list[str] = []
    covered: set[tuple[str, ...]] = set()
    while left:
        names = sorted(left, key=lambda name: (order.get(name, len(order)), name))
        best = max(names, key=lambda name: len(left[name] - covered))
        if not left[best] - covered:
            break
        covered |= left.pop(best)
        chosen.append(best)
    return chosen, sorted(left)


def _like(target: Target, report: Report) -> Target | None:
    """Return the call of a report with the same functions on its stack; None if it has none."""
    return next((one for one in report.targets.values()
                 if (one.function, index.functions_of(one), one.occurrence)
                 == (target.function, index.functions_of(target), target.occurrence)), None)


class Judge:
    """Fails the calls below some functions, and compares kernels."""

    def __init__(self, choice: Choice, known: Index, below: Collection[str],
                 ran: cover.Cover | None = None) -> None:
        """RAN: to note what runs on the kernel that is judged."""
        self.choice, self.known, self.below, self.ran = choice, known, sorted(below), ran
        self.seconds = 0.0

    def failed(self, one: Subject, operation: str) -> Report:
        """Fail the calls of an operation on one kernel. What is wrong and not known must show
        twice, as counters are noisy."""
        calls = len(self.known.surveys[operation].below(self.below))
        say(f"failing {calls} calls of {operation} on {one.kernel.release}")
        report = self._swept(one, operation, self.below, calls, "",
                             self._repeated(operation) + self._covered(one, operation))
        wrong = [target.hash for target in report.targets.values() if not target.good()]
        if wrong:
            say(f"failing {len(wrong)} of them again")
            again = self._swept(one, operation, wrong, len(wrong), "-again",
                                self._repeated(operation))
            for name, target in again.targets.items():
                if name in wrong and target.good():
                    report.targets[name] = target
        self._find_lines(one, operation, report)
        return report

    def _find_lines(self, one: Subject, operation: str, report: Report) -> None:
        """Find the lines of the kernel's source that allocated what is lost: of the first call
        with each verdict, if the kernel can tell."""
        first: dict[str, Target] = {}
        for target in report.targets.values():
            if target.leaks():
                first.setdefault(target.verdict(), target)
        if not first or PROFILING not in one.kernel.config:
            return
        say(f"finding the lines that allocated what {len(first)} of them lose")
        # Calls have other addresses, and so other hashes, while the kernel counts allocations.
        there = self._swept(one, operation, self.below, 1, "-profiled",
                            f" ERRPATH_SURVEY=1 {PROFILED}")
        like = {found.hash: target for target in first.values()
                if (found := _like(target, there))}
        if not like:
            return
        asked = self._swept(one, operation, [*like], len(like), "-kept",
                            f" ERRPATH_K={KEPT_REPEATS} ERRPATH_KEPT=1 {PROFILED}")
        for name, target in like.items():
            if name in asked.targets:
                target.kept = asked.targets[name].kept

    def _covered(self, one: Subject, operation: str) -> str:
        """Settings of a sweep that records which code ran; empty if the kernel cannot record it."""
        can = (self.ran and cover.Cover.can(one.kernel.image)
               and not sweep.has_workers(operation))
        return " ERRPATH_COVER=1" if can else ""

    def _repeated(self, operation: str) -> str:
        """Settings of a sweep that says how often each failure is repeated; empty: not at all."""
        repeats = self.choice.repeats or (REPEATS if sweep.asks_host(operation) else 0)
        return f" ERRPATH_K={repeats}" if repeats else ""

    def _swept(self, one: Subject, operation: str, under: Sequence[str], calls: int, suffix: str,
               more: str) -> Report:
        """Sweep some calls of an operation. UNDER: functions or hashes. CALLS: about how many.
        SUFFIX: of the directory for the results. MORE: settings."""
        settings = " ".join([sweep.options(operation), f"ERRPATH_UNDER={','.join(under)}{more}",
                             self.choice.append])
        lanes = max(1, min(int(build.JOBS), calls // LANE))
        run = sweep.Sweep(one.kernel, one.modules, one.installed, operation,
                          self.choice.results / one.kernel.line / f"{operation}{suffix}", settings,
                          lanes=lanes)
        run.resume()
        run.run()
        self.seconds += run.seconds
        report = Report(run.events(), run.seconds, [*run.nothing()])
        report.write(run.out)
        if report.unavailable or not report.ended:
            raise Failure(f"{operation} on {one.kernel.release}: "
                          f"{report.unavailable or 'not complete'}")
        return report

    def operation(self, subjects: Sequence[Subject],
                  name: str) -> tuple[Operation, list[judgement.Result]]:
        """Judge one operation on one or two kernels."""
        reports = [self.failed(one, name) for one in subjects]
        results = (judgement.compared(name, *reports) if len(reports) > 1
                   else judgement.alone(name, *reports))
        counts = tuple(sum(target.outcome()[0] != judgement.NOT_FIRED
                           for target in report.targets.values()) for report in reports)
        if self.ran:
            self.ran.add(reports[-1].clean, reports[-1].covered)
        survey = self.known.surveys[name]
        # Some calls exist only after a failure.
        calls = max(len(survey.targets), *counts)
        return (Operation(name, reports[0].start["what"], counts, calls),
                [*results])


def _reason(questions: Questions, known: Index, chosen: Collection[str]) -> str:
    """Why there is no answer; or empty."""
    if chosen:
        return ""
    for name in known.surveys.values():
        if name.unavailable and len(known.surveys) == 1:
            return f"{name.operation} cannot run: {name.unavailable}"
    names = [*questions.unreached]
    if not names:
        return "no function of C code is touched"
    return f"no allocation of {' '.join(sorted(known.surveys))} lies below " + ", ".join(
        f"{name}()" for name in names)


def _operations(known: Index, below: Collection[str],
                choice: Choice) -> tuple[list[str], list[str]]:
    """Return the operations to run, and others that reach the functions, too."""
    if choice.operations:
        return sorted(known.operations(below)), []
    return choose(known, below)


def page(title: str, kernels: Sequence[str], subjects: Sequence[Subject], choice: Choice,
         known: Index, questions: Questions, hidden: Mapping[str, Sequence[str]],
         aside: Sequence[str], lines: "Lines | None" = None) -> Page:
    """Judge, and return the page about it. SUBJECTS: one kernel, or without and with the patch.
    KERNELS: what the page calls them. HIDDEN: functions that are on no stack of the kernel with
    the patch, with callers that are. LINES: those of which the page says whether they ran."""
    chosen, others = _operations(known, questions.below(), choice)
    judge = Judge(choice, known,
                  questions.below() | {name for names in hidden.values() for name in names},
                  lines.recorded if lines else None)
    done = [judge.operation(subjects, name) for name in chosen]
    results = sorted((result for _, found in done for result in found),
                     key=judgement.Result.order)
    return Page(title, kernels, [*questions.reached, *questions.through, *questions.unreached],
                questions.through, known.symbols & questions.through.keys(), hidden,
                questions.unreached, aside, [one for one, _ in done], others,
                results, choice.repeats,
                judge.seconds, choice.repeat, _reason(questions, known, chosen),
                lines.ran() if lines and any(not sweep.has_workers(name) for name in chosen)
                else None)


def functions(line: str, choice: Choice) -> Page:
    """Judge functions of a kernel as it is."""
    one = subject(archive.fetch(line))
    known = index.of(one, choice.operations)
    missing = [name for name in choice.functions if name not in known.reached]
    code = None
    if line in tried.LINES:
        code = _source(changes.Changed(tried.source_tree()))
    elif missing and set(missing) <= known.symbols:	# a misspelt name is not worth fetching it
        say(f"looking in the source for callers of {' '.join(missing)}")
        code = source_of(one)
    questions = ask(choice.functions, known, code, through=False)
    return page(" ".join(f"{name}()" for name in choice.functions),
                [f"Linux {one.kernel.release} ({line})"], [one], choice, known, questions, {}, [])


def _source(changed: changes.Changed) -> callers.Source:
    """Return the user's source with changes."""
    return callers.Source(changed.source.tree, changed.now)


class Lines(NamedTuple):
    """The lines of a patch, and what is recorded of them."""

    recorded: cover.Cover
    what: touched.Touched
    code: callers.Source	# with the patch

    def ran(self) -> cover.Ran:
        """Return how the lines that are changed, and those of touched functions, ran."""
        files = {name: numbers for name, numbers in self.what.lines.items()
                 if name.endswith(".c")}
        functions = {one.name: (name, self.recorded.lines(name, range(one.first, one.last + 1)))
                     for name in files for one in self.code.functions(name)
                     if one.name in self.what.functions}
        return cover.Ran({name: self.recorded.lines(name, numbers)
                          for name, numbers in files.items()}, functions)


def _lines(one: "Patched") -> Lines | None:
    """Return the lines of a patch, if the kernel with it tells what ran."""
    image = one.after.kernel.image
    if not cover.Cover.can(image):
        return None
    return Lines(cover.Cover(image), one.touched, _source(one.changed))


class Patched(NamedTuple):
    """The source before and after a patch."""

    title: str
    state: str		# what the source is before it
    before: Subject
    after: Subject
    touched: touched.Touched
    changed: changes.Changed	# with the patch


def _hidden(one: Patched, questions: Questions, operations: Sequence[str]) -> dict[str, list[str]]:
    """Return functions that are on stacks of the kernel before the patch, but of none with it, as
    the compiler inlined them or made their last call a jump; with the nearest callers that are."""
    if not operations:
        return {}
    known = index.of(one.after, operations)
    return {name: _source(one.changed).nearest(name, known.reached)
            for name in questions.reached if name not in known.reached}


def _judge_patch(one: Patched, choice: Choice, known: Index) -> Page:
    names = list(dict.fromkeys([*one.touched.functions, *choice.functions]))
    questions = ask(names, known, _source(one.changed), through=True)
    aside = [*(f"{place}, outside of functions" for place in one.touched.outside),
             *one.touched.other]
    pair = [one.before, one.after]
    kernels = [f"Linux {one.before.kernel.release}, {one.state}",
               f"Linux {one.after.kernel.release}, with the patch"]
    try:
        hidden = _hidden(one, questions, _operations(known, questions.below(), choice)[0])
    except index.Broken as broken:
        return _broken(one.title, kernels, broken, choice, known, questions, aside)
    return page(one.title, kernels, pair, choice, known, questions, hidden, aside, _lines(one))


def _broken(title: str, kernels: Sequence[str], broken: index.Broken, choice: Choice,
            known: Index, questions: Questions, aside: Sequence[str]) -> Page:
    """The page about a patch with which an operation ends the kernel, with nothing failed."""
    survey = known.surveys[broken.operation]
    return Page(title, kernels, [*questions.reached, *questions.through, *questions.unreached],
                questions.through, known.symbols & questions.through.keys(), {},
                questions.unreached, aside,
                [Operation(broken.operation, survey.what, (0, 0), len(survey.targets))], [],
                [judgement.broken(broken.operation, broken.text)], choice.repeats, 0,
                choice.repeat, "", None)


def _empty(title: str, reason: str, choice: Choice) -> Page:
    """A page about a patch that cannot be judged."""
    return Page(title, [], [], {}, [], {}, {}, [], [], [], [], choice.repeats, 0, choice.repeat,
                reason, None)


def patches(choice: Choice) -> Iterator[Page]:
    """Judge each patch of PATCH on the source with those before it, without and with it; yields a
    page for each. Raises a Failure if a single patch cannot be judged; in a series, the page says
    why, and the others go on."""
    touched.check(tried.patches())
    steps = tried.steps()
    single = len(steps) == 1
    have = changes.Changed(tried.source_tree())
    before, known = None, None
    for number, step in enumerate(steps, 1):
        try:
            if step.problem:
                raise Failure(f"PATCH: {step.title} does not apply to {have.source.name}: "
                              f"{step.problem}")
            what = touched.touched(have, step.changed)
            if not what.functions and not choice.functions:
                have = step.changed
                if what.outside:	# the next patch is judged on a kernel that has it
                    before = known = None
                raise Failure(f"PATCH: {step.title} touches no function of C code")
            before = before or subject(tried.kernel_of(tried.PLAIN, have))
            line = tried.PATCHED if single else f"{tried.PATCHED}-{number}"
            covered = [name for name in what.lines if name.endswith(".c")]
            after = subject(tried.kernel_of(line, step.changed, tried.PLAIN, covered))
            known = known or index.of(before, choice.operations)
            state = "with the patches before it" if have.content else "without the patch"
            yield _judge_patch(Patched(step.title, state, before, after, what, step.changed),
                               choice, known)
            before, have = after, step.changed
        except Failure as failure:
            if single:
                raise
            yield _empty(step.title, str(failure), choice)
