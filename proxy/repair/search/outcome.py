"""How a plan stands after its execution: which steps failed, what is still wrong, and which repairs were not made.

Pure. With `read.refused` this is execution feedback (arXiv 2606.12674): the evidence of each step says where the next
edit goes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from proxy.repair import explain
from proxy.repair.edits import Inapplicable, apply
from proxy.repair.read.diagnose import output_problems, static_problems, view_of
from proxy.repair.read.refused import run_problems
from proxy.repair.search.judge import judge
from proxy.repair.search.propose import repairs
from proxy.repair.view.step import OUTPUT, Evidence, StepView
from schemas.edit import Proposal
from schemas.plan import Plan
from schemas.problem import Problem, UnexpectedArgument, UnresolvedReference
from schemas.trial import Candidate, Execution, StepRun, Verdict

MOST = 8
"""Steps that stayed broken for which repairs are told: more help nobody, and each costs time."""


def judged(
    submitted: Plan, candidate: Candidate, execution: Execution, evidence: Evidence, *, six: bool = True
) -> Candidate:
    """A candidate with this execution, its problems and its score."""
    candidate = replace(candidate, execution=execution)
    learnt = replace(evidence, runs=execution.runs)
    outcome = judge(submitted, candidate, problems_of(candidate.plan, learnt), learnt, six=six)
    return replace(candidate, outcome=outcome)


def failing(candidate: Candidate) -> list[str]:
    """Steps that failed by themselves (not for want of another), in listed order; the output last."""
    runs = candidate.execution.runs
    found = [step.id for step in candidate.plan.steps if _failed(runs.get(step.id))]
    if any(problem.step == OUTPUT for problem in candidate.outcome.problems):
        found.append(OUTPUT)
    return list(dict.fromkeys(found))


def waiting(candidate: Candidate) -> bool:
    """Tell whether a step did not run for want of another."""
    return any(run.verdict is Verdict.BLOCKED for run in candidate.execution.runs.values())


def _failed(run: StepRun | None) -> bool:
    return run is not None and not run.ok and run.verdict is not Verdict.BLOCKED


def blocking(here: StepView) -> list[Problem]:
    """What a schema says is wrong with a step, but for arguments that it merely does not know."""
    return [p for p in static_problems(here) if not (isinstance(p, UnexpectedArgument) and not p.forbidden)]


def problems_of(plan: Plan, evidence: Evidence) -> tuple[Problem, ...]:
    """Everything that is wrong with a plan that has been executed: only steps that did not end well count."""
    found: list[Problem] = []
    for step in plan.by_id.values():
        run = evidence.runs.get(step.id)
        if run is None or run.ok:
            continue
        static = blocking(view_of(plan, step, evidence))
        found += [*static, *run_problems(run), *run.problems]
        if run.verdict is Verdict.BLOCKED and not static and not run.problems:
            found.append(_waiting(step.id))
    unique = {(type(problem), problem.step, problem.at, problem.message): problem for problem in reversed(found)}
    return (*reversed(unique.values()), *output_problems(plan, evidence))


def _waiting(step: str) -> Problem:
    return UnresolvedReference(step=step, message="not run: a step before it did not end well")


def unfinished(plan: Plan, runs: Mapping[str, StepRun]) -> dict[str, StepRun]:
    """The runs of an execution that was cut off: steps that had not ended did not run."""
    known = dict(runs)
    for step in plan.by_id.values():
        known.setdefault(step.id, StepRun(step.id, step.server or "", step.tool, step.arguments, Verdict.BLOCKED))
    return known


def with_lost_calls(plan: Plan, runs: Mapping[str, StepRun], last: Mapping[str, StepRun | None]) -> dict[str, StepRun]:
    """The runs, but for steps whose `last` call got no answer: of those it is said that the outcome is unknown."""
    known = dict(runs)
    for step in plan.by_id.values():
        sent = last.get(step.id)
        if sent is not None and sent.verdict is Verdict.UNKNOWN and known[step.id].verdict is not Verdict.UNKNOWN:
            known[step.id] = replace(sent, step=step.id)
    return known


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
