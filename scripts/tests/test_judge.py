# SPDX-License-Identifier: GPL-2.0
"""scripts/judge: functions of a C file, what a patch touches, which operations reach it, how
likely a failure is, the page, exit statuses, bad input; and a guest's answer about a function."""

import json
import os
import subprocess
import tempfile
import types
import unittest
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from host import (callers, changes, cover, csource, index, judge, judgecases, judgecommand,
                  judgement, judgepage, likely, source, sweepproto, sweepreport, touched,
                  variables)
from host.common import SCRIPTS, Failure
from host.judgepage import Operation, Page

LINE = os.environ.get("KERNEL", "6.12")

CODE = '''// SPDX: a comment with { a brace
#define MACRO(x) do { \\
	x; } while (0)

struct pair {
	int one, other;
};

static const struct pair pairs[] = {
	{ 1, 2 },
};

/* A comment before it. */
static inline int small(int x) { return x + 1; }

__printf(1, 2) static void
says(const char *format, ...)
{
	puts("a { in a string");
}

int __must_check large(struct pair *p)
{
#ifdef CONFIG_A
	if (p) {
#else
	if (!p) {
#endif
		return small(p->one);
	}
	says("%d", '{');
	return 0;
}

SYSCALL_DEFINE2(pair, int, one, int, other)
{
	struct pair p = { one, other };

	return large(&p);
}

static struct operations operations = {
	.open = large,
};
'''


class Functions(unittest.TestCase):
    """csource finds the functions of a file."""

    def test_names_and_lines(self) -> None:
        lines = CODE.split("\n")
        found = {one.name: (lines[one.first - 1], lines[one.last - 1])
                 for one in csource.functions(CODE)}
        self.assertEqual({
            "small": ("static inline int small(int x) { return x + 1; }",) * 2,
            "says": ("__printf(1, 2) static void", "}"),
            "large": ("int __must_check large(struct pair *p)", "}"),
            "__do_sys_pair": ("SYSCALL_DEFINE2(pair, int, one, int, other)", "}")}, found)

    def test_static_and_inline(self) -> None:
        self.assertEqual({"small": (True, True), "says": (True, False), "large": (False, False),
                          "__do_sys_pair": (False, False)},
                         {one.name: (one.static, one.inline) for one in csource.functions(CODE)})

    def test_uses(self) -> None:
        by_name = {one.name: one for one in csource.functions(CODE)}
        self.assertTrue(by_name["large"].uses("small"))
        self.assertTrue(by_name["__do_sys_pair"].uses("large"))
        self.assertFalse(by_name["large"].uses("one"), "a field is no function")
        self.assertFalse(by_name["says"].uses("brace"), "a word in a string")


def source_of(files: dict[str, str]) -> callers.Source:
    """A source in memory that finds names as grep does."""
    found = callers.Source(Path("/nowhere"), lambda name: files[name].encode())
    found._files = lambda word: sorted(  # type: ignore[assignment]
        name for name, text in files.items() if word in text)
    return found


class Callers(unittest.TestCase):
    FILES = {
        "mm/a.c": "static int deep(void)\n{\n\treturn 0;\n}\n"
                  "static int middle(void)\n{\n\treturn deep();\n}\n"
                  "int top(void)\n{\n\treturn middle();\n}\n",
        "mm/b.c": "int other(void)\n{\n\treturn top();\n}\n"
                  "static int deep(void)\n{\n\treturn 1;\n}\n"}

    def test_callers_of_a_static_function_are_in_its_file(self) -> None:
        found = source_of({"mm/a.c": self.FILES["mm/a.c"],
                           "mm/c.c": "int stranger(void)\n{\n\treturn middle();\n}\n"})
        self.assertEqual(["top"], found.callers("middle"))

    def test_nearest(self) -> None:
        found = source_of(self.FILES)
        self.assertEqual(["middle"], found.nearest("deep", {"middle", "top", "other"}))
        self.assertEqual(["other"], found.nearest("deep", {"other"}))
        self.assertEqual([], found.nearest("deep", {"nosuch"}))


class Tree:
    """A source of these files."""

    name = "a tree"

    def __init__(self, files: dict[str, str]) -> None:
        self.files = files

    def original(self, name: str) -> bytes | None:
        return self.files[name].encode() if name in self.files else None


