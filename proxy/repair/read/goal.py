"""What a goal states beyond doubt, and what of it a plan leaves out. Pure, and the same in every script.

Numbers, quoted texts, addresses, paths, moments and identifiers tell by how they are written that they are meant
literally. Words of prose do not, and are never reported.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import isclose
from typing import Literal

from catalog_cache.letters import folded, plain
from proxy.repair.view.coerce import Target, spoken_unit
from proxy.repair.view.notes import described
from proxy.repair.view.units import convert, unit_of
from schemas.catalog import EXACT, Json, Tool, as_object
from schemas.plan import Plan, walk

Kind = Literal["quoted", "url", "email", "date", "time", "path", "identifier", "number"]

READ = 4000
"""Characters of a goal that are read."""
_WORD = 64
"""Characters beside a number that may be the name it belongs to."""
_NUMBER = r"-?\d{1,3}(?:,\d{3})+(?:\.\d+)?|-?\d+(?:[.,]\d+)?"
_QUOTES = "''|\"\"|``|“”|„“|‘’|‚‘|«»|»«|‹›|「」|『』"
_QUOTED = "|".join(
    rf"(?<!\w){re.escape(first)}([^{re.escape(first + last)}\n]{{1,300}}){re.escape(last)}(?!\w)"
    if first == last
    else rf"{first}([^{first}{last}\n]{{1,300}}){last}"
    for first, last in _QUOTES.split("|")
)
_CLOCK = r"[T ]\d\d:\d\d(?::\d\d)?(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?"
_PATTERNS: tuple[tuple[Kind, str], ...] = (
    ("quoted", _QUOTED),
    ("url", r"[a-z][a-z+.-]+://[^\s,;)>\]]*[\w/]"),
    ("email", r"(?<![\w.+-])[\w.+-]++@[\w-]++(?:\.[\w-]++)++"),
    ("date", rf"(?<![A-Za-z\d_.])\d{{4}}-\d\d-\d\d(?:{_CLOCK})?(?![A-Za-z\d])"),
    ("time", r"(?<![A-Za-z\d_:.])(?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d)?(?![A-Za-z\d:])"),
    ("path", r"(?<![\w./~*-])(?:~|\.{0,2})/?(?:[\w.*@-]++/)+[\w.*@-]*[\w*]|(?<![\w./])/[\w.-]*\w"),
    ("path", r"(?<![A-Za-z\d_./-])(?=[\w-]*[A-Za-z_])[\w-]++(?:\.[A-Za-z][A-Za-z\d]{1,4})+(?![\w.]*\w)"),
    ("identifier", r"(?<![\w#-])(?:#(?=\d*[A-Za-z])\w+|[A-Z]{2,}-\d+|[^\W_]+_\w+)(?![\w-])"),
    ("identifier", r"(?<![\w#-])(?=\d*[a-f])(?=[a-f]*\d)[a-f\d]{7,40}(?![\w-])"),
    ("number", rf"(?<![A-Za-z\d_.])(?<![A-Za-z]-)[#$€£¥]?({_NUMBER})(?![A-Za-z_]*\d|[\d_])"),
)  # fmt: skip
"""Kind to how it is written; what an earlier pattern has taken is not read again."""
_PAIR = re.compile(r"[^\W\d_]+/[^\W\d_]+")
"""Two words with a slash between them, which may be prose."""


@dataclass(frozen=True)
class Stated:
    """One thing that a goal states, where it stands, and the unit as written behind a number."""

    text: str
    value: Json
    kind: Kind
    start: int
    end: int
    unit: str = ""


@lru_cache(maxsize=64)
def stated(goal: str) -> tuple[Stated, ...]:
    """Everything that a goal states beyond doubt, in order."""
    found: list[Stated] = []
    taken = bytearray(len(goal))
    for kind, pattern in _PATTERNS:
        for match in re.finditer(pattern, goal[:READ]):
            if not any(taken[match.start() : match.end()]) and not (kind == "path" and unit_of(match[0])):
                found.append(_stated(goal, kind, match))
                taken[found[-1].start : found[-1].end] = b"\1" * (found[-1].end - found[-1].start)
    return tuple(sorted(found, key=lambda each: each.start))


def _stated(goal: str, kind: Kind, match: re.Match[str]) -> Stated:
    text = next((group for group in match.groups() if group), match[0])
    if kind != "number":
        return Stated(text, text, kind, match.start(), match.end())
    unit, end = _unit_behind(goal, match.end())
    return Stated(match[0], _number(text), kind, match.start(), end, unit)


def _number(text: str) -> int | float:
    """A number as it is written; a comma that does not part thousands is a decimal one."""
    parted = re.fullmatch(r"-?\d{1,3}(?:,\d{3})+(?:\.\d+)?", text) is not None
    bare = text.replace(",", "" if parted else ".")
    return float(bare) if "." in bare else int(bare)


def _unit_behind(goal: str, end: int) -> tuple[str, int]:
    """The longest unit of up to three words that stands behind a number, and where it ends."""
    found = re.match(r"[ \u00a0-]?((?:[A-Za-zµ°%Å][\w/°µ²³^%]*)(?: [A-Za-z]+){0,2})", goal[end:])
    words = found[1].split(" ") if found else []
    for count in range(len(words), 0, -1):
        text = " ".join(words[:count])
        joined = count == 1 or any(unit_of(word) is None for word in words[:count])
        if found and joined and unit_of(text) is not None:
            return text, end + found.start(1) + len(text)
    return "", end


def uncovered(goal: str, plan: Plan, tools: Sequence[Tool] = ()) -> list[str]:
    """What the goal states beyond doubt and no step uses, as it is written in the goal.

    Numbers count by value. `tools` are those that the steps call: an amount may stand in the unit that their argument
    is described in, and what belongs to the names they go by is no value.
    """
    held = [value for step in plan.steps for _, value in walk(step.arguments)]
    texts = "\n".join(folded(value) for value in held if isinstance(value, str))
    numbers = {value for value in held if isinstance(value, int | float)} | set(_numbers_in(texts))
    measured = tuple(_measured(plan, tools))
    names = folded(" ".join([*(step.tool for step in plan.steps), *(f"{t.name} {t.description}" for t in tools)]))
    free = (each for each in stated(goal) if not (_held(each, texts, numbers, measured) or named(each, goal, names)))
    return list(dict.fromkeys(each.text for each in free if not _PAIR.fullmatch(each.text)))


def _held(each: Stated, texts: str, numbers: Container[int | float], measured: Sequence[tuple[str, float]]) -> bool:
    """Tell whether a plan holds a number, the same amount in another unit, a text, or each part of a path."""
    if each.kind == "number":
        exact = each.unit != "" and abs(each.value) < EXACT
        amounts = ((convert(float(each.value), each.unit, unit), number) for unit, number in measured if exact)
        same = any(amount is not None and isclose(amount, number, rel_tol=1e-6) for amount, number in amounts)
        return each.value in numbers or same
    parts = [part for part in each.text.split("/") if part]
    return folded(each.text) in texts or (len(parts) > 1 and all(folded(part) in texts.split("\n") for part in parts))


def _numbers_in(text: str) -> Iterator[int | float]:
    return (_number(match) for match in re.findall(rf"(?<!\d)(?:{_NUMBER})(?!\d)", text))


def _measured(plan: Plan, tools: Sequence[Tool]) -> Iterator[tuple[str, float]]:
    """Every number that an argument with a unit is given, with that unit."""
    known = {(tool.server, tool.name): tool for tool in tools}
    for step in plan.steps:
        tool = known.get((step.server or "", step.tool))
        for name, value in (as_object(step.arguments) or {}).items() if tool else ():
            unit = spoken_unit(Target(described(tool, name), tool.schema, name)) if tool else None
            if unit and isinstance(value, int | float) and abs(value) < EXACT:
                yield unit, float(value)


def named(each: Stated, goal: str, names: str) -> bool:
    """Tell whether what is stated belongs to a name that a tool has: `SHA-256`, `MELD 3.0`, `10 year risk`."""
    if each.kind == "identifier":
        return plain(each.text) in plain(names)
    if each.kind != "number":
        return False
    number = re.escape(each.text.removesuffix(".0"))
    end = each.start + len(each.text)
    before = re.search(r"([^\W_]+)[ -]?$", goal[max(0, each.start - _WORD) : each.start])
    beside = re.match(r"[ -]?([^\W_]+)", goal[end : end + _WORD])
    spelled = [rf"{before[1]}[ _-]?{number}"] if before else []
    spelled += [rf"{number}[ _-]?{beside[1]}"] if beside else []
    return any(re.search(rf"(?<![^\W_]){folded(one)}(?!\d|[^\W\d_])", names) for one in spelled)
