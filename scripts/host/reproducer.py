# SPDX-License-Identifier: GPL-2.0
"""What a sweep found as a short shell script, which shows it again on the same kernel."""

import re
import shutil

from host import build, guest, session, sweep, verdict
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
# The call to be failed, by its stack.
id=$(grep -E '{pattern}' $knobs/stacks | head -n 1 | cut -f 1)
{before}echo "failing $id:{occurrence}"
echo "$id:{occurrence}" >$knobs/targets
./sweep run {operation}
echo ffffffff >$knobs/targets
{after}echo "and again"
./sweep run {operation}
{lasting}"""


def _counters(target):
    return [finding["text"].rpartition(": ")[2].split()[0] for finding in target["findings"]
            if re.search(r": [a-z0-9.]+\.\S+ [+-]\d", finding["text"])]


def _show(counters, when):
    return "".join(f'echo "{when} {name} $(value {name})"\n' for name in counters)


def script(report, target):
    """The script's text."""
    counters = _counters(target)
    skip = " ".join(["errpath:knob_write", "idr_alloc_cyclic", report["skip"] or ""]).strip()
    frames = "\t".join(f"{re.escape(function(frame))}[+.][^\t]*" for frame in target["frames"][:12])
    return (HEAD.format(**{**report, "verdict": target["verdict"]}) +
            (VALUE if counters else "") +
            BODY.format(operation=report["operation"], point=report["point"],
                        scope=report["scope"], skip=skip,
                        pattern=f"\t{target['function']}\t{frames}",
                        occurrence=target["occurrence"], before=_show(counters, "before"),
                        after=_show(counters, "after"), lasting=_show(counters, "lasting")))


def chosen(report):
    """Of each thing that was found the first call that shows it, by file name."""
    found = {}
    for target in report["targets"]:
        if target["findings"] or target["outcome"] not in ("handled", "swallowed", "did not fire"):
            found.setdefault(target["verdict"], target)
    return {f"reproduce-{number}": target
            for number, target in enumerate(found.values(), 1)}


def shown(target, out, ending):
    """Did the script show in its guest what the sweep saw? Why not, or None."""
    said = verdict.read(out, "ktap").replace("\n# ", "\n")
    log = verdict.read(out, "kmsg") + verdict.read(out, "console")
    missing = []
    if target["outcome"] == "oops":
        return None if sweep.OOPS.search(log) else "no oops"
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
        values = re.findall(rf"(?:before|after|lasting) {re.escape(name)} (\d+)", said)
        if len(set(values)) < 2:
            missing.append(f"{name} does not move")
    return "; ".join(missing) or None


class Check:
    """Runs each script in a guest of its own."""

    def __init__(self, one, report):
        self.sweep, self.report = one, report

    def _boot(self, name, text, out):
        initrd = build.initramfs(self.sweep.kernel, self.sweep.modules, self.sweep.installed,
                                 {name: 120}, out / "initramfs",
                                 more={f"selftests/{name}": text.encode(), **self.sweep.files})
        accel = guest.accelerator(self.sweep.kernel, session.trial_initrd(self.sweep.kernel))
        append = f"{sweep.APPEND} {self.sweep.settings} {self.sweep.row.append}"
        ending, = guest.wait([guest.Guest(guest.command(self.sweep.kernel, initrd, append, accel),
                                          out, 200)])
        return ending

    def run(self):
        """Yields a line for each: which script, and whether it showed what it is for."""
        directory = self.sweep.out / "reproducers"
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir()
        for name, target in chosen(self.report).items():
            text = script(self.report, target)
            (directory / f"{name}.sh").write_text(text, encoding="utf-8")
            (directory / f"{name}.sh").chmod(0o755)
            out = directory / name
            out.mkdir()
            why = shown(target, out, self._boot(name, text, out))
            (out / "initramfs").unlink()
            yield f"{name}.sh: {f'NOT SHOWN: {why}' if why else 'shows'} {target['verdict']}"
