# SPDX-License-Identifier: GPL-2.0
"""The report of a sweep: as text, as JSON, and as one HTML page with the stacks as a tree."""

import errno
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

from host import sweephtml, sweepjson, sweepproto, sweepresults
from host.common import Failure

ENOMEM = -errno.ENOMEM
# Frames that lead from user space to any operation.
ENTRY = re.compile(r"(entry_SYSCALL|do_syscall_64|x64_sys_call|__x64_sys_|asm_exc_|"
                   r"ret_from_fork|kthread$|worker_thread$)")
# Functions of the allocators, which differ from kernel to kernel.
ALLOCATOR = re.compile(r"_noprof$|alloc_(frozen_)?pages")
# What a failed call can lead to, worst first.
OUTCOMES = ("oops", "hang", "broken", "killed", "wrong", "errno changed", "swallowed", "handled",
            "did not fire")
NO_START: sweepproto.Start = {"event": "start", "operation": "", "what": "", "point": "",
                              "scope": "", "skip": "", "kernel": ""}
Stack: TypeAlias = tuple[str, ...]
# A target in two sweeps: its stack, that of the target before it, its occurrence, and a number
# for targets that have all of these in common.
Key: TypeAlias = tuple[Stack, Stack, int, int]


def function(frame: str) -> str:
    """The function of a stack frame, without its offset and without suffixes of the compiler."""
    return re.split(r"[+.]", frame, maxsplit=1)[0]


def errno_name(err: int) -> str:
    """The name of an error. ERR: 0 or -errno."""
    return errno.errorcode.get(-err, str(err)) if err else "0"


def log_line(text: str) -> str:
    """A line of the kernel's log, without the parts that differ from run to run."""
    text = re.sub(r"CPU: \d+ (UID: \d+ )?PID: \d+ (Comm: \S+ )?", "", text)
    text = re.sub(r"\+0x[0-9a-f]+/0x[0-9a-f]+|, CPU#\d+.*", "", text)
    text = re.sub(r"\bffff[0-9a-f]{12}\b", "ffff...", text)
    return re.sub(r"(\.[ch]):\d+", r"\1", text)


# What the texts of findings begin with.
LEAK, LEFT, LOG = "leak: ", "left until it succeeds again: ", "log: "


def _steps(event: sweepproto.Failed | sweepproto.Again | None) -> list[sweepjson.Step]:
    return [sweepjson.Step(*step) for step in event["run"]["steps"]] if event else []


def _failed_steps(errors: Iterable[sweepjson.Step]) -> str:
    return ", ".join(f"{step.name} {errno_name(step.err)}" for step in errors)


def _finding(finding: sweepproto.Finding) -> str:
    """The text of a finding: a counter, or without a difference a line of /proc/iomem or of the
    log."""
    what, difference = finding["what"], finding["difference"]
    if difference:
        unit = " kB" if ".meminfo." in f".{what}" else ""
        return f"{LEAK if finding['lasting'] else LEFT}{what} {difference:+}{unit}"
    if what.startswith("/proc/iomem"):
        return f"{'leak' if finding['lasting'] else 'left'}: {what}"
    return f"{LOG}{log_line(what)}"


