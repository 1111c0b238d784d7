"""Composes plans from a goal by small questions: which tool gives the answer, which of a few values was meant.

A small model chooses far better than it writes. What rules leave no doubt about is not asked; where the model has no
answer, a plan with a doubt in it is none.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from itertools import takewhile

import anyio.to_thread

from proxy.planner.render import cut, labels, tool_line
from proxy.planner.sketch import SURE, Call, Filler, Option, Sketcher
from proxy.ports import Planner
from proxy.repair.read.goal import stated
from proxy.repair.view.notes import summary
from proxy.repair.view.order import reads_only
from proxy.repair.view.values import MISSING
from proxy.repair.view.words import stems
from schemas.catalog import Catalog, Tool
from schemas.plan import Plan

AIMS = 12
NEAREST, ASKED = 2, 6
"""Tools of which each is tried as the one that gives the answer; of those the nearest to the goal and the cheapest, so
many in all, are asked about."""
RIVALS = 3
WITHIN = 0.3
"""Plans that are given at most, and how much worse than the tool that seems meant another one may seem."""
PRIOR = 0.5
"""Share of a name's likelihood without the goal that is taken off: some names are likely anyway."""
CLEAR = 0.5
"""Nats per token by which a tool that may change something must lead."""
HEARD = 0.1
"""Nats per token by which the goal must make one of several listed values likelier than it makes the others."""
SUITS = 0.3
"""What it counts for a value how well it suits by rule."""
UNUSED = 0.25
"""Share of what the goal states that a plan may leave unused."""
GOAL, ABOUT, NOTE = 1200, 100, 80
"""Characters that are told of the goal, a tool and an argument."""


class Composer:
    """Asks `planner` what rules leave open."""

    def __init__(self, planner: Planner) -> None:
        self._planner = planner

    async def plans(self, goal: str, tools: Sequence[Tool], catalog: Catalog, most: int) -> list[Plan]:
        """Plans whose arguments are all filled, the likeliest first; none where the goal states too little.

        Where the tool that seems meant cannot be called, another one is no answer.
        """
        sketches = await anyio.to_thread.run_sync(_sketched, goal, tuple(tools), catalog)
        found: list[Plan] = []
        for call, clear in await self._aimed(goal, sketches, tools[:NEAREST]):
            settled = await self._settled(goal, call) if len(found) < most else None
            if settled is None or not _harmless(settled, clear=clear):
                break
            found.append(settled.plan(goal))
        return found

    async def _aimed(
        self, goal: str, sketches: Sequence[tuple[float, Call]], nearest: Sequence[Tool]
    ) -> list[tuple[Call, bool]]:
        """The sketches to take, best first, and whether each is clearly meant; none where what seems meant is none."""
        asked = [each for at, each in enumerate(sketches) if at < ASKED - NEAREST or each[1].tool in nearest][:ASKED]
        scores = await self._likely(goal, [call.tool for _, call in asked])
        if scores is None:
            return _named(goal, sketches)
        totals = [score - cost for score, (cost, _) in zip(scores, asked, strict=True)]
        order = sorted(range(len(totals)), key=lambda index: -totals[index])
        best = totals[order[0]]
        clear = len(order) == 1 or best - totals[order[1]] >= CLEAR
        close = [index for index in order[:RIVALS] if totals[index] >= best - WITHIN]
        return [(asked[at][1], clear) for at in takewhile(lambda at: _whole(goal, asked[at][1]), close)]

    async def _likely(self, goal: str, tools: Sequence[Tool]) -> Sequence[float] | None:
        """How likely each tool gives the answer, beyond how likely its name is anyway."""
        names = list(labels(tools))
        told = await self._planner.rank(_aim(goal, tools), names) if names else None
        if not told:
            return None
        before = await self._planner.rank(_aim("", tools), names) if self._planner.likelihoods else [0.0] * len(told)
        if not before:
            return None
        return [score - PRIOR * prior for score, prior in zip(told, before, strict=True)]

    async def _settled(self, goal: str, call: Call) -> Call | None:
        """The call with every doubt decided by the model; None where it has no answer."""
        for name, filler in call.fillers.items():
            inner = filler.options[0].call
            if inner is not None:
                settled = await self._settled(goal, inner)
                if settled is None:
                    return None
                call = call.filled(name, replace(filler, options=(replace(filler.options[0], call=settled),)))
        for name, filler in call.fillers.items():
            if not filler.sure:
                chosen = await self._chosen(goal, call, name, _free(call, name, filler))
                if chosen is None:
                    return None
                call = call.filled(name, Filler((chosen,), sure=True))
        return call

    async def _chosen(self, goal: str, call: Call, name: str, options: Sequence[Option]) -> Option | None:
        """The option that makes the likeliest call; of listed values the one that the goal makes much likelier."""
        texts = [_written(call, name, option) for option in options]
        told = await self._planner.rank(_ask(goal, call.tool), texts)
        if not told or any(option.said is not None for option in options):
            worth = [score + SUITS * min(1.0, option.score) for score, option in zip(told or (), options, strict=False)]
            return options[worth.index(max(worth))] if worth else None
        before = await self._planner.rank(_ask("", call.tool), texts) if self._planner.likelihoods else None
        gains = [score - prior for score, prior in zip(told, before or told, strict=True)]
        order = sorted(range(len(gains)), key=lambda index: -gains[index])
        clear = isinstance(options[0].value, bool) or len(order) == 1 or gains[order[0]] - gains[order[1]] >= HEARD
        return options[order[0]] if clear else None


