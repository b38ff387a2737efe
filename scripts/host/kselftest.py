# SPDX-License-Identifier: GPL-2.0
"""Results of the kernel's own runner of selftests (run_kselftest.sh), in the form of our guests."""

import re
from collections.abc import Iterator

from host import ktap, leaks
from host.ktap import Result

BEGIN = re.compile(r"# selftests: errpath: (\S+)")
END = re.compile(r"((?:not )?ok) (\d+) selftests: errpath: (\S+)(.*)")


def _lines(text: str) -> Iterator[str]:
    """Yield the lines as our /init writes them."""
    for line in text.splitlines():
        begin, end = BEGIN.fullmatch(line), END.fullmatch(line)
        if begin:
            yield f"## begin {begin[1]}"
        elif end:
            yield f"{end[1]} {end[2]} {end[3]}{end[4]}"
        else:
            yield line


def parse(text: str) -> list[Result]:
    """Return the results of the runner's output."""
    results, _ = ktap.parse("\n".join(_lines(text)))
    return [leaks.judge(result) for result in results]
