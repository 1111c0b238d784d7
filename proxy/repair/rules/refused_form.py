"""A value that its schema takes and the upstream refuses: it wants it in another form, and says so somewhere."""

from __future__ import annotations

from collections.abc import Iterator

from proxy.repair.rule import INTEGER, TEXT, TEXTS, Example, Offer, Rule, Tier
from proxy.repair.rules.rewrite_value import rewritten
from proxy.repair.view.coerce import Target, coerce, short
from proxy.repair.view.moments import as_moment, in_layout, told_layout, wanted_layout, wants_moment
from proxy.repair.view.notes import as_number, code_of
from proxy.repair.view.scalars import Coercion, whole
from proxy.repair.view.schema import fits, types_of
from proxy.repair.view.step import StepView
from proxy.repair.view.words import words
from schemas.edit import CoerceArgument, Confidence
from schemas.problem import Refused, SilentFailure, UntypedRefused

_STRUCTURES = frozenset("object objects array list dict dictionary mapping json string str".split())
"""Words of a refusal that wants something else than text."""


def propose(problem: Refused | SilentFailure, here: StepView) -> Iterator[Offer]:
    """Write refused values as refusal or description want them: 7 for 7.0, a date's layout, a label's code, JSON."""
    yield from _integers(here)
    yield from _decoded(problem, here)
    yield from _laid_out(here)
    yield from _coded(here)


def _integers(here: StepView) -> Iterator[Offer]:
    """Write 7.0 as 7 where the schema wants an integer: valid JSON Schema, refused by many servers."""
    found = [
        CoerceArgument(here.step.id, (name,), int(value))
        for name, value in here.written.items()
        if isinstance(value, float) and whole(value)
        if {"integer", "number"} & types_of(here.argument_schema(name) or {}, here.schema) == {"integer"}
    ]
    if found:
        yield Offer(tuple(found), "the schema wants integers", Confidence.LOSSLESS)


def _decoded(problem: Refused | SilentFailure, here: StepView) -> Iterator[Offer]:
    """Decode JSON inside texts of an argument that the refusal names, although the schema calls it text."""
    for name in here.reading.named if _STRUCTURES & set(words(here.reading.text)) else ():
        value = here.written.get(name)
        if value is None:
            continue
        kind = "array" if isinstance(value, list) else "object"
        schema = {"type": kind, "items": {"type": "object"}} if kind == "array" else {"type": kind}
        for option in coerce(value, Target(schema, here.schema, name)):
            evidence = f"the upstream refuses {name!r} as text; {option.evidence or short(value)}"
            untyped = UntypedRefused(step=here.step.id, at=(name,), value=value, wanted=kind, message=problem.message)
            edit = CoerceArgument(here.step.id, (name,), option.value)
            yield Offer((edit,), evidence, Confidence.EVIDENT, 0.9, untyped)


def _laid_out(here: StepView) -> Iterator[Offer]:
    """Rewrite dates and times to the layout that the refusal, or the argument's description, asks for."""
    asked = told_layout(here.reading.text)
    for name, value in here.written.items():
        schema = here.argument_schema(name)
        if schema is None or not isinstance(value, str) or len(value) > 60:
            continue
        full = asked is None and wants_moment(schema)
        layout = "RFC 3339" if full else asked or wanted_layout(schema)
        reading = as_moment(value) if full else in_layout(value, layout) if layout is not None else None
        if reading is not None and reading.value != value and fits(schema, reading.value):
            evidence = f"{value!r} in the layout that the {'refusal' if asked else 'schema'} asks for ({layout})"
            yield rewritten(Coercion(reading.value, reading.rule, reading.confidence, evidence), (name,), here)


def _coded(here: StepView) -> Iterator[Offer]:
    """Write the code for a label, where the description of the refused argument tabulates both."""
    for name in here.blamed:
        value, schema = here.written.get(name), here.argument_schema(name) or {}
        code = code_of(value, str(schema.get("description", ""))) if isinstance(value, str) else None
        forms = (as_number(code), code) if code is not None and code != value else ()
        form = next((form for form in forms if form is not None and fits(schema, form)), None)
        if form is not None:
            evidence = f"the upstream refuses {value!r} in {name!r}, and the description says that this is {code}"
            yield Offer((CoerceArgument(here.step.id, (name,), form),), evidence, Confidence.EVIDENT, 0.9)


_LEVEL = {"level": {**TEXT, "description": "0 = none, 1 = low, 2 = high"}}
RULE = Rule(
    "refused_form",
    (Refused, SilentFailure),
    Tier.WRITTEN,
    propose,
    (
        Example({"days": INTEGER}, {"days": 7.0}, {"days": 7}, refused="days: invalid type: floating point"),
        Example({"day": TEXT}, {"day": "12 March 2031"}, {"day": "2031-03-12"}, refused="day must be YYYY-MM-DD"),
        Example(_LEVEL, {"level": "high"}, {"level": "2"}, refused="unknown level 'high'"),
        Example({"rows": TEXTS}, {"rows": ['{"a": 1}']}, {"rows": [{"a": 1}]}, refused="rows: expected objects"),
        Example({"day": TEXT}, {"day": "03/04/2031"}, refused="day must be YYYY-MM-DD"),
        Example(_LEVEL, {"level": "middling"}, refused="unknown level 'middling'"),
    ),
)