def _sketched(goal: str, tools: Sequence[Tool], catalog: Catalog) -> list[tuple[float, Call]]:
    """The best sketch for each tool that may give the answer, with what it costs, the cheapest first."""
    sketcher = Sketcher(goal, tools, catalog.tools)
    made = [sketcher.sketch(aim) for aim in tools[:AIMS]]
    return sorted(((sketcher.cost(call), call) for call in made), key=lambda each: each[0])


def _whole(goal: str, call: Call) -> bool:
    """Tell whether a sketch has no gap and uses nearly all that the goal states."""
    return not call.gaps and len(call.left(goal)) <= UNUSED * len(stated(goal))


def _named(goal: str, sketches: Sequence[tuple[float, Call]]) -> list[tuple[Call, bool]]:
    """Without a model: the sketch without a doubt whose tool the goal names, or the only one that all of it suits."""
    heard = stems(goal)
    names = {call.tool.public: stems(call.tool.name) & heard for _, call in sketches if not call.gaps}
    most = max((len(name) for name in names.values()), default=0)
    sure = [call for _, call in sketches if not (call.gaps or call.doubts or call.left(goal))]
    best = [call for call in sure if len(names[call.tool.public]) == most]
    full = [call for call in best if most and stems(call.tool.name) <= heard]
    suited = [call for _, call in sketches if _suited(call) >= {each.start for each in stated(goal)}]
    alone = [call for call in best if stated(goal) and reads_only(call.tool) and (most or suited == [call])]
    chosen = full or alone
    return [(chosen[0], bool(full))] if len(chosen) == 1 else []


def _suited(call: Call) -> set[int]:
    """Where in the goal a call takes values from that suit by their form, unit or name."""
    first = [filler.options[0] for inner in call.calls() for filler in inner.fillers.values()]
    return {option.said.start for option in first if option.said is not None and option.score >= SURE}


def _harmless(call: Call, *, clear: bool) -> bool:
    """Tell whether a tool that may change something is clearly meant, and given only what stands in the goal."""
    doing = [inner for inner in call.calls() if not reads_only(inner.tool)]
    verbatim = all(filler.options[0].verbatim for inner in doing for filler in inner.fillers.values())
    return not doing or (clear and doing == [call] and verbatim)


def _free(call: Call, name: str, filler: Filler) -> list[Option]:
    """The options that no other argument of the call has taken."""
    taken = [other.options[0].said for key, other in call.fillers.items() if key != name and other.sure]
    left = [option for option in filler.options if option.said is None or option.said not in taken]
    return left or list(filler.options)


def _aim(goal: str, tools: Sequence[Tool]) -> str:
    """Ask which tool gives the answer; without a goal the same for any goal."""
    lines = [f"- {name}: {cut(summary(tool), ABOUT)}" for name, tool in labels(tools).items()]
    asked = cut(goal, GOAL) or "Use one of them."
    return "Tools:\n" + "\n".join(lines) + f"\n\nThe goal: {asked}\nWrite the name of the tool that gives the answer."


def _ask(goal: str, tool: Tool) -> str:
    """Ask for the call of a tool; without a goal the same for any goal."""
    line = tool_line(tool.name, tool, ABOUT, NOTE, goal)
    return f"Tool:\n{line}\n\nThe goal: {cut(goal, GOAL) or 'Use it.'}\nWrite the call that reaches the goal."


def _written(call: Call, name: str, option: Option) -> str:
    """A call with one argument; the others say nothing about it, and are the same for every option."""
    value = option.value if option.call is None else f"${option.call.tool.name}"
    return f"{call.tool.name}({json.dumps({} if value is MISSING else {name: value}, ensure_ascii=False)})"
