"""Grows a plan from a goal by small questions, running what only reads between them.

A small model chooses far better among a few calls, and with results before its eyes, than it writes a plan. Nothing
that may change something is sent while a plan grows: such a step stands in the plan, and its result is not known yet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from proxy.planner import grammar, prompt
from proxy.planner.answer import news
from proxy.planner.grammar import Known
from proxy.planner.grounded import Ground, joined, needed, settled, unfounded
from proxy.planner.render import labels
from proxy.ports import Made, Planner, Run
from proxy.repair.read.goal import stated, uncovered
from proxy.repair.view.order import reads_only
from proxy.repair.view.values import MISSING
from schemas.catalog import Json, Tool, canonical
from schemas.plan import Plan, Ref, Step
from schemas.trial import StepRun

STEPS = 5
"""Steps that are tried for one plan; what takes more is beyond a small model."""
PRIOR = 0.5
"""Share of a name's likelihood without the goal that is taken off: some names are likely anyway."""
TRIES = 2
"""Times that a ranking is asked for, and rounds through the tools: what the first one read may help the second."""
TOGETHER = 3
"""Tools of one server that are tried in a row: the name of the right one may say less than that of its neighbour."""
QUEUE = 8
"""Tools that are tried in one round."""
TOKENS = 200
"""For one call."""
SURE = 1.6
"""Nats by which yes must be likelier than no."""


@dataclass(frozen=True)
class Grown:
    """A plan so far, and what the steps that ran have returned; `values` lacks those that wait."""

    plan: Plan
    runs: dict[str, StepRun] = field(default_factory=dict[str, StepRun])
    tools: tuple[Tool, ...] = ()

    @property
    def waiting(self) -> bool:
        """Tell whether a step may change something: it is for the client to send, and the last."""
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
        """A plan for the goal, and whether it covers it, only reads and its result answers it; None: none begun.

        Where the likeliest tool may change something the goal asks for that, and no reading may be claimed to do it.
        """
        shown = sorted(tools, key=lambda tool: tool.public)
        ranked = await self._ranked(goal, shown)
        reading = bool(ranked) and reads_only(ranked[0])
        order = neighbours([tool for tool in ranked if not reading or reads_only(tool)])[:QUEUE]
        grown, tried = await self._told(goal, shown, run) if ranked else Grown(Plan((), goal)), dict[str, int]()
        if reading and grown.plan.steps and await self._answers(grown):
            return Made(_ended(grown), sure=True)
        for place, tool in [*enumerate(order)] * TRIES:
            begun = len(grown.plan.steps)
            if grown.waiting or begun == STEPS or tool in grown.tools or tried.get(tool.public) == begun:
                continue
            tried[tool.public] = begun
            longer = await self._longer(grown, tool, run, often=place < TOGETHER)
            grown = longer or grown
            if longer and reading and await self._answers(longer):
                return Made(_ended(longer), sure=True)
        return Made(_ended(grown), sure=False) if grown.plan.steps else None

    async def _told(self, goal: str, shown: Sequence[Tool], run: Run) -> Grown:
        """What the files and addresses hold that the goal states, each read by the likeliest tool that can."""
        grown = Grown(Plan((), goal))
        for text in [each.text for each in stated(goal) if each.kind in ("path", "url")][:TOGETHER]:
            readers = filter(reads_only, await self._ranked(f"Read {text}", shown))
            for tool in islice(readers, TOGETHER):
                if longer := await self._longer(grown, tool, run, often=False):
                    grown = longer
                    break
        return grown

    async def _ranked(self, goal: str, shown: Sequence[Tool]) -> list[Tool]:
        """The tools, those that the goal suggests first; none where it suggests that none can do it."""
        tools = {prompt.call_of(name): tool for name, tool in labels(shown).items()}
        names = [*tools, prompt.call_of(prompt.NONE)]
        scores = await self._scores(prompt.first_tool(goal, shown), names, shown)
        if scores is None or max(scores) == scores[-1]:
            return []
        return [tools[name] for _, name in sorted(zip(scores, names, strict=True), reverse=True) if name in tools]

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

    async def _longer(self, grown: Grown, tool: Tool, run: Run, *, often: bool) -> Grown | None:
        """The plan with a call of this tool, None where none can be written, or it fails or finds nothing."""
        for notes in (False, True) if often and tool.properties else (False,):
            step = await self._call(grown, tool, f"s{len(grown.plan.steps) + 1}", notes=notes)
            longer = None if step is None else await self._added(grown, step, tool, run)
            if longer is not None:
                return longer
        return None

    async def _call(self, grown: Grown, tool: Tool, id_: str, *, notes: bool) -> Step | None:
        """The call of a tool as the model writes it, without what is made up; None where something needed is."""
        if not tool.properties:
            return Step(id_, tool.name, {}, tool.server)
        ground = Ground(grown.plan.goal, grown.values)
        known = [Known(step, value) for step, value in grown.values.items() if prompt.is_long(value)]
        asked = prompt.next_call(grown.plan, grown.values, tool, notes=notes)
        answer = await self._planner.generate(asked, grammar.step_schema((tool,), known), TOKENS)
        step = grammar.read_step(answer, id_, (tool,), {each.step: each.value for each in known})
        step = None if step is None else settled(step, tool, ground)
        return None if step is None or unfounded(step, tool, ground) else joined(step, ground)

    async def _added(self, grown: Grown, step: Step, tool: Tool, run: Run) -> Grown | None:
        """The plan with this step, run where it may be; None where it repeats another one, fails, or finds nothing."""
        if any(canonical([s.tool, s.arguments]) == canonical([step.tool, step.arguments]) for s in grown.plan.steps):
            return None
        longer = replace(grown, plan=replace(grown.plan, steps=(*grown.plan.steps, step)), tools=(*grown.tools, tool))
        if longer.waiting:
            return longer
        tried = await run(longer.plan)
        ran = tried.execution.runs.get(step.id) if tried else None
        if tried is None or ran is None or not list(news(ran)):
            return None
        return replace(longer, plan=tried.plan, runs=dict(tried.execution.runs))

    async def _answers(self, grown: Grown) -> bool:
        """Tell whether the last result comes of all that the goal states, and the model says it answers."""
        plan, last = needed(grown.plan, grown.values), grown.plan.steps[-1].id
        ran = grown.runs.get(last)
        if ran is None or uncovered(grown.plan.goal, plan, grown.tools):
            return False
        scores = await self._rank(prompt.answered(ran, grown.tools[-1], grown.plan.goal), prompt.VERDICTS)
        return scores is not None and scores[0] - scores[1] > SURE


def neighbours(ranked: Sequence[Tool]) -> list[Tool]:
    """The same tools, each likeliest one followed by the next likely ones of its server."""
    left, found = list(ranked), list[Tool]()
    while left:
        found += [tool for tool in left if tool.server == left[0].server][:TOGETHER]
        left = [tool for tool in left if tool not in found]
    return found


def _ended(grown: Grown) -> Plan:
    """The plan that leads to its last result, with that as the output, or the one value in it that is new."""
    last = grown.plan.steps[-1].id
    found = list(news(grown.runs[last])) if last in grown.runs else []
    return replace(needed(grown.plan, grown.values), output=Ref(last, found[0] if len(found) == 1 else "").json())
