"""What no repair may do, however sure it is: lose what was asked for, add an effect, carry a value elsewhere.

Pure. `objection` is asked of every set of edits before it becomes a candidate; `carries` and `adds` once more of every
step before it is sent, when the values that its references stand for are known. The rules on sending twice are in
`effects`, those on names in `catalog_cache.names`; docs/safety.md says all of them in words.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from catalog_cache.letters import same
from catalog_cache.names import owner, resolve
from proxy.repair.edits import Inapplicable, apply
from proxy.repair.read.diagnose import reading_of, view_of
from proxy.repair.view.scalars import NOTHING, read_json
from proxy.repair.view.schema import allowed_values, property_names
from proxy.repair.view.step import Evidence, StepView
from proxy.repair.view.values import MISSING, at, inside, is_number
from proxy.repair.view.words import likeness
from schemas.catalog import Catalog, Effect, Json, Tool, as_list, as_object, canonical, same_numbers
from schemas.edit import (
    BindReference,
    CoerceArgument,
    Confidence,
    DropArgument,
    Edit,
    Proposal,
    RemoveStep,
    SetArgument,
    SwapTool,
    UnwrapValue,
    WrapValue,
)
from schemas.plan import INTERPOLATION, Location, Plan, Ref, Step, as_ref, same_call, walk

NEAR = 0.6
"""Likeness from which a tool of the named server may have been meant."""


def objection(submitted: Plan, plan: Plan, proposals: Sequence[Proposal], evidence: Evidence) -> str:
    """Say which law the edits of `proposals` on a plan would break; "" where none.

    `submitted` is the plan as the client wrote it, whose steps and values are those that were asked for.
    """
    touched, changed = set[str](), set[str]()
    for proposal in proposals:
        whole = apply(plan, proposal.edits)
        end = plan if isinstance(whole, Inapplicable) else whole
        for edit in proposal.edits:
            why = _loses(submitted, plan, edit, proposal, evidence, end)
            after = apply(plan, (edit,))
            if why:
                return why
            if isinstance(after, Inapplicable):
                return after.why
            plan = after
            touched.add(edit.step)
            if not isinstance(edit, SwapTool) or proposal.confidence is not Confidence.LOSSLESS:
                changed.add(edit.step)
    for name in touched & plan.by_id.keys():
        if why := _repeats(submitted, view_of(plan, plan.by_id[name], evidence)):
            return why
    for name in changed & plan.by_id.keys():
        here = view_of(plan, plan.by_id[name], evidence)
        why = _left_over(here, submitted.by_id.get(name)) or adds(submitted, here) or carries(submitted, here)
        if why:
            return why
    return ""


def _repeats(submitted: Plan, here: StepView) -> str:
    """Why a step must not become the call that another one is, with an effect; "" where it may, or was asked for."""
    asked, tool = submitted.by_id.get(here.step.id), here.tool
    if tool is None or tool.effect is Effect.READ:
        return ""
    for other in here.plan.steps:
        if other.id == here.step.id or not same_call(
            replace(other, tool=here.step.tool, server=here.step.server), here.step
        ):
            continue
        twin = submitted.by_id.get(other.id)
        meant = asked is not None and twin is not None and same_call(asked, twin)
        if not meant and view_of(here.plan, other, here.evidence).tool is tool:
            return f"it would be the call of {other.id!r} once more"
    return ""


def _loses(submitted: Plan, plan: Plan, edit: Edit, proposal: Proposal, evidence: Evidence, end: Plan) -> str:
    """Why an edit loses something that was asked for; "" where it does not. `end` is the plan after all of them."""
    step = plan.by_id.get(edit.step)
    if isinstance(edit, SwapTool):
        return _moves(submitted.by_id.get(edit.step), edit, evidence.catalog, evidence.absent)
    if isinstance(edit, RemoveStep):
        return f"the step {edit.step!r} was asked for" if edit.step in submitted.by_id else ""
    if step is None:
        return ""
    if proposal.confidence is Confidence.GUESS and _number_for_words(edit, step):
        return "the words beside a number would be lost"
    if not isinstance(edit, DropArgument | SetArgument | UnwrapValue | WrapValue | BindReference):
        return ""
    here = view_of(plan, step, evidence)
    old = inside(step.arguments, edit.at)
    if old is MISSING or _empty(old) or (old == "null" and not edit.at):
        required = here.tool is not None and edit.at and edit.at[-1] in here.tool.required
        return f"{edit.at[-1]!r} is required" if isinstance(edit, DropArgument) and required else ""
    reads = here.tool is not None and here.tool.effect is Effect.READ
    if isinstance(edit, DropArgument):
        run = evidence.runs.get(step.id)
        reading = reading_of(run, here.tool.properties if here.tool else ()) if run is not None else here.reading
        refused = str(edit.at[-1]) in (*reading.unexpected, *reading.named) if edit.at else False
        nothing = isinstance(old, str) and old.strip().lower() in NOTHING
        return "" if reads and (refused or nothing) else f"{edit.at[-1]!r} would be left out"
    if isinstance(edit, BindReference):
        if isinstance(old, str) and _woven(old, plan):
            return f"the text around the references in {edit.at[-1]!r} would be lost"
        free = reads or as_ref(old) is not None or proposal.confidence is not Confidence.GUESS
        return "" if free else f"{edit.at[-1]!r} would get another value"
    kept = set(_leaves(old)) <= {*_leaves(end.by_id[step.id].arguments if step.id in end.by_id else edit.value)}
    torn = isinstance(old, str) and isinstance(edit.value, str) and old.startswith(edit.value) and edit.value != ""
    if kept or torn or (reads and isinstance(edit, SetArgument) and edit.at):
        return ""
    return f"what stands in {'.'.join(map(str, edit.at)) or 'the arguments'} would be lost"


def _woven(text: str, plan: Plan) -> bool:
    """Tell whether a text is made of references to steps that are there, and of more than one of them alone."""
    found = list(INTERPOLATION.finditer(text))
    return bool(found) and found[0][0] != text.strip() and all(match[1] in plan.by_id for match in found)


def _moves(asked: Step | None, edit: SwapTool, catalog: Catalog, absent: frozenset[str]) -> str:
    """Why a step must not go to another server than it names; "" where it may.

    It may where no server of that name is configured, or where that one is connected, offers nothing near, and one
    other alone has a tool of exactly this name that reads.
    """
    if asked is None or asked.server is None:
        named = owner(catalog, asked.tool) if asked is not None else None
    else:
        named = next((name for name in (*catalog.servers, *absent) if same(name, asked.server)), None)
    if named is None or named == edit.server:
        return ""
    own, bare = catalog.of(named), re.split(r"__|[.:/]", asked.tool)[-1] if asked is not None else ""
    fresh = bool(own) and named not in absent and not any(tool.stale for tool in own)
    near = any(likeness(bare, tool.name) >= NEAR for tool in own)
    twins = [tool for tool in catalog.named(bare) if tool.server != named]
    if (
        fresh
        and not near
        and [(t.server, t.name) for t in twins if t.effect is Effect.READ] == [(edit.server, edit.tool)]
    ):
        return "" if len(twins) == 1 else f"{len(twins)} servers have a tool of that name"
    return f"the step names the server {named!r}, and goes to no other"


def _number_for_words(edit: Edit, step: Step) -> bool:
    """Tell whether an edit puts a number where a text stands."""
    if not isinstance(edit, SetArgument | CoerceArgument):
        return False
    return is_number(edit.value) and isinstance(inside(step.arguments, edit.at), str)


def _empty(value: Json) -> bool:
    return value is None or value in ("", [], {})


def _leaves(value: Json) -> Iterable[str]:
    """Every plain value, JSON inside a text opened, as text in which equal values are equal."""
    opened = read_json(value) if isinstance(value, str) else None
    if opened is not None:
        value = opened.value
    keys, items = as_object(value), as_list(value)
    if as_ref(value) is not None or (keys is None and items is None):
        yield canonical(same_numbers(value)).strip('"')
        return
    for inner in keys.values() if keys is not None else items or []:
        yield from _leaves(inner)


def _left_over(here: StepView, asked: Step | None) -> str:
    """Why a changed call must not go out: it still holds arguments that its tool does not know and would ignore."""
    if here.tool is None or (asked is not None and canonical(asked.arguments) == canonical(here.step.arguments)):
        return ""
    unknown = unknown_arguments(here.tool, here.written)
    return f"{here.tool.name!r} does not know {', '.join(map(repr, unknown))}, and would ignore it" if unknown else ""


def unknown_arguments(tool: Tool, arguments: dict[str, Json]) -> list[str]:
    """The arguments that a tool's schema does not know; none where it says nothing, or lets any in."""
    schema = tool.schema
    declares = as_object(schema.get("properties")) is not None or schema.get("additionalProperties") is False
    names = property_names(schema, schema)
    if not (declares or names) or schema.get("additionalProperties") or schema.get("patternProperties"):
        return []
    return [name for name in arguments if name not in names]