def changed(before: dict[str, str], after: dict[str, str]) -> changes.Changed:
    made = changes.Changed(cast(source.Source, Tree(before)))
    made.content = {name: text.encode() for name, text in after.items()}
    return made


class Touched(unittest.TestCase):
    """The functions that a patch touches, hunk by hunk."""

    def of(self, *pairs: tuple[str, str], name: str = "mm/a.c") -> touched.Touched:
        """What replacements in CODE touch."""
        after = CODE
        for old, new in pairs:
            self.assertEqual(1, after.count(old), old)
            after = after.replace(old, new)
        return touched.touched(changed({name: CODE}, {}), changed({name: CODE}, {name: after}))

    def test_two_hunks(self) -> None:
        found = self.of(("x + 1", "x + 2"), ("return large(&p);", "return -large(&p);"))
        self.assertEqual((["small", "__do_sys_pair"], [], [], {"mm/a.c": [14, 39]}), found)

    def test_lines_that_are_gone(self) -> None:
        self.assertEqual(["says"], self.of(('\tputs("a { in a string");\n', "")).functions)

    def test_a_new_function(self) -> None:
        found = self.of(("int __must_check large", "static void fresh(void)\n{\n\n\t/* */\n}\n"
                         "\nint large"))
        self.assertEqual(["fresh", "large"], found.functions)
        self.assertEqual({"mm/a.c": [22, 23, 26, 28]}, found.lines)

    def test_comments_are_no_code(self) -> None:
        self.assertEqual(([], [], [], {"mm/a.c": []}),
                         self.of(("/* A comment before it. */", "/* Another. */")))

    def test_outside_of_functions(self) -> None:
        found = self.of(("{ 1, 2 }", "{ 1, 3 }"))
        self.assertEqual(([], ["mm/a.c:10"], [], {"mm/a.c": [10]}), found)

    def test_other_files(self) -> None:
        self.assertEqual(["mm/Kconfig"], self.of(("{ 1, 2 }", "x"), name="mm/Kconfig").other)


class Likely(unittest.TestCase):
    def test_classes(self) -> None:
        for request, function, expected in (
                ("GFP_KERNEL|__GFP_ZERO,192", "__kmalloc_noprof", likely.NEVER),
                ("GFP_KERNEL,32768", "__kmalloc_noprof", likely.NEVER),
                ("GFP_NOFS,64", "__kmalloc_noprof", likely.NEVER),
                ("GFP_KERNEL,32769", "__kmalloc_noprof", likely.PRESSURE),
                ("GFP_ATOMIC,64", "__kmalloc_noprof", likely.PRESSURE),
                ("GFP_NOWAIT,64", "__kmalloc_noprof", likely.PRESSURE),
                ("0,64", "_kmalloc_nolock_noprof", likely.PRESSURE),
                ("GFP_KERNEL|__GFP_NORETRY,64", "__kmalloc_noprof", likely.PRESSURE),
                ("GFP_KERNEL_ACCOUNT,4096", "__alloc_frozen_pages_noprof", likely.MEMCG),
                ("GFP_KERNEL|__GFP_ACCOUNT,64", "kmem_cache_alloc_noprof", likely.MEMCG),
                ("GFP_KERNEL,16777216", "__vmalloc_node_range_noprof", likely.KILLED),
                ("GFP_KERNEL,4096", "__kvmalloc_node_noprof", likely.NEVER),
                ("GFP_KERNEL,8192", "__kvmalloc_node_noprof", likely.KILLED),
                ("GFP_KERNEL,64", "pcpu_alloc_noprof", likely.KILLED),
                ("GFP_KERNEL,2097152", "alloc_contig_range_noprof", likely.PRESSURE),
                ("GFP_KERNEL,64,interrupt", "__kmalloc_noprof", likely.PRESSURE),
                ("GFP_KERNEL,64,memalloc", "__kmalloc_noprof", likely.PRESSURE),
                ("-", "errpath_target", likely.UNKNOWN)):
            self.assertEqual(expected, likely.likelihood(request, function).name,
                             f"{request} {function}")

    def test_order(self) -> None:
        orders = {size: cast(likely.Request, likely.parse(f"GFP_KERNEL,{size}")).order
                  for size in (0, 1, 4096, 4097, 8192, 8193, 32768, 32769)}
        self.assertEqual([0, 0, 0, 1, 1, 2, 3, 4], [*orders.values()])


