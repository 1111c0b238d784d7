"""An argument that the tool does not know, that names nothing near and asks for nothing."""

from __future__ import annotations

from collections.abc import Iterator

from rapidfuzz import fuzz

from proxy.repair.rule import TEXT, Example, Offer, Rule, Tier
from proxy.repair.view.opposites import opposite
from proxy.repair.view.schema import property_names, required_names
from proxy.repair.view.step import StepView
from proxy.repair.view.values import inside
from proxy.repair.view.words import likeness, stems, words
from schemas.catalog import Json, as_object
from schemas.edit import Confidence, DropArgument
from schemas.problem import UnexpectedArgument

IN_GOAL = 90
"""Share of a text's letters, in hundredths, that must stand together in the goal for the text to be said there."""
BOOKKEEPING = frozenset({"tool", "call", "request", "trace", "step", "correlation", "span"})
"""Words that make an id or a name one of the caller's own bookkeeping: `toolCallId`, `request_id`, `step_name`."""

THINKING = frozenset({"thought", "thinking", "reasoning", "rationale", "explanation", "justification"})
"""Names under which models write down why they call, in a sentence."""


def propose(problem: UnexpectedArgument, here: StepView) -> Iterator[Offer]:
    """Leave out a refused argument that names nothing near and asks for nothing."""
    if not problem.forbidden or not problem.at:
        return
    parent = as_object(inside(here.step.arguments, problem.at[:-1])) or {}
    schema = here.schema_at(problem.at[:-1])
    declared = property_names(schema, here.schema)
    value = parent.get(problem.name)
    if declared and not says_nothing(problem.name, value):
        return
    if set(as_object(value) or {}) & set(declared) or _said_in_goal(value, here):
        return
    near = [name for name in declared if name not in parent and _near(problem.name, name)]
    lone = [name for name in required_names(schema, here.schema) if name not in parent]
    if near or lone:
        return
    named = problem.name in here.reading.unexpected
    said = f"the upstream refuses {problem.name!r}" if named else f"the schema forbids {problem.name!r}"
    sure = Confidence.EVIDENT if named and here.reads else Confidence.GUESS
    yield Offer((DropArgument(here.step.id, problem.at),), f"{said}; no declared name is near", sure, 0.8)


def _said_in_goal(value: Json, here: StepView) -> bool:
    """Tell whether a text of some words stands in the goal, but for a few letters: then it was asked for."""
    if not isinstance(value, str) or len(words(value)) < 4:
        return False
    return fuzz.partial_ratio(value.lower(), here.plan.goal.lower()) >= IN_GOAL


def _near(sent: str, declared: str) -> bool:
    return likeness(sent, declared) >= 0.5 or opposite(sent, declared)


def says_nothing(name: str, value: Json) -> bool:
    """Tell whether an argument asks for nothing: no value, the caller's bookkeeping, or why it calls.

    Any other may restrict the call or say what it acts on, whatever its language.
    """
    parts = words(name)
    kept = len(parts) > 1 and parts[-1] in ("id", "name", "number") and set(parts[:-1]) <= BOOKKEEPING
    thought = bool(parts) and stems(name) <= THINKING and isinstance(value, str) and len(words(value)) > 2
    return kept or thought or value in (None, "", [], {})


_TAKES = {"type": "object", "properties": {"city": TEXT}, "required": ["city"], "additionalProperties": False}
RULE = Rule(
    "drop_argument",
    (UnexpectedArgument,),
    Tier.MISPLACED,
    propose,
    (
        Example(_TAKES, {"city": "Oslo", "toolCallId": "c-7"}, {"city": "Oslo"}),
        Example(_TAKES, {"city": "Oslo", "dry_run": True}),
        Example(_TAKES, {"city": "Oslo", "nur_vorschau": True}),
        Example({"city": TEXT}, {"city": "Oslo", "toolCallId": "c-7"}),
    ),
)
