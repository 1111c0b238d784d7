"""Arguments that came in a wrapper: as text, in a list of one, or under a key that the tool does not know."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from proxy.repair.rule import INTEGER, TEXT, Example, Offer, Rule, Tier
from proxy.repair.view.coerce import Target, coerce, short
from proxy.repair.view.scalars import read_json
from proxy.repair.view.schema import breaches, property_names
from proxy.repair.view.step import StepView
from proxy.repair.view.tool_fit import WRAPPERS
from proxy.repair.view.values import MISSING, resolve
from proxy.repair.view.words import plain, words
from schemas.catalog import Json, as_list, as_object
from schemas.edit import Confidence, UnwrapValue
from schemas.plan import as_ref
from schemas.problem import UnexpectedArgument, WrongType

WRAPPED = 4
"""Wrappers within one another that are opened."""

_NOTHING: tuple[Json, ...] = (None, "", [], "null")
"""What stands for no arguments at all."""


def propose(problem: WrongType | UnexpectedArgument, here: StepView) -> Iterator[Offer]:
    """Take arguments out of JSON text, a list of one, or an unknown key, if every key inside is an argument that fits.

    With an effect, a key around all arguments may say what is to be done (`preview`): to open it is then a guess,
    unless it is a known wrapper's, or the tool's name or the last word of it.
    What else may be wrong with the step is for other rules.
    """
    if isinstance(problem, UnexpectedArgument):
        yield from _out_of_key(problem, here)
    elif not problem.at:
        opened, sure = _opened(here.step.arguments)
        if as_object(opened) is not None:
            evidence = f"the arguments were written as {short(here.step.arguments)}"
            yield Offer((UnwrapValue(here.step.id, (), opened),), evidence, sure)


def _opened(value: Json) -> tuple[Json, Confidence]:
    """What arguments that are no object hold: JSON, fenced, twice encoded, a Python literal, or without its braces."""
    items = as_list(value) or []
    if len(items) == 1:
        return items[0], Confidence.EVIDENT
    reading = read_json(value) if isinstance(value, str) else None
    if value in _NOTHING or (reading is not None and reading.value in _NOTHING):
        return {}, Confidence.LOSSLESS
    return (reading.value, reading.confidence) if reading is not None else (MISSING, Confidence.GUESS)


def _out_of_key(problem: UnexpectedArgument, here: StepView) -> Iterator[Offer]:
    if len(problem.at) != 1 or here.tool is None:
        return
    rest = {name: value for name, value in here.written.items() if name != problem.name}
    of_tool = words(problem.name) == words(here.tool.name)[-1:] or plain(problem.name) == plain(here.tool.name)
    named = of_tool or plain(problem.name) in WRAPPERS
    inside = _inside(here.written.get(problem.name), property_names(here.schema, here.schema), named=not here.reads)
    if inside is None or set(inside) & set(rest):
        return
    if rest and not inside and not named:
        return
    merged = {**rest, **inside}
    if set(inside) <= set(property_names(here.schema, here.schema)) and _fits_or_coerces(merged, here, set(rest)):
        evidence = f"what stands in {problem.name!r} satisfies the tool's schema, and the tool knows no such key"
        beside = set(rest) & set(property_names(here.schema, here.schema))
        sure = Confidence.LOSSLESS if named or beside or here.reads else Confidence.GUESS
        yield Offer((UnwrapValue(here.step.id, (), merged),), evidence, sure)


def _inside(value: Json, known: Sequence[str], *, named: bool) -> dict[str, Json] | None:
    """The object in a wrapper, or in the wrappers in it: each an object, or JSON text, of one key that is not known.

    `named` opens further ones only under a name that is known for a wrapper's: any other may say what is to be done.
    """
    found: dict[str, Json] | None = None
    for _ in range(WRAPPED):
        reading = read_json(value) if isinstance(value, str) else None
        opened = as_object(reading.value if reading is not None else value)
        if opened is None or as_ref(opened) is not None:
            return found
        found = opened
        if len(opened) != 1 or set(opened) & set(known):
            return found
        ((name, value),) = opened.items()
        if named and plain(name) not in WRAPPERS:
            return found
    return found


def _fits_or_coerces(arguments: dict[str, Json], here: StepView, beside: set[str]) -> bool:
    """Tell whether arguments satisfy the schema as they are or rewritten; those `beside` a wrapper do not count."""
    filled = resolve(arguments, here.evidence.values(here.plan))[0]
    known = {name: value for name, value in (as_object(filled) or {}).items() if value is not MISSING}
    for breach in breaches(here.schema, known):
        if breach.keyword == "required" and breach.detail in arguments:
            continue
        if breach.at and breach.at[0] in beside:
            continue
        if breach.keyword in ("required", "additionalProperties"):
            if beside:
                continue
            return False
        if not breach.at:
            return False
        name = str(breach.at[0])
        schema = here.argument_schema(name)
        if schema is None or not coerce(known[name], Target(schema, here.schema, name)):
            return False
    return True


_TAKES = {"city": TEXT, "days": INTEGER}
RULE = Rule(
    "open_wrapper",
    (UnexpectedArgument, WrongType),
    Tier.WRITTEN,
    propose,
    (
        Example(_TAKES, {"input": {"city": "Oslo", "days": 3}}, {"city": "Oslo", "days": 3}),
        Example(_TAKES, '{"city": "Oslo", "days": 3}', {"city": "Oslo", "days": 3}),
        Example(_TAKES, [{"city": "Oslo", "days": 3}], {"city": "Oslo", "days": 3}),
        Example(_TAKES, {"input": {"city": "Oslo", "nights": 3}}),
        Example(_TAKES, {"input": {"city": "Oslo"}, "city": "Bergen", "days": 3}),
        Example({}, "null", {}),
        Example(_TAKES, {"arguments": {"input": {"city": "Oslo", "days": 3}}}, {"city": "Oslo", "days": 3}),
        Example(_TAKES, {"arguments": {"input": {"city": "Oslo", "nights": 3}}}),
        Example(_TAKES, "Oslo, please"),
    ),
)