def target(number: int, *names: str, request: str = "GFP_KERNEL,8") -> Any:
    return {"event": "target", "hash": f"{number + 1:016}", "function": "kmalloc", "occurrence": 1,
            "request": request, "first": "", "frames": [f"{name}+0x1/0x2" for name in names]}


def report(*calls: tuple[Sequence[str], int, Sequence[str], str]) -> sweepreport.Report:
    """A report of these calls: stack, errno of the step "add", leaks, and the result."""
    events: list[Any] = [{"event": "start", "operation": "op", "what": "an operation",
                          "point": "alloc", "scope": "stack:top", "skip": "", "kernel": "1"}]
    for number, (names, err, leaks, result) in enumerate(calls):
        run = {"steps": [["add", err]], "signal": 0, "wrong": "", "where": ""}
        made = target(number, *names)
        events += [made, {"event": "failed", "hash": made["hash"], "fired": 1, "run": run},
                   {"event": "judged", "hash": made["hash"], "result": result, "reason": "",
                    "findings": [{"what": leak, "difference": 1, "lasting": 1, "known": 0}
                                 for leak in leaks]}]
    return sweepreport.Report([*events, {"event": "end", "targets": 1, "survey": "0" * 16}], 1)


def of_nothing(*log: str) -> list[Any]:
    """The records of a guest in which nothing failed, with these lines of the log."""
    made = {**target(0), "hash": sweepproto.NOTHING}
    run = {"steps": [["add", 0]], "signal": 0, "wrong": "", "where": ""}
    return [made, {"event": "failed", "hash": made["hash"], "fired": 0, "run": run},
            {"event": "judged", "hash": made["hash"], "result": "fail" if log else "pass",
             "reason": "", "findings": [{"what": line, "difference": 0, "lasting": 0, "known": 0}
                                        for line in log]}]


class Index(unittest.TestCase):
    """Which operations reach a function, and which of them are enough."""

    def known(self) -> index.Index:
        def survey(name: str, *stacks: Sequence[str]) -> index.Survey:
            calls = [(names, 0, (), "pass") for names in stacks]
            return index.Survey(name, None, [*report(*calls).targets.values()])

        surveys = [survey("small", ("a", "f.isra.0", "x"), ("b", "f", "x")),
                   survey("add_memory", ("a", "f", "y"), ("b", "f", "y"), ("c", "y")),
                   survey("more", ("a", "f", "z"), ("d", "f", "z"), ("e", "z"))]
        return index.Index("Linux 1", {one.operation: one for one in surveys}, {"f", "lonely"})

    def test_calls_below_a_function(self) -> None:
        found = self.known().operations({"f"})
        self.assertEqual({"small": 2, "add_memory": 2, "more": 2},
                         {name: len(calls) for name, calls in found.items()})
        self.assertEqual({"more"}, self.known().operations({"e"}).keys())

    def test_operations_that_add_no_stack_are_left_out(self) -> None:
        chosen, others = judge.choose(self.known(), {"f"})
        self.assertEqual((["add_memory", "more"], ["small"]), (chosen, others))

    def test_questions(self) -> None:
        code = source_of({"mm/a.c": "static int helper(void)\n{\n\treturn 0;\n}\n"
                          "int f(void)\n{\n\treturn helper() + lonely();\n}\n"
                          "int lonely(void)\n{\n\treturn 0;\n}\n"})
        asked = judge.ask(["f", "helper", "lonely"], self.known(), code, through=True)
        self.assertEqual((["f"], {"helper": ["f"], "lonely": ["f"]}, {}), asked)
        self.assertEqual({"f"}, asked.below())

    def test_claims_about_a_function_that_nothing_reaches(self) -> None:
        """Callers are named, but not judged in its place."""
        code = source_of({"mm/a.c": "int f(void)\n{\n\treturn lonely();\n}\n"
                          "int lonely(void)\n{\n\treturn 0;\n}\n"})
        asked = judge.ask(["lonely"], self.known(), code, through=False)
        self.assertEqual(([], {}, {"lonely": ["f"]}), asked)

    def test_an_inlined_function_is_judged_through_its_callers(self) -> None:
        code = source_of({"mm/a.c": "static int helper(void)\n{\n\treturn 0;\n}\n"
                          "int f(void)\n{\n\treturn helper();\n}\n"})
        asked = judge.ask(["helper"], self.known(), code, through=False)
        self.assertEqual(([], {"helper": ["f"]}, {}), asked)

    def test_no_such_function(self) -> None:
        for code, more in ((source_of({}), "or its source"), (None, "if the compiler inlined it")):
            with self.assertRaisesRegex(Failure, rf"no function nosuch\(\) in Linux 1.* {more}"):
                judge.ask(["nosuch"], self.known(), code, through=True)


