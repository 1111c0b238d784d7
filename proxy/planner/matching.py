"""Fills the arguments of one call with what a goal states: facts, their conversions, choices. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from catalog_cache.nearest import words as terms
from proxy.planner.choices import chosen, truth
from proxy.planner.conversion import Converter
from proxy.planner.sketch import Assumed, Call, Filler, Open, Result, Said
from proxy.planner.slots import EMPTY, Slot, needs_conversion, slots, suits, value_for
from proxy.planner.stated import Fact
from schemas.catalog import Tool

LIKELY = 0.3
"""How well a fact must suit an argument that requires one; an optional one needs more, less where units agree."""
SURE = 0.6
MEASURED = 0.4
CLOSE = 0.2
"""Distance within which two facts suit an argument equally well."""


@dataclass(frozen=True)
class Matcher:
    """A goal with its facts, the converters at hand, and the words by which each tool is known."""

    goal: str
    facts: Sequence[Fact]
    converters: Sequence[Converter]
    known: Mapping[str, Mapping[str, float]]

    def call(self, tool: Tool, reader: Call | None) -> Call:
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
                filler = chosen(slot, self.goal, self.facts, taken)
                taken += [str(filler.value)] if isinstance(filler, Said) else []
            if filler is not None and (slot.required or isinstance(filler, Said)):
                fillers[slot.name] = filler
            elif slot.required:
                fillers[slot.name] = Assumed(0) if _sibling(slot, given) else Open()
        return Call(tool, fillers)

    def _assigned(self, tool: Tool, places: Sequence[Slot], reader: Call | None) -> dict[str, Filler]:
        """Facts to arguments, the best pairs first; each fact fills one argument of a call."""
        taken = _meanings(reader) if reader else {}
        usable = [fact for fact in self.facts if self._convertible(tool, fact)]
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
        return any(beside & set(said) for said in self.known.values())

    def _convertible(self, tool: Tool, fact: Fact) -> bool:
        """Tell whether a fact may be meant for a tool: one that converts units must know the fact's own."""
        mine = next((converter for converter in self.converters if converter.tool is tool), None)
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
        for converter in self.converters:
            call = converter.call(fact, slot.unit)
            if call is not None:
                return Result(call, converter.path, score)
        value = Converter.by_hand(fact, slot.unit)
        return Open() if value is None else Said(value, (fact,), score)


def _sibling(slot: Slot, given: Mapping[str, Filler]) -> bool:
    """Tell whether a number is a further component of one that is given: `velocity_y` beside `velocity_x`."""
    head, _, tail = slot.name.rpartition("_")
    return slot.numeric and bool(head) and len(tail) == 1 and any(name.rpartition("_")[0] == head for name in given)


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
