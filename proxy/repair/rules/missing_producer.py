"""A reference to a step that the plan lacks: the step is added, chaining backward over what tools return.

Only tools that surely read are ever added, and only where every required argument has a source: the schema, the goal,
earlier results, or the argument that reads the result.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from proxy.repair.rule import TEXT, Example, Offer, Rule, Tier
from proxy.repair.rules import consumer_unit, goal_amount, schema_default, stated_in_goal
from proxy.repair.rules.earlier_result import by_name
from proxy.repair.view.earlier_values import GENERIC, wanted_at
from proxy.repair.view.measures import agreement
from proxy.repair.view.notes import DESCRIBED, note
from proxy.repair.view.schema import allowed_values, branches, deref, fits
from proxy.repair.view.step import OUTPUT, StepView
from proxy.repair.view.values import MISSING, at, segments
from proxy.repair.view.words import closeness, likeness, mentions, plain, stems
from schemas.catalog import Effect, Json, Tool, as_list, as_object, canonical
from schemas.edit import AddStep, BindReference, Confidence, SetArgument
from schemas.plan import Plan, Ref, Step
from schemas.problem import DanglingDependency, MissingArgument

MOST_REQUIRED = 6
"""Required arguments beyond which a tool is not tried: too many to fill by rule."""
SURE_NAME = 0.8
"""Score from which an earlier result may fill an argument of a step that was not asked for."""
LEAST = 0.45
"""Least evidence that a tool returns what the reference asks for."""


def propose(problem: DanglingDependency, here: StepView) -> Iterator[Offer]:
    """Add the step that a reference names, if one tool returns such a value and all it requires can be filled.

    Where no tool can, an amount that only had to be converted is converted here.
    """
    path = next((ref.path for _, ref in here.step.refs(here.plan.by_id) if ref.step == problem.target), "")
    if here.step.id == OUTPUT or not path:
        return
    argument = str(problem.at[-1]) if problem.at else ""
    found: list[tuple[float, Step, str]] = []
    for tool in here.evidence.catalog:
        if tool.effect is not Effect.READ or len(tool.required) > MOST_REQUIRED:
            continue
        returns = _returns(tool, path, argument, problem.target, here)
        filled = _filled(tool, problem.target, here) if returns >= LEAST else None
        if filled is not None:
            step, score, why = filled
            found.append((returns * score, step, why))
    found.sort(key=lambda entry: -entry[0])
    for score, step, why in found[:3]:
        edit = AddStep(here.step.id, step, here.step.id)
        yield Offer((edit,), f"{step.server}/{step.tool} returns {path!r}; {why}", Confidence.GUESS, score)
    if not found:
        yield from goal_amount.dropped_conversion(problem, here)


def _returns(tool: Tool, path: str, argument: str, target: str, here: StepView) -> float:
    """How likely a tool returns a value at this path: by what it returned, by its output schema, by its words."""
    seen = [run for run in here.evidence.runs.values() if run.ok and at(run.value, path) is not MISSING]
    if any((run.server, run.tool) == (tool.server, tool.name) for run in seen):
        return 1.0
    if any(
        run.server == tool.server and _siblings(here.evidence.catalog.origin(run.server, run.tool), tool)
        for run in seen
    ):
        return 0.8
    parts = segments(path)
    last = next((part for part in reversed(parts) if not part.isdecimal()), parts[-1])
    named = likeness(argument, tool.name) if argument else 0.0
    named = max(named, _named_after(target, tool, here))
    if tool.output_schema is not None and _says_something(tool.output_schema):
        depth = _declared(tool.output_schema, tool.output_schema, parts)
        generic = plain(last) in GENERIC
        return depth * (max(0.4, named) if generic else 1.0)
    said = mentions(tool.description, last) or mentions(tool.name, last) or _lists(tool, last)
    spoken = 0.5 if said else 0.0
    about = max(named, closeness(argument, f"{tool.name} {tool.description[:200]}") if argument else 0.0)
    return spoken + 0.4 * about if spoken else 0.0


def _lists(tool: Tool, key: str) -> bool:
    """Tell whether a tool takes this very text as an allowed value: what it returns may go by it."""
    return any(
        key in (allowed_values(deref(each, tool.schema), tool.schema) or ()) for each in tool.properties.values()
    )


def _says_something(schema: Json) -> bool:
    """Tell whether an output schema declares any property; an open object promises nothing."""
    return "properties" in canonical(schema)


def _named_after(target: str, tool: Tool, here: StepView) -> float:
    """0.8 where the id of the missing step is a word of this tool's name and of no other tool's on its server."""
    said = stems(target)
    bearers = [other for other in here.evidence.catalog.of(tool.server) if said & stems(other.name)]
    return 0.8 if said and bearers == [tool] else 0.0


def _siblings(one: Tool | None, other: Tool) -> bool:
    """Tell whether two tools take the same arguments, promise the same output, and share a word of their names."""
    if one is None or set(one.properties) != set(other.properties) or not one.properties:
        return False
    return canonical(one.output_schema) == canonical(other.output_schema) and bool(stems(one.name) & stems(other.name))


def _declared(schema: Json, root: Json, parts: list[str]) -> float:
    """1 where the output schema declares this very path, 0.6 where it declares its last name somewhere."""
    node: Json = schema
    for part in parts:
        keys = [
            as_object(branch.get("properties")) or {}
            for branch in branches(as_object(node) or {}, as_object(root) or {})
        ]
        node = next((found[part] for found in keys if part in found), MISSING)
        if node is MISSING:
            break
    if node is not MISSING:
        return 1.0
    return 0.6 if _names_anywhere(schema, parts[-1]) else 0.0


def _names_anywhere(schema: Json, name: str) -> bool:
    keys, items = as_object(schema), as_list(schema)
    if keys is not None:
        inside = as_object(keys.get("properties")) or {}
        return name in inside or any(_names_anywhere(inner, name) for inner in keys.values())
    return any(_names_anywhere(item, name) for item in items or [])


def _surely_named(gap: MissingArgument, here: StepView) -> Iterator[Offer]:
    """An earlier value of the argument's very name and type."""
    return (offer for offer in by_name(gap.at, here) if offer.score >= SURE_NAME)