class Compared(unittest.TestCase):
    """Two kernels."""

    STACK = ("a", "f", "top")

    def kinds(self, before: sweepreport.Report, after: sweepreport.Report) -> list[str]:
        return [result.kind for result in judgement.compared("op", before, after)]

    def one(self, err: int, *leaks: str, result: str = "pass") -> sweepreport.Report:
        return report((self.STACK, err, leaks, result))

    def test_kinds(self) -> None:
        handled, leak = self.one(-12), self.one(-12, "slab.a", result="fail")
        known = self.one(-12, "slab.a", result="xfail")
        for before, after, kind in (
                (handled, handled, judgement.SAME), (known, known, judgement.SAME),
                (handled, self.one(0), judgement.CHANGED), (handled, leak, judgement.WORSE),
                (handled, known, judgement.WORSE), (leak, handled, judgement.BETTER),
                (self.one(-17), handled, judgement.BETTER),
                (handled, self.one(-17), judgement.WORSE), (leak, leak, judgement.STILL_WRONG),
                (leak, self.one(-12, "slab.b", result="fail"), judgement.WORSE),
                (self.one(-12, "slab.a", "slab.b", result="fail"), leak, judgement.STILL_WRONG)):
            self.assertEqual([kind], self.kinds(before, after))

    def test_calls_of_one_kernel_only(self) -> None:
        both = report((self.STACK, -12, (), "pass"), (("b", "f", "top"), -12, (), "pass"))
        bad = report((self.STACK, -12, (), "pass"), (("b", "f", "top"), -12, ("slab.a",), "fail"))
        self.assertEqual([judgement.SAME, judgement.NEW], self.kinds(self.one(-12), both))
        self.assertEqual([judgement.SAME, judgement.WORSE], self.kinds(self.one(-12), bad))
        self.assertEqual([judgement.SAME, judgement.GONE], self.kinds(both, self.one(-12)))

    def test_calls_that_differ_by_offsets_are_compared_in_their_order(self) -> None:
        def two(*offsets: str) -> sweepreport.Report:
            made = report((self.STACK, -12, (), "pass"), (self.STACK, -17, (), "fail"))
            for call, offset in zip(made.targets.values(), offsets):
                call.frames[0] = f"a+{offset}/0x200"
            return made

        self.assertEqual([judgement.SAME, judgement.STILL_WRONG],
                         self.kinds(two("0xf8", "0x108"), two("0x108", "0x118")))

    def test_status(self) -> None:
        def status(*kinds: str) -> int:
            call = [*self.one(-12).targets.values()][0]
            return judgement.status([judgement.Result(kind, "op", call, call) for kind in kinds])

        self.assertEqual(0, status(judgement.BETTER, judgement.SAME, judgement.UNTOLD))
        self.assertEqual(1, status(judgement.BETTER, judgement.WORSE))
        self.assertEqual(1, status(judgement.STILL_WRONG))
        self.assertEqual(125, status(judgement.UNTOLD))
        self.assertEqual(125, status(judgement.GONE))
        self.assertEqual(125, status())

    def test_an_operation_that_goes_wrong_with_nothing_failed(self) -> None:
        good, bad = (self.one(-12) for _ in range(2))
        good.nothing, bad.nothing = (sweepreport.Report([], 0, of_nothing(*log)).nothing
                                     for log in ((), ("BUG: KASAN",)))
        self.assertEqual([judgement.WORSE], self.kinds(good, bad))
        self.assertEqual([judgement.STILL_WRONG], self.kinds(bad, bad))
        self.assertEqual([judgement.SAME], self.kinds(bad, good))
        self.assertEqual([judgement.FOUND], [one.kind for one in judgement.alone("op", bad)])

    def test_one_kernel(self) -> None:
        def kind(*leaks: str, result: str = "pass", err: int = -12) -> str:
            return [*judgement.alone("op", self.one(err, *leaks, result=result))][0].kind

        self.assertEqual(judgement.FINE, kind())
        self.assertEqual(judgement.KNOWN, kind("slab.a", result="xfail"))
        self.assertEqual(judgement.KNOWN, kind(result="xfail", err=-17))
        self.assertEqual(judgement.FOUND, kind("slab.a", result="fail"))


