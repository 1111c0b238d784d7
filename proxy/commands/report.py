"""A report as a person reads it in a terminal. Pure text in, text out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from proxy.commands.log.text import brief, coloured
from proxy.repair.view.shown import one_line
from proxy.store.diff import unified
from schemas.catalog import as_list, as_object
from schemas.report import RepairReport, Report

_COLOURS = {"succeeded": "green", "repaired": "green", "suggested": "yellow", "failed": "red"}


def told(report: Report, submitted: Any) -> str:
    """The whole report: what came out, from which calls, what was changed and why, and what is still wrong."""
    return "\n".join(
        [
            *_repairs(report, submitted),
            *_steps(report),
            *_problems(report),
            *_ending(report),
        ]
    )


def _repairs(report: Report, submitted: Any) -> Iterator[str]:
    if not report.repairs:
        return
    yield click.style("suggested" if report.status == "suggested" else "repaired", bold=True)
    for repair in report.repairs:
        yield f"  {repair.step}: {_change(repair)}"
        yield click.style(f"      {repair.rule} ({repair.confidence}): {repair.evidence}", dim=True)
    yield ""
    yield coloured(unified(_ordered(submitted), _ordered(report.plan)))
    yield ""


def _ordered(plan: Any) -> Any:
    """The plan with the keys of its steps in one order, so that only real changes show."""
    keys = as_object(plan)
    steps = as_list(keys.get("steps")) if keys is not None else None
    if keys is None or steps is None:
        return plan
    return {**keys, "steps": [_first(as_object(step), step) for step in steps]}


def _first(keys: dict[str, Any] | None, step: Any) -> Any:
    if keys is None:
        return step
    return {key: keys[key] for key in ("id", "server", "tool") if key in keys} | keys


def _change(repair: RepairReport) -> str:
    return f"{repair.op}  {brief(repair.before, 100)} → {brief(repair.after, 100)}"


def _steps(report: Report) -> Iterator[str]:
    if not report.steps:
        return
    yield click.style("steps", bold=True)
    for step in report.steps:
        mark = click.style("ok  ", fg="green") if step.ok else click.style("FAIL", fg="red")
        where = one_line(f"{step.server}/{step.tool}" if step.server else step.tool)
        yield f"  {mark} {step.id}: {where}({brief(step.arguments, 100)}) → {brief(step.result, 100)}"
        if step.call_id:
            reused = ", reused" if step.reused else ""
            yield click.style(f"       {step.call_id}, {step.effect}, {step.ms:.0f} ms{reused}", dim=True)
    yield ""


def _problems(report: Report) -> Iterator[str]:
    if not report.problems:
        return
    yield click.style("still wrong", bold=True, fg="red")
    for problem in report.problems:
        place = f" at {problem.path}" if problem.path else ""
        yield f"  {problem.step or 'plan'}{place}: {problem.message}"
        if problem.candidates:
            yield f"      perhaps: {', '.join(problem.candidates)}"
    yield ""


def _ending(report: Report) -> Iterator[str]:
    search = report.search
    yield click.style(report.status, bold=True, fg=_COLOURS[report.status]) + f": {search.stop}"
    if report.output is not None:
        yield f"output: {report.output if isinstance(report.output, str) else brief(report.output, 2000)}"
    asked = f"{search.planner_calls} questions to {search.planner}, " if search.planner else ""
    yield click.style(
        f"{asked}{search.upstream_calls} upstream calls, {search.candidates} candidates, {search.seconds:.2f} s, "
        f"score {report.score.total:.2f}; more with: mcp-mend log show {report.repair_id}",
        dim=True,
    )
