"""A reference that leads nowhere, or to a whole, where the goal says which part of the result is meant."""

from __future__ import annotations

from collections.abc import Iterator

from proxy.repair.rule import TEXT, Example, Offer, Other, Rule, Tier
from proxy.repair.view.coerce import short
from proxy.repair.view.earlier_values import GENERIC, fitting, places_meant, wanted_at
from proxy.repair.view.step import StepView
from proxy.repair.view.units import unit_of
from proxy.repair.view.words import mentions, stem, words
from schemas.edit import Confidence, RepathReference
from schemas.plan import Ref
from schemas.problem import TypeMismatch, WrongPath


def propose(problem: WrongPath | TypeMismatch, here: StepView) -> Iterator[Offer]:
    """Take the one of several fitting values whose name the goal speaks of, as far as it is no name of the others."""
    places = [place for place in fitting(places_meant(problem, here), wanted_at(problem.at, here)) if place.name]
    names = {place.parts: _distinctive(place.name) for place in places}
    shared = set[str]().union(*names.values()).intersection(*names.values()) if len(names) > 1 else set[str]()
    spoken = [place for place in places if _all_said(names[place.parts] - shared, here.plan.goal)]
    if len(spoken) == 1:
        path = spoken[0].ref.path
        evidence = f"the goal speaks of {path!r}, which is {short(spoken[0].value)}"
        yield Offer((RepathReference(here.step.id, problem.at, path),), evidence, Confidence.GUESS, 0.8)


def _distinctive(name: str) -> set[str]:
    """The words of a key that tell it from others: no units, nothing that any result is called."""
    return {stem(word) for word in words(name) if word not in GENERIC and not (len(word) < 4 and unit_of(word))}


def _all_said(own: set[str], goal: str) -> bool:
    said = {stem(word) for word in words(goal)}
    return bool(own) and all(word in said or mentions(goal, word) for word in own)


_RESULT = (Other("a", {"billing_address": "Elm Row 9", "shipping_address": "Oak Row 3"}),)
_SENT = {"to": Ref("a", "where").json()}
RULE = Rule(
    "named_in_goal",
    (WrongPath, TypeMismatch),
    Tier.MISPLACED,
    propose,
    (
        Example(
            {"to": TEXT},
            _SENT,
            {"to": Ref("a", "shipping_address").json()},
            goal="Send it to the shipping address",
            before=_RESULT,
        ),
        Example({"to": TEXT}, _SENT, goal="Send it to the right address", before=_RESULT),
    ),
    order=1,
)
