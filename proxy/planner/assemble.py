"""Assembles a plan from a goal without writing it: tools that fit together and use what the goal states. Pure.

From the tool that may give the answer backward: each argument is filled with a fact of the goal, with its conversion
into the unit that the argument wants, or with the result of another tool. Of all such sketches the one counts most
that uses most of the goal and leaves least open. What stays close is for a model to decide, see `composing`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from proxy.planner.conversion import converters
from proxy.planner.matching import Matcher
from proxy.planner.producing import extra, fit, place
from proxy.planner.results import measure
from proxy.planner.sketch import Call, Open, Result, Said
from proxy.planner.slots import Slot
from proxy.planner.stated import asked_unit, facts, named
from proxy.planner.weighing import Scale
from proxy.repair.view.notes import summary
from proxy.repair.view.order import reads_only
from proxy.repair.view.units import same_unit
from schemas.catalog import Tool

DEPTH = 2
"""Tools that one value may go through before the one that gives the answer."""
PRODUCERS = 6
"""Tools tried for one argument."""

RIGHT_UNIT = 0.5
WRONG_UNIT = 1.0
"""What it counts that a tool tells its result in a unit like the asked one, and costs that it tells only others."""
PRODUCES = 0.5
"""How likely a tool must return what an open argument wants."""
ASKED_FOR = 0.6
"""How likely a tool that the goal names returns what some argument wants."""
SPOKEN = 0.8
HINTED = 0.3
"""How much a goal must speak of a tool by name to ask for it; less where it may return what is wanted."""
INSTEAD = 0.3
"""What a result must be worth more than the fact that it takes the place of."""


@dataclass(frozen=True)
class Sketch:
    """A tool that may give the answer, its call with all that this reads (and its conversion), and what it is worth."""

    aim: Tool
    call: Call
    worth: float


class Assembly:
    """One goal and the tools at hand; `everything` is where converters are looked for."""

    def __init__(self, goal: str, tools: Sequence[Tool], everything: Sequence[Tool] = ()) -> None:
        self.goal = goal
        self._tools = tuple(tools)
        self._unit = asked_unit(goal)
        self._fits: dict[tuple[str, str, str], float] = {}
        self._converters = converters(everything or tools)
        known = " ".join(f"{tool.name} {summary(tool)}" for tool in tools)
        stated = tuple(fact for fact in facts(goal) if not named(fact, goal, known))
        self.scale = Scale(goal, stated, self._tools, self._converters)
        self._matcher = Matcher(goal, stated, self._converters, self.scale.said)

    def sketches(self, aims: Sequence[Tool]) -> list[Sketch]:
        """For each tool that may give the answer the best sketch, best first."""
        made = [self.best(tool) for tool in aims]
        return sorted(made, key=lambda sketch: -sketch.worth)

    def best(self, aim: Tool) -> Sketch:
        """The best sketch that ends with this tool."""
        call = self._call(aim, (aim.public,))
        worth = self.scale.worth(call)
        if not self._unit:
            return Sketch(aim, call, worth)
        measured = measure(self.goal, aim, self._unit)
        if measured is None:
            return Sketch(aim, call, worth - WRONG_UNIT)
        key, unit = measured
        if not unit or same_unit(unit, self._unit):
            return Sketch(aim, call, worth + (RIGHT_UNIT if unit else 0.0))
        made = (converter.of(call, key, unit, self._unit) for converter in self._converters)
        converted = next((found for found in made if found is not None), call)
        return Sketch(aim, converted, worth + RIGHT_UNIT)

    def _call(self, tool: Tool, above: tuple[str, ...], reader: Call | None = None) -> Call:
        """A call filled from the goal, then with results of other tools wherever that uses more of the goal."""
        call = self._matcher.call(tool, reader)
        if len(above) > DEPTH:
            return call
        for slot, filler in call.slots:
            if slot.truth or not slot.required:
                continue
            stated = isinstance(filler, Said | Result)
            gain = INSTEAD if stated else 0.01
            for producer in self._producers(slot, above, is_open=isinstance(filler, Open)):
                if stated and not self.scale.tells_more(producer, call):
                    continue
                inner = self._call(producer, (*above, producer.public), call)
                if slot.numeric and not _from_words(inner):
                    continue
                suits = self._fit(slot, producer) + extra(self.goal, slot, producer)
                trial = call.filled(slot.name, Result(inner, place(self.goal, slot, producer), suits))
                if self.scale.worth(trial) > self.scale.worth(call) + gain:
                    call, gain = trial, 0.01
        return call

    def _fit(self, slot: Slot, tool: Tool) -> float:
        """How likely a tool returns what an argument wants; one that the goal names may return any text."""
        key = (slot.tool.public, slot.name, tool.public)
        if key not in self._fits:
            likely = fit(slot, tool)
            asked = self.scale.speaks_of(tool, name=True) >= (HINTED if likely > 0 else SPOKEN)
            self._fits[key] = max(likely, ASKED_FOR if asked and "string" in slot.kinds else 0.0)
        return self._fits[key]

    def _producers(self, slot: Slot, above: tuple[str, ...], *, is_open: bool) -> list[Tool]:
        """Tools that change nothing and speak of what the argument wants, those that the goal speaks of first."""
        found: list[tuple[float, Tool]] = []
        for tool in self._tools:
            converts = any(converter.tool is tool for converter in self._converters)
            if tool.public in above or converts or not reads_only(tool):
                continue
            suits = self._fit(slot, tool)
            if suits >= (PRODUCES if is_open else 0.01):
                found.append((suits + self.scale.speaks_of(tool), tool))
        found.sort(key=lambda pair: -pair[0])
        return [tool for _, tool in found[:PRODUCERS]]


def _from_words(call: Call) -> bool:
    """Tell whether anything that a call is given, or those it reads, stands in the goal."""
    return any(isinstance(filler, Said) for inner in call.calls() for filler in inner.fillers.values())
