"""Plans in the making: from the tool that may give the answer backward to what the goal states. Pure.

An argument is filled without a question only where type, unit, form or its own name beside the value leave one
candidate; where several stay, all are kept for a model to choose from. What the goal does not hold is read by another
tool. Of the ways to fill a call the one counts most that uses most of the goal.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from functools import cached_property

from proxy.planner.candidates import WRITTEN, Argument, Suiting, about, arguments, candidates, zone
from proxy.repair.read.goal import Stated, stated, uncovered
from proxy.repair.view.notes import note
from proxy.repair.view.order import reads_only
from proxy.repair.view.schema import property_names, property_schema, types_of
from proxy.repair.view.units import convert, same_unit, unit_of
from proxy.repair.view.values import MISSING
from proxy.repair.view.words import likeness, stems
from schemas.catalog import Json, Tool, canonical
from schemas.plan import Plan, Ref, Step

UNKNOWN = "value"
"""The path of a result whose keys are not known: nothing is there, so the step is held back until it is mended."""
DEEP = 3
"""Steps that one value may take."""
PRODUCERS = 4
"""Tools tried for one argument."""
MOST = 48
"""Candidates of one argument that a model chooses from."""
SAME, SHORT = 0.9, 4
"""How alike the names of a result and of an argument must be, and how long a name tells nothing."""
SURE, LEAD = 0.5, 0.2
"""How well a value must suit to be taken without a question, and how far ahead of any other it must be."""
BESIDE = 0.9
"""How near the name of an argument must stand to a value that no other tool is asked for."""
GAP, STEP, LISTED, DOUBT = 2.0, 0.4, 0.1, 0.3
"""What an argument without candidates, one more tool, a choice from a list and one from the goal cost; a stated value
that stays unused costs 1."""


@dataclass(frozen=True)
class Option:
    """A way to fill an argument: a value, or (`call`) what another call returns at a path; `MISSING` leaves it out."""

    value: Json = MISSING
    score: float = 0.0
    said: Stated | None = None
    call: Call | None = None
    path: str = ""
    spelled: bool = False
    """Whether the goal spells the argument's name beside the value."""

    @property
    def verbatim(self) -> bool:
        """Tell whether the value stands in the goal as it is, or is a reference."""
        return self.call is not None or (self.said is not None and self.value in (self.said.text, self.said.value))


@dataclass(frozen=True)
class Filler:
    """What an argument may be filled with, the likeliest first; `sure` where nothing else can be meant."""

    options: tuple[Option, ...]
    sure: bool = False


@dataclass(frozen=True)
class Call:
    """A call of a tool, argument name to what fills it; the required arguments that nothing fills are its gaps."""

    tool: Tool
    fillers: Mapping[str, Filler] = field(default_factory=dict[str, Filler])

    def filled(self, name: str, filler: Filler) -> Call:
        """The call with one argument filled otherwise."""
        return Call(self.tool, {**self.fillers, name: filler})

    def calls(self) -> Iterator[Call]:
        """The call and all that it reads, the ones read first."""
        for filler in self.fillers.values():
            inner = filler.options[0].call
            if inner is not None:
                yield from inner.calls()
        yield self

    @cached_property
    def gaps(self) -> int:
        """How many required arguments nothing fills, here and in the calls that it reads."""
        return sum(name not in call.fillers for call in self.calls() for name in call.tool.required)

    @property
    def doubts(self) -> tuple[Filler, ...]:
        """The arguments that a model is to choose."""
        return tuple(filler for call in self.calls() for filler in call.fillers.values() if not filler.sure)

    def plan(self, goal: str) -> Plan:
        """The steps of the likeliest options, equal calls made once."""
        steps: dict[str, Step] = {}
        _add(self, steps)
        return Plan(tuple(steps.values()), goal=goal)

    def left(self, goal: str) -> list[str]:
        """What the goal states and the call does not use."""
        return uncovered(goal, self.plan(goal), [call.tool for call in self.calls()])


def _add(call: Call, steps: dict[str, Step]) -> str:
    """Add a call and what it reads, and return the id of its step."""
    written: dict[str, Json] = {}
    for name, filler in call.fillers.items():
        option = filler.options[0]
        value = option.value if option.call is None else Ref(_add(option.call, steps), option.path).json()
        if value is not MISSING:
            written[name] = value
    key = canonical([call.tool.server, call.tool.name, written])
    if key not in steps:
        steps[key] = Step(f"s{len(steps) + 1}", call.tool.name, written, call.tool.server)
    return steps[key].id


