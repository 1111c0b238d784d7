"""A reference to a step that is not there, but stands in the plan under another id."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from proxy.repair.rule import TEXT, Example, Offer, Other, Rule, Tier
from proxy.repair.rules.earlier_result import by_name
from proxy.repair.view.coerce import Target
from proxy.repair.view.earlier_values import CLEAR, fitness, read_here, ref_of, wanted_at
from proxy.repair.view.measures import agreement
from proxy.repair.view.step import OUTPUT, StepView
from proxy.repair.view.values import MISSING, at, inside, segments
from proxy.repair.view.words import likeness, words
from schemas.edit import BindReference, Confidence
from schemas.plan import Ref
from schemas.problem import CyclicDependency, DanglingDependency

NEAR = 0.45
"""Score from which a step may be the one that was meant."""
_COUNTING = frozenset({"step", "s", "e", "call", "task", "node", "result", "output", "tool", "action"})
"""Words that writers put before the number of a step."""


def propose(problem: DanglingDependency | CyclicDependency, here: StepView) -> Iterator[Offer]:
    """Point a reference to a step that is not there at the one it was meant for: by id, number, or what it returned.

    A reference to a later step that waits for this one cannot have been meant either, and is bound elsewhere by name.
    """
    if isinstance(problem, CyclicDependency):
        yield from _out_of_cycle(problem, here)
        return
    place = inside(here.plan.output if here.step.id == OUTPUT else here.step.arguments, problem.at)
    ref = ref_of(place)
    if ref is None or ref.step != problem.target:
        return
    ranked = _by_name(problem, here, ref)
    for score, step in ranked[:3]:
        others = [other for other, name in ranked if name != step]
        sure = Confidence.EVIDENT if score - max(others, default=0.0) >= CLEAR else Confidence.GUESS
        evidence = f"there is no step {problem.target!r}; {step!r} has {ref.path!r}" if ref.path else "the nearest step"
        yield Offer((BindReference(here.step.id, problem.at, Ref(step, ref.path)),), evidence, sure, min(1.0, score))
    if not ranked:
        found = [*_by_number(problem, here, ref), *_only_holder(problem, here, ref)]
        yield from found or _by_value(problem, here, ref)


def _out_of_cycle(problem: CyclicDependency, here: StepView) -> Iterator[Offer]:
    listed = [step.id for step in here.plan.steps]
    for name, value in here.written.items():
        ref = ref_of(value)
        if ref is None or ref.step not in problem.cycle or listed.index(ref.step) < listed.index(here.step.id):
            continue
        for offer in by_name((name,), here) if here.argument_schema(name) is not None else ():
            reason = f"{here.step.id!r} cannot read {ref.step!r}, which waits for it"
            yield replace(offer, confidence=Confidence.GUESS).because(reason)


def _by_name(problem: DanglingDependency, here: StepView, ref: Ref) -> list[tuple[float, str]]:
    """Earlier steps by how like their ids or tools the name is and whether they returned something at the path."""
    wanted = wanted_at(problem.at, here)
    scored: list[tuple[float, str]] = []
    for step in here.earlier:
        value = here.evidence.value(step.id)
        alike = likeness(problem.target, step.id) if _id_alike(problem.target, step.id) else 0.0
        alike = max(alike, 0.6 * likeness(problem.target, step.tool))
        has = at(value, ref.path)
        there = 0.0 if value is MISSING else (0.4 if has is not MISSING and fitness(has, wanted) > 0.0 else -0.3)
        if alike > 0.0 and Ref(step.id, ref.path) not in read_here(here):
            scored.append((0.6 * alike + there + (0.1 if value is MISSING else 0.0), step.id))
    return sorted((entry for entry in scored if entry[0] >= NEAR), key=lambda pair: -pair[0])


def _id_alike(said: str, step: str) -> bool:
    ours, theirs = set(words(said)), set(words(step))
    return bool(ours & theirs) or likeness(said, step) >= 0.6


def _by_number(problem: DanglingDependency, here: StepView, ref: Ref) -> Iterator[Offer]:
    """The step of that number, where the plan's own steps have names and no numbers."""
    said = re.fullmatch(r"[#$]?([A-Za-z]*)[ _-]?(\d{1,2})", problem.target)
    if said is None or (said[1] and said[1].lower() not in _COUNTING):
        return
    ids = [step.id for step in here.plan.steps]
    if any(re.fullmatch(r"[#$]?[A-Za-z]*[ _-]?\d+", name) for name in ids):
        return
    number = int(said[2])
    if not 1 <= number <= len(ids) or ids[number - 1] not in {step.id for step in here.earlier}:
        return
    meant = ids[number - 1]
    if _holds(meant, ref.path, wanted_at(problem.at, here), here):
        evidence = f"{meant!r} is step {number} of the plan and has {ref.path!r}"
        edit = BindReference(here.step.id, problem.at, Ref(meant, ref.path))
        yield Offer((edit,), evidence, Confidence.EVIDENT, 0.9)


def _only_holder(problem: DanglingDependency, here: StepView, ref: Ref) -> Iterator[Offer]:
    """The one step that nothing reads, if of all results its alone has something fitting at the very path."""
    wanted = wanted_at(problem.at, here)
    holders = [step.id for step in here.earlier if ref.path and _holds(step.id, ref.path, wanted, here)]
    used = {source.step for source in here.sources if source.used}
    if len(holders) == 1 and holders[0] not in used:
        evidence = f"of all results only {holders[0]!r}, which nothing else reads, has {ref.path!r}"
        edit = BindReference(here.step.id, problem.at, Ref(holders[0], ref.path))
        yield Offer((edit,), evidence, Confidence.GUESS, 0.65)


def _holds(step: str, path: str, wanted: Target | None, here: StepView) -> bool:
    """Tell whether a step returned something at a path that the place takes, in no other unit than it wants."""
    value = at(here.evidence.value(step), path)
    if value is MISSING or fitness(value, wanted) == 0.0:
        return False
    found = [source for source in here.sources if source.step == step and list(source.parts) == segments(path)]
    return wanted is None or all(agreement(source, wanted, here) >= 0 for source in found)


def _by_value(problem: DanglingDependency, here: StepView, ref: Ref) -> Iterator[Offer]:
    name = next((part for part in reversed(segments(ref.path)) if not part.isdigit()), "")
    for offer in by_name(problem.at, here):
        edit = offer.edits[0]
        if isinstance(edit, BindReference) and (not name or likeness(name, segments(edit.ref.path)[-1]) >= 0.6):
            yield replace(offer, confidence=Confidence.GUESS)


_TAKES = {"cart_id": TEXT}
_CART = (Other("open_cart", {"cart": {"id": "c-1"}}),)


def _reads(step: str, path: str = "cart.id") -> dict[str, object]:
    return {"cart_id": Ref(step, path).json()}


RULE = Rule(
    "rebind_step",
    (DanglingDependency, CyclicDependency),
    Tier.MISPLACED,
    propose,
    (
        Example(_TAKES, _reads("opencart"), _reads("open_cart"), before=_CART),
        Example(_TAKES, _reads("step_1"), _reads("open_cart"), before=_CART),
        Example(
            _TAKES,
            _reads("pay"),
            _reads("open_cart"),
            before=_CART,
            after=(Other("pay", sent={"amount": Ref("it", "total").json()}),),
        ),
        Example(_TAKES, _reads("warehouse", "shelf"), before=_CART),
    ),
)
