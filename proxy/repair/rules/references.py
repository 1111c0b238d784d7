"""Rules for references: to a wrong place, to a wrong or missing step, or to a value that does not fit."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from proxy.repair.rules.asked import named_in_goal, whole_or_item
from proxy.repair.view.coerce import Target, short
from proxy.repair.view.earlier_values import (
    GENERIC,
    Choice,
    best,
    bind_by_name,
    by_argument,
    fitness,
    ref_of,
    sure,
    wanted_at,
)
from proxy.repair.view.opposites import opposite
from proxy.repair.view.schema import types_of
from proxy.repair.view.step import OUTPUT, Source, StepView
from proxy.repair.view.values import MISSING, at, inside, join, segments
from proxy.repair.view.words import likeness, plain, stems
from schemas.catalog import Json, as_list
from schemas.edit import BindReference, Confidence, Edit, MapStep, Proposal, RepathReference
from schemas.plan import Location, Ref
from schemas.problem import CyclicDependency, MissingArgument, TypeMismatch, WrongPath

TIE = 0.01
"""Distance in score within which nothing tells two places of one result apart."""
IDENTIFYING = frozenset({"id", "key", "uuid"})
"""Words of arguments that only a value of such a name, or of the thing's own, can fill."""


def wrong_path(problem: WrongPath, here: StepView) -> Iterator[Proposal]:
    """Point a reference at the place of the same result that its path was meant for.

    Other steps are looked at too, for the plan's output only where its own step has nothing that could be meant.
    """
    wanted = wanted_at(problem.at, here)
    mine = [source for source in here.sources if source.step == problem.ref.step and source.parts]
    choices = [choice for source in mine if (choice := _by_path(problem.ref, source, wanted, here)) is not None]
    if wanted is not None:
        sound = [source for source in mine if not opposite(problem.ref.path, join(list(source.parts)))]
        named = (by_argument(source, wanted, here) for source in sound)
        choices += [replace(choice, score=0.85 * choice.score) for choice in named if choice is not None]
    ranked = best(choices)
    own = [
        Proposal(
            problem,
            (RepathReference(here.step.id, problem.at, join(list(choice.source.parts))),),
            "repath_reference",
            choice.why,
            sure(choice, ranked),
            choice.score,
        )
        for choice in ranked[:4]
    ]
    own += [*named_in_goal(problem, here, mine, wanted), *whole_or_item(problem, here, wanted)]
    yield from own
    if own and here.step.id == OUTPUT:
        return
    clear = bool(ranked) and (len(ranked) == 1 or ranked[0].score - ranked[1].score > TIE)
    yield from _same_path_elsewhere(problem, here, wanted, near=clear and ranked[0].score >= 0.6)


def _by_path(ref: Ref, source: Source, wanted: Target | None, here: StepView) -> Choice | None:
    asked = segments(ref.path)
    suits = fitness(source.value, wanted)
    if suits == 0.0 or not asked or not _same_items(asked, source, here):
        return None
    if opposite(ref.path, join(list(source.parts))):
        return None
    if asked[-len(source.parts) :] == list(source.parts) and not source.parts[0].isdigit():
        why = f"{ref.step!r} has {join(list(source.parts))!r} without {join(asked[: -len(source.parts)])!r} around it"
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
    why = f"{ref.step!r} returned {short(source.value)} at {join(list(source.parts))!r}, {alike:.2f} like {ref.path!r}"
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


def _same_path_elsewhere(
    problem: WrongPath, here: StepView, wanted: Target | None, *, near: bool
) -> Iterator[Proposal]:
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
        confidence = Confidence.EVIDENT if len(found) == 1 and not near else Confidence.GUESS
        edit = BindReference(here.step.id, problem.at, Ref(step, problem.ref.path))
        evidence = f"{problem.ref.step!r} returned nothing at {problem.ref.path!r}, {step!r} did"
        yield Proposal(problem, (edit,), "same_path_elsewhere", evidence, confidence, 0.85 - 0.1 * index)