@dataclass(frozen=True)
class Converter:
    """A tool that takes a number, a unit and another unit, in this order."""

    tool: Tool
    amount: str
    units: tuple[Argument, Argument]

    def call(self, amount: Option, source: str, target: str) -> Call | None:
        """The conversion of an amount, None where the tool does not know one of the units."""
        if convert(1.0, source, target) is None:
            return None
        fillers = {self.amount: Filler((amount,), sure=True)}
        for unit, text in zip(self.units, (source, target), strict=True):
            name = next((value for value in unit.allowed if same_unit(str(value), text)), None)
            if name is None:
                return None
            fillers[unit.name] = Filler((Option(name, said=amount.said),), sure=True)
        return Call(self.tool, fillers)


def _converter(tool: Tool) -> Iterator[Converter]:
    wanted = [each for each in arguments(tool) if each.required]
    numbers = [each for each in wanted if each.numeric]
    units = [each for each in wanted if each.allowed and any(unit_of(str(value)) for value in each.allowed)]
    if len(wanted) == 3 and len(numbers) == 1 and len(units) == 2 and units[0].allowed == units[1].allowed:
        yield Converter(tool, numbers[0].name, (units[0], units[1]))


class Sketcher:
    """One goal and the tools at hand; `everything` is where converting tools are looked for."""

    def __init__(self, goal: str, tools: Sequence[Tool], everything: Sequence[Tool]) -> None:
        self.goal = goal
        self._tools = tools
        self._suiting = Suiting(goal, tools)
        self._converters = [found for tool in everything for found in _converter(tool)]
        self._converting = {found.tool.public for found in self._converters}

    def sketch(self, aim: Tool) -> Call:
        """The best call of this tool, its answer in the unit that the goal asks for."""
        return self._in_asked_unit(self._call(aim, (aim.public,)))

    def cost(self, call: Call) -> float:
        """What a call leaves open, the tools it takes, and what remains to be asked."""
        calls = sum(inner.tool.public not in self._converting for inner in call.calls())
        first = [filler.options[0] for filler in call.doubts]
        doubt = sum(LISTED if one.said is None else DOUBT * max(0.0, 1.0 - one.score) for one in first)
        return GAP * call.gaps + len(call.left(self.goal)) + STEP * max(0, calls - 1) + doubt

    def _call(self, tool: Tool, above: tuple[str, ...], reader: Call | None = None) -> Call:
        """A call filled from the goal, then by results of other tools wherever that leaves less open."""
        call = self._filled(tool, reader)
        for wanted in arguments(tool) if len(above) < DEEP else ():
            told = call.fillers.get(wanted.name)
            known = told is not None and (len(above) > 1 or (told.sure and told.options[0].spelled))
            if wanted.allowed or not wanted.required or known:
                continue
            for path, producer in self._producers(wanted, above):
                inner = self._call(producer, (*above, producer.public), call)
                trial = call.filled(wanted.name, Filler((Option(call=inner, path=path),), sure=True))
                call = min(call, _spread(trial), key=self.cost)
        return call

    def _filled(self, tool: Tool, reader: Call | None) -> Call:
        """A call with all that the goal alone tells of its arguments; those that its reader has too are the same."""
        converter = next((each for each in self._converters if each.tool is tool), None)
        if converter is not None and any(said.unit for said in stated(self.goal)):
            return self._conversion(converter) or Call(tool)
        wanted = arguments(tool)
        options = {each.name: [] if each.allowed else self._options(each) for each in wanted}
        fillers = {each.name: filler for each in wanted if reader and (filler := _agreed(each, reader)) is not None}
        fillers |= {each.name: filler for each in wanted if (filler := self._listed(each)) is not None}
        fillers = {**_settled([each for each in wanted if each.name not in fillers], options), **fillers}
        open_ = [each for each in wanted if each.required and each.name not in fillers and options[each.name]]
        shared = sum(not each.numeric for each in open_) > 1
        fillers |= {each.name: Filler(_apart(options[each.name], shared=shared)) for each in open_}
        call = Call(tool, {each.name: fillers[each.name] for each in wanted if each.name in fillers})
        return self._with_leftovers(_spread(call), options)

    def _conversion(self, converter: Converter) -> Call | None:
        """The conversion of the first amount whose unit a tool knows; into a unit that stands beside no amount."""
        target = converter.units[1]
        units = [said.unit for said in stated(self.goal) if said.unit]
        named = [str(unit) for unit in target.allowed if self._suiting.mentioned(target, unit)]
        asked = [unit for unit in named if not any(same_unit(unit, other) for other in units)]
        for said in stated(self.goal):
            amount = Option(said.value, 1.0, said)
            made = (converter.call(amount, said.unit, str(unit)) for unit in asked or target.allowed if said.unit)
            calls = [call for call in made if call is not None]
            units = tuple(replace(call.fillers[target.name].options[0], said=None) for call in calls)
            units = tuple(option for option in units if not same_unit(str(option.value), said.unit))
            if units:
                return calls[0].filled(target.name, Filler(units, sure=len(units) == 1))
        return None

    def _with_leftovers(self, call: Call, options: Mapping[str, Sequence[Option]]) -> Call:
        """A call whose optional arguments may take what the goal states and no other argument does."""
        for left in call.left(self.goal):
            for each in arguments(call.tool):
                fit = tuple(one for one in options[each.name] if one.said and one.said.text == left)
                if fit and each.name not in call.fillers:
                    call = call.filled(each.name, Filler((*fit, Option())))
                    break
        return call

    def _options(self, wanted: Argument) -> list[Option]:
        """All that the goal says and the argument takes, what suits best first."""
        found = [option for said in candidates(self.goal) for option in self._read(wanted, said)]
        if "array" in wanted.kinds:
            for kind in ("quoted", "path", "number"):
                several = [said for said in stated(self.goal) if said.kind == kind]
                value = wanted.value([said.value for said in several]) if len(several) > 1 else MISSING
                found += [Option(value, SURE + LEAD, several[0])] if value is not MISSING else []
        return sorted(found, key=lambda option: -option.score)

    def _read(self, wanted: Argument, said: Stated) -> Iterator[Option]:
        """What something said is as a value of an argument; an amount in its unit."""
        score = self._suiting.score(wanted, said) if not (wanted.numeric and said.kind != "number") else 0.0
        if score <= 0:
            return
        if wanted.unit and said.unit and not same_unit(wanted.unit, said.unit):
            yield from self._converted(wanted, said, score)
            return
        value = zone(wanted, said) if self._zoned(wanted) else wanted.value(said.value)
        if value is not None and value is not MISSING:
            yield Option(value, score, said, spelled=self._suiting.spelled(wanted, said) >= BESIDE)

    def _zoned(self, wanted: Argument) -> bool:
        """Tell whether an argument wants the zone of a place, and the goal names one."""
        return any(zone(wanted, said) for said in candidates(self.goal))

    def _converted(self, wanted: Argument, said: Stated, score: float) -> Iterator[Option]:
        """An amount in the unit of an argument: through a tool that converts, else by itself."""
        amount = Option(said.value, score, said)
        calls = (found for each in self._converters if (found := each.call(amount, said.unit, wanted.unit)))
        call = next(calls, None)
        number = convert(float(said.value), said.unit, wanted.unit)
        if call is not None and call.tool is not wanted.tool:
            yield Option(MISSING, score, said, call, UNKNOWN)
        elif number is not None and (value := wanted.value(round(number, 6))) is not MISSING:
            yield Option(value, score, said)

    def _listed(self, wanted: Argument) -> Filler | None:
        """Of the listed values the one that the goal names; where one is needed and none, or two, are named, all."""
        named = [
            value for value in wanted.allowed if not isinstance(value, bool) and self._suiting.mentioned(wanted, value)
        ]
        if len(named) == 1:
            return Filler((Option(named[0], SURE),), sure=True)
        if not wanted.allowed or not wanted.required:
            return None
        if "default" in wanted.target.schema and not named:
            return Filler((Option(wanted.target.schema["default"]),), sure=True)
        return Filler(tuple(Option(value) for value in (named or wanted.allowed)[:MOST]), sure=len(wanted.allowed) == 1)

    def _producers(self, wanted: Argument, above: Sequence[str]) -> list[tuple[str, Tool]]:
        """Tools that read and may return what an argument wants, the likeliest first, and where."""
        found: list[tuple[float, str, Tool]] = []
        for tool in self._tools:
            if reads_only(tool) and tool.public not in above and tool.public not in self._converting:
                found += [(likely, path, tool) for likely, path in returned(tool, wanted)]
        found.sort(key=lambda each: -each[0])
        return [(path, tool) for _, path, tool in found[:PRODUCERS]]

    def _in_asked_unit(self, call: Call) -> Call:
        """The call, its result converted where the goal names a unit alone and the tool tells another one."""
        amounts = [(each.start, each.end) for each in stated(self.goal)]
        loose = (each for each in candidates(self.goal) if each.kind in ("phrase", "name") and len(each.text) > 2)
        asked = [each.text for each in loose if unit_of(each.text) and not any(s <= each.start < e for s, e in amounts)]
        result = Option(call=call, path=UNKNOWN)
        told = [word for word in _returns(call.tool) if unit_of(word)]
        pairs = [(own, unit) for unit in asked for own in told if not same_unit(own, unit)]
        made = (each.call(result, own, unit) for own, unit in pairs for each in self._converters)
        return next((found for found in made if found is not None), call)


