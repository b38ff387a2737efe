# SPDX-License-Identifier: GPL-2.0
"""What a sweep found as a short shell script, which shows it again on the same kernel."""

import re
import shutil

from host import build, guest, oops, session, sweep, verdict
from host.sweepreport import function

HEAD = """#!/bin/sh
# {verdict}
# Seen on {kernel} by a sweep of {operation}: {what}.
# For the prompt of "make shell" of that kernel, or any with errpath.ko, its stimuli and selftests.
"""
# Counters by the names that a report gives them.
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
BODY = """cd "${{SELFTESTS:-/selftests}}" || exit 1
for module in errpath errpath_hotplug; do
	[ -d /sys/module/$module ] || insmod "${{MODULES:-/modules}}/$module.ko" || exit 1
done
knobs=/sys/kernel/debug/errpath/{point}
exec 3<>/sys/kernel/debug/errpath/guard	# all is off again when this script ends
echo '{scope}' >$knobs/caller
echo '{skip}' >$knobs/skip
echo ffffffff >$knobs/targets		# no stack has this id: nothing fails yet
echo -1 >$knobs/times
echo 100 >$knobs/probability
./sweep run {operation} && ./sweep run {operation}
echo Y >$knobs/stacks
./sweep run {operation}
# The call to be failed, by its stack: of this very kernel, or at least by its functions.
line=$(grep -F '{exactly}' $knobs/stacks || grep -E '{pattern}' $knobs/stacks)
id=$(echo "$line" | head -n 1 | cut -f 1)
{before}echo "failing $id:{occurrence}"
for time in $(seq {times}); do
	echo "$id:{occurrence}" >$knobs/targets
	./sweep run {operation}
	echo ffffffff >$knobs/targets
done
{after}echo "and again"
./sweep run {operation}
{lasting}"""


def _counters(target):
    return [finding["text"].rpartition(": ")[2].split()[0] for finding in target["findings"]
            if re.search(r": [a-z0-9.]+\.\S+ [+-]\d", finding["text"])]


def _show(counters, when):
    return "".join(f'echo "{when} {name} $(value {name})"\n' for name in counters)


def _times(target, settings):
    """How often to fail the call: as often as the sweep did where it loses too little at once."""
    repeats = re.findall(r"ERRPATH_K=(\d+)", settings)
    little = any(re.fullmatch(r"leak: (slab|zoneinfo)\.\S+ [+-]\d{1,2}", finding["text"])
                 for finding in target["findings"])
    return int(repeats[-1]) if little and repeats else 1


def script(report, target, times=1):
    """The script's text; TIMES: how often the call is failed."""
    counters = _counters(target)
    skip = " ".join(["errpath:knob_write", "idr_alloc_cyclic", report["skip"] or ""]).strip()
    upto = target["frames"][:12]
    frames = "\t".join(f"{re.escape(function(frame))}[+.][^\t]*" for frame in upto)
    return (HEAD.format(**{**report, "verdict": target["verdict"]}) +
            (VALUE if counters else "") +
            BODY.format(operation=report["operation"], point=report["point"],
                        scope=report["scope"], skip=skip,
                        pattern=f"\t{target['function']}\t{frames}",
                        exactly="\t".join(["", target["function"], *upto]),
                        occurrence=target["occurrence"], times=times,
                        before=_show(counters, "before"), after=_show(counters, "after"),
                        lasting=_show(counters, "lasting")))


def chosen(report):
    """Of each thing that was found the first call that shows it, by file name."""
    found = {}
    for target in report["targets"]:
        if target["findings"] or target["outcome"] not in ("handled", "swallowed", "did not fire"):
            found.setdefault(target["verdict"], target)
    return {f"reproduce-{number}": target
            for number, target in enumerate(found.values(), 1)}


def shown(target, out, ending, times=1):
    """Did the script, which failed the call so often, show in its guest what the sweep saw? Why
    not, or None."""
    said = verdict.read(out, "ktap").replace("\n# ", "\n")
    log = verdict.read(out, "console") + verdict.read(out, "kmsg")
    missing = []
    if target["outcome"] == "oops":
        lines = oops.split(log)[1]
        return None if lines and f"in {oops.function(lines)}(" in target["more"] else "no such oops"
    if target["outcome"] == "hang":
        return None if "hangs at" in said or ending == "hang" else "no hang"
    if target["outcome"] == "errno changed":
        missing += [word for word in target["more"].split(", ")
                    if word.replace(" ", ": ", 1) not in said]
    for finding in target["findings"]:
        text = finding["text"]
        if text.startswith("log: "):
            # A known issue's is a regexp; of any other line the last word, a function.
            line = text.removeprefix("log: ")
            regexp = line if finding["known"] else re.escape(line.split()[-1])
            missing += [] if re.search(regexp, log) else [text]
        elif text.startswith("does not succeed again: "):
            told = said.rpartition("and again")[2]
            steps = text.partition(": ")[2].split(", ")
            missing += [step for step in steps if step.replace(" ", ": ", 1) not in told]
    for name in _counters(target):
        values = [*map(int, re.findall(rf"(?:before|after|lasting) {re.escape(name)} (\d+)", said))]
        if max(values, default=0) - min(values, default=0) < (times + 1) // 2:
            missing.append(f"{name} does not move")
    return "; ".join(missing) or None


class Check:
    """Runs each script in a guest of its own."""

    def __init__(self, one, report):
        self.sweep, self.report = one, report

    def _boot(self, name, text, out, times):
        initrd = build.initramfs(self.sweep.kernel, self.sweep.modules, self.sweep.installed,
                                 {name: 120 + times}, out / "initramfs",
                                 more={f"selftests/{name}": text.encode(), **self.sweep.files})
        accel = guest.accelerator(self.sweep.kernel, session.trial_initrd(self.sweep.kernel))
        command = guest.command(self.sweep.kernel, initrd, self.sweep.append(), accel)
        ending, = guest.wait([guest.Guest(command, out, 200 + times)])
        return ending

    def run(self):
        """Yields a line for each: which script, and whether it showed what it is for."""
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