class Target:
    """One failed call, and the records that the guests sent about it."""

    def __init__(self, event: sweepproto.Call, scope: Iterable[str]) -> None:
        """SCOPE: the functions at which the operation begins."""
        self.hash, self.function = event["hash"], event["function"]
        self.occurrence, self.frames = event["occurrence"], event["frames"]
        self.request = event["request"]	# as the knob stacks shows it
        self.first = event["first"]	# hash of the call that failed before it, or empty
        self.scope = set(scope)
        self.failed: sweepproto.Failed | None = None
        self.again: sweepproto.Again | None = None
        self.judged: sweepproto.Judged | sweepproto.Broken | None = None
        self.lost: sweepproto.Lost | None = None
        # What each failure left allocated, if that was asked: FILE:LINE FUNCTION, and bytes.
        self.kept: list[tuple[str, int]] = []

    def stack(self) -> Stack:
        """The functions from the caller upwards, up to the one of the scope."""
        names = [function(frame) for frame in self.frames]
        ends = [number for number, name in enumerate(names) if name in self.scope]
        if ends:
            return tuple(names[:ends[-1] + 1])
        return tuple(name for name in names if not ENTRY.match(name))

    def steps(self) -> list[sweepjson.Step]:
        """The steps of the run in which the call failed."""
        return _steps(self.failed)

    def steps_again(self) -> list[sweepjson.Step]:
        """The steps of the run after it, in which nothing failed."""
        return _steps(self.again)

    def outcome(self) -> tuple[str, str]:
        """One of OUTCOMES, and details of it or an empty text."""
        if not self.lost:
            return self._end_of_run()
        if self.lost["how"] == "broken":
            how, more = self._end_of_run()
            return "broken", f"{how}: {more}; no success afterwards, nor after recovery"
        text = (self.lost["text"].strip().splitlines() or ["the guest says nothing more"])[0]
        text = log_line(text)[:120]
        return self.lost["how"], f"{text}, in what follows" if self.lost["later"] else text

    def _end_of_run(self) -> tuple[str, str]:
        """The same, of the run in which the call failed."""
        if not self.failed or not self.failed["fired"]:
            return "did not fire", ""
        run, errors = self.failed["run"], [step for step in self.steps() if step.err]
        if run["signal"]:
            return "killed", f"signal {run['signal']}"
        if run["wrong"]:
            return "wrong", run["wrong"]
        if not errors:
            return "swallowed", ""
        return "handled" if errors[0].err == ENOMEM else "errno changed", _failed_steps(errors)

    def findings(self) -> list[tuple[str, bool]]:
        """The differences that the failure left behind: text, and whether known-issues has it."""
        found = [(f"{LOG}{log_line(text)}", False) for text in
                 (self.lost["log"] if self.lost else ())]
        found += [(_finding(finding), bool(finding["known"]))
                  for finding in (self.judged["findings"] if self.judged else ())]
        # A leak is also a difference before the success: list it only as a leak.
        leaks = {text.removeprefix(LEAK) for text, _ in found if text.startswith(LEAK)}
        found = [(text, known) for text, known in found
                 if text.startswith(LEAK) or text.removeprefix(LEFT) not in leaks]
        errors = [step for step in self.steps_again() if step.err]
        if errors:
            found.append((f"does not succeed again: {_failed_steps(errors)}", False))
        return list(dict.fromkeys(found))

    def leaks(self) -> bool:
        """True if the failure lost pages or objects, or a counter of them."""
        return any(text.startswith(LEAK) for text, _ in self.findings())

    def good(self) -> bool:
        """True if known-issues explains all that the failure led to."""
        if self.lost:
            return self.lost["known"]
        return self.judged is not None and self.judged["result"] in ("pass", "xfail")

    def is_known(self) -> bool:
        """True if known-issues explains what is wrong here."""
        known = self.judged is not None and self.judged["result"] == "xfail"
        return self.good() and (self.lost is not None or known)

    def verdict(self) -> str:
        """Outcome and findings in one line, to compare."""
        outcome, more = self.outcome()
        return "; ".join([f"{outcome} ({more})" if more else outcome,
                          *(text for text, _ in self.findings())])

    def as_json(self) -> sweepjson.Target:
        outcome, more = self.outcome()
        return {"hash": self.hash, "function": self.function, "occurrence": self.occurrence,
                "first": self.first, "stack": [*self.stack()], "frames": self.frames,
                "outcome": outcome, "more": more, "good": self.good(), "known": self.is_known(),
                "verdict": self.verdict(),
                "steps": self.steps(), "again": self.steps_again(),
                "findings": [{"text": text, "known": known} for text, known in self.findings()],
                "where": self.lost["text"] if self.lost else ""}


