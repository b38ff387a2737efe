# SPDX-License-Identifier: GPL-2.0
"""Judges a run by what its guest left in the results directory."""

import fnmatch
import re
from collections import Counter

from host import ktap, leaks, log, oops
from host.known import of_oops
from host.ktap import Result

GOOD = ("pass", "xfail")
DETAIL = 20	# lines of a failed test's words in the table; all are in the file ktap


def read(out, name):
    return (out / name).read_text(encoding="utf-8", errors="replace")


def _lost(out, ending, running):
    """The result of a guest that gave no status; None if it gave one."""
    status, lines = read(out, "status"), oops.split(read(out, "console"))[1]
    if ending == "ended" and re.fullmatch(r"[01]\n", status):
        return None
    where = f"during {running.name}" if running else "outside of any test"
    if lines:
        reason = f"oops, {where}: {oops.first_line(lines)}"
    elif ending == "hang":
        reason = f"hang, {where}: no end within the time limit"
    elif ending == "silent":
        reason = "silent: the guest never said a word"
    else:
        reason = f"no status, {where}: the guest ended and left {status!r}"
    return Result(running.name if running else "guest", "LOST", reason, tuple(lines[:DETAIL]))


def _known(out, ending, running):
    """The result of a test that took its guest along in the oops that it had announced; None if
    that is not what happened."""
    found = oops.known(read(out, "console")) if ending == "ended" else None
    if not found or not running or found.test.partition(".")[0] != running.name:
        return None
    behind = running.not_done() - 1
    if behind:
        return Result(found.test, "fail", f"its known oops kept {behind} tests from running: it "
                      "must be the last of its program")
    return Result(found.test, "xfail", "known: "
                  f"{of_oops(found.test, found.function)}oops in {found.function}(): {found.line}")


def _log_results(text, complete):
    """One result for the kernel log; or one for each problem in it."""
    problems = log.scan(text, log.deny_list(), log.allow_list(), complete)
    if complete and not text.endswith("errpath: end of log\n"):
        problems.append(log.Problem("kernel log", "its copy ends early"))
    if problems:
        return [Result(f"{problem.program} (kernel log)", "fail", problem.text)
                for problem in problems]
    return [Result("kernel log", "pass", "")] if complete else []


def _required(name, must):
    """Does the last of the row's globs that match this name ask for it?"""
    asked = False
    for glob in must:
        if fnmatch.fnmatchcase(name, glob.removeprefix("!")):
            asked = not glob.startswith("!")
    return asked


def _enforce(results, must, programs):
    """Skips of what must run become failures, and so does the absence of a program."""
    judged = [result._replace(outcome="fail", reason=f"must not skip here: {result.reason}")
              if result.outcome == "skip" and _required(result.name, must) else result
              for result in results]
    seen = {result.name.partition(".")[0] for result in results}
    missing = [name for name in programs if name not in seen]
    return judged + [Result(name, "fail", "did not run") for name in missing]


def judge(out, ending, programs, must):
    """All results of a guest: of its tests, of its kernel log, and of the guest itself; and the
    program during which it was lost, or None.

    PROGRAMS: those that were to run. MUST: the globs of what must not skip.
    """
    results, running = ktap.parse(read(out, "ktap"))
    results = [leaks.judge(result) for result in results]
    kmsg, lost = read(out, "kmsg"), _lost(out, ending, running)
    # What a lost guest did not come to runs in another.
    results = _enforce(results, must, programs if not lost else ())
    if not lost:
        return results + _log_results(kmsg, True), None
    known = _known(out, ending, running)
    if known:	# the log's copy may have come to the oops
        kmsg = "\n".join(oops.split(kmsg)[0])
    results += [*_log_results(kmsg, False), known or lost]
    return results, running and running.name


def table(results):
    """A line for each result, and below it what a failed test said."""
    width = max((len(result.name) for result in results), default=0)
    for result in results:
        outcome = result.outcome if result.outcome in (*GOOD, "skip") else result.outcome.upper()
        yield f"  {outcome:5}  {result.name:{width}}  {result.reason}".rstrip()
        yield from (f"           {line}" for line in result.detail[-DETAIL:])


def totals(results):
    """The last line, and before it what a mere count of passes would hide."""
    count = Counter(result.outcome for result in results)
    passed = count["pass"] + count["xfail"]
    skipped = count["skip"]
    if count["xfail"]:
        yield f"{count['xfail']} of the passed as known issues (xfail)"
    fixed = [result for result in results if result.reason.startswith("FIXED")]
    if fixed:
        yield f"{len(fixed)} of the passed with a known issue that is FIXED in this kernel"
    if count["LOST"]:
        yield f"{count['LOST']} of the failed as LOST"
    yield f"{passed} passed, {len(results) - passed - skipped} failed, {skipped} skipped"


def good(results):
    return all(result.outcome in (*GOOD, "skip") for result in results)