def _in_its_unit(gap: MissingArgument, here: StepView) -> Iterator[Offer]:
    """The one earlier value that nothing reads and that is in the argument's unit."""
    wanted = wanted_at(gap.at, here)
    own = (source for source in here.sources if source.parts and not source.used and not source.echo)
    found = [source for source in own if wanted is not None and agreement(source, wanted, here) == 1]
    if len(found) == 1:
        edit = BindReference(here.step.id, gap.at, found[0].ref)
        evidence = f"{found[0].step!r} returned it in the argument's unit, and nothing reads it"
        yield Offer((edit,), evidence, Confidence.GUESS, 0.85)


def _as_given(gap: MissingArgument, here: StepView) -> Iterator[Offer]:
    """What the steps that read the lost one are given under the argument's very name, if it is one thing."""
    readers = (step for step in _readers(here) if step.tool != here.step.tool)
    given = [value for step in readers for name, value in (as_object(step.arguments) or {}).items() if name == gap.name]
    if len({canonical(value) for value in given}) == 1 and fits(here.schema_at(gap.at), given[0]):
        edit = SetArgument(here.step.id, gap.at, given[0])
        yield Offer((edit,), "its reader is given it under that name", Confidence.EVIDENT, 0.95)


def _readers(here: StepView) -> list[Step]:
    """The steps on the same upstream that read this one."""
    needing = zip(here.plan.steps, here.plan.needs, strict=True)
    return [step for step, needs in needing if here.step.id in needs and step.server == here.step.server]


def _other_side(gap: MissingArgument, here: StepView) -> Iterator[Offer]:
    """The contrary of a truth value given to an argument whose description says that false means this one."""
    contrary = re.compile(rf"\bfalse\b[\s:=,]{{1,3}}(?:\w+ ){{0,2}}{re.escape(gap.name)}\b", re.IGNORECASE)
    for step in _readers(here):
        tool = here.evidence.catalog.origin(step.server or "", step.tool)
        for name, value in (as_object(step.arguments) or {}).items():
            if tool is not None and isinstance(value, bool) and contrary.search(note(tool, name)[:DESCRIBED]):
                edit = SetArgument(here.step.id, gap.at, not value)
                evidence = f"{name!r} is {value}, and its description says that it is the contrary"
                yield Offer((edit,), evidence, Confidence.GUESS, 0.85)


_FILLERS: tuple[Callable[[MissingArgument, StepView], Iterable[Offer]], ...] = (
    schema_default.propose,
    _surely_named,
    _in_its_unit,
    _as_given,
    _other_side,
    goal_amount.propose,
    consumer_unit.propose,
    stated_in_goal.propose,
)


def _filled(tool: Tool, name: str, here: StepView) -> tuple[Step, float, str] | None:
    """The new step with every required argument filled, how likely it is, and why; None where one has no source."""
    step = Step(name, tool.name, {}, tool.server)
    score, why = 1.0, list[str]()
    for argument in tool.required:
        steps = tuple(
            part for other in here.plan.steps for part in ((step, other) if other.id == here.step.id else (other,))
        )
        inner = StepView(Plan(steps, here.plan.goal, here.plan.output), step, tool, here.evidence)
        gap = MissingArgument(step=name, at=(argument,), name=argument, message="")
        offers = (offer for filler in _FILLERS for offer in filler(gap, inner))
        best = max(offers, key=lambda offer: (-offer.confidence.rank, offer.score), default=None)
        edit = best.edits[0] if best is not None else None
        if best is None or not isinstance(edit, SetArgument | BindReference):
            return None
        value = edit.value if isinstance(edit, SetArgument) else edit.ref.json()
        step = replace(step, arguments={**(as_object(step.arguments) or {}), argument: value})
        score *= max(0.8, best.score) if best.confidence is not Confidence.GUESS else best.score
        why.append(f"{argument}: {best.evidence}")
    return step, score, "; ".join(why) or "it requires nothing"


_SENT = {"place": Ref("position", "coordinates").json()}
_TOOLS = {"get_coordinates": {"title": TEXT}}
RULE = Rule(
    "missing_producer",
    (DanglingDependency,),
    Tier.ELSEWHERE,
    propose,
    (
        Example(
            {"place": TEXT},
            _SENT,
            AddStep("it", Step("position", "get_coordinates", {"title": "Elm Row"}, "s"), "it"),
            goal="Look up the title 'Elm Row'",
            tools=_TOOLS,
        ),
        Example({"place": TEXT}, _SENT, goal="Look it up", tools=_TOOLS),
    ),
)