def adds(submitted: Plan, here: StepView) -> str:
    """Why a step that nobody asked for must not be sent: its tool does not surely read."""
    if here.step.id in submitted.by_id or here.tool is None or here.tool.effect is Effect.READ:
        return ""
    return f"{here.tool.name!r} does not surely read ({here.tool.effect_reason}), and nobody asked for this step"


def carries(submitted: Plan, here: StepView) -> str:
    """Why a step must not be sent: it would carry a value of one upstream to another without the plan saying so.

    A reference that the plan wrote may be pointed anew, and a step added may read, across upstreams, for numbers, truth
    values, and the argument's own allowed values alone.
    """
    asked = submitted.by_id.get(here.step.id)
    written = dict(walk(asked.arguments)) if asked is not None else {}
    pointed = (
        {(at, ref) for at, ref in asked.refs(submitted.by_id)} if asked is not None else set[tuple[Location, Ref]]()
    )
    for where, ref in here.step.refs(here.plan.by_id):
        origin = here.plan.by_id.get(ref.step)
        said_so = any(ref == said for _, said in pointed) and not _taken_elsewhere(asked, here)
        if said_so or origin is None or origin.server == here.step.server:
            continue
        value = at(here.evidence.value(ref.step), ref.path)
        meant = asked is None or any(place == where or said.step == ref.step for place, said in pointed)
        if value is not MISSING and not (meant and _harmless(value, where, here)):
            return f"a value of {origin.server!r} would go to {here.step.server!r}, which the plan does not say"
    texts = [submitted.goal, *(text for step in submitted.steps for text in _leaves(step.arguments))]
    for where, value in walk(here.step.arguments):
        if not isinstance(value, str) or written.get(where) == value or as_ref(written.get(where)) is not None:
            continue
        if any(value in text for text in texts) or _harmless(value, where, here):
            continue
        if owner := _owner(value, here):
            return f"a value of {owner!r} would go to {here.step.server!r}, which the plan does not say"
    return ""


def _taken_elsewhere(asked: Step | None, here: StepView) -> bool:
    """Tell whether a repair has chosen the upstream of a step: what the plan carries there it did not know of."""
    if asked is None or (asked.server, asked.tool) == (here.step.server, here.step.tool):
        return False
    meant = resolve(here.evidence.catalog, asked.tool)
    return asked.server != here.step.server and not any(tool.server == here.step.server for tool in meant)


def _harmless(value: Json, where: Location, here: StepView) -> bool:
    """Tell whether a value can give nothing away: a number, a truth value, or one that the argument lists itself."""
    if isinstance(value, bool | int | float):
        return True
    allowed = allowed_values(here.schema_at(where), here.schema) if where and here.tool is not None else None
    return allowed is not None and value in allowed


def _owner(value: str, here: StepView) -> str | None:
    """The other upstream whose result holds a text, None where no other does."""
    for step in here.plan.steps:
        run = here.evidence.runs.get(step.id)
        if run is None or not run.ok or run.server == here.step.server or not value.strip():
            continue
        if value in json.dumps(run.value, ensure_ascii=False, default=str):
            return run.server
    return None
