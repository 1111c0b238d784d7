"""From a step's problems to whole repairs of that step, best first.

Pure. `propose` asks the rules that may solve one problem. `repairs` searches combinations of their proposals until
nothing is left that keeps the step from being sent (a beam over edits, Evoflux section on structured edits).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from proxy.repair.edits import Inapplicable, apply, touched
from proxy.repair.read.diagnose import output_problems, static_problems, view_of
from proxy.repair.read.refused import refusal_problems
from proxy.repair.rule import Tier
from proxy.repair.rules import BY_PROBLEM
from proxy.repair.search.recall import recalled
from proxy.repair.view.earlier_values import CLEAR
from proxy.repair.view.step import OUTPUT, Evidence, StepView
from schemas.catalog import canonical
from schemas.edit import Confidence, Proposal, SwapTool
from schemas.plan import Plan, Step
from schemas.problem import (
    AmbiguousTool,
    CyclicDependency,
    DuplicateStep,
    MissingArgument,
    Problem,
    Refused,
    UnexpectedArgument,
    UnknownTool,
    UntypedRefused,
    WrongType,
)

WIDTH = 6
"""States kept in the beam."""
BRANCH = 4
"""Proposals tried for one problem."""
ASKED = 32
"""Problems of one step that rules are asked about at once: with more than `DEPTH` none is mended as a whole."""
DEPTH = 8
"""Problems of one step solved in one repair."""


def propose(problem: Problem, here: StepView) -> list[Proposal]:
    """Every proposal for one problem, surest first.

    Two that claim to be evident and lie closer than half of `CLEAR` are both guesses: the evidence singles out neither.
    """
    found: dict[str, Proposal] = {}
    for proposal in recalled(problem, here, here.evidence.memory):
        found[repr(proposal.edits)] = proposal
    for tier in BY_PROBLEM[type(problem)]:
        if tier[0].tier is Tier.DEFAULT and found:
            break
        for rule in tier:
            for proposal in rule.proposals(problem, here):
                found.setdefault(repr(proposal.edits), proposal)
        if any(proposal.confidence is not Confidence.GUESS for proposal in found.values()):
            break
    ranked = sorted((proposal for proposal in found.values() if not _repeats(proposal, here)), key=_rank)
    evident = [proposal for proposal in ranked if proposal.confidence is Confidence.EVIDENT]
    if len(evident) > 1 and evident[0].score - evident[1].score < CLEAR / 2 and ranked[0] is evident[0]:
        ranked = [replace(p, confidence=Confidence.GUESS) if p.confidence is Confidence.EVIDENT else p for p in ranked]
        ranked.sort(key=_rank)
    return ranked


def _repeats(proposal: Proposal, here: StepView) -> bool:
    """Tell whether a guess at what is missing makes the step the very call that a step apart from it has made.

    Of two neighbours that are one call the second is a slip of its own, and goes as a twin.
    """
    if not isinstance(proposal.problem, MissingArgument) or proposal.confidence is not Confidence.GUESS:
        return False
    plan = apply(here.plan, proposal.edits)
    if isinstance(plan, Inapplicable) or here.step.id not in plan.by_id:
        return False
    listed = [step.id for step in plan.steps]
    mine = listed.index(here.step.id)
    now = replace(here, plan=plan, step=plan.by_id[here.step.id])
    apart = [name for index, name in enumerate(listed) if abs(index - mine) > 1]
    runs = [here.evidence.runs[name] for name in apart if name in here.evidence.runs]
    sent = canonical(now.resolved[0])
    called = (now.step.server, now.step.tool)
    return any(run.ok and (run.server, run.tool) == called and canonical(run.arguments) == sent for run in runs)


def _named_first(found: Sequence[Proposal]) -> tuple[bool, int, float]:
    """Sort key of the proposals for one problem: what an upstream named is mended before what it merely refused."""
    return isinstance(found[0].problem, Refused), *_rank(found[0])


def _rank(proposal: Proposal) -> tuple[int, float]:
    return proposal.confidence.rank, -proposal.score


@dataclass(frozen=True)
class Repair:
    """Edits of one step that together leave nothing to keep it from being sent.

    `confidence` is the least sure of its proposals, `score` their product.
    """

    plan: Plan
    proposals: tuple[Proposal, ...]
    open: tuple[Problem, ...] = ()
    loose: int = 0
    """Arguments left that the tool does not know."""

    @property
    def confidence(self) -> Confidence:
        """The least sure of its proposals."""
        return max((p.confidence for p in self.proposals), key=lambda c: c.rank, default=Confidence.LOSSLESS)

    @property
    def score(self) -> float:
        """The product of its proposals' scores."""
        product = 1.0
        for proposal in self.proposals:
            product *= proposal.score
        return product

    @property
    def rank(self) -> tuple[int, int, int, float]:
        """Sort key, best first: complete, nothing lost, sure, likely."""
        return len(self.open), self.loose, self.confidence.rank, -self.score


