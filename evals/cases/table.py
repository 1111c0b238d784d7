"""Tables for people: one run, one run beside an earlier one, and Markdown for docs/search.md."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from evals.cases.outcome import Outcome, Row, grouped, row


def _share(part: int, whole: int) -> str:
    return f"{part} ({100 * part / whole:.0f}%)"


_COLUMNS: Mapping[str, Callable[[Row], str]] = {
    "cases": lambda r: str(r.cases),
    "right": lambda r: _share(r.right, r.cases),
    "feasible": lambda r: _share(r.feasible, r.cases),
    "wrong claimed": lambda r: str(r.wrong),
    "abstained": lambda r: str(r.abstained),
    "crashed": lambda r: str(r.crashed or ""),
    "suggested right": lambda r: str(r.suggested or ""),
    "untouched": lambda r: f"{r.untouched}/{r.controls}" if r.controls else "",
    "calls/gold step": lambda r: f"{r.calls_per_gold:.2f}",
    "effects repeated": lambda r: str(r.effects_repeated or ""),
    "candidates": lambda r: f"{r.candidates:.1f}" if r.candidates else "",
    "s (p50)": lambda r: f"{r.seconds:.3f}",
}
_SELDOM = ("crashed", "suggested right", "effects repeated")
"""Columns of single calls and effects, which a table of plans goes without."""


def markdown(groups: Mapping[str, Sequence[Outcome]], leave_out: Sequence[str] = _SELDOM) -> str:
    """One row per group."""
    columns = [name for name in _COLUMNS if name not in leave_out]
    lines = [["", *columns], ["---", *("---:" for _ in columns)]]
    lines += [[name, *(_COLUMNS[each](row(name, found)) for each in columns)] for name, found in groups.items()]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def table(outcomes: Sequence[Outcome], *, detail: bool = False) -> str:
    """One row per group in order of name; groups with a colon in their name only in detail."""
    groups = grouped(outcomes)
    shown = sorted((name for name in groups if detail or ":" not in name), key=lambda n: (n.split("/")[0], ":" in n, n))
    return markdown({name: groups[name] for name in shown}, leave_out=())


def comparison(before: Sequence[Outcome], after: Sequence[Outcome], *, detail: bool = False) -> str:
    """The tables of both runs over the cases that both have, then every case that changed."""
    old, new = ({outcome.id: outcome for outcome in run} for run in (before, after))
    both = [(old[id_], new[id_]) for id_ in new if id_ in old]
    changed = [f"  {one.id}: {one.verdict} -> {other.verdict}" for one, other in both if one.verdict != other.verdict]
    alone = sorted(old.keys() ^ new.keys())
    return "\n".join(
        [
            *(table([run[id_] for id_ in run if id_ not in alone], detail=detail) for run in (old, new)),
            f"changed: {len(changed)}",
            *changed,
            *([f"only in one of the runs: {', '.join(alone)}"] if alone else []),
        ]
    )


def filled(page: str, name: str, content: str) -> str:
    """The page with what stands between the markers of this name exchanged; markers are added where missing."""
    begin, end = f"<!-- measured: {name} -->", f"<!-- end: {name} -->"
    block = f"{begin}\n{content}\n{end}"
    if begin not in page:
        return f"{page.rstrip()}\n\n{block}\n"
    return re.sub(re.escape(begin) + r".*?" + re.escape(end), lambda _: block, page, flags=re.DOTALL)