class Report:
    """The report of a whole sweep."""

    def __init__(self, events: Iterable[sweepproto.Event], seconds: float = 0,
                 nothing: Iterable[sweepproto.Event] = ()) -> None:
        """SECONDS: that the sweep took. NOTHING: events about a guest in which nothing failed."""
        self.targets: dict[str, Target] = {}
        self.start = NO_START
        self.unavailable: str | None = None
        self.seconds, self.ended, self.guests, self.twins = seconds, False, 0, False
        # Addresses at which code ran, with nothing failed and with a call failed.
        self.clean: set[int] = set()
        self.covered: set[int] = set()
        self.elsewhere: dict[str, Target] = {}		# targets of other shards
        self.unreached = 0		# calls that were found once, and not again
        self.under = ""			# ERRPATH_UNDER, which narrows what is failed
        self.shard = ""			# which shard this is, or of how many it is merged
        self.missing: list[str] = []	# what is missing of a merged report
        for event in events:
            self._take(event)
        # The guest in which nothing failed, if there was one.
        self.nothing = next(iter(Report(nothing).targets.values()), None) if nothing else None

    def _take(self, event: sweepproto.Event) -> None:
        if event["event"] == "start":
            self.start, self.guests = event, self.guests + 1
        elif event["event"] == "unavailable":
            self.unavailable = event["why"]
        elif event["event"] == "end":
            self.ended = True
        elif event["event"] == "waiting":
            self.twins = True
        elif event["event"] == "clean":
            self.clean.update(event["addresses"])
        elif event["event"] == "covered":
            self.covered.update(event["addresses"])
        elif event["event"] == "found":
            pass
        elif event["event"] == "target":
            self.targets.setdefault(event["hash"], Target(event, self._scope()))
        elif event["event"] == "elsewhere":
            self.elsewhere.setdefault(event["hash"], Target(event, self._scope()))
        else:
            self._take_about(self._target(event["hash"]), event)

    def _scope(self) -> list[str]:
        return [word.rpartition(":")[2] for word in self.start["scope"].split()]

    def _target(self, hash_: str) -> Target:
        if hash_ not in self.targets:
            raise Failure(f"no record \"target\" announced the call {hash_}")
        return self.targets[hash_]

    @staticmethod
    def _take_about(target: Target, event: sweepproto.Event) -> None:
        if event["event"] == "failed":
            target.failed = event
        elif event["event"] == "again":
            target.again = event
        elif event["event"] == "judged" or event["event"] == "broken":
            target.judged = event
        elif event["event"] == "kept":
            target.kept = [(where, size) for where, size in event["lines"]]
        elif event["event"] == "lost":
            target.lost = event

    def stacks(self) -> dict[tuple[str, Stack], list[Target]]:
        """Targets by allocator and stack, in the order of the operation."""
        by: dict[tuple[str, Stack], list[Target]] = {}
        for target in self.targets.values():
            by.setdefault((target.function, target.stack()), []).append(target)
        return by

    def find(self, prefix: str) -> Target:
        """The only target whose hash begins with PREFIX; raises a Failure for none or several."""
        found = [target for name, target in self.targets.items()
                 if prefix and name.startswith(prefix)]
        if len(found) != 1:
            raise Failure(f"SHELL={prefix}: {len(found) or 'no'} calls of this sweep have an id "
                          "that begins so; report.txt shows the ids in brackets")
        return found[0]

    def good(self) -> bool:
        """True if the sweep is complete, failed a call, and known-issues explains all that it
        found."""
        return (not self.unavailable and self.ended and not self.empty()
                and all(target.good() for target in self.targets.values()))

    def empty(self) -> str:
        """Return why a complete sweep failed no call; "" if it failed one, or if other shards have
        calls."""
        if any(target.outcome()[0] != "did not fire" for target in self.targets.values()) \
                or self.elsewhere.keys() - self.targets.keys():
            return ""
        if number := len(self.targets) + self.unreached:
            return (f"the {number} allocations that were to fail were not reached again: "
                    "the operation must allocate the same in each run")
        if self.under:
            return (f"no allocation matches ERRPATH_UNDER={self.under}: give functions that are on "
                    "the stack of an allocation; a sweep without it lists them")
        if self.start["scope"]:
            return ("no allocation matches: the operation makes none below its scope, "
                    f"{self.start['scope']}, on this kernel")
        return "no allocation matches: the operation makes none that can be failed"

    def title(self) -> str:
        return f"{self.start['operation']} on {self.start['kernel']}: {self.start['what']}"

    def _how(self) -> str:
        """By which guests the calls were failed, and in which shard."""
        how = "each in a twin" if self.twins else f"{self.guests} guests of several calls"
        return f"{how}; {self.shard}" if self.shard else how

    def totals(self) -> Iterator[str]:
        """How much was failed, and the outcomes if there are any, each in a line."""
        outcomes = Counter(target.outcome()[0] for target in self.targets.values())
        fired = len(self.targets) - outcomes["did not fire"]
        stacks = self.stacks()
        covered = sum(any(target.outcome()[0] != "did not fire" for target in group)
                      for group in stacks.values())
        yield (f"{fired} calls failed, of {len(self.targets)}; {covered} of {len(stacks)} "
               f"distinct stacks; {self._how()}, {self.seconds:.0f} s")
        if self.targets:
            yield ", ".join(f"{outcomes[name]} {name}" for name in OUTCOMES if outcomes[name])

    def text(self) -> Iterator[str]:
        """Lines for a terminal, worst first."""
        yield self.title()
        if self.unavailable:
            yield f"  skipped: {self.unavailable}"
            return
        yield from (f"  {line}" for line in self.totals())
        if not self.ended:
            yield "  NOT COMPLETE"
        elif why := self.empty():
            yield f"  NOTHING FAILED: {why}"
        if self.unreached:
            yield f"  {unreached(self.unreached)}"
        yield from (f"  {line}" for line in self.missing)
        groups: dict[tuple[str, bool], list[Target]] = {}
        for target in self.targets.values():
            groups.setdefault((target.verdict(), target.good()), []).append(target)
        order = sorted(groups, key=lambda key: (key[1], OUTCOMES.index(
            groups[key][0].outcome()[0]), key[0]))
        for verdict, good in order:
            yield ""
            yield f"{'' if good else 'FOUND: '}{verdict}"
            group = groups[verdict, good]
            judged = group[0].judged
            if judged and judged["result"] == "xfail":
                yield f"    {judged['reason']}"
            elif good and group[0].lost:
                yield "    known"
            stacks: dict[tuple[str, Stack, str], list[str]] = {}
            for target in group:
                key = target.function, target.stack(), target.first
                stacks.setdefault(key, []).append(target.hash)
            for (called, stack, first), ids in stacks.items():
                after = f", after {' < '.join(self.targets[first].stack()[:3])}" if first else ""
                yield (f"    {len(ids)} x {' < '.join((called, *stack))}{after}  "
                       f"[{ids[0][:sweepjson.ID]}]")

    def as_json(self) -> sweepjson.Sweep:
        start = self.start
        return {"operation": start["operation"], "what": start["what"],
                "kernel": start["kernel"], "point": start["point"], "scope": start["scope"],
                "skip": start["skip"], "complete": self.ended, "missing": self.missing,
                "unavailable": self.unavailable,
                "targets": [target.as_json() for target in self.targets.values()]}

    def write(self, out: Path) -> None:
        """Write report.txt, report.json and report.html to the directory OUT."""
        (out / "report.txt").write_text("\n".join([*self.text(), ""]), encoding="utf-8")
        report = self.as_json()
        (out / "report.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
        sweepresults.write(report, out, self.seconds)
        page = sweephtml.page(report, [] if self.unavailable else [*self.totals()])
        (out / "report.html").write_text("\n".join(page) + "\n", encoding="utf-8")


def unreached(number: int) -> str:
    """Say how many calls were not failed, as no other run reached them."""
    one = number == 1
    return (f"{number} call{'s' * (not one)} {'was' if one else 'were'} found once, and not again: "
            f"{'it was' if one else 'they were'} not failed")


def under(settings: str) -> str:
    """Return the value of ERRPATH_UNDER in the settings of a sweep; "" if they do not set it."""
    return dict(word.partition("=")[::2] for word in settings.split()).get("ERRPATH_UNDER", "")


def all_good(reports: Sequence[Report], skips: bool) -> bool:
    """True if each sweep is good and there is one. SKIPS: beside others, sweeps may be
    unavailable."""
    return (any(not report.unavailable for report in reports)
            and all(report.good() or skips and report.unavailable for report in reports))


def _functions(report: Report) -> set[str]:
    return {name for target in report.targets.values() for name in target.stack()}


def _common(stack: Stack, functions: set[str]) -> Stack:
    """A stack without the functions that only one of two kernels has, because compilers inline
    functions and developers split them. The function that calls the allocator stays."""
    asks = next((number for number, name in enumerate(stack) if not ALLOCATOR.search(name)), 0)
    return tuple(name for number, name in enumerate(stack)
                 if number == asks or number > asks and name in functions)


def _offsets(target: Target) -> list[int]:
    """Where in each function of its stack a call is. Two kernels have calls in the same order,
    unlike the texts of their offsets."""
    return [int(match[1], 16) for match in (re.search(r"\+0x([0-9a-f]+)/", frame)
                                            for frame in target.frames) if match]


def _calls(report: Report, functions: set[str]) -> dict[Key, Target]:
    """Targets by what they have in common in two sweeps. Hashes are different in each kernel, as
    the offsets in the frames are, and so is the function of the allocator that is called.

    FUNCTIONS: those in the stacks of both sweeps.
    """
    calls: dict[tuple[Stack, Stack, int], list[Target]] = {}
    for target in report.targets.values():
        first = report.targets.get(target.first)
        key = (_common(target.stack(), functions),
               _common(first.stack(), functions) if first else (), target.occurrence)
        calls.setdefault(key, []).append(target)
    return {(*key, number): target for key, same in calls.items()
            for number, target in enumerate(sorted(same, key=_offsets))}


def paired(one: Report, two: Report) -> tuple[dict[Key, Target], dict[Key, Target]]:
    """The targets of two sweeps, each by what it has in common with its like in the other."""
    functions = _functions(one) & _functions(two)
    return _calls(one, functions), _calls(two, functions)


def _name(key: Key) -> str:
    stack, first, occurrence, _ = key
    after = f", after {' < '.join(first)}" if first else ""
    return f"{' < '.join(stack)} #{occurrence}{after}"


def differences(one: Report, two: Report, names: Sequence[str] = ()) -> Iterator[str]:
    """A title, and lines that show where two sweeps of the same operation differ.

    NAMES: of the two sweeps; by default their kernels.
    """
    names = names or (one.start["kernel"], two.start["kernel"])
    mine, theirs = paired(one, two)
    both = mine.keys() & theirs.keys()
    verdicts = {key: (mine[key].verdict(), theirs[key].verdict()) for key in both}
    same = [key for key in both if verdicts[key][0] == verdicts[key][1]]
    yield f"{names[0]} against {names[1]}: {len(both)} calls in both, {len(same)} of them alike"
    # The number of occurrences of a stack can be chance. That it occurs at all is not, and
    # neither is the verdict about it.
    for name, calls, other in ((names[0], mine, theirs), (names[1], theirs, mine)):
        usual = {(key[:2], target.verdict()) for key, target in other.items()}
        for key in sorted(calls.keys() - both):
            if (key[:2], calls[key].verdict()) not in usual:
                yield f"only {name}: {_name(key)}: {calls[key].verdict()}"
    for key in sorted(both - set(same)):
        yield _name(key)
        yield from (f"    {name}: {text}" for name, text in zip(names, verdicts[key]))
