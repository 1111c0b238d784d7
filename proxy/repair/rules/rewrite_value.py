"""A value of another type or spelling than its schema, or the upstream's own error, asks for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from proxy.repair.rule import INTEGER, NUMBER, TEXT, Example, Offer, Other, Rule, Tier
from proxy.repair.view.choices import choose, tagged
from proxy.repair.view.coerce import Target, coerce, short
from proxy.repair.view.opposites import opposite
from proxy.repair.view.scalars import Coercion
from proxy.repair.view.schema import accepts, property_names, required_names, type_name
from proxy.repair.view.step import StepView
from proxy.repair.view.values import MISSING, inside
from proxy.repair.view.words import likeness
from schemas.catalog import Json, as_list, as_object
from schemas.edit import CoerceArgument, Confidence, DropArgument, SetArgument
from schemas.plan import Location, Ref, as_ref, refs_in
from schemas.problem import BadFormat, TypeMismatch, UntypedRefused, ValueNotAllowed, WrongType

UNSENT = 0.4
"""Share of a score that leaves an offer below what is ever tried: it is only told to the client."""
NEAR = 0.65
"""Likeness from which a value that an upstream suggests is the sent one, misspelled."""
REFERENCED = 0.7
"""Share of a score that is left where a value takes the place of its reference."""
COMMON = frozenset(
    """
    same_unit described_code unit_conversion one_item_list one_key_object null_for_optional null_as_text date_layout
    time_layout date_time_layout moment_as_ticks ticks_as_moment number_words json_in_string trimmed
    scalar_for_list counted_number
    """.split()
)
"""Readings that the schema spells out or that lose nothing. Every other one follows a habit of writing that its author
may not share, `a, b` for two items or `no` for false, so that it is only a guess where it could have an effect."""
_SCORES = {Confidence.LOSSLESS: 1.0, Confidence.EVIDENT: 0.9, Confidence.GUESS: 0.6}

_Misfit = WrongType | ValueNotAllowed | BadFormat | UntypedRefused | TypeMismatch


def propose(problem: _Misfit, here: StepView) -> Iterator[Offer]:
    """Rewrite a value, with the same meaning, to what its schema, or else the upstream's error, asks for."""
    if not problem.at:
        yield from _of_one_kind(here)
    elif isinstance(problem, UntypedRefused):
        yield from _as_upstream_wants(problem, here)
    elif isinstance(problem, TypeMismatch):
        yield from _referenced(problem, here)
    else:
        yield from _as_schema_wants(problem.at, here)
        if isinstance(problem, ValueNotAllowed):
            yield from _listed(problem, here)


def _of_one_kind(here: StepView) -> Iterator[Offer]:
    """Say of which kind the arguments as a whole are, where only one of the kinds that the tool takes fits them."""
    filled = tagged(here.arguments, here.schema, here.schema)
    if filled is not None:
        new = {name: value for name, value in filled.items() if name not in here.written}
        edits = tuple(SetArgument(here.step.id, (name,), value) for name, value in new.items())
        evidence = f"only the alternative with {', '.join(f'{name} = {value!r}' for name, value in new.items())} fits"
        yield Offer(edits, evidence, Confidence.LOSSLESS)


def _listed(problem: ValueNotAllowed, here: StepView) -> Iterator[Offer]:
    """One of the values that the upstream itself listed as accepted."""
    value, texts = inside(here.step.arguments, problem.at), tuple(map(str, problem.allowed))
    if isinstance(value, str):
        for option in choose(value, texts):
            yield rewritten(option, problem.at, here)
        if len(texts) == 1:
            found = Coercion(texts[0], "suggested", Confidence.GUESS, f"the upstream suggests {texts[0]!r}")
            yield rewritten(found, problem.at, here, 0.8 if likeness(value, texts[0]) >= NEAR else UNSENT)


def _as_schema_wants(at: Location, here: StepView) -> Iterator[Offer]:
    """At the place of the breach, or at the argument around it."""
    for where in dict.fromkeys([at[:1], at]):
        value = inside(here.step.arguments, where)
        if value is MISSING or as_ref(value) is not None:
            continue
        if any(True for _ in refs_in(value, here.plan.by_id)):
            options = _out_of_list(value, where, here)
        else:
            options = _readings(value, _target(where, here), here)
        yield from (rewritten(option, where, here) for option in options)
        if options:
            return


def _out_of_list(value: Json, where: Location, here: StepView) -> list[Coercion]:
    """The lone reference out of a list that is none by schema.

    A value that holds references is never rewritten by itself: they would be sent as they are written.
    """
    items, target = as_list(value) or [], _target(where, here)
    if len(items) != 1 or as_ref(items[0]) is None or accepts(target.schema, target.root, "array"):
        return []
    found = inside(here.arguments, (*where, 0))
    if found is MISSING or not (target.takes(found) or coerce(found, target)):
        return []
    return [Coercion(items[0], "one_item_list", Confidence.EVIDENT, "the schema wants a single value")]