class Again(unittest.TestCase):
    """What is wrong and not known must show twice."""

    def test_noise_is_dropped(self) -> None:
        first = report((("a", "f"), -12, ("slab.a",), "fail"),
                       (("b", "f"), -12, ("slab.b",), "fail"),
                       (("c", "f"), -12, ("slab.c",), "xfail"), (("d", "f"), -12, (), "pass"))
        second = report((("a", "f"), -12, ("slab.a",), "fail"), (("b", "f"), -12, (), "pass"))
        asked: list[list[str]] = []

        def swept(_one: Any, _operation: str, under: Sequence[str], *_: Any) -> sweepreport.Report:
            asked.append([*under])
            return first if len(asked) == 1 else second

        survey = index.Survey("op", None, [])
        one = judge.Judge(judge.Choice([], [], 5, Path(), ""),
                          index.Index("Linux 1", {"op": survey}, set()), ["f"])
        one._swept = swept  # type: ignore[assignment]
        kernel = cast(Any, types.SimpleNamespace(release="1", config={}))
        subject = index.Subject(kernel, [], Path())
        found = one.failed(subject, "op").targets.values()
        self.assertEqual([["f"], ["0" * 15 + "1", "0" * 15 + "2"]], asked)
        self.assertEqual([False, True, True, True], [target.good() for target in found])


class Kept(unittest.TestCase):
    """The lines of source that allocated what is lost."""

    def asked(self, config: dict[str, str]) -> tuple[list[Any], sweepreport.Report]:
        """The sweeps that judging a leak and another call asks for, and its report."""
        first = report((("a", "f"), -12, ("slab.a",), "xfail"),
                       (("b", "f"), -12, ("slab.a",), "xfail"),
                       (("c", "f"), -12, (), "pass"))
        # With profiling the same call has another hash.
        second = report((("c", "f"), -12, (), "pass"), (("a", "f"), -12, ("slab.a",), "xfail"))
        [*second.targets.values()][1].kept = [("mm/a.c:1 a", 8)]
        sweeps: list[Any] = []

        def swept(_one: Any, _operation: str, under: Sequence[str], _calls: int, suffix: str,
                  more: str) -> sweepreport.Report:
            sweeps.append((suffix, [*under], more))
            return first if not suffix else second

        one = judge.Judge(judge.Choice([], [], 0, Path(), ""), index.Index(
            "Linux 1", {"chain": index.Survey("chain", None, [])}, set()), ["f"])
        one._swept = swept  # type: ignore[assignment]
        subject = index.Subject(cast(Any, types.SimpleNamespace(release="1", config=config)), [],
                                Path())
        return sweeps, one.failed(subject, "chain")

    def test_one_call_for_each_result(self) -> None:
        sweeps, found = self.asked({judge.PROFILING: "y"})
        self.assertEqual([("", ["f"], ""),
                          ("-profiled", ["f"], " ERRPATH_SURVEY=1 sysctl.vm.mem_profiling=1"),
                          ("-kept", ["0" * 15 + "2"], " ERRPATH_K=10 ERRPATH_KEPT=1 "
                           "sysctl.vm.mem_profiling=1")], sweeps)
        self.assertEqual([[("mm/a.c:1 a", 8)], [], []],
                         [target.kept for target in found.targets.values()])

    def test_a_kernel_that_cannot_tell(self) -> None:
        self.assertEqual(1, len(self.asked({})[0]))

    def test_record(self) -> None:
        made = target(0, "a")
        events: list[Any] = [made, {"event": "kept", "hash": made["hash"],
                                    "lines": [["mm/a.c:1 a", 8]]}]
        (found,) = sweepreport.Report(events).targets.values()
        self.assertEqual([("mm/a.c:1 a", 8)], found.kept)


