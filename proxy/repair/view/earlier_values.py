"""Values that steps really returned, weighed for an argument: by name, type, unit, and whether they are mere echoes.

Pure; the shared ground of every rule that binds an argument to a result.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from proxy.repair.view.coerce import Target, coerce, short
from proxy.repair.view.measures import agreement
from proxy.repair.view.opposites import opposite
from proxy.repair.view.schema import type_name
from proxy.repair.view.step import OUTPUT, Source, StepView
from proxy.repair.view.values import MISSING, inside, segments
from proxy.repair.view.words import likeness, mentions, plain, stems, words
from schemas.catalog import Json, as_list, as_object, canonical
from schemas.edit import Confidence
from schemas.plan import Location, Ref
from schemas.problem import TypeMismatch, WrongPath

CLEAR = 0.12
"""Distance in score at which the best of several values counts as singled out."""
GENERIC = frozenset(
    "value result output data answer response content text return returned number amount total final item res val "
    "outputvalue resultvalue".split()
)
"""Names that a writer uses for "what the step returns" without knowing its keys."""


@dataclass(frozen=True)
class Choice:
    """A value that could be meant, and how well it suits."""

    source: Source
    score: float
    why: str


def wanted_at(where: Location, here: StepView) -> Target | None:
    """What the argument at this location should fit; None where anything does (output, or inside a text)."""
    if here.step.id == OUTPUT or here.tool is None or not where:
        return None
    return Target(here.schema_at(where), here.schema, str(where[-1]))


def fitness(value: Json, wanted: Target | None) -> float:
    """How well a value fits a target: 1 as it is, 0.5 if it can be rewritten, 0 if not; objects never become text."""
    if wanted is None:
        return 0.6 if type_name(value) in ("object", "array") else 0.8
    if wanted.takes(value):
        return 1.0
    if type_name(value) in ("object", "array"):
        return 0.0
    options = coerce(value, wanted)
    return 0.5 if options and options[0].value is not MISSING else 0.0


def fitting(sources: Iterable[Source], wanted: Target | None) -> list[Source]:
    """The parts of results that fit a target as they are, and that their steps were not given."""
    own = (source for source in sources if source.parts and not source.echo)
    return [source for source in own if wanted is not None and wanted.takes(source.value)]


def places_meant(problem: WrongPath | TypeMismatch, here: StepView) -> list[Source]:
    """The places of the same result that a reference may have been meant for; what does not fit lies around them."""
    mine = [source for source in here.sources if source.step == problem.ref.step and source.parts]
    if isinstance(problem, WrongPath):
        return mine
    above = tuple(segments(problem.ref.path))
    several = len(as_list(inside(here.arguments, problem.at)) or []) > 1
    return [place for place in mine if place.parts[: len(above)] == above and len(place.parts) > len(above) + several]


def ranked(choices: Iterable[Choice | None]) -> list[Choice]:
    """Choices by score, of several with one value the first."""
    found = [choice for choice in choices if choice is not None]
    found.sort(key=lambda choice: (-choice.score, choice.source.distance, len(choice.source.parts)))
    distinct: dict[str, Choice] = {}
    for choice in found:
        distinct.setdefault(canonical(choice.source.value) + choice.source.name, choice)
    return list(distinct.values())


def how_sure(choice: Choice, ranked: list[Choice]) -> Confidence:
    """How sure a choice is: evident where it leads the others clearly."""
    others = [other for other in ranked if other is not choice]
    clear = choice is ranked[0] and (not others or choice.score - others[0].score >= CLEAR)
    return Confidence.EVIDENT if clear and choice.score >= 0.5 else Confidence.GUESS


CHANCE = 0.5
"""Likeness that the letters of two words with nothing in common reach by chance."""


def weighed(source: Source, wanted: Target, here: StepView) -> Choice | None:
    """Weigh a value for an argument by name, type, unit, whether it is an echo, and whether it is already used."""
    suits = fitness(source.value, wanted)
    if suits == 0.0 or not source.parts or source.ref in read_here(here):
        return None
    unit = agreement(source, wanted, here)
    if unit < 0 or _one_of_a_pair(source, here):
        return None
    alike = _alike(source, wanted)
    generic = 0.35 if plain(source.name) in GENERIC else 0.0
    named = max(alike, generic, 0.6 * unit)
    if named < 0.3:
        return None
    score = 0.7 * named + 0.2 * suits + 0.1 * unit - (0.15 if source.echo else 0.0)
    score -= 0.02 * source.distance + (0.06 if source.used else 0.0)
    why = f"{source.step!r} returned {short(source.value)} at {source.ref.path!r}, {alike:.2f} like {wanted.name!r}"
    return Choice(source, max(0.0, min(1.0, score)), why)


def _alike(source: Source, wanted: Target) -> float:
    """How like the name of an argument the name of a value is, or what its description or its owner say of it."""
    name = source.name
    owner = " ".join(part for part in source.parts[-3:] if not part.lstrip("-").isdigit())
    alike = max(likeness(wanted.name, name), 0.95 * likeness(wanted.name, owner)) if name else 0.0
    if alike < CHANCE and not stems(wanted.name) & stems(owner):
        alike = 0.0
    if len(words(name)) > 1 and mentions(str(wanted.schema.get("description", "")), " ".join(words(name))):
        alike = max(alike, 0.8)
    if stems(wanted.name) & {"id", "key", "uuid"} and plain(name) in ("id", "key", "uuid", "identifier"):
        alike = max(alike, 0.85)
    return min(alike, 0.4) if plain(wanted.name) in GENERIC else alike


def read_here(here: StepView) -> set[Ref]:
    """The values that the step's other arguments already read: one step seldom wants the same value twice."""
    return {ref for value in here.written.values() if (ref := ref_of(value)) is not None}


def ref_of(value: Json) -> Ref | None:
    """The reference that a value is, None for others; a step of any name counts, there or not."""
    keys = as_object(value)
    return Ref(str(keys["$ref"]), str(keys.get("path", ""))) if keys and "$ref" in keys else None


def _one_of_a_pair(source: Source, here: StepView) -> bool:
    """Tell whether a value only repeats one of several that its step was given under names that end alike.

    Which of `source.zone` and `target.zone` a later step reads, no name tells: one step's target is the next's source.
    """
    twins = [
        other
        for other in here.sources
        if other.step == source.step
        and other.name == source.name
        and len(other.parts) == len(source.parts)
        and opposite(" ".join(other.parts), " ".join(source.parts))
    ]
    return source.echo and any(canonical(other.value) != canonical(source.value) for other in twins)
