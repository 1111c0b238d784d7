"""What a model is told while a plan is composed: short prompts about one tool or a few. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence

from proxy.planner.render import cut, labels, tool_line
from proxy.planner.sketch import Assumed, Call, Result, Said
from proxy.planner.slots import Slot
from proxy.repair.view.notes import note, summary
from schemas.catalog import Json, Tool

GOAL = 1200
ABOUT = 160
NOTE = 80


def names(tools: Sequence[Tool]) -> list[str]:
    """The tools' names as answers to `aim`."""
    return list(labels(tools))


def aim(goal: str, tools: Sequence[Tool]) -> str:
    """Ask which tool gives the answer; without a goal the same for any goal."""
    lines = [f"- {name}: {cut(summary(tool), ABOUT)}" for name, tool in labels(tools).items()]
    asked = cut(goal, GOAL) or "Use one of them."
    return "Tools:\n" + "\n".join(lines) + f"\n\nThe goal: {asked}\nWrite the name of the tool that gives the answer."


def choice(goal: str, call: Call, name: str, values: Sequence[Json]) -> tuple[str, list[str]]:
    """Ask for the call of a tool, up to the value of one argument, and that value in each form it may have."""
    told = {other: _shown(filler) for other, filler in call.fillers.items() if other != name and _known(filler)}
    before = json.dumps(told, ensure_ascii=False)[1:-1]
    start = f"{call.tool.name}({{{before}{', ' if before else ''}{json.dumps(name)}: "
    text = f"{_opening(call.tool, goal)}\nWrite the call that reaches the goal.\n\n{start}"
    return text, [json.dumps(value, ensure_ascii=False) + "})" for value in values]


def value(goal: str, call: Call, slot: Slot) -> str:
    """Ask for the value of one argument."""
    told = {other: _shown(filler) for other, filler in call.fillers.items() if other != slot.name and _known(filler)}
    meaning = cut(note(slot.tool, slot.name), GOAL)
    known = f"\nKnown: {json.dumps(told, ensure_ascii=False)}" if told else ""
    ask = f"Write the right value of {slot.name}{f' ({meaning})' if meaning else ''} as JSON."
    return f"{_opening(call.tool, goal)}{known}\n{ask}"


def leaf(goal: str, tool: str, keys: Sequence[str]) -> str:
    """Ask which part of a result answers the goal."""
    return f"{tool} returned:\n" + "\n".join(keys) + f"\n\nThe goal: {cut(goal, GOAL)}\nWrite the one that answers it."


def _opening(tool: Tool, goal: str) -> str:
    return f"Tool:\n{tool_line(tool.name, tool, ABOUT, NOTE, goal)}\n\nThe goal: {cut(goal, GOAL)}"


def _known(filler: object) -> bool:
    return isinstance(filler, Said | Assumed | Result)


def _shown(filler: object) -> Json:
    match filler:
        case Said(value=known) | Assumed(value=known):
            return known
        case Result(call=call):
            return f"${call.tool.name}"
        case _:
            return None
