"""How often repairs of a confidence and score are right, for every broken step of the tangled plans.

Each stands alone in its sound plan, and the rules see what they would see in a run: the schema, the results of the
steps before, and the upstream's refusal. A repair is right where it gives the step back its sound call.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from catalog_cache.merge import public_name
from evals.cases.reference import resolved
from evals.search import harbour, tangled
from proxy.repair.read.diagnose import view_of
from proxy.repair.read.dialects import read_submission
from proxy.repair.search import priors
from proxy.repair.search.propose import repairs
from proxy.repair.search.recall import counted
from proxy.repair.view.step import Evidence
from schemas.catalog import Catalog, Tool, canonical, catalog_of
from schemas.edit import Confidence, Proposal
from schemas.plan import Plan, Step
from schemas.trial import Reply, StepRun, Verdict

OFFERED = 3
"""Repairs of one step that are weighed, best first."""
PRIORS = Path(priors.__file__)
_HEAD = '''"""How often guesses were right on the plans of `evals.search`; made by its `--parts priors`."""

from __future__ import annotations
'''


@dataclass(frozen=True)
class Weighed:
    """One repair that was offered: how sure it was, whether it came first for its step, and whether it was right."""

    confidence: str
    made: tuple[Proposal, ...]
    first: bool
    right: bool


def offered(seed: int = 1) -> Iterator[Weighed]:
    """Every repair offered for every broken step."""
    catalog = catalog_of(
        Tool(tangled.SERVER, name, public_name(tangled.SERVER, name), listed)
        for name, (listed, _) in harbour.TOOLS.items()
    )
    for case in tangled.cases(seed)["broken"]:
        whole = tangled.sound(case["gold"])
        sound = _plan(whole.steps, whole.goal)
        for step in _plan(case["steps"], whole.goal).steps:
            meant = sound.by_id.get(step.id)
            if meant is not None and canonical(meant.json()) != canonical(step.json()):
                yield from _weighed(sound.with_step(step), step, meant, whole.results, catalog)


def _plan(steps: Sequence[Mapping[str, Any]], goal: str) -> Plan:
    plan = read_submission({"steps": list(steps), "goal": goal}).plan
    assert plan is not None
    return plan


def _weighed(plan: Plan, step: Step, meant: Step, results: Mapping[str, Any], catalog: Catalog) -> Iterator[Weighed]:
    runs = {
        other.id: StepRun(other.id, tangled.SERVER, other.tool, resolved(other.arguments, results), Verdict.OK,
                          value=results[other.id])
        for other in plan.steps if other.id != step.id and not _waits(other, step.id, plan)
    }  # fmt: skip
    evidence = Evidence(catalog, runs)
    here = view_of(plan, step, evidence)
    if here.tool is not None and not here.resolved[1]:
        reply = harbour.answer(step.tool, here.resolved[0])
        if reply["isError"]:
            run = StepRun(step.id, tangled.SERVER, step.tool, here.resolved[0], Verdict.REFUSED, Reply(result=reply))
            evidence = replace(evidence, runs={**runs, step.id: run})
    for place, option in enumerate(repairs(plan, step.id, evidence)[:OFFERED]):
        if not option.open:
            made = option.plan.by_id[step.id]
            right = (made.tool, _called(made, results)) == (meant.tool, _called(meant, results))
            yield Weighed(option.confidence.value, option.proposals, place == 0, right)


def counts(found: Iterable[Weighed]) -> dict[str, tuple[int, int]]:
    """How often guesses of each rule, for each kind of problem, were right and wrong."""
    told: dict[str, tuple[int, int]] = {}
    for each in found:
        for proposal in each.made:
            if proposal.confidence is Confidence.GUESS:
                right, wrong = told.get(counted(proposal), (0, 0))
                told[counted(proposal)] = (right + each.right, wrong + (not each.right))
    return dict(sorted(told.items()))


def module(told: Mapping[str, tuple[int, int]]) -> str:
    """The counts as the module that ships them."""
    lines = [f'    "{key}": {numbers},' for key, numbers in told.items()]
    return "\n".join([_HEAD, "PRIORS: dict[str, tuple[int, int]] = {", *lines, "}", ""])


def _waits(step: Step, other: str, plan: Plan) -> bool:
    front = {other}
    while True:
        more = {each.id for each in plan.steps if any(f"'$ref': '{name}'" in repr(each.arguments) for name in front)}
        if more <= front:
            return step.id in front
        front |= more


def _called(step: Step, results: Mapping[str, Any]) -> str:
    try:
        return canonical(resolved(step.arguments, results)).replace(".0,", ",").replace(".0}", "}")
    except LookupError:
        return ""
