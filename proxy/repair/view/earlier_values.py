"""Values that steps really returned, weighed for an argument: by name, type, unit, and whether they are mere echoes.

Pure; the shared ground of every rule that binds an argument to a result.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from proxy.repair.view.coerce import Target, coerce, short
from proxy.repair.view.measures import agreement
from proxy.repair.view.opposites import opposite
from proxy.repair.view.schema import fits, type_name
from proxy.repair.view.step import OUTPUT, Source, StepView
from proxy.repair.view.values import MISSING, join
from proxy.repair.view.words import likeness, mentions, plain, stems, words
from schemas.catalog import Json, as_object, canonical
from schemas.edit import BindReference, Confidence, Proposal
from schemas.plan import Location, Ref
from schemas.problem import Problem

CLEAR = 0.12
"""Distance in score at which the best of several values counts as singled out."""


@dataclass(frozen=True)
class Choice:
    """A value that could be meant, and how well it suits."""

    source: Source
    score: float
    why: str


GENERIC = frozenset(
    "value result output data answer response content text return returned number amount total final item res val "
    "outputvalue resultvalue".split()
)
"""Names that a writer uses for "what the step returns" without knowing its keys."""


def wanted_at(where: Location, here: StepView) -> Target | None:
    """What the argument at this location should fit; None where anything does (output, or inside a text)."""
    if here.step.id == OUTPUT or here.tool is None or not where:
        return None
    return Target(here.schema_at(where), here.schema, str(where[-1]))


def fitness(value: Json, wanted: Target | None) -> float:
    """How well a value fits a target: 1 as it is, 0.5 if it can be rewritten, 0 if not; objects never become text."""
    if wanted is None:
        return 0.6 if type_name(value) in ("object", "array") else 0.8
    if fits({**{k: v for k, v in wanted.root.items() if k in ("$defs", "definitions")}, **wanted.schema}, value):
        return 1.0
    if type_name(value) in ("object", "array"):
        return 0.0
    options = coerce(value, wanted)
    return 0.5 if options and options[0].value is not MISSING else 0.0


def best(choices: Iterable[Choice]) -> list[Choice]:
    """Choices by score, of several with one value the first."""
    ranked = sorted(choices, key=lambda choice: (-choice.score, choice.source.distance, len(choice.source.parts)))
    seen: dict[str, Choice] = {}
    for choice in ranked:
        seen.setdefault(canonical(choice.source.value) + choice.source.name, choice)
    return list(seen.values())


def sure(choice: Choice, ranked: list[Choice]) -> Confidence:
    """How sure a choice is: evident where it leads the others clearly."""
    others = [other for other in ranked if other is not choice]
    clear = choice is ranked[0] and (not others or choice.score - others[0].score >= CLEAR)
    return Confidence.EVIDENT if clear and choice.score >= 0.5 else Confidence.GUESS


def by_argument(source: Source, wanted: Target, here: StepView) -> Choice | None:
    """Weigh a value for an argument by name, type, unit, whether it is an echo, and whether it is already used."""
    suits = fitness(source.value, wanted)
    if suits == 0.0 or not source.parts:
        return None
    name = source.name
    owner = " ".join(part for part in source.parts[-3:] if not part.lstrip("-").isdigit())
    alike = max(likeness(wanted.name, name), 0.95 * likeness(wanted.name, owner)) if name else 0.0
    described = str(wanted.schema.get("description", ""))
    if len(words(name)) > 1 and mentions(described, " ".join(words(name))):
        alike = max(alike, 0.8)
    if stems(wanted.name) & {"id", "key", "uuid"} and plain(name) in ("id", "key", "uuid", "identifier"):
        alike = max(alike, 0.85)
    if plain(wanted.name) in GENERIC:
        alike = min(alike, 0.4)
    unit = agreement(source, wanted, here)
    if unit < 0 or _one_of_a_pair(source, here):
        return None
    generic = 0.35 if plain(name) in GENERIC else 0.0
    named = max(alike, generic, 0.6 * unit)
    score = 0.7 * named + 0.2 * suits + 0.1 * unit - (0.15 if source.echo else 0.0)
    score -= 0.02 * source.distance + (0.06 if source.used else 0.0)
    if named < 0.3 or (source.step, join(list(source.parts))) in read_here(here):
        return None
    place = join(list(source.parts))
    why = f"{source.step!r} returned {short(source.value)} at {place!r}, {alike:.2f} like {wanted.name!r}"
    return Choice(source, max(0.0, min(1.0, score)), why)


def read_here(here: StepView) -> set[tuple[str, str]]:
    """The values that the step's other arguments already read: one step seldom wants the same value twice."""
    found = (ref_of(value) for value in here.written.values())
    return {(ref.step, ref.path) for ref in found if ref is not None}


def ref_of(value: Json) -> Ref | None:
    """The reference that a value is, None for others; a step of any name counts, there or not."""
    keys = as_object(value)
    return Ref(str(keys["$ref"]), str(keys.get("path", ""))) if keys and "$ref" in keys else None


def bind_by_name(problem: Problem, here: StepView, wanted: Target | None) -> Iterator[Proposal]:
    """Take an argument from the result that holds a value of its name, type and unit."""
    if wanted is None:
        return
    choices = [choice for source in here.sources if (choice := by_argument(source, wanted, here)) is not None]
    ranked = best(choices)
    for choice in ranked[:4]:
        if choice.score >= 0.5:
            edit = BindReference(here.step.id, problem.at, Ref(choice.source.step, join(list(choice.source.parts))))
            yield Proposal(problem, (edit,), "bind_by_name", choice.why, sure(choice, ranked), choice.score)


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
