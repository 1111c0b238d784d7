"""Tools that convert units, found by what they take: a number, a unit from, a unit to. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from proxy.planner.sketch import UNKNOWN, Call, Result, Said
from proxy.planner.slots import Slot, slots
from proxy.planner.stated import Fact
from proxy.repair.view.units import convert, same_unit
from proxy.repair.view.words import stems
from schemas.catalog import Json, Tool


@dataclass(frozen=True)
class Converter:
    """A tool with the three arguments of a conversion."""

    tool: Tool
    amount: Slot
    source: Slot
    target: Slot

    @property
    def path(self) -> str:
        """Where its result holds the converted amount, as far as is known."""
        return UNKNOWN

    def call(self, fact: Fact, unit: str) -> Call | None:
        """The call that converts a fact into a unit, None where the tool does not know one of the units."""
        source, target = _spelling(self.source, fact.unit), _spelling(self.target, unit)
        if source is None or target is None or convert(1.0, fact.unit, unit) is None:
            return None
        values = {self.amount.name: fact.value, self.source.name: source, self.target.name: target}
        return Call(self.tool, {name: Said(value, (fact,)) for name, value in values.items()})

    def of(self, read: Call, path: str, unit: str, wanted: str) -> Call | None:
        """The call that converts what another call returns, None where the tool does not know one of the units."""
        source, target = _spelling(self.source, unit), _spelling(self.target, wanted)
        if source is None or target is None or convert(1.0, unit, wanted) is None:
            return None
        fillers = {
            self.amount.name: Result(read, path, 1.0),
            self.source.name: Said(source),
            self.target.name: Said(target),
        }
        return Call(self.tool, fillers)

    def knows(self, unit: str) -> bool:
        """Tell whether it converts from this unit."""
        return not unit or _spelling(self.source, unit) is not None

    @staticmethod
    def by_hand(fact: Fact, unit: str) -> Json | None:
        """The converted amount where no tool does it."""
        amount = convert(float(fact.value), fact.unit, unit)
        return None if amount is None else round(amount, 6)


def converters(tools: Sequence[Tool]) -> tuple[Converter, ...]:
    """Every tool that takes exactly a number, a unit from and a unit to."""
    return tuple(found for tool in tools if (found := _converter(tool)) is not None)


def _converter(tool: Tool) -> Converter | None:
    required = [slot for slot in slots(tool) if slot.required]
    numbers = [slot for slot in required if slot.numeric]
    units = [
        slot
        for slot in required
        if "string" in slot.kinds and (slot.allowed or "unit" in stems(f"{slot.name} {slot.note}"))
    ]
    source = [slot for slot in units if slot.direction < 0]
    target = [slot for slot in units if slot.direction > 0]
    if len(required) != 3 or not len(numbers) == len(source) == len(target) == 1:
        return None
    return Converter(tool, numbers[0], source[0], target[0])


def _spelling(slot: Slot, unit: str) -> str | None:
    """A unit as the argument spells it; as it is where the argument takes any text."""
    if not slot.allowed:
        return unit
    exact = [str(value) for value in slot.allowed if str(value).lower() == unit.lower()]
    return next(iter([*exact, *(str(value) for value in slot.allowed if same_unit(str(value), unit))]), None)
