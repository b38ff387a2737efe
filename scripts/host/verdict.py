# SPDX-License-Identifier: GPL-2.0
"""Judges a run by the files that its guest left in the results directory."""

import fnmatch
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from host import examine, ktap, leaks, load, log, oops
from host.known import of_oops
from host.ktap import Program, Result

GOOD = ("pass", "xfail")
GAVE_UP = re.compile(r"^Bail out! (.*)", re.M)	# of die() of /init
BEGIN = re.compile(r"^## begin (.*)", re.M)	# of /init, before each program
DETAIL = 20	# output lines of a failed test that the table shows; the file ktap has all


def read(out: Path, name: str) -> str:
    """Read a file of a guest, which may hold anything."""
    return (out / name).read_text(encoding="utf-8", errors="replace")


def _hangs(out: Path) -> str:
    """Say where a guest hangs, if that is known."""
    tasks = examine.where(out)
    return f"; {tasks}" if tasks else ""


def _lost(out: Path, ending: str, running: Program | None) -> Result | None:
    """Return the result of a guest that gave no status; None if it gave one."""
    status, lines = read(out, "status"), oops.split(read(out, "console"))[1]
    gave_up = GAVE_UP.search(read(out, "ktap"))
    if ending == "ended" and re.fullmatch(r"[01]\n", status) and not gave_up:
        return None
    where = f"during {running.name}" if running else "outside of any test"
    if lines:
        reason = f"oops, {where}: {oops.first_line(lines)}"
    elif ending == "hang":
        why = f"gave up: {gave_up[1]}" if gave_up else "no end within the time limit"
        reason = f"hang, {where}: {why}{_hangs(out)}"
    elif gave_up:
        reason = f"init gave up, {where}: {gave_up[1]}"
    elif ending == "silent":
        reason = ("silent: the guest reported nothing within the boot limit "
                  f"({load.text()}){_hangs(out)}")
    else:
        reason = f"no status, {where}: the guest ended and left {status!r}"
    return Result(running.name if running else "guest", "LOST", reason, tuple(lines[:DETAIL]))


def _known_oops(out: Path, ending: str, running: Program | None) -> Result | None:
    """Return the result of a test that announced the oops which ended its guest; None if the
    guest ended in any other way."""
    found = oops.known(read(out, "console")) if ending == "ended" else None
    if not found or not running or found.test.partition(".")[0] != running.name:
        return None
    behind = running.not_done() - 1
    if behind:
        return Result(found.test, "fail", f"its known oops kept {behind} tests from running: it "
                      "must be the last of its program")
    bug = of_oops(found.test, found.function or "")
    return Result(found.test, "xfail", f"known: {bug}oops in {found.function}(): {found.line}")


def _log_results(text: str, complete: bool) -> list[Result]:
    """Return one result for a clean kernel log, or one for each problem in it."""
    problems = log.scan(text, log.deny_list(), log.allow_list(), complete)
    if complete and not text.endswith("errpath: end of log\n"):
        problems.append(log.Problem("kernel log", "its copy ends early"))
    if problems:
        return [Result(f"{problem.program} (kernel log)", "fail", problem.text)
                for problem in problems]
    return [Result("kernel log", "pass", "")] if complete else []


def _required(name: str, must: Iterable[str]) -> bool:
    """True if the last of the row's globs that matches this name requires the test."""
    required = False
    for glob in must:
        if fnmatch.fnmatchcase(name, glob.removeprefix("!")):
            required = not glob.startswith("!")
    return required


def _enforce(results: Iterable[Result], must: Sequence[str],
             programs: Iterable[str]) -> list[Result]:
    """Turn skips of required tests into failures, and add one for each absent program."""
    judged = [result._replace(outcome="fail", reason=f"must not skip here: {result.reason}")
              if result.outcome == "skip" and _required(result.name, must) else result
              for result in results]
    seen = {result.name.partition(".")[0] for result in judged}
    missing = [name for name in programs if name not in seen]
    return judged + [Result(name, "fail", "did not run") for name in missing]


def begun(out: Path) -> list[str]:
    """Return the names of the programs that a guest began to run."""
    return BEGIN.findall(read(out, "ktap"))


def judge(out: Path, ending: str, programs: Iterable[str],
          must: Sequence[str]) -> tuple[list[Result], str | None]:
    """Return all results of a guest (of its tests, of its kernel log, of the guest itself), and
    the program during which it was lost, or None.

    ENDING: as Guest.poll() returns it. PROGRAMS: what the guest had to run. MUST: globs of the
    tests that must not skip.
    """
    results, running = ktap.parse(read(out, "ktap"))
    results = [leaks.judge(result) for result in results]
    kmsg, lost = read(out, "kmsg"), _lost(out, ending, running)
    # The remaining programs of a lost guest run in a new one.
    results = _enforce(results, must, programs if not lost else ())
    if not lost:
        return results + _log_results(kmsg, True), None
    known = _known_oops(out, ending, running)
    if known:	# the copy of the log may include the oops
        kmsg = "\n".join(oops.split(kmsg)[0])
    results += [*_log_results(kmsg, False), known or lost]
    return results, running.name if running else None


def table(results: Sequence[Result]) -> Iterator[str]:
    """Yield a line for each result, and below it what a failed test printed."""
    width = max((len(result.name) for result in results), default=0)
    for result in results:
        outcome = result.outcome if result.outcome in (*GOOD, "skip") else result.outcome.upper()
        yield f"  {outcome:5}  {result.name:{width}}  {result.reason}".rstrip()
        yield from (f"           {line}" for line in result.detail[-DETAIL:])


def totals(results: Sequence[Result]) -> Iterator[str]:
    """Yield the last line of a run, and before it what a mere count of passes would hide."""
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


def good(results: Iterable[Result]) -> bool:
    """True if there are results, nothing failed, and no guest was lost."""
    outcomes = [result.outcome for result in results]
    return bool(outcomes) and all(outcome in (*GOOD, "skip") for outcome in outcomes)