def _returns(tool: Tool) -> list[str]:
    """The words of what a tool says it returns: all behind the last argument that its text explains."""
    last = max(
        (tool.description.rfind(note(tool, name)) + len(note(tool, name)) for name in tool.properties), default=0
    )
    return tool.description[max(0, last) :].replace("(", " ").replace(")", " ").split()


def returned(tool: Tool, wanted: Argument) -> Iterator[tuple[float, str]]:
    """How likely a tool returns what an argument wants, and where: by the names of its results, else its own words."""
    schema = tool.output_schema or {}
    fields = property_names(schema, schema) if schema else ()
    fit = [name for name in fields if _same_kind(types_of(property_schema(schema, schema, name) or {}, schema), wanted)]
    found = [(_names(tool, name, wanted), name) for name in fit]
    if any(likely for likely, _ in found):
        yield max(found)
    elif wanted.numeric and len(fields) < 2 and wanted.names <= about(tool):
        yield 0.6 + LEAD * (wanted.names <= stems(tool.name)), fields[0] if fields else UNKNOWN


def _same_kind(kinds: Set[str], wanted: Argument) -> bool:
    return bool(kinds & wanted.kinds) or (wanted.numeric and bool(kinds & {"number", "integer"}))


def _names(tool: Tool, field: str, wanted: Argument) -> float:
    """How clearly a result is named after an argument: by itself, or together with its tool (`find_customer`, `id`)."""
    if likeness(wanted.name, field) >= SAME and len(wanted.name) > SHORT:
        return 1.0
    both = wanted.names <= stems(tool.name) | stems(field) and wanted.names & stems(field)
    return 0.9 if both and len(wanted.names) > 1 else 0.0


