"""What the model is told. Pure: nouns in, text out.

Every prompt begins with what stays the same from question to question about one plan (the tools), then what changes
seldom (the plan), then the question: a model that keeps its prefix reads the long part once. Small models
do best when the goal stands last.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from proxy.planner.render import brief, call_text, cut, labels, result_text, step_line, tool_line
from proxy.ports import Question
from proxy.repair.view.notes import note, summary
from proxy.repair.view.values import MISSING
from schemas.catalog import Json, Tool
from schemas.plan import Location, Plan, Step
from schemas.trial import StepRun

CHARACTERS_PER_TOKEN = 3.0
"""Of English and JSON with the vocabularies of today's small models; rather too few than too many."""
HEAD = "You repair tool calls. Answer with the corrected call only."
ERROR = 400
GOAL = 1200
RESULT = 400
"""Characters of a result that are told while a plan grows."""
NONE = "none"
VERDICTS = ("Yes", "No")


@dataclass(frozen=True)
class Detail:
    """How much is told: characters of a tool's description, of an argument's and of a result; how many tools."""

    description: int
    argument: int
    result: int
    tools: int


DETAILS = (
    Detail(160, 60, 300, 16),
    Detail(100, 40, 200, 16),
    Detail(80, 0, 120, 12),
    Detail(30, 0, 80, 8),
    Detail(0, 0, 60, 6),
    Detail(0, 0, 0, 4),
)
"""From all that helps to the least that makes sense."""


def within(tokens: int, build: Callable[[Detail], str]) -> str:
    """The most detailed prompt that fits into so many tokens, the shortest one where none does."""
    text = ""
    for detail in DETAILS:
        text = build(detail)
        if len(text) <= tokens * CHARACTERS_PER_TOKEN:
            return text
    return text


def ranking(question: Question, tokens: int) -> str:
    """Ask for the corrected call; what follows is one candidate as `repaired` writes it."""
    end = _goal(question.plan.goal, "Write the call that reaches the goal.")
    return within(tokens, lambda detail: f"{_view(question, detail, plain=True)}\n\n{end}")


def value(question: Question, at: Location, tool: Tool, tokens: int) -> str:
    """Ask for one argument of the failing step; `tool` is the one that the step calls."""
    name = ".".join(str(part) for part in at)
    meaning = cut(note(tool, str(at[0])) if at else "", ERROR)
    ask = f"Write the right value of {name}{f' ({meaning})' if meaning else ''} as JSON."
    return within(tokens, lambda detail: f"{_view(question, detail)}\n\n{_goal(question.plan.goal, ask)}")


def added_step(question: Question, tokens: int) -> str:
    """Ask for a step that is missing before the failing one."""
    ask = f"A step is missing before {question.step}. Write that step as JSON."
    return within(tokens, lambda detail: f"{_view(question, detail)}\n\n{_goal(question.plan.goal, ask)}")


def redesign(question: Question, failures: Sequence[str], tokens: int) -> str:
    """Ask for a different plan, given what was tried."""
    tried = "\n".join(f"- {cut(line, ERROR)}" for line in failures)
    ask = "Write another plan as JSON that reaches the goal in a different way."

    def build(detail: Detail) -> str:
        parts = [
            _tools(question.tools, question.plan.goal, detail),
            f"This plan failed:\n{_steps(question, detail, plain=False)}",
            f"What was tried:\n{tried}",
            _goal(question.plan.goal, ask),
        ]
        return "\n\n".join(parts)

    return within(tokens, build)


def first_tool(goal: str, tools: Sequence[Tool]) -> str:
    """Ask which tool a plan begins with; without a goal the same for any goal."""
    ask = f"Write the name of the tool to call first, or {NONE} if no tool can do it."
    return f"{brief(tools)}\n\nThe goal: {cut(goal or 'Use one of them.', GOAL)}\n{ask}"


def next_call(plan: Plan, values: Mapping[str, Json], tool: Tool, *, notes: bool) -> str:
    """Ask for the call of one tool after what was read; without `notes` its line names no examples to copy."""
    lines = "".join(f"\n{step_line(step, MISSING, 0)} -> {_seen(values.get(step.id, MISSING))}" for step in plan.steps)
    told = f"\nCalls so far:{lines}" if lines else ""
    line = tool_line(tool.name, tool, DETAILS[0].description, DETAILS[0].argument if notes else 0, plan.goal)
    goal = cut(plan.goal, GOAL)
    ask = "Write this call as JSON, with values from the goal"
    return f"The goal: {goal}{told}\n\nThe next call:\n{line}\n{ask}: {goal}"