class Shown(unittest.TestCase):
    """The page."""

    def page(self, reason: str = "", unreached: dict[str, list[str]] | None = None) -> Page:
        stack = ("a", "f", "top")
        results = [] if reason else judgement.compared(
            "op", report((stack, -12, ("slab.kmalloc-96",), "fail")),
            report((stack, -12, (), "pass")))
        return Page("it.patch", ["Linux 1-source", "Linux 1-patched"], ["f"],
                    {"g": ["f"], "h": ["f"]}, ["g"], {"f": ["top"]}, unreached or {},
                    ["mm/Kconfig"], [] if reason else [Operation("op", "an operation", (1, 1), 9)],
                    ["other"], [*results], 5, 12.3, "make judge PATCH=it.patch", reason,
                    None if reason else self.ran())

    @staticmethod
    def ran() -> cover.Ran:
        return cover.Ran({"mm/a.c": cover.Lines([], [7], [8])},
                         {"f": ("mm/a.c", cover.Lines([5, 6], [7], [8, 11, 12]))})

    def test_text(self) -> None:
        text = "\n".join(judgepage.text(self.page()))
        for part in ("errpath judge: it.patch\nnothing got worse: 1 x better\n",
                     "before      Linux 1-source\nafter       Linux 1-patched\nfunctions   f()\n",
                     "g(): no call's stack has it; judged through f()\n",
                     "h(): it is inlined, or new; judged through f()\n", "not judged: mm/Kconfig",
                     "f(): with the patch on no stack",
                     "lines       changed: of 2 lines with code 0 ran without a failure, 1 only\n"
                     "            with one, 1 never\n", "f(): of 6 lines with code 2 ran without a",
                     "never ran: mm/a.c:8 11-12\n", "op: an operation; 1 of its 9 calls failed",
                     "Better: 1 call\n    before: handled (add ENOMEM); leak: slab.kmalloc-96 +1\n"
                     "    after: handled (add ENOMEM)\n",
                     "how likely: 1 cannot fail in practice (order 0, waits for memory)\n"
                     "    1 x kmalloc < a < f\n", "repeat by:\n    make judge PATCH=it.patch"):
            self.assertIn(part, text)

    def test_lines_fit_into_a_mail(self) -> None:
        for line in judgepage.text(self.page()):
            self.assertLessEqual(len(line), judgepage.WIDTH)

    def test_nothing_can_be_told(self) -> None:
        page = self.page("no allocation of op lies below g()", {"g": ["f"]})
        text = "\n".join(judgepage.text(page))
        self.assertEqual(125, judgepage.status(page))
        self.assertIn("cannot be told: no allocation of op lies below g()", text)
        self.assertIn("No operation reaches:\n    g(); nearest callers that one reaches: f()", text)

    def test_what_is_lost_has_the_line_that_allocated_it(self) -> None:
        page = self.page()
        before = page.results[0].before
        assert before
        before.kept = [("kernel/resource.c:184 alloc_resource", 128)]
        self.assertIn("after: handled (add ENOMEM)\n    lost before: 128 bytes, "
                      "kernel/resource.c:184 alloc_resource()\n",
                      "\n".join(judgepage.text(page)))

    def test_with_nothing_failed(self) -> None:
        page = self.page()
        after = self.page().results[0].after
        nothing = sweepreport.Report([], 0, of_nothing("BUG: KASAN in f")).nothing
        results = [judgement.Result(judgement.WORSE, "op", after, nothing)]
        text = "\n".join(judgepage.text(page._replace(results=results)))
        self.assertIn("Worse: the operation itself\n", text)
        self.assertIn("    after: log: BUG: KASAN in f\n    with no call failed", text)

    def test_an_operation_that_ends_the_kernel(self) -> None:
        results = [judgement.broken("op", "in f(): BUG: no")]
        page = self.page()._replace(results=results)
        text = "\n".join(judgepage.text(page))
        self.assertIn("Worse: the operation itself\n    before: nothing is wrong\n"
                      "    after: oops (in f(): BUG: no)\n    with no call failed", text)
        self.assertEqual(1, judgepage.status(page))

    def test_json(self) -> None:
        page = judgepage.as_json(self.page())
        self.assertEqual(0, page["status"])
        self.assertEqual({"op": [1, 1]}, page["operations"])
        (result,) = json.loads(json.dumps(page))["results"]
        self.assertEqual(["better", "handled (add ENOMEM)", "cannot fail in practice"],
                         [result["kind"], result["after"], result["likely"]])
        self.assertEqual({"mm/a.c": [[], [7], [8]]}, json.loads(json.dumps(page))["ran"]["changed"])

    def test_series(self) -> None:
        good, untold = self.page(), self.page("it does not build")
        text = "\n".join(judgepage.series([good, untold]))
        self.assertIn("2 patches, each against those before it\n\n"
                      "  1 it.patch: nothing got worse: 1 x better\n"
                      "  2 it.patch: cannot be told: it does not build\n\n", text)
        self.assertEqual(2, text.count("\nrepeat by:"))
        self.assertEqual([*judgepage.text(good)], [*judgepage.series([good])])
        bad = good._replace(results=[good.results[0]._replace(kind=judgement.WORSE)])
        self.assertEqual([0, 1, 125], [judgepage.status_of(pages) for pages in
                                       ([good, untold], [good, bad, untold], [untold])])


