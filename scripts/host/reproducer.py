# SPDX-License-Identifier: GPL-2.0
"""Short shell scripts that show again, on the same kernel, what a sweep found."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from host import build, guest, oops, session, sweepjson, verdict
from host.sweep import Sweep
from host.sweepreport import function

HEAD = """#!/bin/sh
# {verdict}
# Seen on {kernel} by a sweep of {operation}: {what}.
# Run it at the prompt of "make shell" of that kernel, or on any machine that has errpath.ko, its
# stimuli and its selftests.
"""
# Prints the value of a counter. It takes the names that a report has.
VALUE = """value() {
	case $1 in
	meminfo.DirectMap) awk '/^DirectMap/ { sum += $2 } END { print sum }' /proc/meminfo;;
	meminfo.*) awk "/^${1#*.}:/ { print \\$2 }" /proc/meminfo;;
	vmstat.*) awk "/^${1#*.} / { print \\$2 }" /proc/vmstat;;
	slab.*) awk "/^${1#*.} / { print \\$2 }" /proc/slabinfo;;
	iomem.lines) wc -l </proc/iomem;;
	zoneinfo.*) awk '/nr_free_pages|  count:/ { sum += $2 } END { print sum }' /proc/zoneinfo;;
	esac
}
"""
AGAIN = "again, without a failure"
LITTLE = 10	# failures by which a lost page or object shows
BODY = """cd "${{SELFTESTS:-/selftests}}" || exit 1
for module in errpath errpath_hotplug; do
	[ -d /sys/module/$module ] || insmod "${{MODULES:-/modules}}/$module.ko" || exit 1
done
./sweep run {operation} || exit 1	# loads the modules that it needs
knobs=/sys/kernel/debug/errpath/{point}
exec 3<>/sys/kernel/debug/errpath/guard	# resets all knobs when this script ends
echo '{scope}' >$knobs/caller || exit 1
echo '{skip}' >$knobs/skip || exit 1
echo ffffffff >$knobs/targets		# no stack has this id: nothing fails yet
echo -1 >$knobs/times
echo 100 >$knobs/probability
./sweep run {operation}
echo Y >$knobs/stacks
./sweep run {operation}
# Find the call by its stack: by the same offsets, or, if no call has them, by the same functions.
line=$(grep -F '{exactly}' $knobs/stacks || grep -E '{pattern}' $knobs/stacks)
id=$(echo "$line" | head -n 1 | cut -f 1)
{before}echo "failing $id:{occurrence}"
for time in $(seq {times}); do
	echo "$id:{occurrence}" >$knobs/targets
	./sweep run {operation}
	echo ffffffff >$knobs/targets
