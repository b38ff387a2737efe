# SPDX-License-Identifier: GPL-2.0
"""What a sweep found: as text, JSON, and one HTML page with the stacks as a tree."""

import errno
import json
import re
from collections import Counter

from host import sweephtml

ENOMEM = -errno.ENOMEM
# Frames that lead from user space to any operation.
ENTRY = re.compile(r"(entry_SYSCALL|do_syscall_64|x64_sys_call|__x64_sys_|asm_exc_|"
                   r"ret_from_fork|kthread$|worker_thread$)")
# The allocators' own, of which every kernel has others.
ALLOCATOR = re.compile(r"_noprof$|alloc_(frozen_)?pages")
OUTCOMES = ("oops", "hang", "broken", "killed", "wrong", "errno changed", "swallowed", "handled",
            "did not fire")


def function(frame):
    """A frame's function, without offset and what compilers add."""
    return re.split(r"[+.]", frame, maxsplit=1)[0]


def errno_name(err):
    return errno.errorcode.get(-err, str(err)) if err else "0"


def log_line(text):
    """A line of the kernel's log, without what differs from run to run."""
    text = re.sub(r"CPU: \d+ (UID: \d+ )?PID: \d+ (Comm: \S+ )?", "", text)
    text = re.sub(r"\+0x[0-9a-f]+/0x[0-9a-f]+|, CPU#\d+.*", "", text)
    text = re.sub(r"\bffff[0-9a-f]{12}\b", "ffff...", text)
    return re.sub(r"(\.[ch]):\d+", r"\1", text)


class Target:
    """One failed call, from all that the guests told of it."""

    def __init__(self, event, scope):
        self.hash, self.function = event["hash"], event["function"]
        self.occurrence, self.frames = event["occurrence"], event["frames"]
        self.first = event["first"]	# the hash of the call that was failed before it
        self.scope = scope
        self.failed, self.again, self.judged, self.lost = None, None, None, None

    def stack(self):
        """The functions from the caller upwards, up to the operation's."""
        names = [function(frame) for frame in self.frames]
        ends = [number for number, name in enumerate(names) if name in self.scope]
        if ends:
            return tuple(names[:ends[-1] + 1])
        return tuple(name for name in names if not ENTRY.match(name))

    def steps(self, kind="failed"):
        event = getattr(self, kind)
        return event["run"]["steps"] if event else []

    def outcome(self):
        """In a word, and more about it."""
        if not self.lost:
            return self._end_of_run()
        if self.lost["how"] == "broken":
            how, more = self._end_of_run()
            return "broken", f"{how}: {more}; no success afterwards, nor after recovery"
        text = (self.lost["text"].strip().splitlines() or ["the guest says nothing more"])[0]
        text = log_line(text)[:120]
        return self.lost["how"], f"{text}, in what follows" if self.lost["after"] else text

    def _end_of_run(self):
        """The same, of the call's own run."""
        if not self.failed or not self.failed["fired"]:
            return "did not fire", ""
        run, errors = self.failed["run"], [step for step in self.steps() if step[1]]
        if run["signal"]:
            return "killed", f"signal {run['signal']}"
        if run["wrong"]:
            return "wrong", run["wrong"]
        told = ", ".join(f"{name} {errno_name(err)}" for name, err in errors)
        if not errors:
            return "swallowed", ""
        if errors[0][1] != ENOMEM:
            return "errno changed", told
        return "handled", told

    def findings(self):
        """What was not as before, in words: text, and whether known-issues has it."""
        found = [(f"log: {log_line(text)}", False) for text in (self.lost or {}).get("log", ())]
        for finding in self.judged["findings"] if self.judged else ():
            what, difference = finding["what"], finding["difference"]
            if difference:
                unit = " kB" if ".meminfo." in f".{what}" else ""
                text = (f"leak: {what} {difference:+}{unit}" if finding["lasting"] else
                        f"left until it succeeds again: {what} {difference:+}{unit}")
            elif what.startswith("/proc/iomem"):
                text = f"{'leak' if finding['lasting'] else 'left'}: {what}"
            else:
                text = f"log: {log_line(what)}"
            found.append((text, bool(finding["known"])))
        # What stays is told once.
        lasting = {text.removeprefix("leak: ") for text, _ in found if text.startswith("leak: ")}
        found = [(text, known) for text, known in found
                 if text.removeprefix("left until it succeeds again: ") not in lasting
                 or text.startswith("leak: ")]
        again = [f"{name} {errno_name(err)}" for name, err in self.steps("again") if err]
        if again:
            found.append((f"does not succeed again: {', '.join(again)}", False))
        return list(dict.fromkeys(found))

    def good(self):
        if self.lost:
            return self.lost.get("known", False)
        return bool(self.judged) and self.judged["result"] in ("pass", "xfail")

    def verdict(self):
        """All of it in one line, to compare."""
        outcome, more = self.outcome()
        return "; ".join([f"{outcome} ({more})" if more else outcome,
                          *(text for text, _ in self.findings())])

    def as_json(self):
        outcome, more = self.outcome()
        return {"hash": self.hash, "function": self.function, "occurrence": self.occurrence,
                "first": self.first, "stack": self.stack(), "frames": self.frames,
                "outcome": outcome, "more": more, "good": self.good(), "verdict": self.verdict(),
                "steps": self.steps(), "again": self.steps("again"),
                "findings": [{"text": text, "known": known} for text, known in self.findings()],
                "where": self.lost["text"] if self.lost else ""}


