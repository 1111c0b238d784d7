"""Turn what a run found into its report.

Pure: the report's fields are the documented ones, and every value in it points at the execution it came from.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from proxy.repair import explain
from proxy.repair.read.dialects import Normalised
from proxy.repair.read.refusal import admitted_error
from proxy.repair.search.coverage import assumed, left
from proxy.repair.view.order import final_steps
from proxy.repair.view.step import Evidence
from proxy.repair.view.values import MISSING, larger, resolve
from schemas.catalog import Json, as_list, as_object
from schemas.edit import Proposal
from schemas.plan import Plan, Step
from schemas.problem import SilentFailure
from schemas.report import (
    AlternativeReport,
    NormalisedReport,
    ProblemReport,
    RepairReport,
    Report,
    ScoreReport,
    SearchReport,
    StepReport,
    Stop,
)
from schemas.trial import Candidate, StepRun, Verdict

Status = Literal["succeeded", "repaired", "suggested", "failed"]


@dataclass(frozen=True)
class Told:
    """What a run has to say beside its best candidate."""

    repair_id: str
    submitted: Plan
    stop: Stop
    normalised: tuple[Normalised, ...] = ()
    suggested: tuple[Proposal, ...] = ()
    suggestion: Plan | None = None
    problems: tuple[Mapping[str, Any], ...] = ()
    alternatives: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """Repairs that were not made, by step: they become the candidates of its first problem."""
    contested: tuple[Candidate, ...] = ()
    """Candidates that ran to the end and were not claimed."""
    generations: int = 0
    candidates: int = 0
    upstream_calls: int = 0
    reused_calls: int = 0
    planner_calls: int = 0
    planner_tokens: int = 0
    planner: str = ""
    seconds: float = 0.0
    seed: int = 0


def report(told: Told, best: Candidate, evidence: Evidence) -> Report:
    """The report of a run whose best candidate this is."""
    problems = [*told.problems, *_with_alternatives(told, best), *_admitted(best)]
    lineage = (*best.lineage, *told.suggested)
    plan = told.suggestion or best.plan
    asked = replace(best.plan, goal=told.submitted.goal)
    open_ = left(asked, evidence.catalog)
    if told.stop is Stop.UNCOVERED:
        why = [*open_, *assumed(asked, best.lineage, evidence.catalog)]
        message = f"{told.stop.sentence} {'; '.join(why)}"
        problems.append({"kind": "uncovered", "step": "output", "message": message})
    return Report(
        status=_status(told, best, problems),
        output=output_of(best.plan, evidence),
        steps=[_step(step, best.execution.runs.get(step.id)) for step in best.plan.by_id.values()],
        repairs=[RepairReport(**edit) for edit in explain.repairs(told.submitted, lineage)],
        normalised=_normalised(told),
        problems=[ProblemReport(**problem) for problem in problems],
        score=_score(best),
        search=_search(told),
        alternatives=[_alternative(told, candidate, evidence) for candidate in told.contested[:2]],
        uncovered=open_,
        plan=plan.json(),
        repair_id=told.repair_id,
    )


def _alternative(told: Told, candidate: Candidate, evidence: Evidence) -> AlternativeReport:
    return AlternativeReport(
        output=output_of(candidate.plan, replace(evidence, runs=candidate.execution.runs)),
        repairs=[RepairReport(**edit) for edit in explain.repairs(told.submitted, candidate.lineage)],
        why=Stop.CONTESTED.sentence if len(told.contested) > 1 else "Its rivals could not be tried.",
    )


def _admitted(best: Candidate) -> Iterator[dict[str, Any]]:
    """Steps of a repaired plan whose results name an error: as submitted that is their answer, repaired no success."""
    for step in best.plan.by_id if best.lineage else ():
        run = best.execution.runs.get(step)
        error = admitted_error(run.value) if run is not None and run.ok else None
        if error is not None:
            message = f"it answered, but with an error, so the repaired plan is not claimed: {error}"
            yield {"kind": SilentFailure.kind, "step": step, "message": message}


def _with_alternatives(told: Told, best: Candidate) -> Iterator[dict[str, Any]]:
    left = dict(told.alternatives)
    for problem in best.outcome.problems:
        written = explain.problem_json(problem)
        others = left.pop(problem.step, ())
        if others:
            written["candidates"] = [*written.get("candidates", []), *others]
        yield written


def unread(told: Told) -> Report:
    """The report of a submission that cannot be run at all; its problems say why."""
    return Report(
        status="failed",
        output=None,
        steps=[],
        repairs=[],
        normalised=_normalised(told),
        problems=[ProblemReport(**problem) for problem in told.problems],
        score=_score(Candidate(told.submitted)),
        search=_search(told),
        plan=told.submitted.json(),
        repair_id=told.repair_id,
    )


def _normalised(told: Told) -> list[NormalisedReport]:
    return [NormalisedReport(step=n.step, before=n.before, after=n.after, rule=n.rule) for n in told.normalised]


def _status(told: Told, best: Candidate, problems: Iterable[Mapping[str, Any]]) -> Status:
    if told.stop is Stop.SUGGESTED and told.suggested:
        return "suggested"
    if list(problems) or not best.execution.ok:
        return "failed"
    return "repaired" if best.lineage else "succeeded"


def output_of(plan: Plan, evidence: Evidence) -> Json:
    """What the plan hands back: its `output` resolved, else the final step's result, else one result per final step."""
    if plan.output is not None:
        value = resolve(plan.output, evidence.values(plan))[0]
        return None if larger(value) else _null(value)
    finals = final_steps(plan)
    if len(finals) == 1:
        return _null(evidence.value(finals[0].id))
    return {step.id: _null(evidence.value(step.id)) for step in finals}


def _null(value: Json) -> Json:
    if value is MISSING:
        return None
    keys, items = as_object(value), as_list(value)
    if keys is not None:
        return {key: _null(inner) for key, inner in keys.items()}
    return [_null(item) for item in items] if items is not None else value


def _step(step: Step, run: StepRun | None) -> StepReport:
    run = run or StepRun(step.id, step.server or "", step.tool, step.arguments, Verdict.BLOCKED)
    return StepReport(
        id=step.id,
        server=run.server or None,
        tool=run.tool,
        arguments=_null(run.arguments),
        ok=run.ok,
        result=_null(run.value) if run.reply is None or not run.reply.error else dict(run.reply.error),
        call_id=run.call_id or None,
        effect=run.effect.value,
        ms=run.ms,
        reused=run.reused,
    )


def _score(best: Candidate) -> ScoreReport:
    return ScoreReport(**asdict(best.outcome.score))


def _search(told: Told) -> SearchReport:
    counted = {
        name: getattr(told, name) for name in SearchReport.model_fields if name not in ("planner", "seconds", "stop")
    }
    planner = told.planner if told.planner_calls else ""
    return SearchReport(**counted, planner=planner, seconds=round(told.seconds, 3), stop=told.stop.sentence)
