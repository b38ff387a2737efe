# SPDX-License-Identifier: GPL-2.0
"""The protocol of a sweep: schema, manual, the C code that sends records, and the host's check."""

import copy
import json
import os
import re
import subprocess
import tempfile
import unittest
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from host import sweepproto
from host.common import ROOT, SCRIPTS, Failure

SELFTESTS = ROOT / "selftests"
MANUAL = SELFTESTS / "sweeps/README.md"
SENDER = SELFTESTS / "sweeps/core/records.c"
#: What sends the test's records: the test program, the sender, and what these two need.
SOURCES = [SCRIPTS / "tests/sweep_records.c", SENDER,
           *(SELFTESTS / "lib" / name for name in ("record.c", "port.c", "file.c"))]

RUN = {"steps": [["add", -12]], "signal": 0, "wrong": "", "where": ""}
FINDING = {"what": "slab.a", "difference": 1, "lasting": 0, "known": 1}
TARGET = {"event": "target", "hash": "1", "occurrence": 1, "first": "", "function": "kmalloc", "request": "GFP_KERNEL,8",
          "frames": ["f+0x1/0x2"]}
FAILED = {"event": "failed", "hash": "1", "fired": 1, "run": RUN}
JUDGED = {"event": "judged", "hash": "1", "result": "fail", "reason": "", "findings": [FINDING]}


def rows(heading: str) -> Iterator[list[str]]:
    """The rows, as columns, of the manual's table whose first line begins with HEADING."""
    _, _, rest = MANUAL.read_text(encoding="utf-8").partition(f"\n| {heading} |")
    for line in rest.split("\n\n")[0].splitlines()[2:]:
        yield [column.strip().strip("`") for column in line[1:-1].split("|")]


def schemas() -> dict[str, Any]:
    return {**sweepproto.RECORDS, **sweepproto.OBJECTS}


def names(column: str) -> list[str]:
    return re.findall(r"[\w-]+", column)


class Manual(unittest.TestCase):
    """selftests/sweeps/README.md describes the schema, field by field."""

    def test_records(self) -> None:
        manual = [(record, names(fields)) for record, _, fields in rows("record")]
        schema = [(name, [field for field in sweepproto.fields(record) if field != "event"])
                  for name, record in sweepproto.RECORDS.items()]
        self.assertEqual(sorted(schema), sorted(manual))

    def test_fields(self) -> None:
        manual = {(name, field, type_, unit)
                  for field, where, type_, unit, _ in rows("field | in") for name in names(where)}
        schema = {(name, field, sweepproto.type_name(wanted), sweepproto.unit(wanted))
                  for name, record in schemas().items()
                  for field, wanted in sweepproto.fields(record).items() if field != "event"}
        self.assertEqual(schema, manual)


class Sender(unittest.TestCase):
    """The records that the C code sends are those of the schema."""

    sent: list[Any]

    @classmethod
    def setUpClass(cls) -> None:
        with tempfile.TemporaryDirectory() as directory:
            program = Path(directory, "records")
            subprocess.run([os.environ.get("CC", "gcc"), "-Wall", "-Werror", "-D_GNU_SOURCE=",
                            f"-I{SELFTESTS}", "-o", program, *SOURCES], check=True)
            output = subprocess.run([program], check=True, text=True,
                                    stdout=subprocess.PIPE).stdout
        cls.sent = [json.loads(line.removeprefix("# ")) for line in output.splitlines()]

    def test_each_record_is_of_the_schema(self) -> None:
        for record in self.sent:
            with self.subTest(record["event"]):
                sweepproto.check(record)

    def test_each_record_of_the_schema_is_sent(self) -> None:
        self.assertEqual(sweepproto.RECORDS.keys(), {record["event"] for record in self.sent})

    def test_each_object_is_sent(self) -> None:
        runs = [record["run"] for record in self.sent if "run" in record]
        findings = [record["findings"] for record in self.sent if "findings" in record]
        self.assertTrue(any(run["steps"] for run in runs) and any(findings))

    def test_any_text_arrives(self) -> None:
        what = self.sent[0]["what"].encode("latin-1").decode()
        self.assertEqual("an \"add\" with a \\ and a \N{LATIN SMALL LETTER E WITH ACUTE}", what)

    def test_each_function_that_sends_is_called_by_the_test(self) -> None:
        called = SOURCES[0].read_text(encoding="utf-8")
        for name in re.findall(r"^void (send_\w+)\(", SENDER.read_text(encoding="utf-8"), re.M):
            self.assertIn(f"\t{name}(", called)

    def test_no_other_file_of_the_program_sends(self) -> None:
        files = [SELFTESTS / "sweep.c", *(SELFTESTS / "sweeps").rglob("*.[ch]")]
        self.assertEqual([SENDER], [file for file in files if "record_begin(" in
                                    file.read_text(encoding="utf-8")])