class Report:
    """The whole sweep."""

    def __init__(self, events, seconds=0):
        self.targets, self.start, self.unavailable, self.seconds = {}, {}, None, seconds
        self.ended, self.guests = False, 0
        for event in events:
            self._take(event)

    def _take(self, event):
        kind, scope = event["event"], self.start.get("scope", "")
        target = self.targets.get(event.get("hash"))
        if kind == "start":
            self.start, self.guests = event, self.guests + 1
        elif kind == "unavailable":
            self.unavailable = event["why"]
        elif kind == "target" and not target:
            names = {word.rpartition(":")[2] for word in scope.split()}
            self.targets[event["hash"]] = Target(event, names)
        elif kind in ("failed", "again", "judged", "lost"):
            setattr(target, kind, event)
        elif kind == "broken":
            target.judged = event
        elif kind == "end":
            self.ended = True

    def stacks(self):
        """Targets by their stack, in the order of the operation."""
        by = {}
        for target in self.targets.values():
            by.setdefault((target.function, target.stack()), []).append(target)
        return by

    def good(self):
        return bool(self.unavailable) or (
            self.ended and all(target.good() for target in self.targets.values()))

    def title(self):
        return (f"{self.start.get('operation')} on {self.start.get('kernel')}: "
                f"{self.start.get('what')}")

    def totals(self):
        outcomes = Counter(target.outcome()[0] for target in self.targets.values())
        fired = len(self.targets) - outcomes["did not fire"]
        stacks = self.stacks()
        covered = sum(any(target.outcome()[0] != "did not fire" for target in group)
                      for group in stacks.values())
        yield (f"{fired} calls failed, of {len(self.targets)}; {covered} of {len(stacks)} "
               f"distinct stacks; {self.guests} guests, {self.seconds:.0f} s")
        yield ", ".join(f"{outcomes[name]} {name}" for name in OUTCOMES if outcomes[name])

    def text(self):
        """Lines for a terminal, worst first."""
        yield self.title()
        if self.unavailable:
            yield f"  skipped: {self.unavailable}"
            return
        yield from (f"  {line}" for line in self.totals())
        if not self.ended:
            yield "  NOT COMPLETE"
        groups = {}
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
            stacks = Counter((target.function, target.stack(), target.first) for target in group)
            for (called, stack, first), count in stacks.items():
                after = f", after {' < '.join(self.targets[first].stack()[:3])}" if first else ""
                yield f"    {count} x {' < '.join((called, *stack))}{after}"

    def as_json(self):
        return {**{key: self.start.get(key) for key in ("operation", "what", "kernel", "point",
                                                       "scope", "skip")},
                "complete": self.ended, "unavailable": self.unavailable,
                "targets": [target.as_json() for target in self.targets.values()]}

    def write(self, out):
        (out / "report.txt").write_text("\n".join([*self.text(), ""]), encoding="utf-8")
        report = self.as_json()
        (out / "report.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
        page = sweephtml.page(report, [] if self.unavailable else [*self.totals()])
        (out / "report.html").write_text("\n".join(page) + "\n", encoding="utf-8")


def _functions(report):
    return {name for target in report.targets.values() for name in target.stack()}


def _common(stack, functions):
    """A stack by what can be found in both kernels: compilers inline, and functions get split. But
    who asked for memory stays."""
    asks = next((number for number, name in enumerate(stack) if not ALLOCATOR.search(name)), 0)
    return tuple(name for number, name in enumerate(stack)
                 if number == asks or number > asks and name in functions)


def _calls(report, functions):
    """Targets by what two sweeps have in common: offsets, and so hashes, are the kernel's own, and
    which allocator it is that a caller calls. FUNCTIONS: those in the stacks of both."""
    calls = {}
    for target in report.targets.values():
        first = report.targets.get(target.first)
        key = (_common(target.stack(), functions),
               _common(first.stack(), functions) if first else (), target.occurrence)
        calls.setdefault(key, []).append(target)
    return {(*key, number): target for key, same in calls.items()
            for number, target in enumerate(sorted(same, key=lambda target: target.frames))}


def _name(key):
    stack, first, occurrence, _ = key
    after = f", after {' < '.join(first)}" if first else ""
    return f"{' < '.join(stack)} #{occurrence}{after}"


def differences(one, two, names=None):
    """Lines that tell where two sweeps of the same operation differ, below a title."""
    names = names or (one.start.get("kernel"), two.start.get("kernel"))
    functions = _functions(one) & _functions(two)
    mine, theirs = _calls(one, functions), _calls(two, functions)
    both = mine.keys() & theirs.keys()
    told = {key: (mine[key].verdict(), theirs[key].verdict()) for key in both}
    same = [key for key in both if told[key][0] == told[key][1]]
    yield f"{names[0]} against {names[1]}: {len(both)} calls in both, {len(same)} of them alike"
    # How often a stack occurs can be chance; not that it does, nor what comes of it.
    for name, there, other in ((names[0], mine, theirs), (names[1], theirs, mine)):
        usual = {(key[:2], target.verdict()) for key, target in other.items()}
        for key in sorted(there.keys() - both):
            if (key[:2], there[key].verdict()) not in usual:
                yield f"only {name}: {_name(key)}: {there[key].verdict()}"
    for key in sorted(both - set(same)):
        yield _name(key)
        yield from (f"    {name}: {text}" for name, text in zip(names, told[key]))
