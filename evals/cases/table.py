"""Tables for people: one run, and one run beside an earlier one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from evals.cases.outcome import Outcome, Row, grouped, row, rows

_COLUMNS: tuple[tuple[str, Callable[[Row], str]], ...] = (
    ("group", lambda r: r.group),
    ("cases", lambda r: str(r.cases)),
    ("right", lambda r: f"{r.right} ({_share(r.right, r.cases)})"),
    ("feasible", lambda r: str(r.feasible)),
    ("wrong claimed", lambda r: str(r.wrong)),
    ("abstained", lambda r: str(r.abstained)),
    ("suggested right", lambda r: str(r.suggested) if r.suggested else "-"),
    ("crashed", lambda r: str(r.crashed) if r.crashed else "-"),
    ("untouched", lambda r: f"{r.untouched}/{r.controls}" if r.controls else "-"),
    ("calls/gold", lambda r: "-" if r.calls_per_gold is None else f"{r.calls_per_gold:.2f}"),
    ("effects repeated", lambda r: str(r.effects_repeated) if r.effects_repeated else "-"),
    ("candidates", lambda r: f"{r.candidates:.1f}" if r.candidates else "-"),
    ("s (p50)", lambda r: f"{r.seconds:.3f}"),
)


def table(outcomes: Sequence[Outcome], *, detail: bool = False) -> str:
    """One line per group; groups with a colon in their name only in detail."""
    head = [name for name, _ in _COLUMNS]
    shown = sorted((each for each in rows(outcomes) if detail or ":" not in each.group), key=_order)
    return _aligned([head, *([cell(each) for _, cell in _COLUMNS] for each in shown)])


def _order(each: Row) -> tuple[str, bool, str]:
    return each.group.split("/")[0], ":" in each.group, each.group


def comparison(before: Sequence[Outcome], after: Sequence[Outcome], *, detail: bool = False) -> str:
    """Per group the figures of both runs over the cases that both have, then every case that changed."""
    shared = {outcome.id for outcome in before} & {outcome.id for outcome in after}
    old = grouped(outcome for outcome in before if outcome.id in shared)
    new = grouped(outcome for outcome in after if outcome.id in shared)
    lines = [["group", "cases", "right", "wrong claimed", "abstained", "calls/gold", "s (p50)"]]
    lines += [
        _beside(row(group, old[group]), row(group, new[group]))
        for group in new
        if group in old and (detail or ":" not in group)
    ]
    return "\n".join([_aligned(lines), *_changes({o.id: o for o in before}, {o.id: o for o in after})])


def _beside(old: Row, new: Row) -> list[str]:
    return [
        new.group,
        str(new.cases),
        f"{old.right} -> {new.right}",
        f"{old.wrong} -> {new.wrong}",
        f"{old.abstained} -> {new.abstained}",
        f"{old.calls_per_gold or 0:.2f} -> {new.calls_per_gold or 0:.2f}",
        f"{old.seconds:.3f} -> {new.seconds:.3f}",
    ]


def _changes(before: Mapping[str, Outcome], after: Mapping[str, Outcome]) -> list[str]:
    changed = [
        f"  {id_}: {before[id_].verdict} -> {outcome.verdict}"
        for id_, outcome in after.items()
        if id_ in before and before[id_].verdict != outcome.verdict
    ]
    alone = sorted(before.keys() ^ after.keys())
    return [
        f"changed: {len(changed)}",
        *changed,
        *([f"only in one of the runs: {', '.join(alone)}"] if alone else []),
    ]


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f}%" if whole else "-"


def _aligned(lines: Sequence[Sequence[str]]) -> str:
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n".join("  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])]) for line in lines)
