"""Tables for people: one run, one run beside an earlier one, and Markdown for docs/search.md."""

from __future__ import annotations

import re
import statistics
from collections.abc import Callable, Mapping, Sequence

from evals.cases.outcome import Outcome, grouped

Outcomes = Sequence[Outcome]


def _count(found: Outcomes, verdict: str) -> int:
    return sum(outcome.verdict == verdict for outcome in found)


def _share(part: int, found: Outcomes) -> str:
    return f"{part} ({100 * part / len(found):.0f}%)"


def _untouched(found: Outcomes) -> str:
    controls = [outcome.untouched for outcome in found if outcome.untouched is not None]
    return f"{sum(controls)}/{len(controls)}" if controls else ""


def _calls(found: Outcomes) -> str:
    gold = sum(outcome.gold_calls for outcome in found)
    return f"{sum(outcome.calls for outcome in found) / gold:.2f}" if gold else ""


def _candidates(found: Outcomes) -> str:
    mean = statistics.fmean(outcome.candidates for outcome in found)
    return f"{mean:.1f}" if mean else ""


_COLUMNS: Mapping[str, Callable[[Outcomes], str]] = {
    "cases": lambda found: str(len(found)),
    "right": lambda found: _share(_count(found, "right"), found),
    "feasible": lambda found: _share(sum(outcome.feasible for outcome in found), found),
    "wrong claimed": lambda found: str(_count(found, "wrong")),
    "abstained": lambda found: str(_count(found, "abstained")),
    "crashed": lambda found: str(_count(found, "crashed") or ""),
    "suggested right": lambda found: str(sum(outcome.suggested for outcome in found) or ""),
    "untouched": _untouched,
    "calls/gold step": _calls,
    "effects repeated": lambda found: str(sum(outcome.effects_repeated for outcome in found) or ""),
    "candidates": _candidates,
    "s (p50)": lambda found: f"{statistics.median(outcome.seconds for outcome in found):.3f}",
}
_SELDOM = ("crashed", "suggested right", "effects repeated")
"""Columns of single calls and effects, which a table of plans goes without."""


def markdown(groups: Mapping[str, Outcomes], leave_out: Sequence[str] = _SELDOM) -> str:
    """One row per group."""
    columns = [name for name in _COLUMNS if name not in leave_out]
    lines = [["", *columns], ["---", *("---:" for _ in columns)]]
    lines += [[name, *(_COLUMNS[each](found) for each in columns)] for name, found in groups.items()]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def table(outcomes: Outcomes, *, detail: bool = False) -> str:
    """One row per group in order of name; groups with a colon in their name only in detail."""
    groups = grouped(outcomes)
    shown = sorted((name for name in groups if detail or ":" not in name), key=lambda n: (n.split("/")[0], ":" in n, n))
    return markdown({name: groups[name] for name in shown}, leave_out=())


def comparison(before: Outcomes, after: Outcomes, *, detail: bool = False) -> str:
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
