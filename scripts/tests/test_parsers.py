# SPDX-License-Identifier: GPL-2.0
"""Each parser of the scripts takes whatever bytes it gets: a result, or a Failure, which is one line.

ROUNDS (variable): how many inputs each parser gets; default: 300. SEED: what they are.
"""

import os
import random
import tempfile
import time
import unittest
from collections.abc import Callable
from pathlib import Path

from host import csource, known, ktap, log, sweepproto, touched
from host.common import ROOT, SCRIPTS, Failure

RECORDS = b"""{"event":"found","hash":"1a2b"}
{"event":"waiting","targets":3}
{"event":"end","targets":3,"survey":"7a"}
"""
RESULTS = b"""TAP version 13
## begin knobs
# 1..2
# #  RUN           knobs.times ...
# # knobs.c:12:times:Expected 0 (0) == err (-22)
# not ok 1 knobs.times
# ok 2 knobs.nth # SKIP no such point
not ok 1 knobs # exit=1
ok 2 load errpath.ko
"""
LOG = b"""6,1,2,-;errpath: expect begin it: WARNING
4,2,3,-;WARNING: CPU: 0 PID: 1 at mm/x.c:1 f+0x1/0x2
6,3,4,-;errpath: expect end it
[    1.5] BUG: unable to handle page fault
"""
PATCH = b"""diff --git a/mm/x.c b/mm/x.c
--- a/mm/x.c
+++ b/mm/x.c
@@ -1,3 +1,4 @@
 int f(void)
 {
+	g();
 }
"""
# What a mutation puts in.
WORDS = (b"\0", b"\n", b"\n\n", b"#", b"\xff", b"\"", b"{", b"}", b"[", b"\\", b"not ok 1 ", b"1..9",
         b"99999999999999999999", b"-1", b"(", b"*", b"  ", b"\t", b"## begin ", b"\xe2\x80\xa8")


def mutated(moments: random.Random, data: bytes) -> bytes:
    """Change a few places."""
    for _ in range(moments.randint(1, 8)):
        at, end = sorted(moments.randrange(len(data) + 1) for _ in range(2))
        end = min(end, at + moments.randint(0, 40))
        put = moments.choice((moments.choice(WORDS), data[at:end] * 2, b"", moments.randbytes(3)))
        data = data[:at] + put + data[end:]
    return data


def of_file(parse: Callable[[Path], object]) -> Callable[[bytes], object]:
    """Give the parser a file with the bytes."""
    def give(data: bytes) -> object:
        with tempfile.NamedTemporaryFile() as file:
            file.write(data)
            file.flush()
            return parse(Path(file.name))
    return give


def of_text(parse: Callable[[str], object]) -> Callable[[bytes], object]:
    return lambda data: parse(data.decode(errors="replace"))


PARSERS: dict[str, tuple[bytes, Callable[[bytes], object]]] = {
    "results of a guest": (RESULTS, of_text(ktap.parse)),
    "records of a sweep": (RECORDS, of_file(lambda path: [*sweepproto.read(path)])),
    "kernel log": (LOG, of_text(lambda text: log.scan(text, log.deny_list(), log.allow_list()))),
    "known-issues": ((ROOT / "selftests/known-issues").read_bytes(), of_file(known.kernel_rows)),
    "known issues of QEMU": ((SCRIPTS / "qemu-known-issues").read_bytes(), of_file(known.rows)),
    "log-deny": ((SCRIPTS / "log-deny").read_bytes(), of_file(log.deny_list)),
    "log-allow": ((SCRIPTS / "log-allow").read_bytes(), of_file(log.allow_list)),
    "a patch": (PATCH, of_file(lambda path: touched.check([path]))),
    "functions of C": ((ROOT / "module/errpath/decide.c").read_bytes(), of_text(csource.functions)),
}


class Parsers(unittest.TestCase):
    def test_any_bytes(self) -> None:
        seed = int(os.environ.get("SEED", time.time_ns()))
        for name, (valid, parse) in PARSERS.items():
            parse(valid)
            moments = random.Random(f"{seed} {name}")
            for number in range(int(os.environ.get("ROUNDS", "300"))):
                data = mutated(moments, valid)
                with self.subTest(name, seed=seed, number=number):
                    try:
                        parse(data)
                    except Failure as failure:
                        self.assertNotIn("Traceback", str(failure))


if __name__ == "__main__":
    unittest.main()
