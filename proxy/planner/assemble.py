"""Assembles a plan from a goal without writing it: tools that fit together and use what the goal states. Pure.

From the tool that may give the answer backward: each argument is filled with a fact of the goal, with its conversion
into the unit that the argument wants, or with the result of another tool. Of all such sketches the one counts most
that uses most of the goal and leaves least open. What stays close is for a model to decide, see `composing`.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from catalog_cache.nearest import words as terms
from proxy.planner.choices import chosen, truth
from proxy.planner.conversion import Converter, converters
from proxy.planner.producing import extra, fit, place
from proxy.planner.results import measure
from proxy.planner.sketch import Assumed, Call, Filler, Open, Result, Said
from proxy.planner.slots import EMPTY, Slot, needs_conversion, slots, suits, value_for
from proxy.planner.stated import Fact, asked_unit, facts, named, tokens
from proxy.repair.notes import summary
from proxy.repair.order import has_effect
from proxy.repair.units import same_unit, unit_of
from schemas.catalog import Tool

DEPTH = 2
"""Tools that one value may go through before the one that gives the answer."""
PRODUCERS = 6
"""Tools tried for one argument."""
LIKELY = 0.3
"""How well a fact must suit an argument that requires one; an optional one needs more, less where units agree."""
SURE = 0.6
MEASURED = 0.4
CLOSE = 0.2
"""Distance within which two facts suit an argument equally well."""

FACT = 1.0
WORD = 0.4
NAMED = 1.5
"""What a used fact and an explained word of the goal are worth; a word in the name of a tool counts more."""
UNUSED = 0.25
"""Share of what the goal states that a plan may leave unused."""
RIGHT_UNIT = 0.5
WRONG_UNIT = 1.0
"""What it counts that a tool tells its result in a unit like the asked one, and costs that it tells only others."""
PRODUCES = 0.5
"""How likely a tool must return what an open argument wants."""
ASKED_FOR = 0.6
"""How likely a tool that the goal names returns what some argument wants."""
TWICE = 0.5
"""What it costs that two arguments of a call read one other call."""
INSTEAD = 0.3
"""What a result must be worth more than the fact that it takes the place of."""
STEP = 0.4
CONVERSION = 0.1
OPEN = 2.0
GUESSED = 0.5
UNSAID = 0.1
"""What one more tool, a conversion, an open argument, a guessed value and an unmentioned yes-or-no cost."""


@dataclass(frozen=True)
class Sketch:
    """A tool that may give the answer, its call with all that this reads (and its conversion), and what it is worth."""

    aim: Tool
    call: Call
    worth: float


class Assembly:
    """One goal and the tools at hand."""

    def __init__(self, goal: str, tools: Sequence[Tool], everything: Sequence[Tool] = ()) -> None:
        self.goal = goal
        self._tools = tuple(tools)
        known = " ".join(f"{tool.name} {summary(tool)}" for tool in tools)
        self._unit = asked_unit(goal)
        self._fits: dict[tuple[str, str, str], float] = {}
        self._facts = tuple(fact for fact in facts(goal) if not named(fact, goal, known))
        self._converters = converters(everything or tools)
        self._asked = {at: root for at, word in tokens(goal) for root in terms(word) if not _measuring(word)}

    @cached_property
    def _said(self) -> Mapping[str, Mapping[str, float]]:
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
            root: math.log(count / (1 + sum(root in said for said in self._said.values()))) / math.log(count)
            for root in set(self._asked.values())
        }

    def sketches(self, aims: Sequence[Tool]) -> list[Sketch]:
        """For each tool that may give the answer the best sketch, best first."""
        made = [self.best(tool) for tool in aims]
        return sorted(made, key=lambda sketch: -sketch.worth)

    def best(self, aim: Tool) -> Sketch:
        """The best sketch that ends with this tool."""
        call = self._call(aim, (aim.public,))
        worth = self.worth(call)
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
        call = self._from_goal(tool, reader)
        if len(above) > DEPTH:
            return call
        for slot, filler in call.slots:
            if slot.truth or not slot.required:
                continue
            stated = isinstance(filler, Said | Result)
            gain = INSTEAD if stated else 0.01
            for producer in self._producers(slot, above, is_open=isinstance(filler, Open)):
                if stated and not self._tells_more(producer, call):
                    continue
                inner = self._call(producer, (*above, producer.public), call)
                if slot.numeric and not _from_words(inner):
                    continue
                suits = self._fit(slot, producer) + extra(self.goal, slot, producer)
                trial = call.filled(slot.name, Result(inner, place(self.goal, slot, producer), suits))
                if self.worth(trial) > self.worth(call) + gain:
                    call, gain = trial, 0.01
        return call

    def _from_goal(self, tool: Tool, reader: Call | None) -> Call:
        """Every required argument, and each optional one that the goal clearly speaks of, filled from the goal."""
        places = slots(tool)
        given = self._assigned(tool, [slot for slot in places if not slot.truth and not slot.allowed], reader)
        fillers: dict[str, Filler] = {}
        taken: list[str] = []
        for slot in places:
            filler: Filler | None = given.get(slot.name)
            if slot.truth:
                filler = truth(slot, self.goal)
            elif slot.allowed and filler is None:
                filler = chosen(slot, self.goal, self._facts, taken)
                taken += [str(filler.value)] if isinstance(filler, Said) else []
            if filler is not None and (slot.required or isinstance(filler, Said)):
                fillers[slot.name] = filler
            elif slot.required:
                fillers[slot.name] = Assumed(0) if _sibling(slot, given) else Open()
        return Call(tool, fillers)

    def _assigned(self, tool: Tool, places: Sequence[Slot], reader: Call | None) -> dict[str, Filler]:
        """Facts to arguments, the best pairs first; each fact fills one argument of a call."""
        taken = _meanings(reader) if reader else {}
        usable = [fact for fact in self._facts if self._convertible(tool, fact)]
        pairs = [
            (score + _agreed(slot, fact, taken), slot, fact)
            for slot in places
            for fact in usable
            if (score := suits(slot, fact)) > 0
        ]
        pairs.sort(key=lambda pair: -pair[0])
        found: dict[str, Filler] = {}
        used: list[Fact] = []
        for score, slot, fact in pairs:
            measured = slot.unit and fact.unit and not slot.required
            enough = score >= (LIKELY if slot.required else MEASURED if measured else SURE)
            if enough and slot.name not in found and fact not in used:
                found[slot.name] = self._stated(slot, fact, score, pairs)
                used.append(fact)
        return {**self._left_over(places, found, pairs, [*used, *taken]), **found}

    def _left_over(
        self,
        places: Sequence[Slot],
        found: Mapping[str, Filler],
        pairs: Sequence[tuple[float, Slot, Fact]],
        used: Sequence[Fact],
    ) -> dict[str, Filler]:
        """The one required number still open is one of the bare numbers that nothing else is known by."""
        empty = [slot for slot in places if slot.required and slot.name not in found and slot.numeric]
        if len(empty) != 1 or not found:
            return {}
        slot = empty[0]
        free = [fact for _, place, fact in pairs if place is slot and fact not in used and not fact.unit]
        bare = [fact for fact in free if not self._labelled(fact, slot)]
        values = tuple(Said(value_for(slot, fact), (fact,), LIKELY) for fact in bare)
        return {slot.name: replace(values[0], rivals=values[1:])} if values else {}

    def _labelled(self, fact: Fact, slot: Slot) -> bool:
        """Tell whether a word beside a fact is one by which some tool knows another thing."""
        beside = {root for word in fact.before[:2] for root in terms(word)} - slot.names - slot.about - EMPTY
        return any(beside & set(said) for said in self._said.values())

    def _convertible(self, tool: Tool, fact: Fact) -> bool:
        """Tell whether a fact may be meant for a tool: one that converts units must know the fact's own."""
        mine = next((converter for converter in self._converters if converter.tool is tool), None)
        return mine is None or fact.kind != "number" or mine.knows(fact.unit)

    def _stated(self, slot: Slot, fact: Fact, score: float, pairs: Sequence[tuple[float, Slot, Fact]]) -> Filler:
        """A fact as a filler, converted where it is measured in another unit."""
        if needs_conversion(slot, fact):
            return self._converted(slot, fact, score)
        close = [
            Said(value_for(slot, other), (other,), rival)
            for rival, place, other in pairs
            if place is slot and other is not fact and rival >= score - CLOSE and not needs_conversion(slot, other)
        ]
        return Said(value_for(slot, fact), (fact,), score, tuple(close))

    def _converted(self, slot: Slot, fact: Fact, score: float) -> Filler:
        for converter in self._converters:
            call = converter.call(fact, slot.unit)
            if call is not None:
                return Result(call, converter.path, score)
        value = Converter.by_hand(fact, slot.unit)
        return Open() if value is None else Said(value, (fact,), score)

    def _fit(self, slot: Slot, tool: Tool) -> float:
        """How likely a tool returns what an argument wants; one that the goal names may return anything."""
        key = (slot.tool.public, slot.name, tool.public)
        if key not in self._fits:
            self._fits[key] = self._fitting(slot, tool)
        return self._fits[key]

    def _fitting(self, slot: Slot, tool: Tool) -> float:
        named = sum(self._rarity[root] for root in set(self._asked.values()) & set(terms(tool.name)))
        suits = fit(slot, tool)
        spoken = named >= (0.3 if suits > 0 else 0.8) and "string" in slot.kinds
        return max(suits, ASKED_FOR if spoken else 0.0)

    def _producers(self, slot: Slot, above: tuple[str, ...], *, is_open: bool) -> list[Tool]:
        """Tools that change nothing and speak of what the argument wants, those that the goal speaks of first."""
        found: list[tuple[float, Tool]] = []
        for tool in self._tools:
            converts = any(converter.tool is tool for converter in self._converters)
            if tool.public in above or converts or has_effect(tool, tool.name):
                continue
            suits = self._fit(slot, tool)
            if suits >= (PRODUCES if is_open else 0.01):
                found.append((suits + self._spoken(tool), tool))
        found.sort(key=lambda pair: -pair[0])
        return [tool for _, tool in found[:PRODUCERS]]

    def _tells_more(self, producer: Tool, call: Call) -> bool:
        """Tell whether a tool can use more of the goal than a call does already."""
        used, explained = self._explained(call)
        if any(fact not in used and fact.kind != "name" for fact in self._facts):
            return True
        said = self._said[producer.public]
        return (
            sum(WORD * NAMED * self._rarity[root] for root in self._open_words(used) - set(explained) if root in said)
            > STEP
        )

    def _spoken(self, tool: Tool) -> float:
        return sum(self._rarity[root] for root in set(self._asked.values()) & set(self._said[tool.public]))

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
                for root, told in self._said.get(inner.tool.public, {}).items():
                    explained[root] = max(explained.get(root, 0.0), told)
        return used, explained

    def _open_words(self, used: Collection[Fact]) -> set[str]:
        """The words of the goal that stand outside these facts."""
        spans = [(fact.start, fact.end) for fact in used]
        return {root for at, root in self._asked.items() if not any(start <= at < end for start, end in spans)}


