"""What else a guess could have been.

Pure. A guess is held against every rival: the same candidate with another repair in its place, and without the guesses
that were only made for what the first one returned.
"""

from __future__ import annotations

from collections.abc import Sequence

from proxy.repair.edits import Inapplicable, apply
from proxy.repair.search.gates import guessed
from proxy.repair.view.step import OUTPUT
from proxy.repair.view.values import inside
from schemas.edit import Confidence, Proposal, RepathReference, SetArgument, SwapTool
from schemas.plan import Plan, as_ref, refs_in
from schemas.problem import MissingArgument
from schemas.trial import Candidate, Rivals


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
