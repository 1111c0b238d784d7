"""Composes a plan from a goal: sketches by rule, and a model where rules leave a choice open.

A small model chooses far better than it writes: it is asked which tool gives the answer and which of a few values was
meant, as the likelihood of calls, and writes only what nothing in the goal states. Without its answers rules decide.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

import anyio.to_thread

from proxy.planner import filling, grammar
from proxy.planner.answer import clear, leaves, tied
from proxy.planner.assemble import Assembly, Sketch
from proxy.planner.choice import choose
from proxy.planner.matching import SURE
from proxy.planner.sketch import Assumed, Call, Open, Said, plan_of
from proxy.planner.slots import Slot
from proxy.planner.stated import Fact
from proxy.planner.weighing import OPEN
from proxy.ports import Planner
from proxy.repair.view.order import reads_only
from schemas.catalog import Catalog, Json, Tool
from schemas.plan import Plan, walk
from schemas.trial import StepRun

AIMS = 12
"""Tools of which each is tried as the one that gives the answer."""
RIVALS = 4
WITHIN = 1.5
"""Sketches that a model chooses from: so many, and so much less worth than the best at most."""
MODEL = 0.7
"""What a nat per token of the model counts against the worth of a sketch."""
PRIOR = 0.5
"""Share of a name's likelihood without the goal that is taken off: some names are likely anyway."""
LEAST = 0.5
"""What a sketch must be worth: less explains next to nothing of the goal."""
GAPS = 3
"""Open arguments up to which a model fills them."""
CLEAR = 0.5
YES = 1.5
"""Nats per token by which a value must lead; affirming what the goal does not speak of takes more."""
VALUE_TOKENS = 96


class Composer:
    """Asks `planner` what rules leave open."""

    def __init__(self, planner: Planner) -> None:
        self._planner = planner

    async def compose(self, goal: str, tools: Sequence[Tool], catalog: Catalog) -> Plan | None:
        """A plan whose steps are all filled; None where the goal states too little for one."""
        sketches = await anyio.to_thread.run_sync(_sketched, goal, tuple(tools), catalog)
        if not sketches:
            return None
        call = (await self._aimed(goal, sketches)).call
        call = await self._settled(goal, call)
        call = await self._written(goal, call)
        return None if call.gaps else plan_of(call, goal)

    async def answer(self, goal: str, run: StepRun) -> str:
        """The path of the answer in a result; the model chooses where the goal's words do not."""
        given = [value for _, value in walk(run.arguments) if not isinstance(value, dict | list)]
        found = leaves(goal, run.value, given)
        path = clear(found)
        if path is not None:
            return path
        close = tied(found)
        texts = [f"{leaf.path}: {json.dumps(leaf.value, ensure_ascii=False)[:60]}" for leaf in close]
        scores = await self._planner.rank(filling.leaf(goal, run.tool, texts), texts) if len(close) > 1 else None
        advice = choose(scores, [0.0] * len(close)) if scores else None
        return close[advice.order[0]].path if advice is not None and advice.margin >= CLEAR else ""

    async def _aimed(self, goal: str, sketches: Sequence[Sketch]) -> Sketch:
        """The sketch to take: the model's choice weighs in where several are worth nearly the same."""
        read = [call.tool for call in sketches[0].call.calls() if call.tool is not sketches[0].aim]
        rivals = [sketch for sketch in sketches if sketch.aim not in read]
        close = [sketch for sketch in rivals if sketch.worth >= sketches[0].worth - WITHIN][:RIVALS]
        if len(close) == 1:
            return close[0]
        shown = [sketch.aim for sketch in close]
        names = filling.names(shown)
        told = await self._planner.rank(filling.aim(goal, shown), names)
        prior = await self._planner.rank(filling.aim("", shown), names) if told else None
        if not told or not prior:
            return close[0]
        scores = [
            sketch.worth + MODEL * (score - PRIOR * before)
            for sketch, score, before in zip(close, told, prior, strict=True)
        ]
        return close[max(range(len(close)), key=lambda index: scores[index])]

    async def _settled(self, goal: str, call: Call) -> Call:
        """The sketch with each value that could be another one chosen by the model."""
        for inner in list(call.calls()):
            chosen = inner
            for name, filler in inner.fillers.items():
                options = _options(filler, _facts_of(call, but=filler))
                if len(options) > 1:
                    chosen = chosen.filled(name, await self._chosen(goal, chosen, name, options))
            call = call.with_inner(inner, chosen) if chosen is not inner else call
        return call

    async def _chosen(self, goal: str, call: Call, name: str, options: Sequence[Said | Assumed]) -> Said | Assumed:
        """The option that the model clearly prefers, else the first."""
        context, texts = filling.choice(goal, call, name, [option.value for option in options])
        scores = await self._planner.rank(context, texts)
        if not scores:
            return options[0]
        best = max(range(len(options)), key=lambda index: scores[index])
        lead = YES if options[best].value is True else CLEAR
        return options[best] if scores[best] - scores[0] >= lead else options[0]

    async def _written(self, goal: str, call: Call) -> Call:
        """The sketch with its open arguments written by the model under their own schemas, where they are few."""
        gaps = call.gaps
        if len(gaps) > GAPS:
            return call
        for inner, name in gaps:
            value = await self._value(goal, inner, Slot(inner.tool, name))
            if value is None:
                return call
            call = _replaced(call, inner.tool, name, value)
        return call

    async def _value(self, goal: str, call: Call, slot: Slot) -> Json | None:
        schema = grammar.value_schema(slot.tool, (slot.name,))
        asked = filling.value(goal, call, slot)
        return grammar.read_value(await self._planner.generate(asked, schema, VALUE_TOKENS), slot.tool, (slot.name,))


