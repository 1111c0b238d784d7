"""What else a guess could have been, and whether the goal tells two plans apart that both ran.

Pure. A guess is held against every rival: the same candidate with another repair in its place, and without the guesses
that were only made for what the first one returned.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from proxy.repair.edits import Inapplicable, apply
from proxy.repair.search.gates import guessed
from proxy.repair.view.step import OUTPUT
from proxy.repair.view.values import inside, segments
from proxy.repair.view.words import stem, words
from schemas.edit import Confidence, Proposal, RepathReference, SetArgument, SwapTool
from schemas.plan import Plan, as_ref, refs_in
from schemas.problem import MissingArgument
from schemas.trial import Candidate, Rivals

_INDEX = re.compile(r"\d{1,3}")
_ORDINALS = (
    "first 1st erste ersten erster erstes premier première primer primero primera primo prima",
    "second 2nd zweite zweiten zweiter zweites deuxième seconde segundo segunda secondo seconda",
    "third 3rd dritte dritten dritter drittes troisième tercer tercero tercera terzo terza",
    "fourth 4th vierte vierten vierter viertes quatrième cuarto cuarta quarto quarta",
    "fifth 5th fünfte fünften fünfter fünftes cinquième quinto quinta",
)
"""Words for a place in a list; where a goal says it in another language, nothing is told apart."""


def misread(candidate: Candidate) -> bool:
    """Tell whether a tool took the place of another and what reads its result had to be guessed anew."""
    swapped = {
        edit.step
        for proposal in candidate.lineage
        for edit in proposal.edits
        if isinstance(edit, SwapTool) and proposal.confidence is not Confidence.LOSSLESS
    }
    guessed_at = (proposal for proposal in candidate.lineage if proposal.confidence is Confidence.GUESS)
    return any(
        isinstance(edit, RepathReference) and _read(candidate.plan, edit) in swapped
        for proposal in guessed_at
        for edit in proposal.edits
    )


def _read(plan: Plan, edit: RepathReference) -> str:
    """The step whose result the reference reads."""
    step = plan.by_id.get(edit.step)
    ref = as_ref(inside(plan.output if step is None else step.arguments, edit.at))
    return ref.step if ref is not None else ""


def ignores(candidate: Candidate) -> bool:
    """Tell whether a value was guessed for what was missing although there is a step whose result nothing reads."""
    plan = candidate.plan
    made_up = any(
        isinstance(edit, SetArgument) and isinstance(proposal.problem, MissingArgument)
        for proposal in candidate.lineage
        if proposal.confidence is Confidence.GUESS
        for edit in proposal.edits
    )
    read = {ref.step for step in plan.steps for _, ref in step.refs(plan.by_id)}
    read |= {ref.step for _, ref in refs_in(plan.output, plan.by_id)}
    return made_up and plan.output is not None and bool(plan.by_id.keys() - read)


def behind(plan: Plan, step: str) -> frozenset[str]:
    """The steps that read a step's result, directly or not; the output, which reads any."""
    found, front = {OUTPUT}, {step}
    while front:
        front = {
            other.id
            for other in plan.steps
            if other.id not in found and any(ref.step in front for _, ref in other.refs(plan.by_id))
        }
        found |= front
    return frozenset(found)


def with_rival(submitted: Plan, best: Candidate, of: Rivals, other: Sequence[Proposal]) -> Candidate | None:
    """The candidate that takes another repair where `best` took one; None where that makes no plan.

    Guesses at what reads the step are left out: they were made about another result.
    """
    again = guessed(best.lineage) & behind(best.plan, of.step)
    later = (proposal for proposal in best.lineage[of.at + of.count :] if proposal.problem.step not in again)
    plan = submitted
    kept: list[Proposal] = []
    for proposal in (*best.lineage[: of.at], *other, *later):
        changed = apply(plan, proposal.edits)
        if not isinstance(changed, Inapplicable):
            plan, kept = changed, [*kept, proposal]
        elif proposal in other:
            return None
    return None if plan.key == best.plan.key else Candidate(plan, tuple(kept))


def goal_prefers(goal: str, left: Plan, right: Plan) -> bool:
    """Tell whether the goal speaks of what the left plan alone reads, and of nothing that the right one alone reads."""
    mine, theirs = _places(left), _places(right)
    return _spoken_of(goal, mine - theirs) and not _spoken_of(goal, theirs - mine)


def _places(plan: Plan) -> frozenset[tuple[str, str]]:
    """The parts of every path that a plan reads, each index with the name of the list that it is of."""
    inside = [ref for step in plan.steps for _, ref in step.refs(plan.by_id)]
    paths = [segments(ref.path) for ref in [*inside, *(ref for _, ref in refs_in(plan.output, plan.by_id))]]
    pairs = [pair for parts in paths for pair in zip(["", *parts], parts, strict=False)]
    return frozenset((owner if _INDEX.fullmatch(part) else "", part) for owner, part in pairs)


def _spoken_of(goal: str, places: frozenset[tuple[str, str]]) -> bool:
    said = [stem(word) for word in words(goal)]
    return any(
        _counted(goal, int(part), owner) if _INDEX.fullmatch(part) else _named(said, part) for owner, part in places
    )


def _named(said: Sequence[str], part: str) -> bool:
    own = [stem(word) for word in words(part)]
    return bool(own) and all(word in said for word in own)


def _counted(goal: str, index: int, owner: str) -> bool:
    """Tell whether the goal speaks of the thing at this place of a list: "the second lot" of `lots`."""
    things = {stem(word) for word in words(owner)}
    spoken = goal.lower().split()
    said = _ORDINALS[index].split() if index < len(_ORDINALS) else []
    return any(
        word in said and things & {stem(each) for near in spoken[place + 1 : place + 3] for each in words(near)}
        for place, word in enumerate(spoken)
    )
