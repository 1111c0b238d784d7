"""Which part of the last result is the answer that a goal asks for.

Where nothing stands out the whole result is the answer.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from proxy.planner.choice import choose
from proxy.planner.render import cut
from proxy.ports import Planner
from proxy.repair.view.units import same_unit
from proxy.repair.view.values import join, paths
from proxy.repair.view.words import mentions, words
from schemas.catalog import Json, canonical, same_numbers
from schemas.plan import walk
from schemas.trial import StepRun

DEEP = 4
"""Levels of a result that are looked at."""
MOST = 40
"""Leaves beyond which a result is a collection, of which no single value is the answer."""
CLEAR = 0.5
"""Nats per token by which a leaf must lead."""
GOAL = 1200


@dataclass(frozen=True)
class Leaf:
    """A value in a result that is no list and no object."""

    path: str
    name: str
    value: Json
    depth: int

    def line(self) -> str:
        """The leaf as the model is shown it."""
        return f"{self.path}: {json.dumps(self.value, ensure_ascii=False)[:60]}"


async def answer(planner: Planner, goal: str, run: StepRun) -> str:
    """The path of the answer in a result, "" for the whole of it."""
    found = leaves(run.value, [value for _, value in walk(run.arguments) if not isinstance(value, dict | list)])
    if len(found) > MOST or any(leaf.path.split(".")[0].isdigit() for leaf in found):
        return ""
    named = [leaf for leaf in found if mentions(goal, " ".join(words(leaf.name)))]
    outer = [leaf for leaf in named if leaf.depth == named[0].depth]
    for sole in (found, outer):
        if len(sole) == 1:
            return sole[0].path
    lines = [leaf.line() for leaf in found]
    asked = f"The goal: {cut(goal, GOAL)}\nWrite the one that answers it."
    scores = await planner.rank("\n".join([f"{run.tool} returned:", *lines, "", asked]), lines) if found else None
    advice = choose(scores, [0.0] * len(found)) if scores else None
    return found[advice.order[0]].path if advice is not None and advice.margin >= CLEAR else ""


def leaves(result: Json, given: Sequence[Json]) -> list[Leaf]:
    """The values of a result that may be the answer; what the call was given is none."""
    inner = [(parts, value) for parts, value in paths(result) if not isinstance(value, dict | list)]
    return [
        Leaf(join(parts), next((part for part in reversed(parts) if not part.isdigit()), ""), value, len(parts))
        for parts, value in inner
        if value is not None and len(parts) <= DEEP and not any(_echoes(value, each) for each in given)
    ]


def _echoes(value: Json, given: Json) -> bool:
    """Tell whether a value is one that was given, or the same unit."""
    if isinstance(value, str) and isinstance(given, str) and same_unit(value, given):
        return True
    return canonical(same_numbers(value)) == canonical(same_numbers(given))