done
{after}echo "{again}"
./sweep run {operation} || ./sweep recover {operation}
{lasting}"""


def _counters(target: sweepjson.Target) -> list[str]:
    """The counters whose differences are among the findings."""
    return [finding["text"].rpartition(": ")[2].split()[0] for finding in target["findings"]
            if re.search(r": [a-z0-9.]+\.\S+ [+-]\d", finding["text"])]


def _show(counters: list[str], when: str) -> str:
    return "".join(f'echo "{when} {name} $(value {name})"\n' for name in counters)


def _times(target: sweepjson.Target, settings: str) -> int:
    """How many times to fail the call: once, or for a small leak as many times as the sweep did.
    A twin sees it by one failure; a guest without one needs LITTLE.

    SETTINGS: the words of the sweep's kernel command line.
    """
    repeats = re.findall(r"ERRPATH_K=(\d+)", settings)
    little = any(re.fullmatch(r"leak: (slab|zoneinfo|pages)\.\S+ [+-]\d{1,2}", finding["text"])
                 for finding in target["findings"])
    return int(repeats[-1]) if little and repeats else LITTLE if little else 1


def script(report: sweepjson.Sweep, target: sweepjson.Target, times: int = 1) -> str:
    """The text of the script, which fails the call TIMES times."""
    counters = _counters(target)
    skip = " ".join(["errpath:knob_write", "idr_alloc_cyclic", report["skip"]]).strip()
    first = target["frames"][:12]
    frames = "\t".join(f"{re.escape(function(frame))}[+.][^\t]*" for frame in first)
    return (HEAD.format(kernel=report["kernel"], operation=report["operation"],
                        what=report["what"], verdict=target["verdict"]) +
            (VALUE if counters else "") +
            BODY.format(operation=report["operation"], point=report["point"],
                        scope=report["scope"], skip=skip,
                        pattern=f"\t{target['function']}\t{frames}",
                        exactly="\t".join(["", target["function"], *first]),
                        occurrence=target["occurrence"], times=times,
                        before=_show(counters, "before"), after=_show(counters, "after"),
                        lasting=_show(counters, "lasting"), again=AGAIN))


def chosen(report: sweepjson.Sweep) -> dict[str, sweepjson.Target]:
    """For each different verdict with a finding the first call that has it, by script name."""
    found: dict[str, sweepjson.Target] = {}
    for target in report["targets"]:
        if target["findings"] or target["outcome"] not in ("handled", "swallowed", "did not fire"):
            found.setdefault(target["verdict"], target)
    return {f"reproduce-{number}": target
            for number, target in enumerate(found.values(), 1)}


def _missing_finding(finding: sweepjson.Finding, output: str, log: str) -> list[str]:
    """The parts of a finding, other than of a counter, that the script did not show."""
    text = finding["text"]
    if text.startswith("log: "):
        # A known issue has a regexp. Of any other line the last word is a function.
        line = text.removeprefix("log: ")
        regexp = line if finding["known"] else re.escape(line.split()[-1])
        return [] if re.search(regexp, log) else [text]
    if text.startswith("does not succeed again: "):
        again = output.rpartition(AGAIN)[2]
        steps = text.partition(": ")[2].split(", ")
        return [step for step in steps if step.replace(" ", ": ", 1) not in again]
    return []


def _moves(name: str, output: str, times: int) -> bool:
    """True if the values of a counter differ by one for at least each second failure."""
    values = [*map(int, re.findall(rf"(?:before|after|lasting) {re.escape(name)} (\d+)", output))]
    return max(values, default=0) - min(values, default=0) >= (times + 1) // 2


def shown(target: sweepjson.Target, out: Path, ending: str, times: int = 1) -> str | None:
    """Compare the output of a script with what the sweep saw. Returns None if it showed the same,
    or what it did not show.

    OUT: the results of the script's guest. ENDING: how it ended, as of guest.wait().
    TIMES: the number of failures.
    """
    output = verdict.read(out, "ktap").replace("\n# ", "\n")
    log = verdict.read(out, "console") + verdict.read(out, "kmsg")
    missing: list[str] = []
    if not re.search(r"failing [0-9a-f]+:", output):
        return "no such call"
    if target["outcome"] == "oops":
        lines = oops.split(log)[1]
        return None if lines and f"in {oops.function(lines)}(" in target["more"] else "no such oops"
    if target["outcome"] == "hang":
        return None if "hangs at" in output or ending == "hang" else "no hang"
    if target["outcome"] == "errno changed":
        missing += [word for word in target["more"].split(", ")
                    if word.replace(" ", ": ", 1) not in output]
    for finding in target["findings"]:
        missing += _missing_finding(finding, output, log)
    missing += [f"{name} does not move" for name in _counters(target)
                if not _moves(name, output, times)]
    return "; ".join(missing) or None


class Check:
    """Runs each script in a new guest."""

    def __init__(self, one: Sweep, report: sweepjson.Sweep) -> None:
        self.sweep, self.report = one, report

    def _boot(self, name: str, text: str, out: Path, times: int) -> str:
        """Run a script in a guest; returns how that ended."""
        initrd = build.initramfs(self.sweep.kernel, self.sweep.modules, self.sweep.installed,
                                 {name: 120 + times}, out / "initramfs",
                                 more={f"selftests/{name}": text.encode(),
                                       "selftests/sweep":
                                       (self.sweep.installed / "sweep").read_bytes(),
                                       **self.sweep.files})
        accel = guest.accelerator(self.sweep.kernel, session.trial_initrd)
        command = guest.command(self.sweep.kernel, initrd, self.sweep.append(), accel)
        ending: str = guest.wait([guest.Guest(command, out, 200 + times)])[0] or ""
        return ending

    def run(self) -> Iterator[str]:
        """Yields a line for each script: its name, and whether it shows what the sweep found."""
        directory = self.sweep.out / "reproducers"
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir()
        for name, target in chosen(self.report).items():
            times = _times(target, self.sweep.append())
            text = script(self.report, target, times)
            (directory / f"{name}.sh").write_text(text, encoding="utf-8")
            (directory / f"{name}.sh").chmod(0o755)
            out = directory / name
            out.mkdir()
            why = shown(target, out, self._boot(name, text, out, times), times)
            (out / "initramfs").unlink()
            yield f"{name}.sh: {f'NOT SHOWN: {why}' if why else 'shows'} {target['verdict']}"
