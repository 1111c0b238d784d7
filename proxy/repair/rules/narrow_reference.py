"""A reference that yields a whole object or list where an argument wants a part of it."""

from __future__ import annotations

from collections.abc import Iterator

from proxy.repair.rule import TEXT, Example, Offer, Other, Rule, Tier
from proxy.repair.view.coerce import Target
from proxy.repair.view.earlier_values import fitting, how_sure, places_meant, ranked, wanted_at, weighed
from proxy.repair.view.schema import types_of
from proxy.repair.view.step import Source, StepView
from proxy.repair.view.values import MISSING, inside, join, segments
from proxy.repair.view.words import stems
from schemas.catalog import as_list
from schemas.edit import Confidence, MapStep, RepathReference
from schemas.plan import Ref
from schemas.problem import TypeMismatch

IDENTIFYING = frozenset({"id", "key", "uuid"})
"""Words of arguments that only a value of such a name, or of the thing's own, can fill."""


def propose(problem: TypeMismatch, here: StepView) -> Iterator[Offer]:
    """Point a reference at the part that the argument wants, by name or as the only one that fits.

    Where every item of a list fits, its lone item is read, or the step called once for each.
    """
    wanted = wanted_at(problem.at, here)
    value = inside(here.arguments, problem.at)
    if wanted is None or value is MISSING:
        return
    places = places_meant(problem, here)
    choices = ranked(weighed(place, wanted, here) for place in places)
    for choice in choices[:4]:
        edit = RepathReference(here.step.id, problem.at, choice.source.ref.path)
        yield Offer((edit,), choice.why, how_sure(choice, choices), choice.score)
    fits = _fitting(places, wanted)
    if len(fits) == 1:
        edit = RepathReference(here.step.id, problem.at, fits[0].ref.path)
        evidence = f"{fits[0].ref.path!r} is the only value of {problem.ref.step!r} that the argument takes"
        yield Offer((edit,), evidence, Confidence.EVIDENT, 0.6)
    items = as_list(value) or []
    if not items or not all(map(wanted.takes, items)) or "array" in types_of(wanted.schema, wanted.root):
        return
    if len(items) == 1:
        edit = RepathReference(here.step.id, problem.at, join([*segments(problem.ref.path), "0"]))
        yield Offer((edit,), "the list holds one item", Confidence.EVIDENT, 0.9)
    elif len(problem.at) == 1 and here.step.map is None:
        evidence = f"the argument wants one item and {problem.ref.step!r} returned {len(items)}"
        yield Offer((MapStep(here.step.id, str(problem.at[0])),), evidence, Confidence.GUESS, 0.6)


def _fitting(places: list[Source], wanted: Target) -> list[Source]:
    """The values inside, or of several those directly inside, that the argument takes, whatever their names."""
    fits = fitting(places, wanted)
    if stems(wanted.name) & IDENTIFYING:
        fits = [place for place in fits if stems(place.name) & (IDENTIFYING | stems(wanted.name))]
    nearest = min((len(place.parts) for place in places), default=0)
    return fits if len(fits) == 1 else [place for place in fits if len(place.parts) == nearest]


def _reads(path: str) -> dict[str, object]:
    return {"user_id": Ref("a", path).json()}


_TAKES = {"user_id": TEXT}
RULE = Rule(
    "narrow_reference",
    (TypeMismatch,),
    Tier.MISPLACED,
    propose,
    (
        Example(_TAKES, _reads("user"), _reads("user.id"), before=(Other("a", {"user": {"id": "u-31", "age": 40}}),)),
        Example(_TAKES, _reads("users"), _reads("users.0"), before=(Other("a", {"users": ["u-31"]}),)),
        Example(_TAKES, _reads("users"), MapStep("it", "user_id"), before=(Other("a", {"users": ["u-31", "u-32"]}),)),
        Example(
            {"sku": TEXT},
            {"sku": Ref("a", "box").json()},
            before=(Other("a", {"box": {"lid": "red", "base": "blue"}}),),
        ),
    ),
)
