"""The repairs that were not made: told beside what stayed broken, or proposed where only proposals are wanted. Pure."""

from __future__ import annotations

from collections.abc import Callable

from proxy.repair import explain
from proxy.repair.edits import Inapplicable, apply
from proxy.repair.search.outcome import failing
from proxy.repair.search.propose import repairs
from proxy.repair.view.step import Evidence
from schemas.edit import Proposal
from schemas.plan import Plan
from schemas.trial import Candidate

MOST = 8
"""Steps that stayed broken for which repairs are told: more help nobody, and each costs time."""


def alternatives_of(candidate: Candidate, evidence: Evidence) -> dict[str, tuple[str, ...]]:
    """For the first steps that stayed broken, the two best repairs that were not made, and how sure each is."""
    found: dict[str, tuple[str, ...]] = {}
    for step in failing(candidate)[:MOST]:
        options = repairs(candidate.plan, step, evidence)[:2]
        found[step] = tuple(explain.in_words(candidate.plan, option.proposals) for option in options)
    return found


def suggestions(
    candidate: Candidate, evidence: Evidence, late: Callable[[], bool] = lambda: False
) -> tuple[tuple[Proposal, ...], Plan | None]:
    """The best repair of every failed step, and the plan with all of them, none sent; no more once it is `late`."""
    plan, found = candidate.plan, tuple[Proposal, ...]()
    for step in failing(candidate):
        if late():
            break
        options = repairs(plan, step, evidence)
        if not options:
            continue
        changed = apply(plan, [edit for proposal in options[0].proposals for edit in proposal.edits])
        if not isinstance(changed, Inapplicable):
            plan, found = changed, (*found, *options[0].proposals)
    return found, plan if found else None
