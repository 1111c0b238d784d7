"""A missing argument that an earlier step of the plan returned: under its name, or as all that is left over."""

from __future__ import annotations

from collections.abc import Iterator

from proxy.repair.rule import NUMBER, TEXT, Example, Offer, Other, Rule, Tier
from proxy.repair.rules import like_its_peers
from proxy.repair.view.coerce import Target
from proxy.repair.view.earlier_values import GENERIC, fitness, fitting, how_sure, ranked, ref_of, wanted_at, weighed
from proxy.repair.view.measures import agreement
from proxy.repair.view.step import Source, StepView
from proxy.repair.view.values import MISSING, at, join, segments
from proxy.repair.view.words import plain, stem, words
from schemas.catalog import as_list
from schemas.edit import BindReference, Confidence
from schemas.plan import Location, Ref
from schemas.problem import MissingArgument

LEAST = 0.5
"""Score from which a value may be the one of the argument's name."""


def propose(problem: MissingArgument, here: StepView) -> Iterator[Offer]:
    """Read a missing argument from the earlier result of the same upstream that has its name, type and unit.

    Also the item that is left over in a list of two; and where nothing has the name, what is left over in steps that
    nothing reads: the only value that fits, or the one that stands out.
    """
    wanted = wanted_at(problem.at, here)
    found = [offer for offer, source in _by_name(problem.at, here) if _of_same_server(source, here)]
    yield from found
    if wanted is not None:
        yield from _other_item(problem.at, here, wanted)
    if wanted is not None and not found and not any(like_its_peers.propose(problem, here)):
        yield from _unused(problem.at, here, wanted)


def _other_item(where: Location, here: StepView, wanted: Target) -> Iterator[Offer]:
    """Of two arguments that read items of one list, the one left out reads the item that is left over."""
    for name, value in here.written.items():
        ref = ref_of(value)
        parts = segments(ref.path) if ref is not None else []
        place = max((index for index, part in enumerate(parts) if part.isdigit()), default=0)
        step = here.plan.by_id.get(ref.step) if ref is not None else None
        if step is None or parts[place : place + 1] not in (["0"], ["1"]) or step.server != here.step.server:
            continue
        result = here.evidence.value(step.id)
        other = join([*parts[:place], "1" if parts[place] == "0" else "0", *parts[place + 1 :]])
        two = len(as_list(at(result, join(parts[:place]))) or []) == 2
        if two and fitness(at(result, other), wanted) == 1.0:
            edit = BindReference(here.step.id, where, Ref(step.id, other))
            evidence = f"{name!r} reads one of the two items of {step.id!r}; the other is unused"
            yield Offer((edit,), evidence, Confidence.GUESS, 0.65)


def by_name(where: Location, here: StepView) -> list[Offer]:
    """Read an argument from the result that holds a value of its name, type and unit."""
    return [offer for offer, _ in _by_name(where, here)]


def _by_name(where: Location, here: StepView) -> Iterator[tuple[Offer, Source]]:
    wanted = wanted_at(where, here)
    choices = ranked(weighed(source, wanted, here) for source in here.sources) if wanted is not None else []
    for choice in choices[:4]:
        if choice.score >= LEAST:
            edit = BindReference(here.step.id, where, choice.source.ref)
            yield Offer((edit,), choice.why, how_sure(choice, choices), choice.score), choice.source


def _of_same_server(source: Source, here: StepView) -> bool:
    """Tell whether a value is from the same upstream: an argument without a reference takes no other's."""
    return here.plan.by_id[source.step].server == here.step.server


def _unused(where: Location, here: StepView, wanted: Target) -> Iterator[Offer]:
    """While one of the steps that nothing reads has no result yet, nothing is known of what it will hold."""
    used = {source.step for source in here.sources if source.used}
    read = {ref.step for step in here.plan.steps for _, ref in step.refs(here.plan.by_id)}
    if any(here.evidence.value(step) is MISSING for step in _before(here) - read):
        return
    options = [
        source
        for source in fitting(here.sources, wanted)
        if source.step not in used
        and _of_same_server(source, here)
        and not isinstance(source.value, dict | list)
        and agreement(source, wanted, here) >= 0
    ]
    options = [source for source in options if not isinstance(source.value, str | bool) or len(options) == 1]
    chosen, why = _standing_out(options, here)
    if chosen is not None and not _better(chosen, wanted, here):
        edit = BindReference(here.step.id, where, chosen.ref)
        evidence = f"nothing else reads {chosen.step!r}, and this is {why}"
        yield Offer((edit,), evidence, Confidence.GUESS, 0.65)


def _better(chosen: Source, wanted: Target, here: StepView) -> bool:
    """Tell whether another result is in the very unit that is wanted, while of the chosen one no unit is known."""
    others = (source for source in fitting(here.sources, wanted) if source is not chosen)
    return agreement(chosen, wanted, here) == 0 and any(agreement(source, wanted, here) > 0 for source in others)


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


RULE = Rule(
    "earlier_result",
    (MissingArgument,),
    Tier.ELSEWHERE,
    propose,
    (
        Example(
            {"user_id": TEXT},
            {},
            {"user_id": Ref("a", "user.id").json()},
            before=(Other("a", {"user": {"id": "u-31"}}),),
        ),
        Example(
            {"number": NUMBER}, {}, {"number": Ref("a", "sum").json()}, before=(Other("a", {"sum": 12, "of": "n"}),)
        ),
        Example(
            {"origin": TEXT, "goal": TEXT},
            {"origin": Ref("a", "0").json()},
            {"origin": Ref("a", "0").json(), "goal": Ref("a", "1").json()},
            before=(Other("a", ["Oslo", "Bergen"]),),
        ),
        Example({"user_id": TEXT}, {}, before=(Other("a", {"colour": "red", "shape": "round"}),)),
        Example({"number": NUMBER}, {}, before=(Other("a", {"sum": 12}), Other("b", {"sum": 13}))),
    ),
    order=1,
)