def _as_upstream_wants(problem: UntypedRefused, here: StepView) -> Iterator[Offer]:
    """Where the schema leaves the type open, or is wrong."""
    value = inside(here.step.arguments, problem.at)
    if value is MISSING or as_ref(value) is not None:
        return
    items = as_object(here.schema_at(problem.at).get("items")) if problem.wanted == "array" else None
    wanted = {"type": problem.wanted, **({} if items is None else {"items": items})}
    for option in _readings(value, Target(wanted, here.schema, str(problem.at[-1])), here):
        yield rewritten(_no_surer(option, f"the upstream wants {problem.wanted}"), problem.at, here)


def _referenced(problem: TypeMismatch, here: StepView) -> Iterator[Offer]:
    """The referenced value itself, where no other place of the result fits."""
    value = inside(here.arguments, problem.at)
    if value is MISSING or type_name(value) in ("object", "array"):
        return
    for option in _readings(value, _target(problem.at, here), here):
        if option.value is not MISSING:
            said = f"{problem.ref.step!r} returned {short(value)}"
            yield rewritten(_no_surer(option, said), problem.at, here, REFERENCED)


def _readings(value: Json, target: Target, here: StepView) -> list[Coercion]:
    """What a value may be read as; what follows a habit of writing is only a guess where it could have an effect."""
    return [
        option
        if here.reads or option.confidence is not Confidence.EVIDENT or COMMON.issuperset(option.rule.split(", "))
        else replace(option, confidence=Confidence.GUESS)
        for option in coerce(value, target)
    ]


def _no_surer(option: Coercion, reason: str) -> Coercion:
    sure = max(option.confidence, Confidence.EVIDENT, key=lambda confidence: confidence.rank)
    return replace(option, confidence=sure, evidence=f"{reason}; {option.evidence}")


def _target(where: Location, here: StepView) -> Target:
    name = str(where[-1])
    required = name in required_names(here.schema_at(where[:-1]), here.schema)
    return Target(here.schema_at(where), here.schema, name, required)


def rewritten(option: Coercion, where: Location, here: StepView, scale: float = 1.0) -> Offer:
    """Write a value as an option says, or leave it out.

    A date is not sent as its midnight at the ends of a range: the last day may be meant to its end.
    """
    gone, edit = DropArgument(here.step.id, where), CoerceArgument(here.step.id, where, option.value)
    names = property_names(here.schema_at(where[:-1]), here.schema) if "midnight_utc" in option.rule else ()
    if any(opposite(str(where[-1]), name) for name in names):
        scale *= UNSENT
    edits = (gone if option.value is MISSING else edit,)
    return Offer(edits, option.evidence, option.confidence, scale * _SCORES[option.confidence])


_DATE = {"day": {"type": "string", "format": "date"}}
_COLOUR = {"colour": {"enum": ["red", "dark_green"]}}
_BY_NAME = {"type": "object", "properties": {"kind": {"const": "city"}, "name": TEXT}, "required": ["kind", "name"]}
_BY_POINT = {"type": "object", "properties": {"kind": {"const": "point"}, "lat": NUMBER}, "required": ["kind", "lat"]}
_PLACE = {"type": "object", "anyOf": [_BY_NAME, _BY_POINT]}
RULE = Rule(
    "rewrite_value",
    (WrongType, ValueNotAllowed, BadFormat, UntypedRefused, TypeMismatch),
    Tier.DECLARED,
    propose,
    (
        Example({"days": INTEGER}, {"days": "4"}, {"days": 4}),
        Example({"names": {"type": "array", "items": TEXT}}, {"names": "Ada"}, {"names": ["Ada"]}),
        Example(_DATE, {"day": "12 March 2031"}, {"day": "2031-03-12"}),
        Example(_COLOUR, {"colour": "Dark Green"}, {"colour": "dark_green"}),
        Example({"n": INTEGER}, {"n": Ref("a", "n").json()}, {"n": 12}, before=(Other("a", {"n": "12"}),)),
        Example({"tags": {}}, {"tags": "a"}, {"tags": ["a"]}, refused="tags must be an array"),
        Example({"hue": TEXT}, {"hue": "Red"}, {"hue": "red"}, refused="hue must be one of 'red', 'green'"),
        Example(_PLACE, {"name": "Oslo"}, {"name": "Oslo", "kind": "city"}),
        Example({"days": INTEGER}, {"days": "B4-17"}),
        Example(_DATE, {"day": "03/04/2031"}),
        Example(_COLOUR, {"colour": "blue"}),
        Example(_PLACE, {"name": "Oslo", "lat": 60}),
    ),
)
