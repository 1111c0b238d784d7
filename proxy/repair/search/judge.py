"""The six scores of a candidate, computed from what its steps returned and what was submitted.

Pure; formulas in the docstrings (arXiv 2606.12674, six score dimensions; the weights are ours).
Fidelity to the submitted plan weighs in: a step, literal or output that vanishes costs more than a failure does.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from proxy.repair.view import order
from proxy.repair.view.step import Evidence
from proxy.repair.view.values import MISSING, resolve
from schemas.catalog import Json, canonical
from schemas.edit import Confidence, Dedupe, RemoveStep
from schemas.plan import Plan, Step, refs_in, walk
from schemas.problem import Problem
from schemas.trial import Candidate, Execution, Outcome, Score


def judge(
    submitted: Plan, candidate: Candidate, problems: tuple[Problem, ...], evidence: Evidence, *, six: bool = True
) -> Outcome:
    """Score a candidate against the plan as it was submitted; not `six`, its total is feasibility alone."""
    parts = {measure.__name__: measure(submitted, candidate, evidence) for measure in WEIGHTS}
    total = sum(parts[of.__name__] * share for of, share in WEIGHTS.items()) if six else feasibility(candidate)
    return Outcome(problems, Score(**{name: round(value, 4) for name, value in parts.items()}, total=round(total, 4)))


def feasibility(candidate: Candidate) -> float:
    """Share of the candidate's own steps that ended well: what the six scores are compared with."""
    runs = candidate.execution.runs
    ids = list(candidate.plan.by_id)
    return sum(1 for step in ids if step in runs and runs[step].ok) / len(ids) if ids else 0.0


def task_fulfilment(submitted: Plan, candidate: Candidate, evidence: Evidence) -> float:
    """Mean of: share of submitted steps that ended well, share of wanted outputs that have a value.

    A submitted step that is gone without being declared superfluous counts double as lost.
    """
    runs = candidate.execution.runs
    ids = set(candidate.plan.by_id)
    asked = [step.id for step in _asked(submitted, candidate)]
    gone = sum(1 for step in asked if step not in ids)
    done = sum(1 for step in asked if step in runs and runs[step].ok)
    steps = max(0.0, (done - gone) / len(asked)) if asked else 0.0
    return (steps + _outputs(submitted, candidate, evidence)) / 2


def _asked(submitted: Plan, candidate: Candidate) -> list[Step]:
    """The submitted steps, but for those that were declared superfluous and are gone."""
    edits = [edit for proposal in candidate.lineage for edit in proposal.edits]
    excused = {edit.step for edit in edits if isinstance(edit, RemoveStep | Dedupe)}
    return [step for step in submitted.by_id.values() if step.id not in excused or step.id in candidate.plan.by_id]


def _outputs(submitted: Plan, candidate: Candidate, evidence: Evidence) -> float:
    wanted: Json = candidate.plan.output
    if wanted is None:
        asked = Plan(tuple(_asked(submitted, candidate)))
        wanted = [{"$ref": step.id} for step in order.final_steps(asked)]
    refs = list(refs_in(wanted, candidate.plan.by_id))
    if not refs:
        return 1.0
    _, missing = resolve(wanted, evidence.values(candidate.plan))
    return 1.0 - min(1.0, len(missing) / len(refs))


def grounding(submitted: Plan, candidate: Candidate, evidence: Evidence) -> float:
    """1 less the share of argument values that are unresolved, or (at half weight) guessed."""
    values = sum(
        1 for step in candidate.plan.steps for _, value in walk(step.arguments) if not isinstance(value, dict | list)
    )
    refs = sum(1 for step in candidate.plan.steps for _ in step.refs(candidate.plan.by_id))
    _, missing = resolve([step.arguments for step in candidate.plan.steps], evidence.values(candidate.plan))
    guesses = sum(1 for proposal in candidate.lineage if proposal.confidence is Confidence.GUESS)
    total = max(1, values + refs)
    return max(0.0, 1.0 - (len(missing) + 0.5 * guesses) / total)


def tool_appropriateness(submitted: Plan, candidate: Candidate, evidence: Evidence) -> float:
    """Share of steps whose tool exists; one that a guess swapped in counts half."""
    if not candidate.plan.steps:
        return 0.0
    guessed = {
        proposal.problem.step
        for proposal in candidate.lineage
        if proposal.confidence is Confidence.GUESS and any(edit.op == "swap_tool" for edit in proposal.edits)
    }
    known = [step for step in candidate.plan.steps if evidence.catalog.origin(step.server or "", step.tool)]
    return sum(0.5 if step.id in guessed else 1.0 for step in known) / len(candidate.plan.steps)


def parameter_accuracy(submitted: Plan, candidate: Candidate, evidence: Evidence) -> float:
    """1 where every submitted literal is still there, else half of what is left of them above one half."""
    kept = {
        _bare(value)
        for step in candidate.plan.steps
        for _, value in walk(step.arguments)
        if not isinstance(value, dict | list)
    }
    asked = [
        _bare(value)
        for step in _asked(submitted, candidate)
        for _, value in walk(step.arguments)
        if value is not MISSING and not isinstance(value, dict | list)
    ]
    share = sum(1 for value in asked if value in kept) / len(asked) if asked else 1.0
    return 0.5 + 0.5 * share if share < 1.0 else 1.0


@lru_cache(maxsize=4096, typed=True)
def _bare(value: Json) -> str:
    return canonical(value).strip('"').strip().lower()


def dependency_awareness(submitted: Plan, candidate: Candidate, evidence: Evidence) -> float:
    """Share of references and `after` that name a step of the plan, 0 for a cycle."""
    if candidate.plan.cycle:
        return 0.0
    ids = candidate.plan.by_id
    named = [name for names in candidate.plan.needs for name in names]
    return sum(1 for name in named if name in ids) / len(named) if named else 1.0


def parallelism_efficiency(submitted: Plan, candidate: Candidate, evidence: Evidence) -> float:
    """Steps per upstream call that was needed so far, at most 1: 1 where every step was sent once."""
    execution: Execution = candidate.execution
    ran = sum(1 for run in execution.runs.values() if run.call_id)
    return min(1.0, ran / execution.calls) if execution.calls else 1.0


WEIGHTS: dict[Callable[[Plan, Candidate, Evidence], float], float] = {
    task_fulfilment: 0.35,
    grounding: 0.2,
    tool_appropriateness: 0.15,
    parameter_accuracy: 0.15,
    dependency_awareness: 0.1,
    parallelism_efficiency: 0.05,
}
"""Share of each dimension in the total, in the order of the paper: what was asked for first, how it ran last."""
