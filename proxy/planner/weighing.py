"""What a sketch of a plan is worth: how much of the goal it explains, less what it costs and leaves open. Pure."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property

from catalog_cache.nearest import words as terms
from proxy.planner.conversion import Converter
from proxy.planner.sketch import Assumed, Call, Filler, Open, Result, Said
from proxy.planner.stated import Fact, facts, tokens
from proxy.repair.view.notes import summary
from proxy.repair.view.units import unit_of
from schemas.catalog import Tool, canonical
from schemas.plan import Plan, walk

FACT = 1.0
WORD = 0.4
NAMED = 1.5
"""What a used fact and an explained word of the goal are worth; a word in the name of a tool counts more."""
UNUSED = 0.25
"""Share of what the goal states that a plan may leave unused."""
TWICE = 0.5
"""What it costs that two arguments of a call read one other call."""
STEP = 0.4
CONVERSION = 0.1
OPEN = 2.0
GUESSED = 0.5
UNSAID = 0.1
"""What one more tool, a conversion, an open argument, a guessed value and an unmentioned yes-or-no cost."""


class Scale:
    """Weighs sketches for one goal, whose facts are given, among the tools at hand."""

    def __init__(self, goal: str, stated: Sequence[Fact], tools: Sequence[Tool], known: Sequence[Converter]) -> None:
        self._facts = stated
        self._tools = tools
        self._converters = known
        self._asked = {at: root for at, word in tokens(goal) for root in terms(word) if not _measuring(word)}

    @cached_property
    def said(self) -> Mapping[str, Mapping[str, float]]:
        """Tool to the words by which it can be known, each with how much it tells."""
        found: dict[str, dict[str, float]] = {}
        for tool in self._tools:
            named = set(terms(tool.name))
            told = set(terms(f"{summary(tool)[:300]} {' '.join(tool.properties)}"))
            found[tool.public] = {root: NAMED if root in named else 1.0 for root in named | told}
        return found

    @cached_property
    def _rarity(self) -> Mapping[str, float]:
        """Word of the goal to how rare it is among the tools, 0..1."""
        count = len(self._tools) + 1
        return {
            root: math.log(count / (1 + sum(root in said for said in self.said.values()))) / math.log(count)
            for root in set(self._asked.values())
        }

    def speaks_of(self, tool: Tool, *, name: bool = False) -> float:
        """How much the goal speaks of a tool, by all that is known of it or by its name alone."""
        known = set(terms(tool.name)) if name else set(self.said[tool.public])
        return sum(self._rarity[root] for root in set(self._asked.values()) & known)

    def tells_more(self, producer: Tool, call: Call) -> bool:
        """Tell whether a tool can use more of the goal than a call does already."""
        used, explained = self._explained(call)
        if any(fact not in used and fact.kind != "name" for fact in self._facts):
            return True
        said = self.said[producer.public]
        return (
            sum(WORD * NAMED * self._rarity[root] for root in self._open_words(used) - set(explained) if root in said)
            > STEP
        )

    def uses_enough(self, call: Call) -> bool:
        """Tell whether a sketch uses nearly all numbers, times and texts that the goal states."""
        used, _ = self._explained(call)
        stated = [fact for fact in self._facts if fact.kind != "name"]
        return sum(fact not in used for fact in stated) <= len(stated) * UNUSED

    def worth(self, call: Call) -> float:
        """What a sketch explains of the goal, less what it costs and leaves open."""
        used, explained = self._explained(call)
        calls = list(_distinct(call))
        cost = sum(CONVERSION if self._converts(inner, call) else STEP for inner in calls) - STEP
        fit = sum(_worth_of(filler) for inner in calls for filler in inner.fillers.values())
        cost += TWICE * sum(_repeated(inner) for inner in calls)
        share = FACT * len(used)
        heard = sum(WORD * self._rarity[root] * explained.get(root, 0.0) for root in self._open_words(used))
        return share + heard + fit - cost

    def _converts(self, inner: Call, call: Call) -> bool:
        """Tell whether an inner call only converts a unit."""
        return inner is not call and any(inner.tool is converter.tool for converter in self._converters)

    def _explained(self, call: Call) -> tuple[set[Fact], dict[str, float]]:
        """The facts that a sketch uses, and the words by which its tools are known, each with how much it tells."""
        used: set[Fact] = set()
        explained: dict[str, float] = {}
        for inner in _distinct(call):
            for filler in inner.fillers.values():
                used |= set(filler.facts) if isinstance(filler, Said) else set()
            if not self._converts(inner, call):
                for root, told in self.said.get(inner.tool.public, {}).items():
                    explained[root] = max(explained.get(root, 0.0), told)
        return used, explained

    def _open_words(self, used: Collection[Fact]) -> set[str]:
        """The words of the goal that stand outside these facts."""
        spans = [(fact.start, fact.end) for fact in used]
        return {root for at, root in self._asked.items() if not any(start <= at < end for start, end in spans)}


def keeps_facts(goal: str, plan: Plan) -> bool:
    """Tell whether a written plan uses nearly all numbers, times and texts that the goal states."""
    given = " ".join(canonical(value) for step in plan.steps for _, value in walk(step.arguments))
    stated = [fact for fact in facts(goal) if fact.kind != "name"]
    unused = sum(str(fact.value) not in given for fact in stated)
    return unused <= len(stated) * UNUSED


def _measuring(word: str) -> bool:
    """Tell whether a word is a unit rather than a thing."""
    return len(word) < 4 and unit_of(word) is not None


def _distinct(call: Call) -> Iterator[Call]:
    seen: list[Call] = []
    for inner in call.calls():
        if inner not in seen:
            seen.append(inner)
            yield inner


def _repeated(call: Call) -> int:
    """How many arguments read the same call as another argument does."""
    read = [filler.call for filler in call.fillers.values() if isinstance(filler, Result)]
    return sum(inner in read[:index] for index, inner in enumerate(read))


def _worth_of(filler: Filler) -> float:
    match filler:
        case Said(fit=fit):
            return 0.5 * (min(1.0, fit) - 1.0)
        case Result(fit=fit):
            return 0.5 * (fit - 1.0)
        case Assumed(value=value):
            return -(UNSAID if isinstance(value, bool) else GUESSED)
        case Open():
            return -OPEN
