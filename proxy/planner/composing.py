"""Grows a plan from a goal by small questions, running what only reads between them.

A small model chooses far better among a few calls, and with results before its eyes, than it writes a plan. Nothing
that may change something is sent while a plan grows: such a step stands in the plan, and its result is not known yet.
"""

from __future__ import annotations

from collections.abc import Sequence
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
NEAR = 8
"""Tools that stay in the choice once the goal alone has ranked all; nothing that was read brings in another one."""
PRIOR = 0.5
"""Share of a name's likelihood without the goal that is taken off: some names are likely anyway."""
TRIES = 2
"""Tools tried for one step, the next likely one where the call of the first cannot be written or fails."""
TOKENS = 200
"""For one call."""
SURE = 0.0
"""Nats by which yes must be likelier than no."""


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
        self._priors: dict[str, Sequence[float]] = {}

    async def plan(self, goal: str, tools: Sequence[Tool], run: Run) -> Made | None:
        """A plan for the goal, and whether it covers it and the model stands by it; None where it is not begun."""
        shown = sorted(tools, key=lambda tool: tool.public)
        near = await self._near(goal, shown)
        grown = Grown(Plan((), goal))
        while near and len(grown.plan.steps) < STEPS:
            longer = await self._longer(grown, shown, near, run)
            if longer is None or longer is grown:
                break
            grown = longer
        return Made(_ended(grown), await self._stands(grown, shown)) if grown.plan.steps else None

    async def _near(self, goal: str, shown: Sequence[Tool]) -> list[Tool]:
        """The tools that the goal alone suggests, the likeliest first; none where it suggests none of them."""
        names = [prompt.call_of(name) for name in labels(shown)] + [prompt.call_of(prompt.NONE)]
        text = prompt.first_tool(goal, shown)
        told = await self._planner.rank(text, names)
        key = prompt.first_tool("", shown)
        if key not in self._priors:
            self._priors = {key: await self._planner.rank(key, names) or ()}
        before = self._priors[key]
        if not told or len(before) != len(names):
            return []
        scores = [score - PRIOR * prior for score, prior in zip(told, before, strict=True)]
        order = sorted(range(len(shown)), key=lambda index: -scores[index])[:NEAR]
        return [shown[index] for index in order] if scores[order[0]] > scores[-1] else []

    async def _longer(self, grown: Grown, shown: Sequence[Tool], near: Sequence[Tool], run: Run) -> Grown | None:
        """The plan with one more step, itself where it is complete, None where nothing that fits can be called."""
        text = prompt.so_far(grown.plan, grown.values, shown)
        complete = bool(grown.plan.steps) and not uncovered(grown.plan.goal, grown.plan, grown.tools)
        for tool in await self._next(text, near, grown, complete=complete):
            if tool is None:
                return grown
            step = await self._call(text, grown, tool)
            longer = None if step is None else await self._added(grown, step, tool, run)
            if longer is not None:
                return longer
        return grown if complete else None

    async def _next(self, text: str, near: Sequence[Tool], grown: Grown, *, complete: bool) -> list[Tool | None]:
        """The tools to call next, best first; None among them where the plan may end, and nothing after it."""
        if not grown.plan.steps:
            return list(near[:TRIES])
        names = labels(near)
        options = [*map(prompt.call_of, names), *([prompt.call_of(prompt.DONE)] if complete else [])]
        scores = await self._planner.rank(text + prompt.NEXT, options) or ()
        order = sorted(range(len(scores)), key=lambda index: -scores[index])
        chosen = [near[index] if index < len(near) else None for index in order]
        return chosen[: chosen.index(None) + 1][:TRIES] if None in chosen else chosen[:TRIES]

    async def _call(self, text: str, grown: Grown, tool: Tool) -> Step | None:
        """The call of a tool as the model writes it, without what stands nowhere; None where something needed does."""
        known = [Known(id_, value) for id_, value in grown.values.items() if prompt.is_long(value)]
        asked = prompt.next_call(text, next(iter(labels((tool,)))), tool, grown.plan.goal)
        answer = await self._planner.generate(asked, grammar.step_schema((tool,), known), TOKENS)
        id_ = f"s{len(grown.plan.steps) + 1}"
        step = grammar.read_step(answer, id_, (tool,), {each.step: each.value for each in known})
        if step is None:
            return None
        ground = Ground(grown.plan.goal, grown.values)
        step = settled(step, tool, ground)
        return None if unfounded(step, tool, ground) else joined(step, ground)

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

    async def _stands(self, grown: Grown, shown: Sequence[Tool]) -> bool:
        """Tell whether a plan uses what the goal states, finds something, and the model says that it answers."""
        ran = grown.runs.get(grown.plan.steps[-1].id)
        empty = ran is not None and not list(news(ran))
        if empty or uncovered(grown.plan.goal, grown.plan, grown.tools):
            return False
        text = prompt.so_far(grown.plan, grown.values, shown) + prompt.REACHED
        scores = await self._planner.rank(text, prompt.VERDICTS)
        return scores is not None and scores[0] - scores[1] > SURE


def _ended(grown: Grown) -> Plan:
    """The plan with its last result as the output, or the one value in it that is new."""
    last = grown.plan.steps[-1].id
    found = list(news(grown.runs[last])) if last in grown.runs else []
    return replace(grown.plan, output=Ref(last, found[0] if len(found) == 1 else "").json())
