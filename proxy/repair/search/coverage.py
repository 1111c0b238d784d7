"""What a goal states and a plan does not use: numbers, quoted texts, addresses, paths and dates, in any language.

Pure. Only what has a form of its own is read, never words of prose, so that silence means nothing was found. A number
counts as used where it stands in an argument, or its amount does in the unit that an argument is described in.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from catalog_cache.letters import folded, plain
from proxy.repair.view.coerce import Target, spoken_unit
from proxy.repair.view.notes import described
from proxy.repair.view.schema import types_of
from proxy.repair.view.step import Evidence
from proxy.repair.view.units import convert, unit_of
from schemas.catalog import Catalog, Json, as_object
from schemas.plan import Plan, as_ref, walk
from schemas.trial import StepRun

READ = 4_000
"""Characters of a goal that are read."""
_QUOTES = (('"', '"'), ("“", "”"), ("„", "“"), ("«", "»"), ("「", "」"), ("『", "』"), ("`", "`"), ("‹", "›"))
_QUOTED = re.compile(
    "|".join(f"{re.escape(begin)}([^{begin}{end}\n]{{1,300}}){re.escape(end)}" for begin, end in _QUOTES)
)
_LITERAL = re.compile(
    r"https?://[^\s<>\"'）」]{1,500}|[\w.+-]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,64}){1,4}|"
    r"(?<![\w/])(?:~|\.{1,2})?/(?:[\w.-]{1,100}/){0,20}[\w.-]{1,100}|(?<![\w./-])[\w-]{1,100}\.[A-Za-z]\w{1,4}(?![\w.])"
)
"""Addresses, paths and names of files."""
_DATE = re.compile(r"(?<!\d)\d{4}-\d{2}-\d{2}(?:T[\d:.]{4,15}(?:Z|[+-]\d{2}:\d{2})?)?|(?<![\d:])\d{1,2}:\d{2}(?!\d)")
_NUMBER = re.compile(
    r"(?<![\w.,-])-?\d{1,3}(?:[,.' \u00a0\u202f]\d{3})+(?:[.,]\d+)?(?!\w)|(?<![\w.,-])-?\d+(?:[.,]\d+)?"
)
_UNIT = re.compile(r"[\s-]?([^\W\d_][\w/°µ²³^]{0,20}|[°%][^\W\d_]?)")


@dataclass(frozen=True)
class Stated:
    """Something that a goal says in a form of its own; `amount` is set where it is a number."""

    text: str
    amount: tuple[Decimal, ...] = ()
    """The number, in each reading of its separators."""
    unit: str = ""


def stated(goal: str) -> Iterator[Stated]:
    """Everything of that kind in a goal, each place once."""
    text = goal[:READ]
    for pattern in (_QUOTED, _LITERAL, _DATE):
        for match in pattern.finditer(text):
            said = next((group for group in match.groups() if group), match[0]) if match.groups() else match[0]
            yield Stated(said.strip().rstrip(".,;:!?"))
        text = pattern.sub(lambda match: " " * len(match[0]), text)
    for match in _NUMBER.finditer(text):
        behind = _UNIT.match(text, match.end())
        word = behind[1] if behind else ""
        glued = bool(behind) and text[match.end() : match.end() + 1].isalpha()
        unit = word if word and unit_of(word) else ""
        amount = tuple(_readings(match[0]))
        if amount and not (glued and not unit):
            yield Stated(match[0], amount, unit)


def uncovered(goal: str, plan: Plan, catalog: Catalog, runs: Mapping[str, StepRun]) -> list[str]:
    """What the goal states and no argument and no part of the output uses, in the order of the goal."""
    return [why for _, why in _uncovered(goal, plan, catalog, runs)]


def places(goal: str, plan: Plan, evidence: Evidence) -> list[str]:
    """What the goal states and nothing uses although a step that is called could: an argument is free for it.

    Free is one that is not given, or that holds a literal which the goal does not state. A number in another unit than
    its argument is described in has its place and does not fit it.
    """
    found: list[str] = []
    for said, why in _uncovered(goal, plan, evidence.catalog, evidence.runs):
        kinds = {"number", "integer"} if said.amount else {"string"}
        if "documented" in why or any(kinds & free for free in _free(goal, plan, evidence.catalog)):
            found.append(why)
    return found


def _free(goal: str, plan: Plan, catalog: Catalog) -> Iterator[set[str]]:
    """The types of every argument of a called tool in which something that the goal states could stand."""
    spoken = folded(goal)
    amounts = {amount for said in stated(goal) for amount in said.amount}
    for step in plan.steps:
        tool, given = catalog.origin(step.server or "", step.tool), as_object(step.arguments) or {}
        for name in tool.properties if tool is not None else ():
            value = given.get(name)
            said = isinstance(value, str) and folded(value) in spoken
            said = said or (_is_number(value) and Decimal(repr(value)) in amounts)
            if tool is not None and not said and not isinstance(value, dict | list | bool):
                yield types_of(tool.properties[name], tool.schema)


def _uncovered(goal: str, plan: Plan, catalog: Catalog, runs: Mapping[str, StepRun]) -> Iterator[tuple[Stated, str]]:
    arguments = [*_arguments(plan, catalog), *_resolved(plan, runs)]
    texts = [folded(value) for value, _ in arguments if isinstance(value, str)]
    texts += [folded(value) for _, value in walk(plan.output) if isinstance(value, str)]
    numbers = [(Decimal(repr(value)), unit) for value, unit in arguments if _is_number(value)]
    for text in texts:
        numbers += [(number, "") for digits in re.findall(r"\d+(?:[.,]\d+)?", text) for number in _readings(digits)]
    told: set[str] = set()
    for said in stated(goal):
        why = _open(said, texts, numbers)
        if why and why not in told:
            told.add(why)
            yield said, why


def _open(said: Stated, texts: Iterable[str], numbers: Iterable[tuple[Decimal, str]]) -> str:
    """What is open about one statement; "" where it is used."""
    if not said.amount:
        form = plain(said.text)
        used = form == "" or any(folded(said.text) in text or form == plain(text) for text in texts)
        return "" if used else f"{said.text!r} is used nowhere"
    same = [unit for number, unit in numbers if number in said.amount]
    if any(not (said.unit and unit and _other(said.unit, unit)) for unit in same):
        return ""
    if said.unit and any(_converted(said, number, unit) for number, unit in numbers if unit):
        return ""
    if same:
        return f"{said.text} {said.unit} is given where {same[0]} is documented"
    return f"{said.text} {said.unit}".strip() + " is used nowhere"


def _other(said: str, documented: str) -> bool:
    """Tell whether two units measure the same thing and differ."""
    return unit_of(said) != unit_of(documented) and convert(1.0, said, documented) is not None


def _converted(said: Stated, number: Decimal, unit: str) -> bool:
    for amount in said.amount:
        value = convert(float(amount), said.unit, unit)
        if value is not None and abs(value - float(number)) <= 1e-3 * max(1.0, abs(value)):
            return True
    return False


def _readings(text: str) -> Iterator[Decimal]:
    """A number with its separators read in each way that they may be meant."""
    bare = re.sub(r"[' \u00a0\u202f]", "", text)
    forms = {bare.replace(",", ""), bare.replace(".", "").replace(",", "."), bare.replace(",", ".")}
    for form in sorted(forms):
        try:
            yield Decimal(form)
        except InvalidOperation:
            continue


def _arguments(plan: Plan, catalog: Catalog) -> Iterator[tuple[Json, str]]:
    """Every plain value of the plan's arguments with the unit that its argument is described in, "" for none."""
    for step in plan.steps:
        tool = catalog.origin(step.server or "", step.tool)
        for where, value in walk(step.arguments):
            if isinstance(value, dict | list) or as_ref(value) is not None:
                continue
            unit = ""
            if tool is not None and len(where) == 1 and str(where[0]) in tool.properties:
                name = str(where[0])
                unit = spoken_unit(Target(described(tool, name), tool.schema, name)) or ""
            yield value, unit


def _resolved(plan: Plan, runs: Mapping[str, StepRun]) -> Iterator[tuple[Json, str]]:
    """The plain values that were sent."""
    for step in plan.steps:
        run = runs.get(step.id)
        if run is not None and run.ok:
            yield from ((value, "") for _, value in walk(run.arguments) if not isinstance(value, dict | list))


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value == value
