# SPDX-License-Identifier: GPL-2.0
"""Which guests count as twins, and which targets each of them gets, without a guest."""

import json
import os
import tempfile
import threading
import types
import unittest
import unittest.mock
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

from host import sweep, sweepproto, twins
from host.kernel import Kernel

ONE, TWO, THREE = ("1" * 16, "2" * 16, "3" * 16)


def found(hash_: str) -> dict[str, Any]:
    return {"event": "found", "hash": hash_}


def target(hash_: str) -> dict[str, Any]:
    return {"event": "target", "hash": hash_, "occurrence": 1, "first": "", "request": "-",
            "function": "kmalloc", "frames": ["f+0x1/0x2"]}


def judged(hash_: str) -> dict[str, Any]:
    return {"event": "judged", "hash": hash_, "result": "pass", "reason": "", "findings": []}


def moved(*gauges: tuple[str, int]) -> dict[str, Any]:
    return {"event": "moved", "hash": sweepproto.NOTHING, "stacks": ONE,
            "gauges": [list(one) for one in gauges]}


class TwinsTest(unittest.TestCase):
    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        kernel = cast(Kernel, types.SimpleNamespace(line="6.12", release="6.12.117"))
        self.sweep = sweep.Sweep(kernel, [], Path(), "chain", Path(directory.name))
        self.twins = object.__new__(twins.Twins)	# no template is made
        self.twins.sweep, self.twins._clean = self.sweep, b""
        self.twins._stop = threading.Event()

    def guest(self, *records: dict[str, Any], ending: str = "judged") -> Path:
        """Make the directory of a guest that sent these records."""
        out = self.sweep.next_out()
        (out / "sweep").write_text("".join(f"{json.dumps(record)}\n" for record in records))
        (out / "ending").write_text(ending)
        return out


class Clean(TwinsTest):
    """The two guests in which nothing fails."""

    def run_clean(self, *guests: list[dict[str, Any]]) -> None:
        outs: Iterator[Path] = iter([self.guest(target(sweepproto.NOTHING), *records)
                                     for records in guests])
        with (ThreadPoolExecutor(1) as pool,
              unittest.mock.patch.object(self.twins, "_run", lambda hash_: next(outs))):
            self.twins._run_clean(pool)

    def test_the_same(self) -> None:
        gauges = [moved(("slab.a", -1), ("slab.b", 2))]
        self.run_clean(gauges, gauges)
        self.assertEqual(b"slab.a -1\nslab.b 2\n", self.twins._clean)

    def test_different(self) -> None:
        with self.assertRaisesRegex(twins.NoTwins, r"differ: see \S+/guest-1/sweep and"):
            self.run_clean([moved(("slab.a", -1))], [moved(("slab.a", 0))])

    def test_one_of_ten_is_different(self) -> None:
        self.sweep.clean = 10
        same = [moved(("slab.a", -1))]
        with self.assertRaisesRegex(twins.NoTwins, r"guest-1/sweep and \S+/guest-10/sweep"):
            self.run_clean(*[same] * 9, [moved(("slab.a", 0))])

    def test_without_a_result(self) -> None:
        with self.assertRaisesRegex(twins.NoTwins, "without a result"):
            self.run_clean([], [])

    def test_no_twins_leave_no_results(self) -> None:
        self.guest(found(ONE))
        failure = unittest.mock.Mock(side_effect=twins.NoTwins("why"))
        with unittest.mock.patch.object(twins, "Twins", failure):
            self.assertFalse(self.sweep._run_twins())
            self.assertEqual([], self.sweep.outs())
            self.sweep.clean = 10
            with self.assertRaisesRegex(twins.NoTwins, "why"):
                self.sweep._run_twins()


class Targets(TwinsTest):
    def test_of_the_template(self) -> None:
        self.guest(found(ONE), found(TWO))
        self.guest(target(TWO), judged(TWO))
        self.assertEqual([(ONE, "")], self.twins._left())
        self.assertFalse(self.sweep.ended())

    def test_found_after_a_failure(self) -> None:
        self.guest(found(ONE))
        self.guest(target(ONE), judged(ONE), found(TWO))
        self.guest(target(sweepproto.NOTHING), judged(sweepproto.NOTHING), found(THREE))
        self.assertEqual([(ONE, TWO), (THREE, "")], self.twins._left())

    def test_all_are_judged_or_lost(self) -> None:
        self.guest(found(ONE), found(TWO))
        self.guest(target(ONE), judged(ONE))
        self.guest(target(TWO), ending="hang")
        self.assertEqual([], self.twins._left())
        self.assertTrue(self.sweep.ended())

    def test_calls_that_no_guest_reaches_again(self) -> None:
        """What follows a failure can be different in a twin that is to fail more."""
        self.guest(found(ONE), found(TWO), ending="judged")
        self.guest(target(ONE), judged(ONE), found(THREE))
        ran: list[tuple[str, str]] = []

        def run(hash_: str, then: str = "") -> Path:
            ran.append((hash_, then))
            records = [target(hash_), judged(hash_)] if hash_ == ONE or len(ran) == 1 else []
            return self.guest(*records, ending="ended")

        with (ThreadPoolExecutor(1) as pool, unittest.mock.patch.object(self.twins, "_run", run),
              unittest.mock.patch.object(twins, "say") as say):
            self.twins._run_left(pool)
        self.assertEqual([(TWO, ""), (ONE, THREE), (ONE, THREE)], ran)
        self.assertEqual([THREE], self.sweep.unreached())
        self.assertTrue(self.sweep.ended())
        self.assertIn("1 call was found once, and not again: it was not failed",
                      [call.args[0] for call in say.call_args_list])

    def test_an_interruption_gives_up_no_call(self) -> None:
        self.guest(found(ONE))
        self.twins._stop.set()
        with ThreadPoolExecutor(1) as pool:
            self.twins._run_left(pool)
        self.assertEqual([], self.sweep.unreached())
        self.assertFalse(self.sweep.ended())

    def test_nothing_is_no_result(self) -> None:
        self.guest(found(ONE))
        self.guest(target(sweepproto.NOTHING), judged(sweepproto.NOTHING))
        self.assertEqual([found(ONE)], [*self.sweep.events()])


class Wanted(unittest.TestCase):
    def test_switched_off(self) -> None:
        with unittest.mock.patch.dict(os.environ):
            os.environ.pop("TWINS", None)
            os.environ.pop("SNAPSHOT", None)
            self.assertTrue(twins.wanted("ERRPATH_SWEEP=chain ERRPATH_OCCURRENCES=2"))
            for settings in ("ERRPATH_K=4", "ERRPATH_PAIRS=1", "ERRPATH_SURVEY=1"):
                self.assertFalse(twins.wanted(settings), settings)
            for name in ("TWINS", "SNAPSHOT"):
                with unittest.mock.patch.dict(os.environ, {name: "0"}):
                    self.assertFalse(twins.wanted(""), name)

    def test_operations_that_ask_the_host(self) -> None:
        asks = {name for name in sweep.operations() if sweep.asks_host(name)}
        self.assertEqual({"dimm", "virtio_mem", "online", "offline"}, asks)
