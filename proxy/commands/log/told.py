"""One entry of the journal in a few words: what was done, what was changed, why it failed. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from proxy.commands.log.text import brief, clock, first_line, status
from proxy.repair.view.shown import one_line
from schemas.catalog import as_object


def what(entry: Mapping[str, Any], *, ops: bool = True) -> str:
    """What there is to say of an entry beside its names, its outcome and its time; a run has its `repairs`.

    `ops` names the operation of each change.
    """
    if entry["kind"] == "call":
        of = f"{entry['repair_id']} {entry['step'] or ''}".strip() if entry["repair_id"] else ""
        return of or first_line(entry["message"])
    edits = "; ".join(edit(one, ops=ops) for one in entry.get("repairs") or ())
    failed = first_line(entry["error_after"])
    plan = as_object(entry["plan_after"] or entry["plan_before"]) or {}
    said = ", ".join(part for part in (edits, failed and f"still: {failed}") if part)
    return said or first_line(entry["error_before"]) or str(plan.get("goal") or "")


def edit(repair: Mapping[str, Any], *, ops: bool = True) -> str:
    """A change as `before -> after`: of a renamed argument its names, of another its value."""
    before, after = repair.get("value_before"), repair.get("value_after")
    op = f"{repair.get('op')} " if ops else ""
    old, new = _only(before), _only(after)
    if old is not None and new is not None and old[0] == new[0]:
        return f"{op}{old[0]}: {brief(old[1], 30)} -> {brief(new[1], 30)}"
    if old is not None and new is not None and old[1] == new[1]:
        return f"{op}{old[0]} -> {new[0]}"
    if repair.get("op") == "swap_tool" and isinstance(before, str) and isinstance(after, str):
        return f"{op}{before} -> {after if ops else after.rpartition('/')[2]}"
    return f"{op}{brief(before, 40)} -> {brief(after, 40)}"


def _only(value: Any) -> tuple[str, Any] | None:
    """The one key of an object, as an argument's name, with its value."""
    keys = as_object(value) or {}
    return next(((name.lstrip("/"), inner) for name, inner in keys.items()), None) if len(keys) == 1 else None


def subject(entry: Mapping[str, Any]) -> tuple[str, str]:
    """The server and the tool that an entry is about; of a plan of several steps, how many."""
    if entry["kind"] == "call":
        return entry["server"], entry["tool"]
    plan: dict[str, Any] = as_object(entry["plan_after"] or entry["plan_before"]) or {}
    steps: list[dict[str, Any]] = plan.get("steps") or []
    if len(steps) == 1:
        return steps[0].get("server") or "", steps[0].get("tool") or ""
    return "", f"{len(steps)} steps"


def took(entry: Mapping[str, Any]) -> float:
    """Milliseconds."""
    return entry["ms"] if entry["kind"] == "call" else entry["seconds"] * 1000


def sentence(entry: Mapping[str, Any]) -> str:
    """An entry on one line, as `log watch` prints it."""
    outcome = entry["outcome"] if entry["kind"] == "call" else entry["status"]
    named = one_line(" ".join(part for part in subject(entry) if part))
    ident = entry["call_id"] if entry["kind"] == "call" else entry["repair_id"]
    said = one_line(what(entry))
    waited = entry.get("start_ms") or 0.0
    more = f" (after {_time(waited)} for the server's start)" if waited >= 1 else ""
    head = f"{clock(entry['at'])}  {entry['kind']:<8}  {named}  {status(outcome)}, {_time(took(entry))}{more}"
    return f"{head}  {ident}" + (f"\n          {said}" if said else "")


def _time(ms: float) -> str:
    return f"{ms:.0f} ms" if ms < 1000 else f"{ms / 1000:.1f} s"
