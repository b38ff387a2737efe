# SPDX-License-Identifier: GPL-2.0
"""A plot of costs as SVG: bars for the cases of a subject, lines for growth."""

import math
from collections.abc import Iterator, Mapping, Sequence
from html import escape

from host import costs
from host.costs import Costs

WIDTH, LEFT, RIGHT = 860, 150, 110	# of the page, and of its margins beside the bars
BAR, GAP, HEAD, HEIGHT = 13, 8, 34, 80	# of a bar, between cases, above a panel; of a line plot
SHORTEST = 2				# a bar that can be seen
WIDE = 20				# ratio of counts from which on their scale is logarithmic
COLOURS = {"none": "#888888", "hook": "#bbbbbb", "errpath": "#1f6fb4", "fail_function": "#c8102e",
           "failslab": "#e08a00", "failslab+page": "#b07040", "fail_page_alloc": "#7b3f9d", "bpf": "#2a8f4f"}
STYLE = "text { font: 12px sans-serif; } .title { font-weight: bold; font-size: 14px; }"


def _text(x: float, y: float, text: str, anchor: str = "start", kind: str = "") -> str:
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" class="{kind}">'
            f"{escape(text)}</text>")


class Linear:
    """A scale from 0 at pixel LOW to MOST at pixel HIGH."""

    name = "linear"

    def __init__(self, most: float, low: float, high: float) -> None:
        self.most, self.low, self.high = max(most, 1), low, high

    def at(self, value: float) -> float:
        """Return the place of a value."""
        return self.low + (self.high - self.low) * value / self.most

    def ticks(self) -> list[float]:
        """Return the values that are marked."""
        return [0, self.most]


class Logarithmic(Linear):
    """A scale from 1 to the power of ten that is not below MOST."""

    name = "logarithmic"

    def __init__(self, most: float, low: float, high: float) -> None:
        super().__init__(most, low, high)
        self.decades = max(1, math.ceil(math.log10(self.most)))

    def at(self, value: float) -> float:
        return self.low + (self.high - self.low) * math.log10(max(value, 1)) / self.decades

    def ticks(self) -> list[float]:
        return [10 ** decade for decade in range(self.decades + 1)]


def _scale(counts: Sequence[int], low: float, high: float) -> Linear:
    """Return a scale on which the smallest of the counts can be seen."""
    kind = Logarithmic if max(counts) > WIDE * max(min(counts), 1) else Linear
    return kind(max(counts), low, high)


def _cost(count: int, base: int | None) -> str:
    return f"{count} (x {count / base:.3g})" if base else str(count)


def _bars(found: Costs, subject: str, top: float) -> tuple[list[str], float]:
    """Return a panel with a bar for each case and injector, and its lower end."""
    injectors, base = found[subject], costs.native(found, subject)
    scale = _scale([count for counts in injectors.values() for count in counts.values()],
                   LEFT, WIDTH - RIGHT)
    unit = costs.unit(subject)
    more = "; x: times not-loaded" if base else ""
    lines = [_text(10, top + 16, f"{subject}: {unit}, {scale.name}{more}", kind="title")]
    y = top + HEAD
    for case in costs.cases(injectors):
        lines.append(_text(LEFT - 8, y + BAR - 2, case, "end"))
        for name, counts in injectors.items():
            if case not in counts:
                continue
            end = max(scale.at(counts[case]), LEFT + SHORTEST)
            lines.append(f'<rect x="{LEFT}" y="{y:.1f}" width="{end - LEFT:.1f}" '
                         f'height="{BAR - 1}" fill="{COLOURS.get(name, "#000000")}"/>')
            lines.append(_text(end + 4, y + BAR - 2, _cost(counts[case], base)))
            y += BAR
        y += GAP
    for tick in scale.ticks():
        x = scale.at(tick)
        lines.append(f'<line x1="{x:.1f}" y1="{top + HEAD - 4}" x2="{x:.1f}" y2="{y:.1f}" '
                     'stroke="#cccccc" stroke-dasharray="2,3"/>')
        lines.append(_text(x, y + 10, f"{tick:.0f}", "middle"))
    return lines, y + 20


def _curve(counts: Mapping[str, int], across: Linear, up: Linear, colour: str) -> Iterator[str]:
    points = [(across.at(int(case)), up.at(count), count) for case, count in counts.items()]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y, _ in points)
    yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>'
    for x, y, _ in points:
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>'
    for x, y, count in (points[0], points[-1]) if len(points) > 1 else points:
        yield _text(x, y - 7, str(count), "middle")


def _growth(found: Costs, subject: str, top: float) -> tuple[list[str], float]:
    """Return a panel with a line for each injector over numbers, and its lower end."""
    injectors = found[subject]
    numbers = sorted({int(case) for counts in injectors.values() for case in counts})
    most = max(count for counts in injectors.values() for count in counts.values())
    bottom = top + HEAD + HEIGHT
    across = Linear(numbers[-1], LEFT, WIDTH - RIGHT)
    up = Linear(most, bottom, top + HEAD + 10)
    lines = [_text(10, top + 16, f"growth with {subject}: {costs.unit(subject)}", kind="title"),
             f'<line x1="{LEFT}" y1="{bottom}" x2="{WIDTH - RIGHT}" y2="{bottom}" stroke="#888888"/>',
             _text(LEFT - 8, bottom, "0", "end")]
    lines += [_text(across.at(number), bottom + 14, str(number), "middle") for number in numbers]
    for name, counts in injectors.items():
        lines += _curve(counts, across, up, COLOURS.get(name, "#000000"))
    return lines, bottom + 24


def _legend(found: Costs, top: float) -> Iterator[str]:
    names = dict.fromkeys(name for injectors in found.values() for name in injectors)
    for number, name in enumerate(names):
        x = 10 + number * 115
        yield (f'<rect x="{x}" y="{top}" width="12" height="12" '
               f'fill="{COLOURS.get(name, "#000000")}"/>')
        yield _text(x + 17, top + 10, name)


def svg(title: str, found: Costs) -> str:
    """Return the plot."""
    body = [_text(10, 20, title, kind="title"), *_legend(found, 32)]
    y = 52.0
    for subject in found:
        draw = _growth if costs.is_growth(found, subject) else _bars
        lines, y = draw(found, subject, y)
        body += lines
        y += 10
    return "\n".join([f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y:.0f}">',
                      f"<style>{STYLE}</style>",
                      f'<rect width="{WIDTH}" height="{y:.0f}" fill="#ffffff"/>', *body, "</svg>", ""])
