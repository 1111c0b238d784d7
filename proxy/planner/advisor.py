"""The planner asked in nouns: prompt, grammar, model, reading, in that order.

Works with any `Planner`; holds no state but the size of the prompts that fit it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from proxy.planner import grammar, prompt
from proxy.planner.choice import choose
from proxy.planner.composing import Composer
from proxy.planner.grammar import Known
from proxy.planner.render import labels
from proxy.ports import Advice, Made, Planner, Question, Run, Usage
from proxy.repair.view.values import MISSING
from schemas.catalog import Json, Tool
from schemas.plan import Location, Plan, Step

VALUE_TOKENS = 128
STEP_TOKENS = 256
PLAN_TOKENS = 640
OPTIONS = 24
"""Candidates ranked at once; rules hand over the likelier ones first."""


class PlannerAdvisor:
    """The `Advisor` port. `context` is how many tokens prompt and answer may have together."""

    def __init__(self, planner: Planner, context: int) -> None:
        self._planner = planner
        self._context = context
        self._composer = Composer(planner)

    @property
    def usage(self) -> Usage:
        """Requests and tokens so far."""
        return self._planner.usage

    async def rank(self, question: Question, candidates: Sequence[Plan], priors: Sequence[float]) -> Advice | None:
        """Order repaired plans; of those that the model cannot tell apart the higher prior comes first."""
        options = [prompt.repaired(question, candidate) for candidate in candidates[:OPTIONS]]
        room = self._context - sum(len(option) for option in options) // 3
        scores = await self._planner.rank(prompt.ranking(question, room), options)
        return None if scores is None else choose(scores, priors, rest=len(candidates) - len(options))

    async def pick(self, question: Question, candidates: Sequence[Plan]) -> Advice | None:
        """Order plans that differ in one value: only what differs is scored, after all that they share."""
        options = [prompt.repaired(question, candidate) for candidate in candidates]
        start = _differ_from(options)
        room = self._context - sum(len(option) for option in options) // 3
        context = prompt.ranking(question, room) + options[0][:start]
        scores = await self._planner.rank(context, [option[start:] for option in options])
        return None if scores is None else choose(scores, [1.0] * len(options))

    async def value(self, question: Question, at: Location) -> Json | None:
        """A new value for one argument of the failing step, under the argument's own schema."""
        tool = _tool_of(question)
        if tool is None:
            return None
        schema = grammar.value_schema(tool, at)
        text = prompt.value(question, at, tool, self._context - VALUE_TOKENS)
        return grammar.read_value(await self._planner.generate(text, schema, VALUE_TOKENS), tool, at)

    async def step(self, question: Question) -> Step | None:
        """A step to insert before the failing one."""
        known = _known(question)
        schema = grammar.step_schema(question.tools, known)
        text = prompt.added_step(question, self._context - STEP_TOKENS)
        answer = await self._planner.generate(text, schema, STEP_TOKENS)
        return grammar.read_step(answer, _new_id(question.plan), question.tools, {k.step: k.value for k in known})

    async def redesign(self, question: Question, failures: Sequence[str]) -> Plan | None:
        """Another plan for the same goal; `failures` tells in one line each what was tried."""
        text = prompt.redesign(question, failures, self._context - PLAN_TOKENS)
        return await self._plan(text, question.plan.goal, question.tools)

    async def plan(self, goal: str, tools: Sequence[Tool], run: Run) -> Made | None:
        """A plan from the goal alone, grown by small questions; `run` runs what only reads on the way."""
        return await self._composer.plan(goal, tools, run)

    async def _plan(self, text: str, goal: str, tools: Sequence[Tool]) -> Plan | None:
        """Choose the tool that the plan leads to by its likelihood as a whole, then write the plan.

        Token by token a small model begins names that it does not mean.
        """
        names = labels(tools)
        scores = await self._planner.rank(text, [prompt.aim(name) for name in names])
        if not scores:
            return None
        name = max(zip(scores, names, strict=True))[1]
        answer = await self._planner.generate(text, grammar.plan_schema(tools, name), PLAN_TOKENS)
        plan, aim = grammar.read_plan(answer, goal, tools), names[name]
        if plan is None or any((step.server, step.tool) == (aim.server, aim.name) for step in plan.steps):
            return plan
        return await self._ended(text, plan, aim)

    async def _ended(self, text: str, plan: Plan, aim: Tool) -> Plan:
        """The plan with the call of the tool that it was to end with; as it is where none could be written."""
        known = [Known(step.id) for step in plan.steps]
        asked = prompt.last_step(text, plan, aim.name)
        answer = await self._planner.generate(asked, grammar.step_schema((aim,), known), STEP_TOKENS)
        step = grammar.read_step(answer, f"s{len(plan.steps) + 1}", (aim,), {k.step: k.value for k in known})
        return plan if step is None else replace(plan, steps=(*plan.steps, step))


def _differ_from(options: Sequence[str]) -> int:
    """Where the value begins in which options differ: behind the last colon, equals sign or comma that all share."""
    length = next((at for at, marks in enumerate(zip(*options, strict=False)) if len(set(marks)) > 1), 0)
    shared = options[0][:length]
    return max((shared.rfind(mark) + len(mark) for mark in (": ", "=", ", ") if mark in shared), default=0)


def _tool_of(question: Question) -> Tool | None:
    """The tool that the failing step calls, if it is among those shown."""
    step = question.plan.by_id.get(question.step)
    return next((tool for tool in question.tools if step and step.tool in (tool.name, tool.public)), None)


def _known(question: Question) -> list[Known]:
    """The steps listed before the failing one, with what their results hold or are declared to hold."""
    known: list[Known] = []
    for step in question.plan.steps:
        if step.id == question.step:
            break
        tool = next((tool for tool in question.tools if step.tool in (tool.name, tool.public)), None)
        value = question.results.get(step.id, MISSING)
        known.append(Known(step.id, value, tool.output_schema if tool else None))
    return known


def _new_id(plan: Plan) -> str:
    """An id that no step of the plan has."""
    return next(name for number in range(1, len(plan.steps) + 2) if (name := f"new{number}") not in plan.by_id)
