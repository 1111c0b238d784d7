"""What a repair that worked teaches, and how it is proposed again (repair memory; MetaEvo calls it experience reuse).

Pure. A lesson is kept under the fingerprint of the tool's schema and the shape of the problem: a changed schema forgets
it. It is proposed first among its equals, and is never surer than the repair that it was learnt from. Counts of what
worked decide in which order guesses are tried, never which may be tried or claimed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from proxy.repair.search.priors import PRIORS
from proxy.repair.view.meaning import sureness
from proxy.repair.view.step import StepView
from proxy.repair.view.values import MISSING, inside, pointer
from schemas.catalog import Catalog, canonical
from schemas.edit import CoerceArgument, Confidence, DropArgument, Edit, Proposal, RenameArgument, SwapTool
from schemas.plan import Plan
from schemas.problem import AmbiguousTool, Problem, UnknownTool, ValueNotAllowed
from schemas.trial import Candidate

FIRST = 0.97
"""Score of a remembered proposal: before every other of its confidence."""


@dataclass(frozen=True)
class Lesson:
    """One edit that led to success, as JSON, with the confidence it had then."""

    edit: Mapping[str, Any]
    confidence: Confidence
    rule: str


Memory = Mapping[str, Lesson]
"""Key to lesson."""
Counts = Mapping[str, tuple[int, int]]
"""Rule and problem kind, with a space between, to how often a guess of theirs was right and how often not."""
SHIPPED = 20
"""What the counts that come with the program weigh at most, as so many guesses of the user's own."""


def counted(proposal: Proposal) -> str:
    """What a guess is counted under."""
    return f"{proposal.rule} {proposal.problem.kind}"


def likelihood(proposals: Iterable[Proposal], own: Counts) -> float:
    """How likely a repair is right: of each guess its score times the share of its like that was (Beta, mean)."""
    product = 1.0
    for proposal in proposals:
        if proposal.confidence is Confidence.GUESS:
            key = counted(proposal)
            right, wrong = PRIORS.get(key, (0, 0))
            scale = min(1.0, SHIPPED / max(1, right + wrong))
            mine = own.get(key, (0, 0))
            right, wrong = 1 + scale * right + mine[0], 1 + scale * wrong + mine[1]
            product *= proposal.score * right / (right + wrong)
    return product


def told_by(claimed: Candidate) -> dict[str, tuple[int, int]]:
    """What a claimed candidate adds to the counts: its guesses were right, their rivals were not."""
    told: dict[str, tuple[int, int]] = {}
    rivals = [proposal for of in claimed.rivals for other in of.others for proposal in other]
    for proposals, right in (claimed.lineage, 1), (rivals, 0):
        for key in {counted(each) for each in proposals if each.confidence is Confidence.GUESS}:
            before = told.get(key, (0, 0))
            told[key] = (before[0] + right, before[1] + 1 - right)
    return told


def key_of(problem: Problem, here: StepView) -> str:
    """What a lesson is kept under: the tool's schema (or the name that led nowhere), and the shape of the problem."""
    shape = [problem.kind, pointer(problem.at)]
    if isinstance(problem, UnknownTool | AmbiguousTool):
        return canonical(["name", here.step.server, here.step.tool, *shape])
    if isinstance(problem, ValueNotAllowed):
        shape.append(canonical(problem.value))
    return canonical([here.tool.fingerprint if here.tool else "", *shape])


def lesson_of(proposal: Proposal, plan: Plan, catalog: Catalog) -> Lesson | None:
    """What a proposal teaches, None for edits that only fit their own plan; `plan` is the one it was applied to."""
    if len(proposal.edits) != 1 or proposal.confidence is Confidence.LOSSLESS:
        return None
    edit = proposal.edits[0]
    written: dict[str, Any] | None = None
    match edit:
        case SwapTool():
            tool = catalog.origin(edit.server, edit.tool)
            written = {"server": edit.server, "tool": edit.tool, "schema": tool.fingerprint if tool else ""}
        case RenameArgument():
            written = {"at": list(edit.at), "name": edit.name}
        case DropArgument():
            written = {"at": list(edit.at)}
        case CoerceArgument() if isinstance(proposal.problem, ValueNotAllowed):
            step = plan.by_id.get(edit.step)
            before = inside(step.arguments, edit.at) if step is not None else None
            written = {"at": list(edit.at), "before": before, "value": edit.value}
        case _:
            return None
    return Lesson({"op": edit.op, **written}, proposal.confidence, proposal.rule)


def recalled(problem: Problem, here: StepView, memory: Memory) -> Iterator[Proposal]:
    """The remembered repair for a problem of this shape, if it still applies."""
    lesson = memory.get(key_of(problem, here)) if memory else None
    edit = _edit(lesson.edit, here) if lesson is not None else None
    if lesson is not None and edit is not None:
        evidence = f"this led to success before ({lesson.rule}), and the tool's schema has not changed"
        yield Proposal(problem, (edit,), "remembered", evidence, sureness((edit,), lesson.confidence, here), FIRST)


def _edit(written: Mapping[str, Any], here: StepView) -> Edit | None:
    step, where = here.step.id, tuple(written.get("at", ()))
    if where and inside(here.step.arguments, where) is MISSING:
        return None
    match written.get("op"):
        case "swap_tool":
            tool = here.evidence.catalog.origin(written["server"], written["tool"])
            unchanged = tool is not None and tool.fingerprint == written["schema"]
            return SwapTool(step, written["server"], written["tool"]) if unchanged else None
        case "rename_argument":
            return RenameArgument(step, where, written["name"])
        case "drop_argument" if str(where[-1]) in here.reading.unexpected:
            return DropArgument(step, where)
        case "coerce_argument" if canonical(inside(here.step.arguments, where)) == canonical(written["before"]):
            return CoerceArgument(step, where, written["value"])
        case _:
            return None
