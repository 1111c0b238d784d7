"""The two gates of the search: may a repair be tried, and may what was tried be claimed.

Pure. Effects alone decide what may be tried: on a step that only reads, any repair that breaks no law, however unsure;
elsewhere what the ledger and the evidence allow. What may be claimed is decided by what stands: a plan whose repairs
are lossless or evident, or one whose guesses nothing contradicts, since every rival that also ran to the end gives the
same value. A budget that ends before every rival was tried contradicts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from proxy.repair.read.diagnose import view_of
from proxy.repair.search.effects import is_call, may_send
from proxy.repair.search.laws import objection
from proxy.repair.search.propose import Repair
from proxy.repair.view.step import OUTPUT, Evidence
from schemas.catalog import Json, canonical, same_numbers
from schemas.edit import Confidence, Proposal
from schemas.plan import Plan, Step, dependencies
from schemas.trial import Candidate, StepRun, Verdict

LIKELY = 0.3
"""Score below which a guess is only told to the client: it may be the counterpart of what was meant."""
AGAIN = "this call has already failed"
UNLIKELY = "the evidence does not single it out"
UNSURE = "not sent: an effect would follow a guess"
SPENT = "the call budget is spent"


@dataclass(frozen=True)
class Gate:
    """What decides whether a repair may be tried.

    `submitted` is the plan as it was asked for, `history` everything sent for a step so far; calls of the `frozen`
    upstreams are never changed.
    """

    submitted: Plan
    history: Callable[[str], list[StepRun]]
    frozen: frozenset[str] = frozenset()

    def closed(self, option: Repair, parent: Plan, step_id: str, evidence: Evidence, *, chosen: bool = False) -> str:
        """Why a repair of one step of `parent` must not be tried, as a sentence; "" where it may.

        `chosen` asks what it would be if a person had chosen it, which makes a guess evident.
        """
        if option.open:
            return f"something stays wrong: {option.open[0].message}"
        if why := objection(self.submitted, parent, option.proposals, evidence):
            return why
        if option.confidence is Confidence.GUESS and option.score < LIKELY and not chosen:
            return UNLIKELY
        step = option.plan.by_id.get(step_id)
        if step is None or step_id == OUTPUT:
            return ""
        tool = evidence.catalog.origin(step.server or "", step.tool)
        if tool is None or step.server in self.frozen:
            return f"calls of {step.server!r} are not changed" if tool else f"there is no tool {step.tool!r}"
        arguments, history = view_of(option.plan, step, evidence).resolved[0], self.history(step_id)
        failed = [run for run in history if not run.ok and run.verdict is not Verdict.NOT_SENT]
        again = step.map is None and any(is_call(run, tool, arguments) for run in failed)
        if again and not _changes_others(option.proposals):
            return AGAIN
        return may_send(history, tool, arguments, Confidence.EVIDENT if chosen else option.confidence)


def _changes_others(proposals: Sequence[Proposal]) -> bool:
    """Tell whether a repair changes what runs before its step, so that the same call may end otherwise."""
    return any(edit.op in ("add_step", "dedupe") for proposal in proposals for edit in proposal.edits)


def unsure(plan: Plan, step: Step, sure: Mapping[str, Confidence]) -> bool:
    """Tell whether a step follows a guess: it, or a step whose result it needs, directly or not, was guessed at."""
    ids, front, seen = plan.by_id, {step.id}, set[str]()
    while front:
        if any(sure.get(name) is Confidence.GUESS for name in front):
            return True
        seen |= front
        front = {name for each in front if each in ids for name in dependencies(ids[each], ids)} - seen
    return False


def held(candidate: Candidate) -> dict[str, Json]:
    """Steps that only a guess before them keeps from being sent, with their arguments; {} where more is wrong."""
    runs = candidate.execution.runs
    waiting = {step: run for step, run in runs.items() if any(p.message == UNSURE for p in run.problems)}
    broken = any(not run.ok and run.verdict is not Verdict.BLOCKED for run in runs.values())
    return {} if broken else {step: run.arguments for step, run in waiting.items()}


def cut_off(candidate: Candidate) -> bool:
    """Tell whether the budget kept a step from being sent, so that nobody knows what it would have come to."""
    return any(problem.message == SPENT for run in candidate.execution.runs.values() for problem in run.problems)


def proven(lineage: Iterable[Proposal]) -> tuple[Proposal, ...]:
    """The same proposals, guesses made evident by the failure of everything else that could have been meant."""
    return tuple(
        replace(p, confidence=Confidence.EVIDENT, evidence=f"{p.evidence}; nothing else ran")
        if p.confidence is Confidence.GUESS
        else p
        for p in lineage
    )


def agree(left: Json, right: Json) -> bool:
    """Tell whether two plans that ran to the end give the same value."""
    return canonical(same_numbers(left)) == canonical(same_numbers(right))


def guessed(lineage: Iterable[Proposal]) -> frozenset[str]:
    """The steps of which something in a lineage is only a guess, which what was tried has to bear out."""
    return frozenset(proposal.problem.step for proposal in lineage if proposal.confidence is Confidence.GUESS)


def sureness(lineage: Iterable[Proposal]) -> dict[str, Confidence]:
    """Step id to the least sure of its edits."""
    worst: dict[str, Confidence] = {}
    for proposal in lineage:
        for edit in proposal.edits:
            known = worst.get(edit.step, Confidence.LOSSLESS)
            worst[edit.step] = max(known, proposal.confidence, key=lambda confidence: confidence.rank)
    return worst
