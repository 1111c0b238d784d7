"""Validators for results that nobody has seen yet: what a step must return for those that read it to be callable.

Pure (arXiv 2606.12674, typed workflow graph: validators). A step that is given another tool or another argument on a
guess is held against the references into it, so that a wrong guess fails where it was made, before a dependent step
acts on its result. A step as it was submitted never gets one: a sound plan stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from proxy.repair.edits import Inapplicable, apply
from proxy.repair.search.propose import Repair
from proxy.repair.view.order import reads_only
from proxy.repair.view.schema import at_location, types_of
from proxy.repair.view.step import OUTPUT, Evidence
from proxy.repair.view.values import segments
from schemas.catalog import Tool
from schemas.edit import Confidence, InsertValidator, Proposal
from schemas.plan import Plan, Ref, Step, as_ref, refs_in, walk

_SCALARS = ["string", "number", "boolean"]


def expected(plan: Plan, producer: str, evidence: Evidence) -> dict[str, Any] | None:
    """The JSON Schema that a step's result must satisfy for every reference into it to find a value; None: any result.

    It asks for the places that are read and that a plain value stands where a plain value is wanted, no more: a
    number written as text still satisfies it.
    """
    shape: dict[str, Any] = {}
    for ref, leaf in _readings(plan, producer, evidence):
        _demand(shape, segments(ref.path), leaf)
    return shape or None


def _readings(plan: Plan, producer: str, evidence: Evidence) -> Iterator[tuple[Ref, dict[str, Any]]]:
    """Every reference with a path into a step, and what its reader takes there."""
    ids = plan.by_id
    for step in plan.steps:
        tool = evidence.catalog.origin(step.server or "", step.tool)
        whole = {at for at, value in walk(step.arguments) if as_ref(value) is not None}
        for where, ref in step.refs(ids):
            if ref.step == producer and ref.path:
                yield ref, _leaf(tool, where) if where in whole else {"type": _SCALARS}
    for _, ref in refs_in(plan.output, ids):
        if ref.step == producer and ref.path:
            yield ref, {}


def _leaf(tool: Tool | None, where: tuple[str | int, ...]) -> dict[str, Any]:
    wanted = types_of(at_location(tool.schema, tool.schema, where), tool.schema) if tool is not None else set[str]()
    plain = bool(wanted) and wanted <= {"string", "number", "integer", "boolean"}
    return {"type": _SCALARS} if plain else {}


def _demand(shape: dict[str, Any], path: list[str], leaf: dict[str, Any]) -> None:
    """Add one place to a shape."""
    for part in path:
        number = part.removeprefix("-") if part.startswith("-") else part
        if number.isdigit():
            shape["type"] = "array"
            shape["minItems"] = max(int(number) + (number is part), shape.get("minItems", 0))
            shape = _item(shape, int(part)) if number is part else {}
        else:
            shape["type"] = "object"
            names: list[str] = shape.setdefault("required", [])
            if part not in names:
                names.append(part)
            shape = shape.setdefault("properties", {}).setdefault(part, {})
    for key, value in leaf.items():
        shape.setdefault(key, value)


def _item(shape: dict[str, Any], index: int) -> dict[str, Any]:
    items: list[dict[str, Any]] = shape.setdefault("prefixItems", [])
    items.extend({} for _ in range(index + 1 - len(items)))
    return items[index]


def guarded(option: Repair, producer: str, evidence: Evidence) -> Repair | None:
    """The same repair with a validator on the step it changes; None where there is nothing to hold it against.

    Only a guess about a step that changes nothing is guarded: what has had an effect cannot be taken back by refusing
    its result.
    """
    step = option.plan.by_id.get(producer)
    tool = evidence.catalog.origin(step.server or "", step.tool) if step is not None else None
    if step is None or tool is None or producer == OUTPUT or option.confidence is not Confidence.GUESS:
        return None
    shape = expected(option.plan, producer, evidence)
    if shape is None or step.map is not None or not reads_only(tool):
        return None
    if step.expect is not None:
        shape = {"allOf": [dict(step.expect), shape]}
    edit = InsertValidator(producer, shape)
    plan = apply(option.plan, (edit,))
    if isinstance(plan, Inapplicable):
        return None
    readers = ", ".join(repr(reader.id) for reader in readers_of(plan, producer)) or "the output"
    why = f"{readers} can only run on a result of this shape"
    made = Proposal(option.proposals[-1].problem, (edit,), "expected_by_readers", why, Confidence.EVIDENT)
    return replace(option, plan=plan, proposals=(*option.proposals, made))


def readers_of(plan: Plan, producer: str) -> tuple[Step, ...]:
    """The steps that refer to a step's result."""
    ids = plan.by_id
    return tuple(step for step in plan.steps if any(ref.step == producer for _, ref in step.refs(ids)))
