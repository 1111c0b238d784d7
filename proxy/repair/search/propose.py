"""From a step's problems to whole repairs of that step, best first.

Pure. `RULES` is the table from problem kind to the rules that propose edits for it. `repairs` searches combinations
of their proposals until nothing is left that keeps the step from being sent (a beam over edits, Evoflux section on
structured edits).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from proxy.repair.edits import Inapplicable, apply, touched
from proxy.repair.read.diagnose import output_problems, static_problems, view_of
from proxy.repair.read.refused import refusal_problems
from proxy.repair.rules import (
    amounts,
    bounds,
    dangling,
    exchange,
    flattened,
    gaps,
    keys,
    missing,
    names_in_goal,
    placeholders,
    producers,
    references,
    seen,
    shape,
    sources,
    spelling,
    steps,
    tools,
    types,
)
from proxy.repair.search.recall import recalled
from proxy.repair.view.step import OUTPUT, Evidence, StepView
from schemas.edit import Confidence, Proposal, SwapTool
from schemas.plan import Plan, Step
from schemas.problem import (
    AmbiguousTool,
    BadFormat,
    CyclicDependency,
    DanglingDependency,
    DuplicateStep,
    MissingArgument,
    OutcomeUnknown,
    OutputBroken,
    Problem,
    Refused,
    SilentFailure,
    TimedOut,
    TypeMismatch,
    UnexpectedArgument,
    UnknownTool,
    UnresolvedReference,
    UntypedRefused,
    UpstreamDown,
    ValueNotAllowed,
    WrongPath,
    WrongType,
)

Rule = Callable[[Any, StepView], Iterator[Proposal]]

DEFAULTS: tuple[Rule, ...] = (missing.from_description,)
"""Asked only where nothing else was proposed: what is used where nothing is given is no rival of what is."""
RULES: Mapping[type[Problem], tuple[tuple[Rule, ...], ...]] = {
    UnknownTool: (
        (tools.exact_name, tools.ambiguous_by_arguments),
        (spelling.misspelled_tool,),
        (tools.nearest_tool,),
    ),
    AmbiguousTool: ((tools.exact_name, tools.ambiguous_by_arguments),),
    UnexpectedArgument: ((shape.wrapper_key,), (keys.renamed, keys.dropped)),
    MissingArgument: (
        (placeholders.spelled_reference,),
        (shape.missing_wrapper, flattened.gathered, keys.rename_into, shape.tag_bleed, placeholders.placeholder),
        (missing.from_schema,),
        (
            amounts.missing_amount,
            gaps.missing_from_results,
            missing.from_session,
            missing.from_consumer,
            missing.from_goal,
            names_in_goal.names_in_goal,
        ),
        DEFAULTS,
    ),
    WrongType: ((shape.envelope, flattened.untagged, exchange.misfits, placeholders.placeholder), (types.coerced,)),
    ValueNotAllowed: ((placeholders.placeholder,), (types.coerced, types.upstream_choice), (bounds.declared,)),
    BadFormat: ((placeholders.placeholder,), (types.coerced,)),
    UntypedRefused: ((types.as_upstream_wants,),),
    UnresolvedReference: (),
    WrongPath: ((references.wrong_path,),),
    TypeMismatch: ((references.mismatch,), (types.referenced,)),
    DanglingDependency: ((dangling.dangling,), (producers.missing_producer,)),
    CyclicDependency: ((references.cyclic,),),
    DuplicateStep: ((steps.repeated_id,),),
    Refused: (
        (types.integral_floats, types.empty_optionals, types.decoded, types.laid_out, types.coded, shape.tag_bleed),
        (seen.bare_text, seen.as_seen, seen.unquoted),
        (placeholders.placeholder, steps.refused_twin, exchange.refused),
        (missing.near_session_value, placeholders.invented_literal, bounds.told),
    ),
    SilentFailure: (
        (placeholders.placeholder, types.laid_out, types.coded),
        (missing.near_session_value, placeholders.invented_literal, bounds.told),
    ),
    OutputBroken: (),
    TimedOut: (),
    UpstreamDown: (),
    OutcomeUnknown: (),
}
"""Problem kind to the rules that may solve it, in tiers: a tier is asked only where those before it are not sure.

An empty row is a problem that no edit mends.
"""

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

    Two that claim to be evident and lie closer than `CLEAR` are both guesses: the evidence singles out neither.
    """
    found: dict[tuple[object, ...], Proposal] = {
        tuple(map(repr, proposal.edits)): proposal for proposal in recalled(problem, here, here.evidence.memory)
    }
    for tier in RULES[type(problem)]:
        if tier is DEFAULTS and found:
            break
        for rule in tier:
            for proposal in rule(problem, here):
                found.setdefault(tuple(map(repr, proposal.edits)), proposal)
        if any(proposal.confidence is not Confidence.GUESS for proposal in found.values()):
            break
    ranked = sorted((p for p in found.values() if not _repeats(p, here)), key=_rank)
    evident = [proposal for proposal in ranked if proposal.confidence is Confidence.EVIDENT]
    if len(evident) > 1 and evident[0].score - evident[1].score < sources.CLEAR / 2 and ranked[0] is evident[0]:
        ranked = [replace(p, confidence=Confidence.GUESS) if p in evident else p for p in ranked]
        ranked.sort(key=_rank)
    return ranked


def _repeats(proposal: Proposal, here: StepView) -> bool:
    """Tell whether a guess at what is missing makes the step a call that the plan has made already."""
    guessed = isinstance(proposal.problem, MissingArgument) and proposal.confidence is Confidence.GUESS
    return guessed and steps.repeats(proposal.edits, here)


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
    if not state.proposals:
        first = view_of(state.plan, here.step, evidence) if step_id != OUTPUT else here
        here = first
    problems = problems[:ASKED]
    asked = [problem for problem in problems if isinstance(problem, _FIRST) and not problem.at] or problems
    offers = [proposals for problem in asked if (proposals := propose(problem, here))]
    offers = offers or [proposals for problem in problems if (proposals := propose(problem, here))]
    for proposals in sorted(offers, key=lambda found: _rank(found[0])):
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
