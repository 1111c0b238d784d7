"""What a goal in words states: its numbers with their units, times, dates, quoted texts and names. Pure.

Knows no tool; which argument a fact belongs to is decided in `slots`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from proxy.repair.view.units import unit_of
from proxy.repair.view.words import words
from schemas.catalog import Json

Kind = Literal["number", "time", "date", "text", "name"]

_PATTERNS: tuple[tuple[Kind, str], ...] = (
    ("text", r"(?:(?<=\s)|^|(?<=[:(]))(?P<q>['\"`])(?P<quoted>[^'\"`]{1,300})(?P=q)(?=[\s.,;:!?)]|$)"),
    ("text", r"[“‘](?P<curly>[^”’]{1,300})[”’]"),
    ("text", r"https?://[^\s,;)]++|(?<![\w.+-])[\w.+-]++@[\w-]++(?:\.[\w-]++)++"),
    ("date", r"\b\d{4}-\d{2}-\d{2}(?:T[\d:.]+Z?)?\b"),
    ("time", r"(?<![\d:])(?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d)?(?![\d:])"),
    ("text", r"(?<![\w/.-])[\w/-]++\.[A-Za-z]\w{0,4}\b(?!\.\w)|\b\w[^\W_]*+_\w++"),
    ("number", r"(?<![\w.])[$€£]?(?P<number>-?\d{1,3}(?:,\d{3})+(?:\.\d+)?|-?\d+(?:\.\d+)?)(?![\d:])"),
    ("text", r"(?<![\w./-])/?(?:[\w.-]++/)+[\w.-]*\w"),
    ("name", r"\b[A-Z][\w-]*(?: (?:of |de )?[A-Z][\w-]*)*"),
)
"""Kind to how such a fact is written; what an earlier pattern has taken is not read again."""
_UNIT = re.compile(r"[\s-]?([A-Za-zµ°%Å][\w/°µ²³^.%]*)( per [a-z]+)?")
_AGE = re.compile(r"(?:y|yo|yr|yrs|y/o)\b", re.IGNORECASE)
_NO_UNIT = frozenset("a an at in is as by to of and or the for on per it old us are was has over under h b c d".split())
"""Short words behind a number that unit tables know as symbols."""
_BREAK = re.compile(r"[,;:()!?\n]|\.(?=\s|$)|\b(?:and|then|or|but|with)\b")


READ = 4000
"""Characters of a goal in which facts are sought."""


@dataclass(frozen=True)
class Fact:
    """A value that the goal states, and where; `unit` as written behind a number, "" where there is none."""

    value: Json
    kind: Kind
    start: int
    end: int
    unit: str = ""
    before: tuple[str, ...] = ()
    """The words of the same clause before it, the nearest first."""
    after: tuple[str, ...] = ()


@lru_cache(maxsize=64)
def facts(goal: str) -> tuple[Fact, ...]:
    """Every fact of a goal, in order."""
    found: list[Fact] = []
    goal = goal[:READ]
    for kind, pattern in _PATTERNS:
        for match in re.finditer(pattern, goal):
            taken = any(match.start() < other.end and other.start < match.end() for other in found)
            if not taken and not (kind == "name" and _ordinary(goal, match)):
                found.append(_fact(goal, kind, match))
    found.sort(key=lambda fact: fact.start)
    return tuple(_with_clause(goal, fact, found) for fact in found)


def _ordinary(goal: str, match: re.Match[str]) -> bool:
    """Tell whether a word is written large only because a sentence begins with it."""
    first = re.search(r"(?:^|[.:;!?]\s+)$", goal[: match.start()]) is not None
    return len(match[0]) == 1 or (first and " " not in match[0] and match[0][1:].islower())


def _fact(goal: str, kind: Kind, match: re.Match[str]) -> Fact:
    groups = {name: text for name, text in match.groupdict().items() if text is not None}
    text = groups.get("quoted") or groups.get("curly") or match[0]
    if kind != "number":
        return Fact(text, kind, match.start(), match.end())
    written = groups["number"].replace(",", "")
    value = float(written) if "." in written else int(written)
    unit, end = _unit_behind(goal, match.end())
    return Fact(value, kind, match.start(), end, unit)


def _unit_behind(goal: str, end: int) -> tuple[str, int]:
    """The unit that stands behind a number, and where it ends."""
    match = _UNIT.match(goal, end)
    if match is None:
        return "", end
    text = match[1].rstrip(".")
    if match[2] and unit_of(text + match[2]):
        return text + match[2], match.end()
    if _AGE.fullmatch(text):
        return "year", match.start(1) + len(text)
    if (text.lower() in _NO_UNIT and text != "in") or unit_of(text) is None:
        return "", end
    if text == "in" and re.match(r"\s+\w", goal[match.end() :]):
        return "", end
    return text, match.start(1) + len(text)


def _with_clause(goal: str, fact: Fact, others: list[Fact]) -> Fact:
    """The fact with the words of its clause; a clause ends at a mark, at `and`, and at the next number."""
    rivals = [other for other in others if other.kind != "name"]
    first = max((other.end for other in rivals if other.end <= fact.start), default=0)
    last = min((other.start for other in rivals if other.start >= fact.end), default=len(goal))
    left, right = goal[first : fact.start], goal[fact.end : last]
    cuts = [match.end() for match in _BREAK.finditer(left) if match.end() < len(left.rstrip()) or match[0].isalpha()]
    left = left[cuts[-1] :] if cuts else left
    ends = [match.start() for match in _BREAK.finditer(right)]
    right = right[: ends[0]] if ends else right
    before = tuple(reversed(words(left)))[:6]
    return Fact(fact.value, fact.kind, fact.start, fact.end, fact.unit, before, words(right)[:4])


def named(fact: Fact, goal: str, text: str) -> bool:
    """Tell whether a number is part of a name that a text knows: `MELD 3.0`, `10-year risk`."""
    if fact.kind != "number":
        return False
    word = fact.before[0] if fact.before and goal[: fact.start].rstrip().lower().endswith(fact.before[0]) else ""
    written = re.escape(str(fact.value))
    spellings = [rf"\b{re.escape(word)}[ -]?{written}\b"] if word else []
    spellings += [rf"\b{written}[ -]?{re.escape(fact.unit)}\b"] if fact.unit else []
    return any(re.search(spelling, text, re.IGNORECASE) for spelling in spellings)


_ORDINALS = {"first": "0", "second": "1", "third": "2", "fourth": "3", "fifth": "4", "last": "-1"}


def ordinal(goal: str) -> str:
    """The place in a list that the goal speaks of (`the last one`), "" where it speaks of none."""
    said = re.search(rf"\bthe ({'|'.join(_ORDINALS)}) (?:one|of|item|entry|listed|result|that)\b", goal, re.IGNORECASE)
    return _ORDINALS[said[1].lower()] if said else ""


def asked_unit(goal: str) -> str:
    """The unit in which the goal wants its answer (`in psi`, `how many miles`), "" where it names none."""
    spans = [(fact.start, fact.end) for fact in facts(goal) if fact.unit]
    pattern = r"\b(?:in|into|how many|how much)\s+((?:[a-z]+ per [a-z]+)|[A-Za-zµ°][\w/°²³]*)"
    for match in re.finditer(pattern, goal, re.IGNORECASE):
        text = match[1]
        inside = any(start <= match.start(1) < end for start, end in spans)
        if not inside and len(text) > 1 and text.lower() not in _NO_UNIT and unit_of(text):
            return text
    return ""


def tokens(goal: str) -> Iterator[tuple[int, str]]:
    """Every word of a goal with where it begins, lower case."""
    for match in re.finditer(r"[A-Za-z][A-Za-z0-9]*", goal):
        yield match.start(), match[0].lower()
