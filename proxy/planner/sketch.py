"""A plan in the making: calls whose arguments are facts of the goal, results of other calls, guesses, or still open.

Pure data, and how a sketch becomes a plan of steps.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from proxy.planner.slots import Slot
from proxy.planner.stated import Fact
from schemas.catalog import Json, Tool, canonical
from schemas.plan import Plan, Ref, Step

UNKNOWN = "value"
"""The path of a result whose keys are not known: nothing is there, so the step is held back until it is mended."""


@dataclass(frozen=True)
class Said:
    """A value that the goal states; `facts` are where, `fit` is how well it suits, in 0..1 and a little more."""

    value: Json
    facts: tuple[Fact, ...] = ()
    fit: float = 1.0
    rivals: tuple[Said, ...] = ()
    """Other values that suit nearly as well."""


@dataclass(frozen=True)
class Assumed:
    """A value that the goal does not state."""

    value: Json
    among: tuple[Json, ...] = ()
    """What it was taken from; a model may know better."""


@dataclass(frozen=True)
class Open:
    """Nothing was found."""


@dataclass(frozen=True)
class Result:
    """What another call returns, at a path."""

    call: Call
    path: str = UNKNOWN
    fit: float = 0.0


Filler = Said | Assumed | Open | Result


@dataclass(frozen=True)
class Call:
    """A call of a tool, argument name to what fills it."""

    tool: Tool
    fillers: Mapping[str, Filler] = field(default_factory=dict[str, Filler])

    def filled(self, name: str, filler: Filler) -> Call:
        """The call with one argument filled otherwise."""
        return Call(self.tool, {**self.fillers, name: filler})

    @property
    def slots(self) -> tuple[tuple[Slot, Filler], ...]:
        """The filled arguments."""
        return tuple((Slot(self.tool, name), filler) for name, filler in self.fillers.items())

    def calls(self) -> Iterator[Call]:
        """The call and all that it reads, the ones read first."""
        for filler in self.fillers.values():
            if isinstance(filler, Result):
                yield from filler.call.calls()
        yield self

    @property
    def gaps(self) -> tuple[tuple[Call, str], ...]:
        """Arguments that nothing fills, in this call and those it reads."""
        return tuple(
            (call, name) for call in self.calls() for name, filler in call.fillers.items() if isinstance(filler, Open)
        )

    def with_inner(self, old: Call, new: Call) -> Call:
        """The call with one of the calls it reads (or itself) exchanged."""
        if self is old:
            return new
        fillers: dict[str, Filler] = {}
        for name, filler in self.fillers.items():
            inner = (
                Result(filler.call.with_inner(old, new), filler.path, filler.fit)
                if isinstance(filler, Result)
                else filler
            )
            fillers[name] = inner
        return Call(self.tool, fillers)


def plan_of(call: Call, goal: str) -> Plan:
    """The steps of a sketch, equal calls made once; open arguments are left out."""
    steps: dict[str, Step] = {}
    _add(call, steps)
    return Plan(tuple(steps.values()), goal=goal)


def _add(call: Call, steps: dict[str, Step]) -> str:
    """Add a call and what it reads, and return the id of its step."""
    arguments: dict[str, Json] = {}
    for name, filler in call.fillers.items():
        match filler:
            case Said(value=value) | Assumed(value=value):
                arguments[name] = value
            case Result(call=inner, path=path):
                arguments[name] = Ref(_add(inner, steps), path).json()
            case Open():
                continue
    key = canonical([call.tool.server, call.tool.name, arguments])
    if key not in steps:
        steps[key] = Step(f"s{len(steps) + 1}", call.tool.name, arguments, call.tool.server)
    return steps[key].id
