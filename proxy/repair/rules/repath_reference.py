"""A reference whose path leads nowhere in its step's result."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from proxy.repair.rule import TEXT, Example, Offer, Other, Rule, Tier
from proxy.repair.rules import named_in_goal
from proxy.repair.view.coerce import Target, short
from proxy.repair.view.earlier_values import (
    GENERIC,
    Choice,
    fitness,
    how_sure,
    places_meant,
    ranked,
    wanted_at,
    weighed,
)
from proxy.repair.view.opposites import opposite
from proxy.repair.view.step import OUTPUT, Source, StepView
from proxy.repair.view.values import MISSING, at, join, segments
from proxy.repair.view.words import likeness, plain
from schemas.catalog import as_list, as_object
from schemas.edit import BindReference, Confidence, RepathReference
from schemas.plan import Ref
from schemas.problem import WrongPath

TIE = 0.01
"""Distance in score within which nothing tells two places of one result apart."""
BY_ARGUMENT = 0.85
"""Share of a score that is left where a place is like the argument and not like the path."""


def propose(problem: WrongPath, here: StepView) -> Iterator[Offer]:
    """Point a reference at the place of the same result that its path was meant for, or at its path in another result.

    Other steps are looked at for the plan's output only where its own step has nothing that could be meant.
    """
    wanted = wanted_at(problem.at, here)
    choices = ranked(_meant(problem, here, wanted))
    own = [
        _repathed(problem, here, choice.source.ref.path, choice.why, how_sure(choice, choices), choice.score)
        for choice in choices[:4]
    ]
    own += _whole_or_item(problem, here, wanted)
    yield from own
    if here.step.id == OUTPUT and (own or any(named_in_goal.propose(problem, here))):
        return
    clear = bool(choices) and (len(choices) == 1 or choices[0].score - choices[1].score > TIE)
    yield from _same_path_elsewhere(problem, here, wanted, near=clear and choices[0].score >= 0.6)


def _repathed(problem: WrongPath, here: StepView, path: str, evidence: str, sure: Confidence, score: float) -> Offer:
    return Offer((RepathReference(here.step.id, problem.at, path),), evidence, sure, score)


def _meant(problem: WrongPath, here: StepView, wanted: Target | None) -> Iterator[Choice | None]:
    """Every place of the result that is like the path, or like the argument."""
    for place in places_meant(problem, here):
        if opposite(problem.ref.path, place.ref.path):
            continue
        yield _by_path(problem.ref, place, wanted, here)
        named = weighed(place, wanted, here) if wanted is not None else None
        yield replace(named, score=BY_ARGUMENT * named.score) if named is not None else None


def _by_path(ref: Ref, source: Source, wanted: Target | None, here: StepView) -> Choice | None:
    asked = segments(ref.path)
    suits = fitness(source.value, wanted)
    if suits == 0.0 or not asked or not _same_items(asked, source, here):
        return None
    if asked[-len(source.parts) :] == list(source.parts) and not source.parts[0].isdigit():
        why = f"{ref.step!r} has {source.ref.path!r} without {join(asked[: -len(source.parts)])!r} around it"
        return Choice(source, 1.0 if len(source.parts) > 1 else 0.95, why)
    name = next((part for part in reversed(asked) if not part.lstrip("-").isdigit()), "")
    alike = likeness(name, source.name) if name and source.name else 0.0
    place = _same_place(asked, list(source.parts))
    if len(asked) == len(source.parts):
        alike = max(alike, 0.95 * min(map(_segment_alike, asked, source.parts)))
    generic = plain(name) in GENERIC
    if generic and alike < 1.0:
        alike = 0.6 if plain(source.name) in GENERIC else min(alike, 0.45)
    named = max(alike, 0.45 if generic and source.parts else 0.0)
    consumer = likeness(wanted.name, source.name) if wanted is not None and wanted.name else 0.0
    score = 0.55 * named + 0.2 * place + 0.15 * suits + 0.1 * consumer
    if alike == 1.0:
        score = max(score, 0.8 + 0.2 * place)
    score -= 0.15 if source.echo else 0.0
    why = f"{ref.step!r} returned {short(source.value)} at {source.ref.path!r}, {alike:.2f} like {ref.path!r}"
    return Choice(source, min(1.0, score), why) if named >= 0.4 or place >= 0.9 else None


def _same_items(asked: list[str], source: Source, here: StepView) -> bool:
    """Tell whether a value lies in the items that a path asks for, counted from its end; a lone item is any item."""
    said = [int(match[0]) for part in asked if (match := re.match(r"-?\d+", part))]
    mine: list[tuple[int, int]] = []
    for position, part in enumerate(source.parts):
        items = as_list(at(here.evidence.value(source.step), join(list(source.parts[:position]))))
        if items is not None:
            mine.append((int(part), len(items)))
    pairs = zip(reversed(said), reversed(mine), strict=False)
    return all(length == 1 or index in (asked_for, asked_for + length) for asked_for, (index, length) in pairs)


def _segment_alike(asked: str, part: str) -> float:
    number = re.match(r"-?\d+", asked)
    if part.lstrip("-").isdigit():
        return 1.0 if number is not None and number[0] == part else 0.0
    return likeness(asked, part)


def _same_place(asked: list[str], parts: list[str]) -> float:
    """Share of path segments in common, counted from the front and with equal length preferred."""
    common = sum(map(_segment_alike, asked, parts))
    return 0.8 * common / max(len(asked), len(parts)) + (0.2 if len(asked) == len(parts) else 0.0)


def _whole_or_item(problem: WrongPath, here: StepView, wanted: Target | None) -> Iterator[Offer]:
    """The result itself where it holds nothing else, and an item of its only list where the path is a number."""
    value = here.evidence.value(problem.ref.step)
    if problem.ref.path and as_object(value) is None and as_list(value) is None and fitness(value, wanted) > 0.0:
        evidence = f"{problem.ref.step!r} returned {short(value)} and nothing else"
        yield _repathed(problem, here, "", evidence, Confidence.EVIDENT, 0.9)
        return
    asked = segments(problem.ref.path)
    lists = [key for key, inner in (as_object(value) or {}).items() if as_list(inner)]
    if len(asked) == 1 and re.fullmatch(r"-?\d+", asked[0]) and len(lists) == 1:
        path = join([lists[0], asked[0]])
        if fitness(at(value, path), wanted) > 0.0:
            evidence = f"{lists[0]!r} is the only list that {problem.ref.step!r} returned"
            yield _repathed(problem, here, path, evidence, Confidence.EVIDENT, 0.9)


def _same_path_elsewhere(problem: WrongPath, here: StepView, wanted: Target | None, *, near: bool) -> Iterator[Offer]:
    """Take the value from the one other step whose result has something at exactly this path."""
    found = [
        step.id
        for step in here.earlier
        if step.id != problem.ref.step
        and (value := at(here.evidence.value(step.id), problem.ref.path)) is not MISSING
        and fitness(value, wanted) > 0.0
        and problem.ref.path
    ]
    for index, step in enumerate(found[:2]):
        sure = Confidence.EVIDENT if len(found) == 1 and not near else Confidence.GUESS
        edit = BindReference(here.step.id, problem.at, Ref(step, problem.ref.path))
        evidence = f"{problem.ref.step!r} returned nothing at {problem.ref.path!r}, {step!r} did"
        yield Offer((edit,), evidence, sure, 0.85 - 0.1 * index)


_TAKES, _CART = {"cart_id": TEXT}, Other("cart", {"cart": {"id": "c-1"}, "days": [1]})


def _reads(step: str, path: str) -> dict[str, object]:
    return {"cart_id": Ref(step, path).json()}


RULE = Rule(
    "repath_reference",
    (WrongPath,),
    Tier.MISPLACED,
    propose,
    (
        Example(_TAKES, _reads("cart", "cart.cart_id"), _reads("cart", "cart.id"), before=(_CART,)),
        Example(_TAKES, _reads("cart", "id"), _reads("cart", "cart.id"), before=(_CART,)),
        Example(_TAKES, _reads("find", "cart.id"), _reads("cart", "cart.id"), before=(_CART, Other("find", {"n": 3}))),
        Example(_TAKES, _reads("cart", "shelf.row"), before=(Other("cart", {"colour": "red"}),)),
    ),
)
