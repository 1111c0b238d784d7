"""Rules for steps as a whole: repeated under one id, or refused because their twin has run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from proxy.repair.edits import Inapplicable, apply
from proxy.repair.view.step import StepView
from schemas.catalog import canonical
from schemas.edit import Confidence, Dedupe, Edit, Proposal
from schemas.plan import same_call
from schemas.problem import DuplicateStep, Refused
from schemas.trial import Verdict


def repeated_id(problem: DuplicateStep, here: StepView) -> Iterator[Proposal]:
    """Keep the first of two steps with one id, if they are the same call."""
    twins = [step for step in here.plan.steps if step.id == problem.twin]
    if len(twins) > 1 and all(same_call(twins[0], other) for other in twins[1:]):
        evidence = f"the id {problem.twin!r} and its call stand {len(twins)} times"
        yield Proposal(problem, (Dedupe(problem.twin, problem.twin),), "repeated_id", evidence, Confidence.EVIDENT, 0.9)


def refused_twin(problem: Refused, here: StepView) -> Iterator[Proposal]:
    """Drop a step that its upstream refused, when the very same call has already succeeded under another id."""
    for other in here.plan.steps:
        run = here.evidence.runs.get(other.id)
        mine = here.evidence.runs.get(here.step.id)
        if other.id == here.step.id or run is None or mine is None or run.verdict is not Verdict.OK:
            continue
        if (run.server, run.tool) == (mine.server, mine.tool) and run.arguments == mine.arguments:
            evidence = f"{other.id!r} made the same call and succeeded; the second time the upstream refused it"
            edit = Dedupe(here.step.id, other.id)
            yield Proposal(problem, (edit,), "refused_twin", evidence, Confidence.EVIDENT, 0.75)
            return


def repeats(edits: Sequence[Edit], here: StepView) -> bool:
    """Tell whether edits make the step the very call that a step apart from it has made: hardly what was meant.

    Of two neighbours that are one call the second is a slip of its own, and goes as a twin.
    """
    plan = apply(here.plan, edits)
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