def mismatch(problem: TypeMismatch, here: StepView) -> Iterator[Proposal]:
    """Point a reference that yields a whole object or list at the part of it that the argument wants."""
    wanted = wanted_at(problem.at, here)
    value = inside(here.arguments, problem.at)
    if wanted is None or value is MISSING:
        return
    prefix = tuple(segments(problem.ref.path))
    inner = [
        source
        for source in here.sources
        if source.step == problem.ref.step and source.parts[: len(prefix)] == prefix and len(source.parts) > len(prefix)
    ]
    if len(as_list(value) or []) > 1:
        inner = [source for source in inner if len(source.parts) > len(prefix) + 1]
    choices = [choice for source in inner if (choice := by_argument(source, wanted, here)) is not None]
    ranked = best(choices)
    for choice in ranked[:4]:
        edit = RepathReference(here.step.id, problem.at, join(list(choice.source.parts)))
        yield Proposal(problem, (edit,), "narrow_reference", choice.why, sure(choice, ranked), choice.score)
    yield from named_in_goal(problem, here, inner, wanted)
    yield from _only_fitting(problem, here, inner, wanted)
    yield from _one_item(problem, here, value, wanted, prefix)


def _only_fitting(problem: TypeMismatch, here: StepView, inner: list[Source], wanted: Target) -> Iterator[Proposal]:
    """The one value inside the object, or directly inside it, that the argument takes, whatever its name."""
    named = stems(wanted.name) & IDENTIFYING
    fitting = [source for source in inner if fitness(source.value, wanted) == 1.0 and not source.echo]
    fitting = [source for source in fitting if not named or stems(source.name) & (IDENTIFYING | stems(wanted.name))]
    if len(fitting) > 1:
        depth = min(len(source.parts) for source in inner)
        fitting = [source for source in fitting if len(source.parts) == depth]
    if len(fitting) == 1:
        path = join(list(fitting[0].parts))
        evidence = f"{path!r} is the only value of {problem.ref.step!r} that the argument takes"
        edit = RepathReference(here.step.id, problem.at, path)
        yield Proposal(problem, (edit,), "only_fitting_value", evidence, Confidence.EVIDENT, 0.6)


def _one_item(
    problem: TypeMismatch, here: StepView, value: Json, wanted: Target, prefix: tuple[str, ...]
) -> Iterator[Proposal]:
    items = as_list(value)
    if (
        not items
        or not all(fitness(item, wanted) == 1.0 for item in items)
        or "array" in types_of(wanted.schema, wanted.root)
    ):
        return
    if len(items) == 1:
        edit: Edit = RepathReference(here.step.id, problem.at, join([*prefix, "0"]))
        yield Proposal(problem, (edit,), "one_item_list", "the list holds one item", Confidence.EVIDENT, 0.9)
    elif len(problem.at) == 1 and here.step.map is None:
        edit = MapStep(here.step.id, str(problem.at[0]))
        evidence = f"the argument wants one item and {problem.ref.step!r} returned {len(items)}"
        yield Proposal(problem, (edit,), "map_over_list", evidence, Confidence.GUESS, 0.6)


def refs_of(here: StepView) -> list[tuple[Location, Ref]]:
    """Every reference of the step."""
    return here.step.refs(here.plan.by_id)


def cyclic(problem: CyclicDependency, here: StepView) -> Iterator[Proposal]:
    """Break a cycle at the reference to a later step, which cannot have been meant: bind it elsewhere."""
    listed = [step.id for step in here.plan.steps]
    mine = listed.index(here.step.id)
    for name, value in here.written.items():
        ref = ref_of(value)
        if ref is None or ref.step not in problem.cycle or listed.index(ref.step) < mine:
            continue
        schema = here.argument_schema(name)
        gap = MissingArgument(step=here.step.id, at=(name,), name=name, message="")
        if schema is not None:
            for proposal in bind_by_name(gap, here, Target(schema, here.schema, name)):
                evidence = f"{here.step.id!r} cannot read {ref.step!r}, which waits for it; {proposal.evidence}"
                yield Proposal(problem, proposal.edits, "break_cycle", evidence, Confidence.GUESS, proposal.score)
