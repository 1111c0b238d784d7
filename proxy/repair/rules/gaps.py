"""Rules that fill a missing argument from earlier results: by name, like its peers, or from what nothing else reads."""

from __future__ import annotations

from collections.abc import Iterator

from proxy.repair.coerce import Target, short
from proxy.repair.rules.sources import bind_by_name, fitness, ref_of, wanted_at
from proxy.repair.schema import type_name
from proxy.repair.situation import Situation
from proxy.repair.values import MISSING, at, join, segments
from schemas.catalog import as_list, as_object, canonical
from schemas.edit import BindReference, Confidence, Edit, Proposal, SetArgument
from schemas.plan import Ref
from schemas.problem import MissingArgument


def missing_from_results(problem: MissingArgument, here: Situation) -> Iterator[Proposal]:
    """Fill a missing argument from an earlier result: like its peers, by name, or from what is left over."""
    wanted = wanted_at(problem.at, here)
    if wanted is None:
        return
    found = [*_like_its_peers(problem, here, wanted), *bind_by_name(problem, here, wanted)]
    yield from found
    yield from _next_item(problem, here, wanted)
    if not found:
        yield from _unused_result(problem, here, wanted)


def _like_its_peers(problem: MissingArgument, here: Situation, wanted: Target) -> Iterator[Proposal]:
    """Read what the argument of this name reads in other steps of the plan, if they all read the same."""
    uses = [
        value
        for other in here.plan.steps
        if other.id != here.step.id and wanted.name in (as_object(other.arguments) or {})
        for value in [(as_object(other.arguments) or {})[wanted.name]]
    ]
    if not uses or any(canonical(value) != canonical(uses[0]) for value in uses):
        return
    ref = ref_of(uses[0])
    if ref is not None:
        ready = ref.step in {step.id for step in here.earlier} and here.evidence.value(ref.step) is not MISSING
        if ready and fitness(at(here.evidence.value(ref.step), ref.path), wanted) == 1.0:
            evidence = f"{wanted.name!r} reads this in {len(uses)} other step(s)"
            edit: Edit = BindReference(here.step.id, problem.at, ref)
            yield Proposal(problem, (edit,), "like_its_peers", evidence, Confidence.EVIDENT, 0.9)
    elif fitness(uses[0], wanted) == 1.0 and type_name(uses[0]) == "string":
        sure = Confidence.EVIDENT if len(uses) > 1 else Confidence.GUESS
        evidence = f"{wanted.name!r} is {short(uses[0])} in {len(uses)} other step(s)"
        edit = SetArgument(here.step.id, problem.at, uses[0])
        yield Proposal(problem, (edit,), "like_its_peers", evidence, sure, 0.7)


def _next_item(problem: MissingArgument, here: Situation, wanted: Target) -> Iterator[Proposal]:
    """Two arguments that read items of one list: the one left out reads the item that is left over."""
    for name, value in here.written.items():
        ref = ref_of(value)
        parts = segments(ref.path) if ref is not None else []
        places = [index for index, part in enumerate(parts) if part.isdigit()]
        if ref is None or not places:
            continue
        at_list = places[-1]
        items = as_list(at(here.evidence.value(ref.step), join(parts[:at_list]))) or []
        free = [index for index in range(len(items)) if str(index) != parts[at_list]]
        if len(items) == 2 and len(free) == 1:
            path = join([*parts[:at_list], str(free[0]), *parts[at_list + 1 :]])
            if fitness(at(here.evidence.value(ref.step), path), wanted) == 1.0:
                evidence = f"{name!r} reads one of the two items of {ref.step!r}; the other is unused"
                edit = BindReference(here.step.id, problem.at, Ref(ref.step, path))
                yield Proposal(problem, (edit,), "other_item", evidence, Confidence.GUESS, 0.65)


def _unused_result(problem: MissingArgument, here: Situation, wanted: Target) -> Iterator[Proposal]:
    """The one earlier step that nothing reads, if its result holds one fitting value that is no echo."""
    used = {source.step for source in here.sources if source.used}
    listed = [step.id for step in here.plan.steps]
    before = [step.id for step in here.earlier if listed.index(step.id) < listed.index(here.step.id)]
    free = [name for name in before if name not in used and here.evidence.value(name) is not MISSING]
    options = [
        source
        for source in here.sources
        if source.step in free and source.parts and not source.echo and fitness(source.value, wanted) == 1.0
    ]
    options = [
        source for source in options if not isinstance(source.value, str | dict | list | bool) or len(options) == 1
    ]
    if len(free) >= 1 and len(options) == 1:
        source = options[0]
        evidence = f"nothing else reads {source.step!r}, and this is the only value it found that fits"
        edit = BindReference(here.step.id, problem.at, Ref(source.step, join(list(source.parts))))
        yield Proposal(problem, (edit,), "unused_result", evidence, Confidence.GUESS, 0.6)
