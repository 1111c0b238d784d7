"""A missing number that the goal states as an amount with a unit: as it is, or converted.

Units decide, not names: an amount is taken where the argument is described in a unit of the same kind, and where the
goal states no other such amount that the plan does not use yet.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from proxy.repair.rule import NUMBER, Example, Offer, Rule, Tier
from proxy.repair.view.coerce import Target, spoken_unit
from proxy.repair.view.earlier_values import GENERIC, ref_of
from proxy.repair.view.measures import wanted_unit
from proxy.repair.view.schema import accepts, fits
from proxy.repair.view.step import OUTPUT, StepView
from proxy.repair.view.units import convert, same_unit, unit_of
from proxy.repair.view.values import inside, segments
from proxy.repair.view.words import plain, words
from schemas.edit import Confidence, SetArgument
from schemas.plan import Location
from schemas.problem import DanglingDependency, MissingArgument

CONVERTED = frozenset({"converted", "conversion", "convert", "to", "target"})
"""Words of a path into the result of a conversion."""
LONGEST = 4
"""Words of the longest unit looked for."""
_AMOUNT = re.compile(r"(?<![\w.,/#])(-?\d{1,3}(?:,\d{3})+(?:\.\d+)?|-?\d+(?:\.\d+)?)(?![\d:])\s?(?=[A-Za-zµ°%])")
_UNIT = re.compile(r"[A-Za-zµ°%][\w/°µ²³^%]*(?: [A-Za-z]+){0,3}")
_NO_UNITS = frozenset({"in", "at", "a", "as", "to", "are", "an", "am", "do", "us", "of", "on", "is"})


@dataclass(frozen=True)
class Amount:
    """A number of the goal with its unit, both as written."""

    value: int | float
    unit: str


@lru_cache(maxsize=256)
def amounts(goal: str) -> tuple[Amount, ...]:
    """Every amount that a text states, in order."""
    found: list[Amount] = []
    for match in _AMOUNT.finditer(goal):
        said = _UNIT.match(goal, match.end())
        parts = said[0].split(" ")[:LONGEST] if said else []
        options = (" ".join(parts[:length]) for length in range(len(parts), 0, -1))
        unit = next((text for text in options if not set(text.lower().split()) & _NO_UNITS and unit_of(text)), None)
        if unit is not None:
            number = match[1].replace(",", "")
            found.append(Amount(float(number) if "." in number else int(number), unit))
    return tuple(found)


def propose(problem: MissingArgument, here: StepView) -> Iterator[Offer]:
    """Fill a missing number with the one unused amount of the goal that is in its unit, or converts to it."""
    yield from _only_amount(problem.at, here, as_it_is=Confidence.EVIDENT)


def dropped_conversion(problem: DanglingDependency, here: StepView) -> Iterator[Offer]:
    """Give the reader of a conversion that is not there the amount that was to be converted, converted.

    An amount that is in the reader's unit already was not what the missing step was for.
    """
    ref = ref_of(inside(here.step.arguments, problem.at)) if here.step.id != OUTPUT else None
    last = words((segments(ref.path) or [""])[-1]) if ref is not None else ()
    if set(last) & CONVERTED and all(word in CONVERTED or plain(word) in GENERIC or unit_of(word) for word in last):
        yield from _only_amount(problem.at, here, as_it_is=None)


def _only_amount(where: Location, here: StepView, *, as_it_is: Confidence | None) -> Iterator[Offer]:
    if len(where) != 1 or here.tool is None or not here.plan.goal:
        return
    target = Target(here.schema_at(where), here.schema, str(where[0]))
    if "string" in str(target.schema.get("type", "string")) or not accepts(target.schema, target.root, "integer"):
        return
    unit = wanted_unit(target, here)
    options = [
        (amount, number)
        for amount in (amounts(here.plan.goal) if unit is not None else ())
        if not _used(amount, here)
        and (number := _in_unit(amount, unit or "", exactly=spoken_unit(target) is None)) is not None
        and fits(target.schema, number)
    ]
    if len(options) != 1:
        return
    amount, number = options[0]
    sure = as_it_is if number == amount.value else Confidence.GUESS
    if sure is not None:
        said = f"{amount.value} {amount.unit}"
        evidence = f"{said!r} is the only amount of the goal that no step uses and that can be told in {unit}"
        score = 0.9 if number == amount.value else 0.85
        yield Offer((SetArgument(here.step.id, where, number),), evidence, sure, score)


def _used(amount: Amount, here: StepView) -> bool:
    """Tell whether the plan says this number anywhere, be it inside a text."""
    spellings = {str(amount.value), str(float(amount.value))}
    return any(set(re.findall(r"\d+(?:\.\d+)?", text)) & spellings for text in here.literals())


def _in_unit(amount: Amount, unit: str, *, exactly: bool) -> int | float | None:
    """The amount in a unit, None where it measures something else, or is in another unit than exactly this."""
    if same_unit(amount.unit, unit):
        return amount.value
    number = None if exactly else convert(float(amount.value), amount.unit, unit)
    return None if number is None else round(number, 9)


_TAKES = {"mass": {**NUMBER, "description": "Mass in kg"}, "speed": {**NUMBER, "description": "Speed in m/s"}}
RULE = Rule(
    "goal_amount",
    (MissingArgument,),
    Tier.ELSEWHERE,
    propose,
    (
        Example(_TAKES, {"speed": 2}, {"speed": 2, "mass": 12}, goal="push 12 kg"),
        Example(_TAKES, {"mass": 12}, {"mass": 12, "speed": 10.0}, goal="push 12 kg at 36 km/h"),
        Example(_TAKES, {"speed": 2}, goal="push 12 kg or 13 kg"),
        Example(_TAKES, {"speed": 2}, goal="push 12 meters"),
    ),
)
