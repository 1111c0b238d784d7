"""What a model wrote into a call, held against the goal and the results: nothing that stands nowhere is sent. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from proxy.repair.read.goal import stated
from proxy.repair.view.notes import alternatives, note
from proxy.repair.view.order import reads_only
from proxy.repair.view.schema import allowed_values, at_location
from proxy.repair.view.values import MISSING, as_text, is_number, join, paths, replaced
from proxy.repair.view.words import mentions, words
from schemas.catalog import Json, Tool, as_object, canonical, same_numbers
from schemas.plan import Location, Plan, Ref, Step, as_ref, walk

DISTINCT = 3
"""Characters of a value below which a repetition of it says nothing."""
LITERAL = frozenset({"quoted", "number", "date", "time", "email", "url"})
"""What is meant literally within a text that only reads: a query."""


@dataclass(frozen=True)
class Ground:
    """Where a value may come from: the goal, and what each step returned that has run."""

    goal: str
    values: Mapping[str, Json]

    def holds(self, text: str) -> bool:
        """Tell whether a text stands in the goal or in a result as a whole word or phrase."""
        return mentions(self.goal, text) or any(mentions(as_text(leaf), text) for _, _, leaf in self.leaves())

    def leaves(self) -> Iterator[tuple[str, str, Json]]:
        """Every single value of a result, with its step and path."""
        for step, value in self.values.items():
            if value is not MISSING:
                found = [(list[str](), value), *paths(value)]
                yield from ((step, join(at), leaf) for at, leaf in found if not isinstance(leaf, dict | list))


def settled(step: Step, tool: Tool, ground: Ground) -> Step:
    """The call without the optional arguments that say nothing, or of which something stands nowhere.

    Of what only reads, a single word around something that the goal states is what the goal states.
    """
    given = as_object(step.arguments) or {}
    if reads_only(tool):
        given = {name: _stated_alone(value, ground) for name, value in given.items()}
    kept = {name: value for name, value in given.items() if name in tool.required or _told(tool, name, value, ground)}
    return replace(step, arguments=kept)


def _stated_alone(value: Json, ground: Ground) -> Json:
    if not isinstance(value, str) or len(value.split()) != 1 or ground.holds(value):
        return value
    within = [each.text for each in stated(ground.goal) if each.text in value and each.kind != "number"]
    return within[0] if len(within) == 1 else value


def _told(tool: Tool, name: str, value: Json, ground: Ground) -> bool:
    default = (as_object(tool.properties.get(name)) or {}).get("default", MISSING)
    empty = value is None or value in ("", [], {})
    same = default is not MISSING and canonical(value) == canonical(default)
    return not (empty or same or any(_unfounded(tool, (name,), value, ground)))


def unfounded(step: Step, tool: Tool, ground: Ground) -> list[str]:
    """The literals of a call that stand neither in the goal, nor in a result, nor in the tool's own schema."""
    return list(_unfounded(tool, (), step.arguments, ground))


def _unfounded(tool: Tool, at: Location, value: Json, ground: Ground) -> Iterator[str]:
    for where, inner in walk(value):
        literal = not (isinstance(inner, dict | list | bool) or inner is None or as_ref(inner) is not None)
        if literal and not (_listed(tool, (*at, *where), inner) or _founded(inner, ground, exact=not reads_only(tool))):
            yield as_text(inner)


def _listed(tool: Tool, where: Location, value: Json) -> bool:
    schema = at_location(tool.schema, tool.schema, where)
    said = alternatives(note(tool, str(where[0]))) if where else ()
    return value in (*(allowed_values(schema, tool.schema) or ()), *said, schema.get("default", MISSING))


def _founded(value: Json, ground: Ground, *, exact: bool) -> bool:
    """Tell whether a value stands somewhere; of a text of several words each, or (not `exact`) its literals."""
    text = as_text(same_numbers(value))
    if is_number(value) or ground.holds(text):
        return ground.holds(text) or any(value == each.value for each in stated(ground.goal) if each.kind == "number")
    if exact:
        return all(map(ground.holds, words(text)))
    if len(text.split()) == 1:
        return ground.holds(text.rsplit("/", 1)[-1].replace("_", " "))
    return all(ground.holds(each.text) for each in stated(text) if each.kind in LITERAL)


def joined(step: Step, ground: Ground) -> Step:
    """The call with every value that repeats what an earlier step returned, and not the goal, as a reference to it."""
    arguments = step.arguments
    for where, value in walk(step.arguments):
        if isinstance(value, str) or is_number(value):
            arguments = replaced(arguments, where, _referred(value, ground))
    return replace(step, arguments=arguments)


def _referred(value: Json, ground: Ground) -> Json:
    for step, path, leaf in ground.leaves():
        text = as_text(leaf)
        if len(text.strip()) < DISTINCT or mentions(ground.goal, text.strip()):
            continue
        if canonical(value) == canonical(leaf) or ("\n" in text.strip() and as_text(value).strip() == text.strip()):
            return Ref(step, path).json()
        if isinstance(value, str) and text in value and mentions(value, text):
            return value.replace(text, "{{" + ".".join(filter(None, (step, path))) + "}}")
    return value


def needed(plan: Plan, values: Mapping[str, Json]) -> Plan:
    """The last step of a plan, and of the others those whose results it was made from."""
    kept = list(plan.steps[-1:])
    for step in reversed(plan.steps[:-1]):
        ground = Ground("", {step.id: values.get(step.id, MISSING)})
        leaves = [as_text(leaf).strip() for _, _, leaf in ground.leaves()]
        telling = [leaf for leaf in leaves if len(leaf) >= DISTINCT and not mentions(plan.goal, leaf)]
        if any(_made_from(later, step.id, telling) for later in kept):
            kept.insert(0, step)
    return replace(plan, steps=tuple(kept))


def _made_from(later: Step, step: str, leaves: Sequence[str]) -> bool:
    for _, value in walk(later.arguments):
        ref = as_ref(value)
        inside = isinstance(value, str) and (f"{{{{{step}" in value or any(mentions(value, leaf) for leaf in leaves))
        if inside or (ref is not None and ref.step == step):
            return True
    return False
