"""Tables and a plot for docs/search.md; everything between two markers is replaced, the prose around it stays."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from evals.cases.outcome import Outcome, Row, row

Measured = Mapping[str, Sequence[Outcome]]
"""Variant name to its outcomes."""

_HEAD = (
    "",
    "cases",
    "right",
    "feasible",
    "wrong claimed",
    "abstained",
    "untouched",
    "calls/gold step",
    "candidates",
    "s (p50)",
)


def overview(outcomes: Sequence[Outcome], groups: Sequence[str]) -> str:
    """One row per group."""
    found = []
    for group in groups:
        members = [outcome for outcome in outcomes if group in outcome.groups]
        if members:
            found.append(_cells(group, row(group, members)))
    return _markdown(_HEAD, found)


def comparison(measured: Measured) -> str:
    """One row per variant, over all broken plans of both kinds."""
    return _markdown(_HEAD, [_cells(name, row(name, _broken(outcomes))) for name, outcomes in measured.items()])


def _broken(outcomes: Sequence[Outcome]) -> list[Outcome]:
    return [outcome for outcome in outcomes if any(group.endswith("/broken") for group in outcome.groups)]


def _cells(name: str, counted: Row) -> list[str]:
    calls = "-" if counted.calls_per_gold is None else f"{counted.calls_per_gold:.2f}"
    return [
        name,
        str(counted.cases),
        f"{counted.right} ({_percent(counted.right, counted.cases)})",
        f"{counted.feasible} ({_percent(counted.feasible, counted.cases)})",
        str(counted.wrong),
        str(counted.abstained + counted.crashed),
        f"{counted.untouched}/{counted.controls}" if counted.controls else "",
        calls,
        f"{counted.candidates:.1f}",
        f"{counted.seconds:.3f}",
    ]


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f}%"


def _markdown(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    rule = ["---", *("---:" for _ in head[1:])]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (head, rule, *lines))


def filled(page: str, name: str, content: str) -> str:
    """The page with what stands between the markers of this name exchanged; markers are added where missing."""
    begin, end = f"<!-- measured: {name} -->", f"<!-- end: {name} -->"
    block = f"{begin}\n{content}\n{end}"
    if begin not in page:
        return f"{page.rstrip()}\n\n{block}\n"
    return re.sub(re.escape(begin) + r".*?" + re.escape(end), lambda _: block, page, flags=re.DOTALL)


def plot(points: Sequence[tuple[str, float, float]]) -> str:
    """An SVG of right plans (percent) against upstream calls per gold step, one named point per budget."""
    width, height, left, bottom = 640, 360, 60, 50
    most = max(1.5, *(x for _, x, _ in points)) * 1.1

    def at(x: float, y: float) -> tuple[float, float]:
        return left + x / most * (width - left - 20), height - bottom - y / 100 * (height - bottom - 20)

    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in (at(x, y) for _, x, y in points))
    font = 'font-family="sans-serif" font-size="12"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" {font}>',
        f'<rect width="{width}" height="{height}" fill="white"/>',
    ]
    for percent in range(0, 101, 20):
        x, y = at(0, percent)
        parts.append(f'<path d="M{x} {y:.1f}H{width - 20}" stroke="#ddd"/>')
        parts.append(f'<text x="{x - 8}" y="{y + 4:.1f}" text-anchor="end">{percent}%</text>')
    for tenth in range(0, int(most * 10) + 1, 2):
        x, y = at(tenth / 10, 0)
        parts.append(f'<text x="{x:.1f}" y="{y + 18:.1f}" text-anchor="middle">{tenth / 10:.1f}</text>')
    parts.append(f'<polyline points="{line}" fill="none" stroke="#2563a8" stroke-width="2"/>')
    for name, x, y in points:
        px, py = at(x, y)
        parts.append(f'<circle cx="{px:.1f}" cy="{py:.1f}" r="4" fill="#2563a8"><title>{name}</title></circle>')
    parts.append(f'<text x="{width / 2}" y="{height - 10}" text-anchor="middle">upstream calls per gold step</text>')
    parts.append(
        f'<text x="14" y="{height / 2}" transform="rotate(-90 14 {height / 2})" text-anchor="middle">right plans</text>'
    )
    return "\n".join([*parts, "</svg>\n"])
