# SPDX-License-Identifier: GPL-2.0
"""One self-contained HTML page about a sweep, with the stacks as a tree of collapsible frames. The
colour of a frame is that of the worst result below it."""

from collections.abc import Iterator, Sequence
from html import escape

from host import sweepjson

STYLE = """
body { font: 14px/1.4 sans-serif; margin: 2em; max-width: 100em; }
code, summary { font-family: monospace; font-size: 13px; }
details { margin-left: 1.2em; } .leaf { margin-left: 2.4em; }
.bad { color: #b00020; } .known { color: #9a6700; } .good { color: #1a7f37; }
.count { color: #666; } table { border-collapse: collapse; }
td, th { text-align: left; padding: .2em .8em; border-bottom: 1px solid #ddd; }
"""


def grade(target: sweepjson.Target) -> str:
    """bad: something that known-issues does not explain; known: something that it does; good."""
    if not target["good"]:
        return "bad"
    usual = target["outcome"] in ("handled", "swallowed", "did not fire")
    return "good" if usual and not target["findings"] else "known"


def _worst(targets: Sequence[sweepjson.Target]) -> str:
    grades = [grade(target) for target in targets]
    return next(name for name in ("bad", "known", "good") if name in grades)


def _leaf(target: sweepjson.Target) -> str:
    more = f" ({target['more']})" if target["more"] else ""
    text = "; ".join([target["outcome"] + more, *(f["text"] for f in target["findings"])])
    where = f"<pre>{escape(target['where'])}</pre>" if target["where"] else ""
    return (f"<div class='leaf {grade(target)}'><code>{escape(target['function'])}</code> "
            f"#{target['occurrence']} [{target['hash'][:sweepjson.ID]}]: "
            f"{escape(text)}{where}</div>")


def _tree(targets: Sequence[sweepjson.Target], depth: int) -> Iterator[str]:
    """Targets that share DEPTH frames from the top, as nested <details>."""
    leaves = [target for target in targets if len(target["stack"]) == depth]
    below: dict[str, list[sweepjson.Target]] = {}
    for target in targets:
        if len(target["stack"]) > depth:
            below.setdefault(target["stack"][-1 - depth], []).append(target)
    for target in leaves:
        yield _leaf(target)
    for name, group in below.items():
        worst = _worst(group)
        opened = " open" if worst != "good" else ""
        yield (f"<details{opened}><summary class='{worst}'>{escape(name)} "
               f"<span class='count'>{len(group)}</span></summary>")
        yield from _tree(group, depth + 1)
        yield "</details>"


def page(report: sweepjson.Sweep, totals: Sequence[str]) -> Iterator[str]:
    """The lines of the page. TOTALS: lines of text for its head."""
    title = f"{report['operation']} on {report['kernel']}"
    yield "<!DOCTYPE html><html lang='en'><head><meta charset='utf-8'>"
    yield f"<title>errpath: sweep of {escape(title)}</title><style>{STYLE}</style></head><body>"
    yield f"<h1>Sweep of {escape(title)}</h1><p>{escape(report['what'])}</p>"
    yield from (f"<p>{escape(line)}</p>" for line in totals)
    found: dict[tuple[str, str], list[sweepjson.Target]] = {}
    for target in report["targets"]:
        if grade(target) != "good":
            key = (grade(target), target["verdict"])
            found.setdefault(key, []).append(target)
    if found:
        yield "<h2>Found</h2><table><tr><th></th><th>calls</th><th>what</th></tr>"
        for (name, verdict), group in sorted(found.items()):
            yield (f"<tr class='{name}'><td>{name}</td><td>{len(group)}</td>"
                   f"<td>{escape(verdict)}</td></tr>")
        yield "</table>"
    yield "<h2>Failed calls, by stack</h2>"
    yield from _tree(report["targets"], 0)
    yield "</body></html>"
