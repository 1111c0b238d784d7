"""Say what was changed and why, in the form of the report and of the journal.

Pure. Replays a lineage on the submitted plan, so that every edit is shown with what stood there before and after.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, assert_never

from proxy.repair.edits import Inapplicable, apply
from proxy.repair.view.step import OUTPUT
from proxy.repair.view.values import MISSING, inside, pointer
from schemas.catalog import Json, canonical
from schemas.edit import (
    AddStep,
    AtPlace,
    Confidence,
    Dedupe,
    Edit,
    InsertValidator,
    MapStep,
    Proposal,
    RemoveStep,
    RenameArgument,
    SwapTool,
    UnwrapValue,
    WrapValue,
)
from schemas.plan import Plan, Step
from schemas.problem import Problem
from schemas.trial import Candidate


def repairs(submitted: Plan, lineage: Iterable[Proposal]) -> list[dict[str, Any]]:
    """Every edit of a lineage as the report shows it, in the order applied."""
    told: list[dict[str, Any]] = []
    plan = submitted
    for proposal in lineage:
        for edit in proposal.edits:
            changed = apply(plan, (edit,))
            if isinstance(changed, Inapplicable):
                continue
            told.append(
                {
                    "op": edit.op,
                    "step": shown(edit.step),
                    "before": _shown(plan, edit, before=True),
                    "after": _shown(changed, edit, before=False),
                    "rule": proposal.rule,
                    "evidence": proposal.evidence,
                    "confidence": proposal.confidence.value,
                }
            )
            plan = changed
    return told


def candidates(submitted: Plan, tried: Iterable[Candidate]) -> list[dict[str, Any]]:
    """The candidates of a search in the order they were tried, each with the one it was made from.

    `parent` is the place in this list of the candidate whose repairs this one's begin with, None where there is none;
    `repairs` are those that it has beyond them, `failing` the steps that did not end well.
    """
    told: list[dict[str, Any]] = []
    seen: list[tuple[tuple[Proposal, ...], int]] = []
    for candidate in tried:
        lineage, made = candidate.lineage, repairs(submitted, candidate.lineage)
        heads = [at for at, (head, _) in enumerate(seen) if head != lineage and lineage[: len(head)] == head]
        parent = max(heads, key=lambda at: len(seen[at][0]), default=None)
        told.append(
            {
                "generation": candidate.generation,
                "parent": parent,
                "repairs": made[0 if parent is None else seen[parent][1] :],
                "score": round(candidate.outcome.score.total, 4),
                "solved": candidate.outcome.solved,
                "failing": [step for step, run in candidate.execution.runs.items() if not run.ok],
            }
        )
        seen.append((lineage, len(made)))
    return told


def shown(step: str) -> str:
    """A step's id as people read it; that of the plan's output is "output"."""
    return step.removeprefix("\0") if step == OUTPUT else step


def in_words(plan: Plan, lineage: Iterable[Proposal]) -> str:
    """A repair that was not made, in one line: what it would change to, how sure, and what speaks for it."""
    told = repairs(plan, lineage)
    changes = "; ".join(f"{one['op']} {canonical(one['after'])}" for one in told)
    worst = max((Confidence(one["confidence"]) for one in told), key=lambda sure: sure.rank, default=Confidence.GUESS)
    return f"{changes} ({worst}: {'; '.join(dict.fromkeys(one['evidence'] for one in told))})"


def _shown(plan: Plan, edit: Edit, *, before: bool) -> Json:
    """What stands, in a plan before or after an edit, where the edit changes it."""
    step = Step(OUTPUT, "", plan.output) if edit.step == OUTPUT else plan.by_id.get(edit.step)
    if step is None:
        return None
    match edit:
        case SwapTool():
            return f"{step.server}/{step.tool}" if step.server else step.tool
        case MapStep():
            return step.map
        case InsertValidator():
            return dict(step.expect) if step.expect else None
        case AddStep() | RemoveStep() | Dedupe():
            return step.json()
        case UnwrapValue() | WrapValue():
            return inside(step.arguments, edit.at)
        case RenameArgument():
            where = edit.at if before else (*edit.at[:-1], edit.name)
            return {str(where[-1]): inside(step.arguments, where)}
        case AtPlace():
            found = inside(step.arguments, edit.at)
            return None if found is MISSING else {pointer(edit.at): found}
        case _:
            assert_never(edit)


def problem_json(problem: Problem) -> dict[str, Any]:
    """A problem as the report shows it."""
    told: dict[str, Any] = {"kind": problem.kind, "step": shown(problem.step), "message": problem.message}
    if problem.at:
        told["path"] = pointer(problem.at)
    if problem.candidates:
        told["candidates"] = list(problem.candidates)
    return told