class Steps(unittest.TestCase):
    """Diffs of a series one by one."""

    MAIL = ("From 0123 Mon Sep 17 00:00:00 2001\nFrom: a\nSubject: [PATCH {number}/3] change\n"
            " a line\n\nText.\n---\n--- a/mm/a.c\n+++ b/mm/a.c\n@@ -1 +1 @@\n-{old}\n+{new}\n--\n"
            "2.39\n\n")

    def test_series_with_a_patch_that_does_not_apply(self) -> None:
        tree = cast(source.Source, Tree({"mm/a.c": "one\n"}))
        with tempfile.TemporaryDirectory() as directory:
            series = Path(directory, "series.mbox")
            series.write_text("".join(self.MAIL.format(number=number, old=old, new=new)
                                      for number, old, new in ((1, "one", "two"), (2, "x", "y"),
                                                               (3, "two", "three"))))
            steps = [*changes.steps(tree, [series])]
        self.assertEqual([b"two\n", b"two\n", b"three\n"],
                         [step.changed.now("mm/a.c") for step in steps])
        self.assertEqual([False, True, False], [bool(step.problem) for step in steps])
        self.assertEqual("[PATCH 1/3] change a line", steps[0].title)


class JudgeTest(unittest.TestCase):
    def setUp(self) -> None:
        self.directory = Path(self.enterContext(tempfile.TemporaryDirectory()))

    def judge(self, *words: str, **given: str | Path) -> "subprocess.CompletedProcess[str]":
        clean = variables.for_others(os.environ)
        return subprocess.run([SCRIPTS / "judge", *words, "--results", self.directory / "results"],
                              capture_output=True, text=True, check=False,
                              env={**clean, **{name: str(value)
                                               for name, value in given.items()}})

    def refused(self, pattern: str, *words: str, **given: str | Path) -> None:
        """One line, exit status 125, and nothing left behind."""
        done = self.judge(*words, **given)
        self.assertEqual(125, done.returncode, done.stdout + done.stderr)
        self.assertRegex(done.stderr, rf"\Aerrpath: {pattern}[^\n]*\n\Z")
        left = self.directory / "results"
        self.assertEqual([], [file for file in left.glob("**/*") if not file.name.startswith(".")])


