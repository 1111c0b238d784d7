"""Grows a plan from a goal by small questions, running what only reads between them.

A small model chooses far better among a few calls, and with results before its eyes, than it writes a plan. Nothing
that may change something is sent while a plan grows: such a step stands in the plan, and its result is not known yet.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from proxy.planner import grammar, prompt
from proxy.planner.answer import news
from proxy.planner.grammar import Known
from proxy.planner.grounded import Ground, joined, settled, unfounded
from proxy.planner.render import labels
from proxy.ports import Made, Planner, Run
from proxy.repair.read.goal import uncovered
from proxy.repair.view.order import reads_only
from proxy.repair.view.values import MISSING
from schemas.catalog import Json, Tool, canonical
from schemas.plan import Plan, Ref, Step
from schemas.trial import StepRun

STEPS = 4
"""Steps of a plan; what takes more is beyond a small model."""
PRIOR = 0.5
"""Share of a name's likelihood without the goal that is taken off: some names are likely anyway."""
TRIES = 2
"""Tools tried for one step, the next likely one where the call of the first cannot be written or fails."""
FIRST = 10
"""So many of the tools that the goal alone suggests may change something: nothing that was read brings in another."""
TOKENS = 200
"""For one call."""
SURE = 0.2
"""Nats by which yes must be likelier than no."""

Near = Mapping[str, Tool]
"""Tools by the way their calls begin, the likeliest first."""


@dataclass(frozen=True)
class Grown:
    """A plan so far, and what the steps that ran have returned; `values` lacks those that wait."""

    plan: Plan
    runs: dict[str, StepRun] = field(default_factory=dict[str, StepRun])
    tools: tuple[Tool, ...] = ()

    @property
    def waiting(self) -> bool:
        """Tell whether a step may change something: what follows it runs with the finished plan."""
        return not all(map(reads_only, self.tools))

    @property
    def values(self) -> dict[str, Json]:
        """What each step returned, `MISSING` where it has not run."""
        return {step.id: self.runs[step.id].value if step.id in self.runs else MISSING for step in self.plan.steps}