def answered(run: StepRun, tool: Tool, goal: str) -> str:
    """Ask whether the result of a call answers the goal, nothing else before the model's eyes."""
    called = f"A tool was called: {tool.name} ({cut(summary(tool), DETAILS[0].description)})"
    given = f"Arguments: {cut(json.dumps(run.arguments, ensure_ascii=False), ERROR)}"
    ask = "Does the result contain the answer to the question? Answer Yes or No."
    return f"{called}\n{given}\nResult: {_seen(run.value)}\nQuestion: {cut(goal, GOAL)}\n{ask}"


def is_long(value: Json) -> bool:
    """Tell whether a result is told shortened, so that its parts can only be referred to."""
    return len(json.dumps(value, ensure_ascii=False, default=str)) > RESULT


def _seen(value: Json) -> str:
    if value is MISSING:
        return "(is done when the plan runs)"
    if isinstance(value, str):
        return cut(value, RESULT)
    return result_text(value, RESULT) if is_long(value) else json.dumps(value, ensure_ascii=False)


def call_of(name: str) -> str:
    """How a call of a tool begins: the bracket ends a name that others begin with."""
    return f"{name}("


def aim(name: str) -> str:
    """How a plan begins whose answer is given by the tool of this name."""
    return '{"answer": ' + json.dumps(name)


def last_step(text: str, plan: Plan, name: str) -> str:
    """Ask for the step that a plan lacks: the call of the tool that was to give the answer; `text` asked for it all."""
    steps = "\n".join(step_line(step, MISSING, 0) for step in plan.steps)
    return f"{text}\n\nThe first steps are:\n{steps}\n\nWrite the last step, the call of {name}, as JSON."


def repaired(question: Question, candidate: Plan) -> str:
    """A candidate as the answer to `ranking`: its new and changed steps, the output where that changed.

    A candidate that changes nothing but order is written as the step in question.
    """
    plan = question.plan
    changed = [step for step in candidate.steps if step not in plan.steps]
    changed = changed or [step for step in candidate.steps if step.id == question.step] or list(candidate.steps)
    lines = [call_text(step, plain=True) for step in changed]
    if candidate.output != plan.output:
        lines.append(f"output = {result_text(candidate.output, ERROR)}")
    return "\n".join(lines)


def _view(question: Question, detail: Detail, *, plain: bool = False) -> str:
    parts = [HEAD, _tools(question.tools, question.plan.goal, detail)]
    failed = _steps(question, detail, plain=plain)
    parts.append(f"This call failed:\n{failed}\nError: {cut(question.error, ERROR)}")
    return "\n\n".join(parts)


def _tools(tools: Sequence[Tool], goal: str, detail: Detail) -> str:
    """The shortlist; the topic is the goal and what the tools themselves want, such as units."""
    shown = list(labels(tools).items())[: detail.tools]
    topic = " ".join([goal, *(tool.description for _, tool in shown)]) if goal else ""
    lines = [tool_line(name, tool, detail.description, detail.argument, topic) for name, tool in shown]
    return "Tools:\n" + "\n".join(lines)


def _steps(question: Question, detail: Detail, *, plain: bool) -> str:
    """The plan up to the failing step, which stands last."""
    failing = question.plan.by_id.get(question.step)
    before = [step for step in question.plan.steps if step.id != question.step]
    if failing is None:
        return "\n".join(_shown(question, step, detail, plain=plain) for step in before)
    if not before:
        return call_text(failing, plain=plain)
    lines = [_shown(question, step, detail, plain=plain) for step in before]
    return "\n".join([*lines, step_line(failing, MISSING, 0, plain=plain)])


def _shown(question: Question, step: Step, detail: Detail, *, plain: bool) -> str:
    return step_line(step, question.results.get(step.id, MISSING), detail.result, plain=plain)


def _goal(goal: str, ask: str) -> str:
    return f"The goal: {cut(goal, GOAL)}\n{ask}" if goal else ask
