"""Arguments with few possible values, read from a goal: one of a list, or yes and no. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from proxy.planner.sketch import Assumed, Said
from proxy.planner.slots import GIVEN, SOUGHT, Slot
from proxy.planner.stated import Fact
from proxy.repair.view.units import same_unit, unit_of
from proxy.repair.view.words import likeness, mentions, plain, stem, words

DENIALS = frozenset({"no", "not", "without", "non", "never", "neither", "denies", "nor"})
_PEOPLE = {
    "male": "man men male boy gentleman he his",
    "female": "woman women female girl lady she her",
}
SAME = {word: name for name, text in _PEOPLE.items() for word in text.split()}
"""Word to the one of its kind that arguments are named with."""
OTHER = {"male": "female", "female": "male"}


def truth(slot: Slot, goal: str) -> Said | Assumed:
    """Whether the goal affirms or denies what a yes-or-no argument is named after; no where it does not speak of it."""
    said = [SAME.get(word, word) for word in words(goal)]
    names = [word for word in words(slot.name) if len(word) > 2]
    heard = [at for at, word in enumerate(said) if _any_like(word, names)]
    if heard and sum(_any_like(name, said) for name in names) * 2 >= len(names):
        return Said(not DENIALS & set(said[max(0, heard[0] - 2) : heard[0]]))
    if any(OTHER.get(name) in said for name in names):
        return Said(value=False)
    return Assumed(bool(slot.schema.get("default")), (False, True))


def _any_like(word: str, others: Sequence[str]) -> bool:
    return word in others or (
        len(word) > 3 and any(len(other) > 3 and likeness(word, other) >= 0.85 for other in others)
    )


def chosen(slot: Slot, goal: str, stated: Sequence[Fact], taken: Sequence[str]) -> Said | Assumed | None:
    """The allowed value that the goal speaks of, in the slot's own direction; None where it speaks of none."""
    scored = sorted(
        (
            (score, value)
            for value in slot.allowed
            if (score := _spoken(slot, value, goal, stated)) > 0 and str(value) not in taken
        ),
        key=lambda pair: -pair[0],
    )
    if scored:
        best, value = scored[0]
        if value == slot.schema.get("default"):
            return None
        return Said(
            value, (), best, tuple(Said(other, (), score) for score, other in scored[1:] if score >= best - 0.2)
        )
    if "default" in slot.schema or not slot.required:
        return None
    free = tuple(value for value in slot.allowed if str(value) not in taken)
    return Assumed(free[0], free) if free else None


def _spoken(slot: Slot, value: object, goal: str, stated: Sequence[Fact]) -> float:
    """How clearly the goal speaks of an allowed value; what stands behind `to` is no source, and the reverse."""
    text = str(value)
    best = 0.0
    for start, number in _places(text, goal, tuple(stated)):
        before = set(words(goal[max(0, start - 24) : start])[-2:])
        way = (1 if before & (SOUGHT | {"in", "as"}) else 0) - (1 if before & GIVEN or number else 0)
        best = max(best, 0.6 + 0.4 * way * slot.direction)
    return best


@lru_cache(maxsize=4096)
def _places(text: str, goal: str, stated: tuple[Fact, ...]) -> tuple[tuple[int, bool], ...]:
    """Where the goal speaks of a value, and whether it is the unit of a number there."""
    return tuple(_found(text, goal, stated))


def _found(text: str, goal: str, stated: tuple[Fact, ...]) -> Iterator[tuple[int, bool]]:
    for fact in stated:
        if fact.unit and same_unit(fact.unit, text):
            yield fact.start, True
    inside = [(fact.start, fact.end) for fact in stated if fact.unit]
    name = text.replace("_", " ")
    for match in re.finditer(r"[A-Za-zµ°][\w/°]*", goal):
        if any(start <= match.start() < end for start, end in inside):
            continue
        word = match[0].lower()
        alike = plain(word) == plain(name) or stem(word) == stem(name.lower()) or SAME.get(word) == name.lower()
        unit = len(word) > 1 and unit_of(match[0]) is not None and same_unit(match[0], text)
        if alike or unit:
            yield match.start(), False
    at = goal.lower().find(name.lower())
    if " " in name and at >= 0 and mentions(goal, name):
        yield at, False
