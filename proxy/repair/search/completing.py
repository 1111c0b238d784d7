"""A submitted plan completed from another plan for the same goal: steps are added, nothing asked for changes. Pure."""

from __future__ import annotations

from dataclasses import replace

from schemas.catalog import Json, as_list, as_object, canonical
from schemas.plan import Plan, Ref, Step, as_ref, is_ref, walk


def completed(plan: Plan, other: Plan) -> Plan | None:
    """The plan with the steps that only the other one has, wired as there; None where the two differ in more.

    Each step of the plan must have its own counterpart: the same tool, and every literal of it equal.
    """
    mine: dict[str, Step] = {}
    for step in plan.steps:
        twin = next((each for each in other.steps if each.id not in mine and _same_tool(step, each)), None)
        if twin is None or not _keeps(step, twin):
            return None
        mine[twin.id] = step
    if len(other.steps) == len(plan.steps):
        return None
    taken = {step.id for step in plan.steps}
    names = {each.id: mine[each.id].id if each.id in mine else _free(each.id, taken) for each in other.steps}
    steps = tuple(replace(each, id=names[each.id], arguments=_renamed(each.arguments, names)) for each in other.steps)
    return replace(plan, steps=steps)


def _same_tool(step: Step, other: Step) -> bool:
    return (step.server, step.tool) == (other.server, other.tool)


def _keeps(step: Step, other: Step) -> bool:
    """Tell whether every literal of a step stands in the other one at the same place."""
    theirs = {where: _number(value) for where, value in walk(other.arguments)}
    return all(
        theirs.get(where) == _number(value)
        for where, value in walk(step.arguments)
        if not isinstance(value, dict | list)
    )


def _number(value: Json) -> str:
    counts = isinstance(value, int | float) and not isinstance(value, bool)
    return canonical(float(value)) if counts else canonical(value)


def _free(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_"
    return name


def _renamed(value: Json, names: dict[str, str]) -> Json:
    ref = as_ref(value)
    if ref is not None and is_ref(value):
        return Ref(names.get(ref.step, ref.step), ref.path).json()
    keys = as_object(value)
    if keys is not None:
        return {key: _renamed(inner, names) for key, inner in keys.items()}
    items = as_list(value)
    return value if items is None else [_renamed(inner, names) for inner in items]
