"""Whether a tool returns what an argument wants, and where in its result that stands. Pure."""

from __future__ import annotations

from proxy.planner.results import returned
from proxy.planner.slots import EMPTY, Slot
from proxy.planner.stated import ordinal, tokens
from proxy.repair.view.notes import summary
from proxy.repair.view.words import likeness, stem, stems
from schemas.catalog import Tool

NAMED = 0.8
"""How alike a name and an argument must be to speak of the same thing."""
TOLD = 0.4
"""What it counts that a tool's summary speaks of what the argument wants."""
EXTRA = 0.6
MOST_EXTRA = 2
"""What each word counts by which the goal tells the tool's result from the plain value, and how many count."""


def fit(slot: Slot, tool: Tool) -> float:
    """How likely a tool returns what an argument wants, 0..1: by its name, its summary and the keys of its result."""
    telling = {name for name in slot.names if len(name) > 2}
    if telling & stems(tool.name):
        return 1.0
    keys = returned(tool)
    if any(likeness(slot.name, key) >= NAMED for key in keys):
        return 1.0
    named = max((likeness(name, tool.name) for name in telling), default=0.0)
    told = TOLD if telling & stems(summary(tool)[:300]) else 0.0
    return max(named if named >= NAMED else 0.0, told)


def place(goal: str, slot: Slot, tool: Tool) -> str:
    """Where the result of a tool holds what the argument wants, as far as the tool and the goal tell."""
    keys = tuple(returned(tool))
    if len(keys) == 1:
        return keys[0]
    said = phrase(goal, slot, tool)
    ranked = sorted(keys, key=lambda key: -max(likeness(key, "_".join(said)), likeness(key, slot.name)))
    if ranked and max(likeness(ranked[0], "_".join(said)), likeness(ranked[0], slot.name)) >= NAMED:
        return ranked[0]
    return ordinal(goal) or "_".join(said)


def phrase(goal: str, slot: Slot, tool: Tool) -> list[str]:
    """The words in which the goal speaks of what a tool returns for a slot: ideal, body, weight."""
    said = [word for _, word in tokens(goal)]
    known = stems(f"{tool.name} {summary(tool)}") - EMPTY
    best = [slot.name]
    for position, word in enumerate(said):
        begin = position
        while begin > 0 and stem(said[begin - 1]) in known:
            begin -= 1
        if stem(word) in slot.names and position + 1 - begin > len(best):
            best = said[begin : position + 1]
    return best


def extra(goal: str, slot: Slot, tool: Tool) -> float:
    """What it counts that the goal names the value by words which the argument's own tool does not know."""
    own = stems(f"{slot.tool.name} {slot.tool.description}")
    told = [word for word in phrase(goal, slot, tool)[:-1] if stem(word) not in own]
    return EXTRA * min(MOST_EXTRA, len(told))
