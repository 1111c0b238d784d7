"""Joins the steps of a plan that a small model wrote side by side. Pure.

Such a model lets one step convert a value and then gives the old value to the next one. Where a step's result is
read by nobody and exactly one later argument repeats a literal that the step was given, that argument meant the
result. Which part of it is left open: what the step really returns decides that later.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from schemas.catalog import Json, as_object
from schemas.plan import Plan, Ref, Step

SHORT = 3
"""Letters of a text below which a repetition says nothing."""


def join_steps(plan: Plan) -> Plan:
    """The plan with every such argument turned into a reference; the plan itself where there is none."""
    for index in range(len(plan.steps) - 1):
        step = plan.steps[index]
        if step.id in _read(plan):
            continue
        meant = list(_repetitions(step, plan.steps[index + 1 :]))
        if len(meant) == 1:
            plan = _bound(plan, *meant[0], step.id)
    return plan


def _read(plan: Plan) -> set[str]:
    """Ids of the steps whose results somebody reads."""
    ids = plan.by_id
    return {ref.step for step in plan.steps for _, ref in step.refs(ids)}


def _repetitions(step: Step, later: Sequence[Step]) -> Iterator[tuple[Step, str]]:
    """Later steps of other tools, and their arguments, that repeat a distinctive literal of this step."""
    given = [value for value in (as_object(step.arguments) or {}).values() if _distinctive(value)]
    for other in later:
        if other.tool == step.tool:
            continue
        for name, value in (as_object(other.arguments) or {}).items():
            if _distinctive(value) and value in given:
                yield other, name


def _distinctive(value: Json) -> bool:
    if isinstance(value, str):
        return len(value) >= SHORT
    return isinstance(value, int | float) and not isinstance(value, bool)


def _bound(plan: Plan, step: Step, name: str, source: str) -> Plan:
    arguments = {**(as_object(step.arguments) or {}), name: Ref(source).json()}
    return plan.with_step(replace(step, arguments=arguments))
