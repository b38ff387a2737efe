# SPDX-License-Identifier: GPL-2.0
"""Builds mm selftests of the kernel tree, from Debian's linux-source, as static programs."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from host import source
from host.common import BUILD, Command, lock, run, write_if_changed
from host.kernel import Kernel
from host.source import Source

OUT = BUILD / "upstream"
SELFTESTS = "tools/testing/selftests"
# A program of tools/testing/selftests/mm, with its arguments.
TESTS = {"split_huge_page_test": "", "khugepaged": "all:anon", "cow": "", "hmm-tests": "",
         "migration": "", "guard-regions": ""}
# Files that most of them are linked with, as far as the series has them.
SHARED = ("vm_util.c", "hugepage_settings.c", "thp_settings.c")
MODULE = "test_hmm"		# of lib/, for hmm-tests
RESULT = re.compile(r"^(ok|not ok) \d+ (.*)$|^status (\d+)$")


def _headers(of: Source, out: Path) -> None:
    """Make the headers for user space."""
    if not (out / "usr/include/linux/mman.h").is_file():
        run(["make", "-s", "-C", of.tree, f"O={out}", "headers"], "making the kernel's headers")


def _compile(of: Source, out: Path, name: str) -> Path:
    tests = of.tree / SELFTESTS
    program = out / "programs" / name
    program.parent.mkdir(exist_ok=True)
    # The tests' Makefile writes this file; empty: there is no liburing.
    write_if_changed(out / "generated/local_config.h_gen", b"")
    includes = (of.tree, tests, tests / "mm", out / "generated", of.tree / "tools/include")
    command: Command = ["gcc", "-O2", "-static", "-U_FORTIFY_SOURCE", "-D_GNU_SOURCE=",
                        *(f"-I{path}" for path in includes), "-isystem", out / "usr/include",
                        "-o", program, tests / "mm" / f"{name}.c",
                        *(tests / "mm" / file for file in SHARED if (tests / "mm" / file).is_file()),
                        "-lrt", "-lpthread", "-lm", "-lnuma"]
    run(command, f"compiling {name} of {of.name}")
    return program


def build(series: str) -> Path:
    """Build the programs of a series; returns their directory. One that the series lacks is left
    out."""
    of = source.debian(series)
    out = OUT / of.directory.name
    out.mkdir(parents=True, exist_ok=True)
    with lock("upstream", out), of.lock():
        _headers(of, out)
        for name in TESTS:
            if (of.tree / SELFTESTS / f"mm/{name}.c").is_file() and not (out / "programs" / name).is_file():
                _compile(of, out, name)
    return out / "programs"


def hmm_module(kernel: Kernel, series: str, tree: Path) -> None:
    """Lay out the tree of the module that hmm-tests needs, for build.make_modules(), in TREE."""
    of = source.debian(series)
    (tree / "module").mkdir(parents=True, exist_ok=True)
    for name in (f"{MODULE}.c", f"{MODULE}_uapi.h"):
        write_if_changed(tree / "module" / name, (of.tree / "lib" / name).read_bytes())
    write_if_changed(tree / "Kbuild", f"obj-m := module/{MODULE}.o\n".encode())


def results(output: str) -> Iterator[str]:
    """The lines that say how each test of a program ended; times and addresses left out."""
    for line in output.splitlines():
        if RESULT.match(line):
            yield re.sub(r"0x[0-9a-f]+|\b\d+ ?(us|ms|s|ns)\b", "#", line)


def differences(states: Sequence[tuple[str, str]]) -> list[str]:
    """Compare what a program printed in each state with the first one. STATES: name and output.
    Returns a line for each difference; none: all results are the same."""
    (first, output), *others = states
    wanted = [*results(output)]
    found = [] if len(wanted) > 1 else [f"{first}: no results"]
    for name, text in others:
        got = [*results(text)]
        found += [f"{first}: {line!r}, {name}: {other!r}" for line, other in zip(wanted, got)
                  if line != other]
        if len(got) != len(wanted):
            found.append(f"{first}: {len(wanted)} results, {name}: {len(got)}")
    return found
