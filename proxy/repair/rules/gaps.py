"""Rules that fill a missing argument from earlier results: by name, like its peers, or from what nothing else reads."""

from __future__ import annotations

from collections.abc import Iterator

from proxy.repair.view.coerce import Target, short
from proxy.repair.view.earlier_values import GENERIC, bind_by_name, fitness, ref_of, wanted_at
from proxy.repair.view.measures import agreement
from proxy.repair.view.schema import type_name
from proxy.repair.view.step import Source, StepView
from proxy.repair.view.values import MISSING, at, join, segments
from proxy.repair.view.words import plain, stem, words
from schemas.catalog import as_list, as_object, canonical
from schemas.edit import BindReference, Confidence, Edit, Proposal, SetArgument
from schemas.plan import Ref
from schemas.problem import MissingArgument


def missing_from_results(problem: MissingArgument, here: StepView) -> Iterator[Proposal]:
    """Fill a missing argument from an earlier result: like its peers, by name, or from what is left over."""
    wanted = wanted_at(problem.at, here)
    if wanted is None:
        return
    found = [
        proposal
        for proposal in (*_like_its_peers(problem, here, wanted), *bind_by_name(problem, here, wanted))
        if _from_here(proposal, here)
    ]
    yield from found
    yield from (proposal for proposal in _next_item(problem, here, wanted) if _from_here(proposal, here))
    if not found:
        yield from _unused_result(problem, here, wanted)


def _from_here(proposal: Proposal, here: StepView) -> bool:
    """Tell whether a value is from a step of the same upstream: an argument without a reference takes no other's."""
    edit = proposal.edits[0]
    origin = here.plan.by_id.get(edit.ref.step) if isinstance(edit, BindReference) else here.step
    return origin is not None and origin.server == here.step.server


def _like_its_peers(problem: MissingArgument, here: StepView, wanted: Target) -> Iterator[Proposal]:
    """Read what the argument of this name reads in other steps of the plan, if they all read the same.

    A name that says nothing (`data`) is no evidence, and neither is the one other call of the same tool: it was made
    to ask for something else.
    """
    peers = [other for other in here.plan.steps if other.id != here.step.id and other.server == here.step.server]
    peers = [other for other in peers if wanted.name in (as_object(other.arguments) or {})]
    uses = [(as_object(other.arguments) or {})[wanted.name] for other in peers]
    if not uses or any(canonical(value) != canonical(uses[0]) for value in uses) or plain(wanted.name) in GENERIC:
        return
    if len(peers) == 1 and (peers[0].server, peers[0].tool) == (here.step.server, here.step.tool):
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


def _next_item(problem: MissingArgument, here: StepView, wanted: Target) -> Iterator[Proposal]:
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


def _unused_result(problem: MissingArgument, here: StepView, wanted: Target) -> Iterator[Proposal]:
    """The value that was meant in the earlier steps that nothing reads: the only one that fits, or that stands out.

    While one of them has no result yet, nothing is known of what it will hold.
    """
    used = {source.step for source in here.sources if source.used}
    ids = here.plan.by_id
    read = {ref.step for step in here.plan.steps for _, ref in step.refs(ids)}
    if any(here.evidence.value(id_) is MISSING for id_ in _before(here) - read):
        return
    free = [step.id for step in here.earlier if step.id not in used and here.evidence.value(step.id) is not MISSING]
    options = [
        source
        for source in here.sources
        if source.step in free
        and ids[source.step].server == here.step.server
        and source.parts
        and not source.echo
        and not isinstance(source.value, dict | list)
        and fitness(source.value, wanted) == 1.0
        and agreement(source, wanted, here) >= 0
    ]
    options = [source for source in options if not isinstance(source.value, str | bool) or len(options) == 1]
    chosen, why = _standing_out(options, here)
    if chosen is not None:
        evidence = f"nothing else reads {chosen.step!r}, and this is {why}"
        edit = BindReference(here.step.id, problem.at, Ref(chosen.step, join(list(chosen.parts))))
        yield Proposal(problem, (edit,), "unused_result", evidence, Confidence.GUESS, 0.65)


def _before(here: StepView) -> set[str]:
    """Steps listed before this one that do not wait for it."""
    listed = [step.id for step in here.plan.steps]
    mine = listed.index(here.step.id) if here.step.id in listed else len(listed)
    return {step.id for step in here.earlier if listed.index(step.id) < mine}


def _standing_out(options: list[Source], here: StepView) -> tuple[Source | None, str]:
    """The one value that was meant among several, and why; None where nothing singles one out."""
    if len(options) == 1:
        return options[0], "the only value it found that fits"
    if len({source.step for source in options}) != 1:
        return None, ""
    plainly = [source for source in options if plain(source.name) in GENERIC and len(source.parts) == 1]
    if len(plainly) == 1:
        return plainly[0], "what it calls its result"
    said = {stem(word) for word in words(here.plan.goal)}
    names = [frozenset(stem(word) for word in words(source.name)) for source in options]
    shared = names[0].intersection(*names)
    spoken = [source for source, name in zip(options, names, strict=True) if name - shared and name - shared <= said]
    return (spoken[0], "the value of it that the goal speaks of") if len(spoken) == 1 else (None, "")