def _settled(wanted: Sequence[Argument], options: Mapping[str, Sequence[Option]]) -> dict[str, Filler]:
    """The arguments for which one value clearly leads, and that value for no other argument."""
    found: dict[str, Filler] = {}
    free = {each.name: list(options[each.name]) for each in wanted}
    required = {each.name for each in wanted if each.required}
    while True:
        sure = (name for name, left in free.items() if left and (_leads(name, free) or _alone(name, free, required)))
        name = next(sure, None)
        if name is None:
            return found
        option = free.pop(name)[0]
        found[name] = Filler((option,), sure=True)
        free = {other: [one for one in left if one.said != option.said] for other, left in free.items()}


def _leads(name: str, free: Mapping[str, Sequence[Option]]) -> bool:
    """Tell whether the best value of an argument suits it clearly better than any other, and nothing else as well."""
    best, said = free[name][0], free[name][0].said
    if said is None or said.kind in ("part", "phrase"):
        return False
    behind = [option.score for option in free[name][1:] if option.said != said]
    elsewhere = [o.score for other, options in free.items() if other != name for o in options if o.said == said]
    return best.score >= SURE and all(best.score - score >= LEAD for score in [*behind, *elsewhere])


def _alone(name: str, free: Mapping[str, Sequence[Option]], required: Set[str]) -> bool:
    """Tell whether one value written like one is left for a required argument, and no other required one takes it."""
    real = [option for option in free[name] if option.score > WRITTEN]
    if name not in required or len(real) != 1:
        return False
    return not any(o.said == real[0].said for other in required - {name} for o in free.get(other, ()))


def _apart(options: Sequence[Option], *, shared: bool) -> tuple[Option, ...]:
    """The options of an argument; where several take texts (`shared`), a path of two parts is none, its parts are."""
    parts = {one.said.start for one in options if one.said and one.said.kind == "part"} if shared else set[int]()
    left = (one for one in options if not (one.said and one.said.kind == "path" and one.said.start in parts))
    return tuple(left)[:MOST]


def _agreed(wanted: Argument, reader: Call) -> Filler | None:
    """What the call that reads another one is surely given, for an argument of the same name, unit and schema there."""
    filler = reader.fillers.get(wanted.name)
    if filler is None or not filler.sure or Argument(reader.tool, wanted.name).unit != wanted.unit:
        return None
    option = filler.options[0]
    return filler if option.call is not None or wanted.value(option.value) == option.value else None


def _spread(call: Call) -> Call:
    """The call with its open choices led by different values, none of which the calls that it reads were given."""
    first = [filler.options[0] for inner in call.calls() for filler in inner.fillers.values() if inner is not call]
    used = {one.said for one in [*first, *(f.options[0] for f in call.fillers.values() if f.sure)] if one.said}
    for name, filler in call.fillers.items():
        fresh = [option for option in filler.options if option.said not in used]
        if not filler.sure and fresh:
            used |= {fresh[0].said} if fresh[0].said else set()
            rest = tuple(option for option in filler.options if option is not fresh[0])
            call = call.filled(name, Filler((fresh[0], *rest)))
    return call