class Composer:
    """Asks `planner`."""

    def __init__(self, planner: Planner) -> None:
        self._planner = planner
        self._priors: dict[str, dict[str, float]] = {}

    async def plan(self, goal: str, tools: Sequence[Tool], run: Run) -> Made | None:
        """A plan for the goal, and whether it covers it, only reads and the model stands by it; None: none begun.

        Yes and no of a small model do not part right effects from wrong ones, so that none rests on its word.
        """
        shown = sorted(tools, key=lambda tool: tool.public)
        near = await self._near(goal, shown)
        grown, sure = Grown(Plan((), goal)), False
        while near and not sure and len(grown.plan.steps) < STEPS:
            longer = await self._longer(grown, shown, near, run)
            if longer is None:
                break
            grown, sure = longer, await self._reached(longer, shown)
        return Made(_ended(grown), sure and all(map(reads_only, grown.tools))) if grown.plan.steps else None

    async def _near(self, goal: str, shown: Sequence[Tool]) -> Near:
        """The tools that may be called, those that the goal suggests first; none where it suggests that none can do it.

        One that may change something is among them only where it comes among the first.
        """
        tools = {prompt.call_of(name): tool for name, tool in labels(shown).items()}
        names = [*tools, prompt.call_of(prompt.NONE)]
        scores = await self._scores(prompt.first_tool(goal, shown), names, shown)
        if scores is None or max(scores) == scores[-1]:
            return {}
        order = [name for _, name in sorted(zip(scores, names, strict=True), reverse=True) if name in tools]
        return {n: tools[n] for place, n in enumerate(order) if place < FIRST or reads_only(tools[n])}

    async def _scores(self, text: str, names: Sequence[str], shown: Sequence[Tool]) -> list[float] | None:
        """How likely each name is beyond how likely it is without a goal; None: no answer."""
        told = await self._rank(text, names)
        before = await self._without_goal(shown) if told and self._planner.likelihoods else {}
        return (
            [score - PRIOR * before.get(name, 0.0) for name, score in zip(names, told, strict=True)] if told else None
        )

    async def _without_goal(self, shown: Sequence[Tool]) -> dict[str, float]:
        """How likely each name is where no goal is told; asked once for the same tools."""
        text = prompt.first_tool("", shown)
        if text not in self._priors:
            names = [*map(prompt.call_of, labels(shown)), prompt.call_of(prompt.NONE)]
            scores = await self._rank(text, names) or [0.0] * len(names)
            self._priors = {text: dict(zip(names, scores, strict=True))}
        return self._priors.get(text, {})

    async def _rank(self, text: str, options: Sequence[str]) -> Sequence[float] | None:
        """Score options; asked again where time was over, since what was read of a long prompt is kept."""
        for _ in range(TRIES):
            if scores := await self._planner.rank(text, options):
                return scores
        return None

    async def _longer(self, grown: Grown, shown: Sequence[Tool], near: Near, run: Run) -> Grown | None:
        """The plan with one more step, None where nothing that fits can be called."""
        text = prompt.so_far(grown.plan, grown.values, shown)
        for attempt, tool in enumerate(await self._next(text, near, grown, shown)):
            for notes in (False, True):
                id_ = f"s{len(grown.plan.steps) + 1}{'b' * (2 * attempt + notes)}"
                step = await self._call(text, grown, tool, id_, notes=notes)
                longer = None if step is None else await self._added(grown, step, tool, run)
                if longer is not None:
                    return longer
        return None

    async def _next(self, text: str, near: Near, grown: Grown, shown: Sequence[Tool]) -> list[Tool]:
        """The tools to call next, the likeliest first."""
        scores = await self._scores(text + prompt.NEXT, list(near), shown) if grown.plan.steps else None
        order = sorted(zip(scores, near, strict=True), reverse=True) if scores else [(0.0, name) for name in near]
        return [near[name] for _, name in order[:TRIES]]

    async def _call(self, text: str, grown: Grown, tool: Tool, id_: str, *, notes: bool) -> Step | None:
        """The call of a tool as the model writes it, without what is made up; None where something needed is."""
        ground = Ground(grown.plan.goal, grown.values)
        known = [Known(step, value) for step, value in grown.values.items() if prompt.is_long(value)]
        asked = prompt.next_call(text, next(iter(labels((tool,)))), tool, grown.plan.goal, notes=notes)
        answer = await self._planner.generate(asked, grammar.step_schema((tool,), known), TOKENS)
        step = grammar.read_step(answer, id_, (tool,), {each.step: each.value for each in known})
        step = None if step is None else settled(step, tool, ground)
        return None if step is None or unfounded(step, tool, ground) else joined(step, ground)

    async def _added(self, grown: Grown, step: Step, tool: Tool, run: Run) -> Grown | None:
        """The plan with this step, run where it may be; None where it repeats another one, or fails."""
        if any(canonical([s.tool, s.arguments]) == canonical([step.tool, step.arguments]) for s in grown.plan.steps):
            return None
        waits = [each.id for each, of in zip(grown.plan.steps, grown.tools, strict=True) if not reads_only(of)]
        step = replace(step, after=tuple(waits[-1:]))
        longer = replace(grown, plan=replace(grown.plan, steps=(*grown.plan.steps, step)), tools=(*grown.tools, tool))
        if longer.waiting:
            return longer
        tried = await run(longer.plan)
        return None if tried is None else replace(longer, plan=tried.plan, runs=dict(tried.execution.runs))

    async def _reached(self, grown: Grown, shown: Sequence[Tool]) -> bool:
        """Tell whether a plan uses what the goal states, finds something, and the model says that it answers."""
        ran = grown.runs.get(grown.plan.steps[-1].id)
        empty = ran is not None and not list(news(ran))
        if empty or uncovered(grown.plan.goal, grown.plan, grown.tools):
            return False
        text = prompt.so_far(grown.plan, grown.values, shown) + prompt.REACHED
        scores = await self._rank(text, prompt.VERDICTS)
        return scores is not None and scores[0] - scores[1] > SURE


def _ended(grown: Grown) -> Plan:
    """The plan with its last result as the output, or the one value in it that is new."""
    last = grown.plan.steps[-1].id
    found = list(news(grown.runs[last])) if last in grown.runs else []
    return replace(grown.plan, output=Ref(last, found[0] if len(found) == 1 else "").json())