def _sibling(slot: Slot, given: Mapping[str, Filler]) -> bool:
    """Tell whether a number is a further component of one that is given: `velocity_y` beside `velocity_x`."""
    head, _, tail = slot.name.rpartition("_")
    return slot.numeric and bool(head) and len(tail) == 1 and any(name.rpartition("_")[0] == head for name in given)


def _measuring(word: str) -> bool:
    """Tell whether a word is a unit rather than a thing."""
    return len(word) < 4 and unit_of(word) is not None


def _meanings(call: Call) -> dict[Fact, Slot]:
    """The facts that a call uses, and as what."""
    found: dict[Fact, Slot] = {}
    for slot, filler in call.slots:
        if isinstance(filler, Said):
            found |= dict.fromkeys(filler.facts, slot)
        elif isinstance(filler, Result):
            found |= {
                fact: slot for inner in filler.call.slots if isinstance(inner[1], Said) for fact in inner[1].facts
            }
    return found


def _agreed(slot: Slot, fact: Fact, taken: Mapping[Fact, Slot]) -> float:
    """Facts mean the same in a call and in one that it reads: a bonus where they do, a malus where they do not."""
    other = taken.get(fact)
    if other is None:
        return 0.0
    return 0.3 if other.names & slot.names or other.about & slot.names or slot.about & other.names else -0.4


def _distinct(call: Call) -> Iterator[Call]:
    seen: list[Call] = []
    for inner in call.calls():
        if inner not in seen:
            seen.append(inner)
            yield inner


def _from_words(call: Call) -> bool:
    """Tell whether anything that a call is given, or those it reads, stands in the goal."""
    return any(isinstance(filler, Said) for inner in call.calls() for filler in inner.fillers.values())


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