def repairs(plan: Plan, step_id: str, evidence: Evidence) -> list[Repair]:
    """Every repair of one step that the rules support, best first; incomplete ones only where none is complete."""
    start = _view(plan, step_id, evidence)
    if start is None:
        return []
    refusal = refusal_problems(start)
    beam = [Repair(plan, ())]
    finished: list[Repair] = []
    seen = {plan.key}
    for _ in range(DEPTH):
        grown: list[Repair] = []
        for state in beam:
            problems = open_problems(state, step_id, evidence, refusal)
            blocking = tuple(problem for problem in problems if _blocks(problem))
            loose = sum(isinstance(problem, UnexpectedArgument) for problem in problems)
            if state.proposals:
                finished.append(replace(state, open=blocking, loose=loose))
            if blocking or loose or not state.proposals:
                grown.extend(_children(state, step_id, evidence, problems, seen))
        beam = sorted(grown, key=lambda state: (state.confidence.rank, -state.score))[:WIDTH]
        if not beam:
            break
    complete = [state for state in finished if not state.open]
    return sorted(complete or finished, key=lambda state: state.rank)


def _view(plan: Plan, step_id: str, evidence: Evidence) -> StepView | None:
    if step_id == OUTPUT:
        return StepView(plan, Step(OUTPUT, "", {}), None, evidence)
    step = plan.by_id.get(step_id)
    return None if step is None else view_of(plan, step, evidence)


def open_problems(state: Repair, step_id: str, evidence: Evidence, refusal: tuple[Problem, ...]) -> tuple[Problem, ...]:
    """What is still wrong after a repair's edits: static problems, then those of the refusal that nothing touched.

    Where the upstream itself asked for another type than its schema says, its word counts and the schema's does not.
    """
    here = _view(state.plan, step_id, evidence)
    if here is None:
        return ()
    if step_id == OUTPUT:
        return output_problems(state.plan, evidence)
    edits = [edit for proposal in state.proposals for edit in proposal.edits]
    changed = {name for edit in edits for name in touched(edit)}
    swapped = any(isinstance(edit, SwapTool) or getattr(edit, "at", None) == () for edit in edits)
    overruled = {proposal.problem.at for proposal in state.proposals if isinstance(proposal.problem, UntypedRefused)}
    static = tuple(p for p in static_problems(here) if not any(p.at[: len(at)] == at for at in overruled if at))
    placed = {problem.at for problem in static if problem.at}
    rest = (
        () if swapped else tuple(p for p in refusal if p.at not in placed and not (set(map(str, p.at[:1])) & changed))
    )
    if edits:
        rest = tuple(problem for problem in rest if problem.at)
    return (*static, *rest)


def _blocks(problem: Problem) -> bool:
    return not (isinstance(problem, UnexpectedArgument) and not problem.forbidden)


_FIRST = (DuplicateStep, UnknownTool, AmbiguousTool, CyclicDependency, WrongType)


def _children(
    state: Repair, step_id: str, evidence: Evidence, problems: tuple[Problem, ...], seen: set[str]
) -> Iterator[Repair]:
    here = _view(state.plan, step_id, evidence)
    if here is None:
        return
    problems = problems[:ASKED]
    asked = [problem for problem in problems if isinstance(problem, _FIRST) and not problem.at] or problems
    offers = [proposals for problem in asked if (proposals := propose(problem, here))]
    offers = offers or [proposals for problem in problems if (proposals := propose(problem, here))]
    for proposals in sorted(offers, key=_named_first):
        fruitful = False
        for proposal in proposals[:BRANCH]:
            plan = apply(state.plan, proposal.edits)
            if isinstance(plan, Inapplicable):
                continue
            fruitful = True
            if plan.key not in seen:
                seen.add(plan.key)
                yield Repair(plan, (*state.proposals, proposal))
        if fruitful:
            return
