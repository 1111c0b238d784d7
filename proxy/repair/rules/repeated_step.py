"""A step that stands in the plan twice: under one id, or refused because its twin has run."""

from __future__ import annotations

from collections.abc import Iterator

from proxy.repair.rule import TEXT, Example, Offer, Other, Rule, Tier
from proxy.repair.view.step import StepView
from schemas.edit import Confidence, Dedupe
from schemas.plan import same_call
from schemas.problem import DuplicateStep, Refused
from schemas.trial import Verdict


def propose(problem: DuplicateStep | Refused, here: StepView) -> Iterator[Offer]:
    """Keep one of two steps that are the same call: under one id, or the second refused after the first has run."""
    if isinstance(problem, DuplicateStep):
        twins = [step for step in here.plan.steps if step.id == problem.twin]
        if len(twins) > 1 and all(same_call(twins[0], other) for other in twins[1:]):
            evidence = f"the id {problem.twin!r} and its call stand {len(twins)} times"
            yield Offer((Dedupe(problem.twin, problem.twin),), evidence, Confidence.EVIDENT, 0.9)
        return
    mine = here.evidence.runs.get(here.step.id)
    for other in here.plan.steps:
        run = here.evidence.runs.get(other.id)
        if other.id == here.step.id or run is None or mine is None or run.verdict is not Verdict.OK:
            continue
        if (run.server, run.tool) == (mine.server, mine.tool) and run.arguments == mine.arguments:
            evidence = f"{other.id!r} made the same call and succeeded; the second time the upstream refused it"
            yield Offer((Dedupe(here.step.id, other.id),), evidence, Confidence.EVIDENT, 0.75)
            return


_TAKES, _SENT = {"path": TEXT}, {"path": "/x"}
RULE = Rule(
    "repeated_step",
    (DuplicateStep, Refused),
    Tier.MISPLACED,
    propose,
    (
        Example(_TAKES, _SENT, Dedupe("it", "it"), before=(Other("it", sent=_SENT, tool="act"),)),
        Example(
            _TAKES,
            _SENT,
            Dedupe("it", "a"),
            before=(Other("a", {"made": "/x"}, _SENT, "act"),),
            refused="/x is there already",
        ),
        Example(_TAKES, _SENT, before=(Other("it", sent={"path": "/y"}, tool="act"),)),
    ),
)