class Check(unittest.TestCase):
    """The host refuses what the schema does not have, and says what and where."""

    def read(self, *lines: Any, last: str = "") -> list[sweepproto.Record]:
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory, "sweep")
            text = "".join(f"{line if isinstance(line, str) else json.dumps(line)}\n"
                           for line in lines)
            path.write_text(text + last, encoding="utf-8")
            return list(sweepproto.read(path))

    def changed(self, record: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
        """A copy of a record, in which the field that PATH names has VALUE; None: is missing."""
        copied = copy.deepcopy(record)
        at: Any = copied
        *way, name = path.split(".")
        for step in way:
            at = at[int(step) if step.isdecimal() else step]
        at[name] = value
        if value is None:
            del at[name]
        return copied

    def test_records_of_the_schema(self) -> None:
        records = [TARGET, FAILED, JUDGED, {"event": "end", "targets": 1, "survey": "0" * 16}]
        self.assertEqual(records, self.read(*records))

    def test_a_last_line_that_is_cut_off(self) -> None:
        self.assertEqual([TARGET], self.read(TARGET, last='{"event":"fai'))

    def test_wrong_records(self) -> None:
        for record, problem in (
                ("{}", 'not an object with a string "event"'),
                ("[1]", 'not an object with a string "event"'),
                ('{"event":"fai', "not a line of JSON"),
                ({"event": "over"}, 'unknown record "over"; known: start, unavailable, found,'),
                ({"event": "lost"}, 'unknown record "lost"'),
                (self.changed(FAILED, "hash", "2"), 'no record "target" announced the call 2'),
                (self.changed(FAILED, "fired", None), "the field fired is missing"),
                (self.changed(FAILED, "run.where", None), "the field run.where is missing"),
                (self.changed(FAILED, "more", 1), "the field more is unknown"),
                (self.changed(FAILED, "fired", "1"), 'fired is "1", not integer'),
                (self.changed(FAILED, "fired", True), "fired is true, not integer"),
                (self.changed(FAILED, "run", []), r"run is \[\], not run"),
                (self.changed(FAILED, "run.steps", [["add"]]),
                 r'run.steps\[0\] is \["add"\], not \[string, integer\]'),
                (self.changed(FAILED, "run.steps", [["add", "12"]]),
                 r'run.steps\[0\]\[1\] is "12", not integer'),
                (self.changed(JUDGED, "result", "good"),
                 'result is "good", not "pass" or "xfail" or "fail"'),
                (self.changed(JUDGED, "findings.0.known", 2),
                 r"findings\[0\].known is 2, not 0 or 1"),
                (self.changed(JUDGED, "findings.0.known", True),
                 r"findings\[0\].known is true, not 0 or 1")):
            with self.subTest(record=record):
                wanted = rf'^\S+/sweep:2: (record "\w+": )?{problem}'
                with self.assertRaisesRegex(Failure, wanted) as raised:
                    self.read(TARGET, record, {"event": "end", "targets": 1, "survey": "0" * 16})
                self.assertNotIn("\n", str(raised.exception))


if __name__ == "__main__":
    unittest.main()
