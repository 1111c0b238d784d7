"""What a goal states, no step uses, and a step could have used: then a repaired plan is not what was asked for.

Pure. `read.goal` tells what a goal states; a number that only bounds a decision ("if it costs less than 300") has no
argument to stand in, and keeps no plan from being claimed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from catalog_cache.letters import folded
from proxy.repair.read.goal import Stated, stated, uncovered
from proxy.repair.read.spelled import is_placeholder
from proxy.repair.rule import Tier
from proxy.repair.rules import RULES
from proxy.repair.search.preference import accounted
from proxy.repair.view.coerce import Target, spoken_unit
from proxy.repair.view.notes import described
from proxy.repair.view.schema import allowed_values, types_of
from proxy.repair.view.units import convert, unit_of
from proxy.repair.view.values import is_number
from proxy.repair.view.words import words
from schemas.catalog import Catalog, Tool, as_object
from schemas.edit import AddStep, Proposal
from schemas.plan import Plan, walk

_SPELLED = re.compile(
    r"\{\{\s?([A-Za-z_][\w-]{0,80})(?:\.[\w.\[\]-]{1,200})?\s?\}\}|\$([A-Za-z_]\w{0,80})\.[A-Za-z_][\w.]{0,200}\$?"
)
"""A whole text that reads like a reference."""
_DEFAULTS = frozenset(rule.id for rule in RULES if rule.tier is Tier.DEFAULT)
NUMBERS = frozenset({"number", "integer"})


def tools_of(plan: Plan, catalog: Catalog) -> list[Tool]:
    """The tools that the steps of a plan call."""
    found = (catalog.origin(step.server or "", step.tool) for step in plan.steps)
    return [tool for tool in found if tool is not None]


def left(plan: Plan, catalog: Catalog) -> list[str]:
    """What the goal of a plan states and nothing in it uses, or uses in another unit than is asked for."""
    unused = uncovered(plan.goal, plan, tools_of(plan, catalog))
    return [*unused, *_misread(plan, catalog), *_dangling(plan), *_unfilled(plan, catalog)]


def misses(plan: Plan, lineage: Iterable[Proposal], catalog: Catalog) -> bool:
    """Tell whether a plan misses what is asked for: something stated is unused although an argument is free for it.

    Free is one that is not given, or that holds a literal which the goal does not state. Where a step was supplied, the
    lost one may have held it: then only a number is free to be unused. An amount that is read in another unit, a text
    that reads like a reference to a step that is not there, and one that stands for a value that was to be filled in,
    are misses too.
    """
    unused = set(uncovered(plan.goal, plan, tools_of(plan, catalog)))
    if [*_misread(plan, catalog), *_dangling(plan), *_unfilled(plan, catalog)]:
        return True
    said = stated(plan.goal)
    supplied = any(isinstance(edit, AddStep) for proposal in lineage for edit in proposal.edits)
    if supplied and any(each.kind != "number" for each in said if each.text in unused):
        return True
    free = list(_free(plan, catalog, said)) if unused else []
    return any(
        kinds & (NUMBERS if each.kind == "number" else {"string"})
        for each in said
        if each.text in unused
        for kinds in free
    )


def by_default(proposals: Sequence[Proposal]) -> bool:
    """Tell whether all that a repair does is to take what is used where nothing is given."""
    return all(proposal.rule in _DEFAULTS for proposal in proposals)


def assumed(plan: Plan, lineage: Iterable[Proposal], catalog: Catalog) -> list[str]:
    """Arguments filled with what is used where nothing is given, although a word of the goal may have given it.

    A word may have that stands in no name, path or value of the plan. Without a goal nothing was said.
    """
    filled = [proposal for proposal in lineage if proposal.rule in _DEFAULTS]
    if not filled or not words(plan.goal) or accounted(plan.goal, plan, catalog):
        return []
    return [f"{p.problem.message}; {p.evidence}, and the goal may give another" for p in filled]


def _free(plan: Plan, catalog: Catalog, said: Sequence[Stated]) -> Iterator[set[str]]:
    """The types of every argument of a called tool in which something that the goal states could stand."""
    spoken, numbers = folded(plan.goal), {each.value for each in said if each.kind == "number"}
    for step in plan.steps:
        tool, given = catalog.origin(step.server or "", step.tool), as_object(step.arguments) or {}
        for name in tool.properties if tool is not None else ():
            value = given.get(name)
            from_goal = isinstance(value, str) and folded(value) in spoken
            from_goal = from_goal or (is_number(value) and value in numbers)
            if tool is not None and not from_goal and not isinstance(value, dict | list | bool):
                yield types_of(tool.properties[name], tool.schema)


def _misread(plan: Plan, catalog: Catalog) -> Iterator[str]:
    """Amounts of the goal that are given as they stand to an argument that is described in another unit."""
    said = [each for each in stated(plan.goal) if each.kind == "number" and each.unit]
    for step in plan.steps:
        tool = catalog.origin(step.server or "", step.tool)
        for name, value in (as_object(step.arguments) or {}).items() if tool is not None else ():
            if tool is None or not is_number(value) or name not in tool.properties:
                continue
            unit = spoken_unit(Target(described(tool, name), tool.schema, name))
            for each in said if unit else ():
                other = unit and unit_of(each.unit) != unit_of(unit) and convert(1.0, each.unit, unit) is not None
                if other and each.value == value:
                    yield f"{each.text} {each.unit} is given where {name!r} is described in {unit}"


def _dangling(plan: Plan) -> Iterator[str]:
    """Texts that read like a reference to a step that is not there, and were sent as they are."""
    for step in plan.steps:
        for _, value in walk(step.arguments):
            match = _SPELLED.fullmatch(value.strip()) if isinstance(value, str) else None
            if match is not None and (match[1] or match[2]) not in plan.by_id:
                yield f"{value.strip()!r} reads like the result of a step that is not there"


def _unfilled(plan: Plan, catalog: Catalog) -> Iterator[str]:
    """Texts that stand for a value that was to be filled in, and were sent as they are; not what the goal says."""
    for step in plan.steps:
        tool, given = catalog.origin(step.server or "", step.tool), as_object(step.arguments) or {}
        for name, schema in tool.properties.items() if tool is not None else ():
            value = given.get(name)
            stands_for_one = is_placeholder(value) and str(value).strip() not in plan.goal
            if tool is not None and stands_for_one and allowed_values(schema, tool.schema) is None:
                yield f"{str(value).strip()!r} stands for a value at {name!r} of {step.id!r}"
