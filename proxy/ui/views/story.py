"""One run as a story: what came in, what was wrong, what was changed and why, what ran, and where the output is from.

Pure: from a run as `proxy.store.reader` gives it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from proxy.repair.view.order import final_steps
from proxy.repair.view.shown import all_shown, json_text, whole
from proxy.store.diff import changes, unified
from proxy.ui.views import graph, search
from schemas.catalog import as_list, as_object
from schemas.plan import Plan, refs_in, walk

Run = Mapping[str, Any]


def story(run: Run) -> dict[str, Any]:
    """Everything that the template of a run shows."""
    run = all_shown(dict(run))
    report: Mapping[str, Any] = as_object(run.get("report")) or {}
    before, after = graph.plan_of(run["plan_before"]), graph.plan_of(run["plan_after"])
    made: dict[str, Any] = {"before": None, "after": None}
    if before is not None and after is not None:
        lost, gained = graph.marks(before, after)
        made["before"] = graph.drawn(before, lost, _first_ended(run))
        made["after"] = graph.drawn(after, gained, _ended(run, report))
    tried: list[Mapping[str, Any]] = as_list(run.get("tried")) or []
    return {
        "run": run,
        "title": _title(run, before),
        "kept": before is not None,
        "graphs": made if run["plan_before"] != run["plan_after"] or run["kind"] == "workflow" else None,
        "came": text_of(run["plan_before"]),
        "diff": list(diff_lines(run["plan_before"], run["plan_after"])),
        "changes": [_change(one) for one in changes(run)],
        "tree": search.tree(tried),
        "chart": search.chart(tried),
        "search": report.get("search"),
        "score": report.get("score"),
        "ran": _ran(run, report),
        "output": text_of(report["output"]) if report.get("output") is not None else "",
        "sources": list(_sources(after, report)),
        "suggestions": list(_suggestions(run, report)),
        "uncovered": as_list(report.get("uncovered")) or [],
    }


def text_of(value: Any) -> str:
    """A JSON value as indented text; a text as it is."""
    return whole(value if isinstance(value, str) else json_text(value, indent=2))


def diff_lines(before: Any, after: Any) -> Iterator[dict[str, str]]:
    """The lines of what differs between two plans."""
    return diff_of(_in_order(before), _in_order(after))


def diff_of(before: Any, after: Any) -> Iterator[dict[str, str]]:
    """The lines of a unified diff of two JSON values, each with its kind: added, removed, place or same."""
    kinds = {"+": "added", "-": "removed", "@": "place"}
    for line in unified(before, after).splitlines()[2:]:
        yield {"kind": kinds.get(line[:1], "same"), "text": line}


def _in_order(plan: Any) -> Any:
    """The plan with the keys of its steps in one order, so that only real changes show."""
    keys = as_object(plan)
    steps = as_list((keys or {}).get("steps"))
    if keys is None or steps is None:
        return plan
    first = ("id", "server", "tool")
    read = [as_object(step) or {} for step in steps]
    return {**keys, "steps": [{key: step[key] for key in first if key in step} | step for step in read]}


def _title(run: Run, plan: Plan | None) -> str:
    if plan is None or not plan.steps:
        return "a call" if run["kind"] == "repair" else "a workflow"
    if run["kind"] == "repair":
        return plan.steps[0].tool
    return plan.goal or ", ".join(dict.fromkeys(step.tool for step in plan.steps))


def _change(one: Mapping[str, Any]) -> dict[str, Any]:
    return {**one, "before": short(one["before"]), "after": short(one["after"])}


def short(value: Any, longest: int = 160) -> str:
    """A value on one line, cut."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return whole(text if len(text) <= longest else f"{text[: longest - 1]}…")


def _ended(run: Run, report: Mapping[str, Any]) -> dict[str, str]:
    """How each step ended: by the report, else by its last call."""
    steps: Sequence[Mapping[str, Any]] = as_list(report.get("steps")) or []
    told = {str(step["id"]): "ok" if step["ok"] else "failed" for step in steps}
    called = {str(call["step"]): "ok" if call["outcome"] == "ok" else "failed" for call in run["sent"]}
    return told or called


def _first_ended(run: Run) -> dict[str, str]:
    """How the first call of each step ended; a step that a problem was found with failed before any."""
    wrong: Sequence[Mapping[str, Any]] = run["found"] or (run["problems"] if run["kind"] == "repair" else [])
    found = {str(one["step"]): "failed" for one in wrong}
    ended: dict[str, str] = {}
    for call in run["sent"]:
        ended.setdefault(str(call["step"]), "ok" if call["outcome"] == "ok" else "failed")
    return {**ended, **found}


def _ran(run: Run, report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every call in the order it was sent; those whose result the final plan stands on are marked."""
    steps: Sequence[Mapping[str, Any]] = as_list(report.get("steps")) or []
    stands = {step["call_id"]: "reused" if step["reused"] else "used" for step in steps if step["call_id"]}
    return [
        {**call, "arguments": short(call["arguments"]), "stands": stands.get(call["call_id"], "")}
        for call in run["sent"]
    ]


def _sources(plan: Plan | None, report: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Each value of the output, with the step and the call that it comes from."""
    if plan is None or report.get("output") is None:
        return
    steps: dict[str, Mapping[str, Any]] = {step["id"]: step for step in as_list(report.get("steps")) or []}
    if plan.output is not None:
        pointed = [(at, ref.step, ref.path) for at, ref in refs_in(plan.output, plan.by_id)]
    else:
        finals = [step.id for step in final_steps(plan)]
        pointed = [((name,) if len(finals) > 1 else (), name, "") for name in finals]
    values = dict(walk(report["output"]))
    for at, name, path in pointed:
        step = steps.get(name, {})
        yield {
            "place": "/".join(map(str, at)) or "output",
            "value": short(values.get(at)),
            "step": name,
            "path": path,
            "tool": step.get("tool", ""),
            "server": step.get("server") or "",
            "call_id": step.get("call_id"),
        }


def _suggestions(run: Run, report: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """What was not done, each as a text that can be copied."""
    if run["status"] == "suggested" and run["plan_after"] is not None:
        steps = as_list((as_object(run["plan_after"]) or {}).get("steps")) or []
        alone = run["kind"] == "repair" and len(steps) == 1
        written: Any = {key: steps[0].get(key) for key in ("tool", "arguments")} if alone else run["plan_after"]
        why = "; ".join(dict.fromkeys(str(one["evidence"]) for one in run["repairs"] if one["evidence"]))
        yield {"title": "The nearest repair, not sent", "why": why, "text": text_of(written)}
    for other in as_list(report.get("alternatives")) or []:
        told = "; ".join(f"{one['step']}: {one['op']} {short(one['after'], 80)}" for one in other["repairs"])
        yield {"title": f"Also ran to the end: {told}", "why": other["why"], "text": text_of(other["output"])}
    left: Sequence[Mapping[str, Any]] = run["problems"] if run["status"] != "repaired" else []
    for problem in left:
        candidates = as_list(problem["candidates"]) or []
        if candidates:
            text = "\n".join(map(str, candidates))
            yield {"title": f"{problem['step']}: {problem['message']}", "why": "nearest candidates", "text": text}
