"""Apply edits to a plan.

Pure. `apply` returns a new plan that is acyclic and whose references name steps it has wherever that was so before,
or an `Inapplicable` that says why not.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from proxy.repair.view.step import OUTPUT
from proxy.repair.view.values import MISSING, inside, mapped, replaced
from schemas.catalog import Json, as_list, as_object
from schemas.edit import (
    AddStep,
    AtPlace,
    BindReference,
    Dedupe,
    DropArgument,
    Edit,
    InsertValidator,
    MapStep,
    PutValue,
    RemoveStep,
    RenameArgument,
    RepathReference,
    SwapTool,
)
from schemas.plan import INTERPOLATION, Location, Plan, Ref, Step, as_ref, refs_in


@dataclass(frozen=True)
class Inapplicable:
    """Why an edit cannot be applied to this plan."""

    edit: Edit
    why: str


def apply(plan: Plan, edits: Iterable[Edit]) -> Plan | Inapplicable:
    """Apply edits one after another, all or none."""
    for edit in edits:
        changed = _apply_one(plan, edit)
        if isinstance(changed, str):
            return Inapplicable(edit, changed)
        broken = _breaks(plan, changed)
        if broken:
            return Inapplicable(edit, broken)
        plan = changed
    return plan


def _breaks(before: Plan, after: Plan) -> str:
    if after.cycle and not before.cycle:
        return "it would make steps wait for one another"
    fresh = dangling(after) - dangling(before)
    return f"it would leave references to a step that is not there: {', '.join(sorted(fresh))}" if fresh else ""


def dangling(plan: Plan) -> set[str]:
    """Names of steps that are referred to but not there."""
    ids = plan.by_id
    named = {name for names in plan.needs for name in names}
    named |= {ref.step for _, ref in refs_in(plan.output, ids)}
    return named - set(ids)


def _apply_one(plan: Plan, edit: Edit) -> Plan | str:
    output = edit.step == OUTPUT
    step = Step(OUTPUT, "", plan.output) if output else plan.by_id.get(edit.step)
    if step is None:
        return f"there is no step {edit.step!r}"
    match edit:
        case AddStep():
            return _add(plan, edit)
        case Dedupe():
            return _dedupe(plan, edit)
        case RemoveStep():
            return replace(plan, steps=tuple(other for other in plan.steps if other.id != step.id))
        case SwapTool():
            changed = replace(step, server=edit.server, tool=edit.tool)
        case MapStep():
            changed = replace(step, map=edit.argument)
        case InsertValidator():
            changed = replace(step, expect=edit.schema)
        case AtPlace():
            changed = _rewritten(step, edit)
    if isinstance(changed, str):
        return changed
    return replace(plan, output=changed.arguments) if output else plan.with_step(changed)


def _rewritten(
    step: Step, edit: PutValue | RenameArgument | DropArgument | BindReference | RepathReference
) -> Step | str:
    """The step, or the output as one, with its arguments changed at one place; a text says why not."""
    if not _reachable(step.arguments, edit.at):
        return "there is no such place in its arguments"
    found = inside(step.arguments, edit.at)
    match edit:
        case RenameArgument():
            return _rename(step, edit)
        case PutValue():
            value: Json = edit.value
        case DropArgument():
            value = MISSING
        case BindReference():
            value = edit.ref.json()
        case RepathReference():
            value = _repathed(found, edit.path)
    if value is MISSING and (not edit.at or found is MISSING):
        return "there is no such argument"
    return replace(step, arguments=replaced(step.arguments, edit.at, value))


def _repathed(value: Json, path: str) -> Json:
    ref = as_ref(value)
    if ref is not None:
        return Ref(ref.step, path).json()
    if isinstance(value, str) and len(INTERPOLATION.findall(value)) == 1:
        return INTERPOLATION.sub(lambda match: _written(Ref(match[1], path)), value)
    return MISSING


def _rename(step: Step, edit: RenameArgument) -> Step | str:
    parent = as_object(inside(step.arguments, edit.at[:-1])) if edit.at else None
    if parent is None or edit.at[-1] not in parent:
        return "there is no such argument"
    if edit.name in parent:
        return f"the argument {edit.name!r} is there already"
    renamed = {(edit.name if key == edit.at[-1] else key): value for key, value in parent.items()}
    return replace(step, arguments=replaced(step.arguments, edit.at[:-1], renamed))


def _reachable(container: Json, where: Location) -> bool:
    """Tell whether a place can be written to: every list has its item, and nothing on the way is a plain value."""
    for part in where:
        keys, items = as_object(container), as_list(container)
        if items is not None and isinstance(part, int) and 0 <= part < len(items):
            container = items[part]
        elif keys is not None and isinstance(part, str) and as_ref(container) is None:
            container = keys.get(part, {})
        else:
            return False
    return True


def _add(plan: Plan, edit: AddStep) -> Plan | str:
    if edit.new.id in plan.by_id:
        return f"the step id {edit.new.id!r} is taken"
    at = next((index for index, step in enumerate(plan.steps) if step.id == edit.before), len(plan.steps))
    return replace(plan, steps=(*plan.steps[:at], edit.new, *plan.steps[at:]))


def _dedupe(plan: Plan, edit: Dedupe) -> Plan | str:
    if edit.step == edit.keep:
        return replace(plan, steps=tuple(plan.by_id.values()))
    if edit.keep not in plan.by_id:
        return "there is no such pair of steps"
    kept = (step for step in plan.steps if step.id != edit.step)
    return replace(
        plan,
        steps=tuple(_waiting_for(edit.keep, edit.step, step) for step in kept),
        output=redirected(plan.output, edit.step, edit.keep),
    )


def _waiting_for(new: str, old: str, step: Step) -> Step:
    """A step that refers to, and comes after, another step than before; itself it does not wait for."""
    after = dict.fromkeys(new if name == old else name for name in step.after if name != step.id)
    return replace(step, arguments=redirected(step.arguments, old, new), after=tuple(after))


def redirected(value: Json, old: str, new: str) -> Json:
    """A copy of a value with every reference to one step pointing at another."""

    def change(inner: Json, _: Location) -> Json:
        ref = as_ref(inner)
        if ref is not None:
            return Ref(new if ref.step == old else ref.step, ref.path).json()
        if not isinstance(inner, str):
            return inner
        return INTERPOLATION.sub(lambda at: _written(Ref(new, at[2] or "")) if at[1] == old else at[0], inner)

    return mapped(value, change)


def _written(ref: Ref) -> str:
    return "{{" + ref.step + (f".{ref.path}" if ref.path else "") + "}}"


def touched(edit: Edit) -> frozenset[str]:
    """Names of the top-level arguments that an edit changes; empty for edits of the step as a whole."""
    if isinstance(edit, MapStep):
        return frozenset({edit.argument})
    heads = map(str, edit.at[:1] if isinstance(edit, AtPlace) else ())
    return frozenset({*heads, *([edit.name] if isinstance(edit, RenameArgument) else [])})