def _sketched(goal: str, tools: Sequence[Tool], catalog: Catalog) -> list[Sketch]:
    """The sketches that use what the goal states and do nothing of which it does not clearly speak."""
    assembly = Assembly(goal, tools, catalog.tools)
    made = assembly.sketches(tools[:AIMS])
    return [
        sketch
        for sketch in made
        if _explains(sketch) >= LEAST and assembly.scale.uses_enough(sketch.call) and _harmless(sketch)
    ]


def _explains(sketch: Sketch) -> float:
    """What a sketch is worth but for what it leaves open."""
    return sketch.worth + OPEN * len(sketch.call.gaps)


def _harmless(sketch: Sketch) -> bool:
    """Tell whether every value that goes to a tool with an effect is one that the goal clearly states."""
    fillers = [filler for call in sketch.call.calls() if not reads_only(call.tool) for filler in call.fillers.values()]
    return all(isinstance(filler, Said) and filler.fit >= SURE for filler in fillers)


def _facts_of(call: Call, but: object) -> set[Fact]:
    """The facts that fill other arguments than this one."""
    fillers = [filler for inner in call.calls() for filler in inner.fillers.values() if filler is not but]
    return {fact for filler in fillers if isinstance(filler, Said) for fact in filler.facts}


def _options(filler: object, used: set[Fact]) -> list[Said | Assumed]:
    """What an argument could be filled with, the likeliest by rule first; what is used elsewhere is meant there."""
    match filler:
        case Said(rivals=rivals) if rivals:
            return [filler, *(rival for rival in rivals if not used & set(rival.facts))]
        case Assumed(value=value, among=among):
            return [
                filler,
                *(replace(filler, value=other) for other in among if other != value or type(other) is not type(value)),
            ]
        case _:
            return []


def _replaced(call: Call, tool: Tool, name: str, value: Json) -> Call:
    """The sketch with an open argument filled."""
    for inner in call.calls():
        if inner.tool is tool and isinstance(inner.fillers.get(name), Open):
            return call.with_inner(inner, inner.filled(name, Said(value)))
    return call