class Refused(JudgeTest):
    """Bad input that needs no kernel."""

    def test_nothing_to_judge(self) -> None:
        self.refused("nothing to judge: give PATCH=FILE or FUNC=NAME", LINE)

    def test_no_name(self) -> None:
        self.refused("FUNC: 'a-b' is not the name of a function", LINE, "--func", "f a-b")

    def test_no_operation(self) -> None:
        self.refused("no operation 'nosuch'; there are: ", LINE, "--func", "f", "--op", "nosuch")

    def test_the_operation_command(self) -> None:
        self.refused("OP: command ", LINE, "--func", "f", "--op", "command")

    def test_no_line(self) -> None:
        self.refused("no kernel line '2.4'", "2.4", "--func", "f")

    def test_no_patch(self) -> None:
        self.refused("PATCH: /nowhere does not exist", PATCH="/nowhere")

    def test_no_diff(self) -> None:
        patch = self.directory / "it.patch"
        patch.write_text("a claim\n", encoding="utf-8")
        self.refused(f"PATCH: {patch} has no diff", PATCH=patch)


    def test_binary(self) -> None:
        self.bad_patch("binary files", "diff --git a/x b/x\nGIT binary patch\nliteral 1\n")

    def test_renamed(self) -> None:
        self.bad_patch("renamed files", "diff --git a/x.c b/y.c\nsimilarity index 90%\n"
                       "rename from x.c\nrename to y.c\n--- a/x.c\n+++ b/y.c\n")

    def bad_patch(self, what: str, text: str) -> None:
        patch = self.directory / "it.patch"
        patch.write_text(text, encoding="utf-8")
        self.refused(f"PATCH: {patch} has {what}", PATCH=patch)


class Command(unittest.TestCase):
    """The command that repeats what the page is about names all that it depends on."""

    def test_command(self) -> None:
        for line, options, environment, words in (
                ("6.12", {"FUNC": "f g"}, {"V": "1"}, "KERNEL=6.12 FUNC='f g'"),
                ("user", {"FUNC": "f"}, {"KDIR": "../linux"}, "KDIR=../linux FUNC=f"),
                ("user", {"FUNC": "f", "K": "9"}, {"IMAGE": "a b", "HEADERS": "h"},
                 "IMAGE='a b' HEADERS=h FUNC=f K=9"),
                ("source", {"FUNC": "f"}, {"SOURCE": "../linux"}, "SOURCE=../linux FUNC=f"),
                ("patched", {"OP": "chain", "APPEND": "a=b"},
                 {"PATCH": "it.patch", "LLVM": "1", "KASAN": "1", "TWINS": "0"},
                 "SOURCE=7.3 PATCH=it.patch LLVM=1 KASAN=1 TWINS=0 OP=chain APPEND=a=b")):
            with self.subTest(words):
                self.assertEqual(f"make judge {words}",
                                 judgecommand.command(line, options, environment))


class Bars(unittest.TestCase):
    def test_bars(self) -> None:
        costs = [judgecases.Cost(seconds, functions, failed, 60) for seconds, functions, failed
                 in ((50, 1, 6), (70, 2, 60), (30, 1, 20))]
        self.assertEqual(["calls failed: 3.0 times fewer than in whole operations, the median of 3 "
                          "cases (bar: 4)", "a patch of one function: 30 to 50 s in guests, 2 "
                          "cases (bar: 60)"], [*judgecases.bars(costs)])


class Claim(JudgeTest):
    """A function of a stock kernel."""

    def test_function(self) -> None:
        done = self.judge(LINE, "--func", "errpath_alloc_chain3", "--op", "chain")
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        for part in ("no bug that is not known: 3 x as expected",
                     "chain: ", "3 of its 5 calls failed", "3 x handled (chain ENOMEM); chain"):
            self.assertIn(part, done.stdout)
        (page,) = json.loads((self.directory / "results/page.json").read_text())
        self.assertEqual({likely.NEVER}, {one["likely"] for one in page["results"]})
        self.refused_here()

    def refused_here(self) -> None:
        """The index is there: no guest runs."""
        done = self.judge(LINE, "--func", "errpath_alloc_chain33", "--op", "chain")
        self.assertEqual(125, done.returncode, done.stdout + done.stderr)
        self.assertRegex(done.stderr, r"\Aerrpath: no function errpath_alloc_chain33\(\) in Linux "
                         r"[^\n]*\n\Z")
