"""What could fill an argument: what a goal says, as far as the argument's schema takes it, and what the schema lists.

Pure. How well a value suits goes by type, unit, form, and the words of the argument beside the value in the goal; which
words those are the tools themselves say, so that no language is known here.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise

from catalog_cache.letters import folded
from proxy.repair.read.goal import READ, Stated, named, stated
from proxy.repair.view.coerce import Target, coerce, spoken_unit
from proxy.repair.view.notes import alternatives, described, note, summary
from proxy.repair.view.schema import allowed_values, fits, types_of
from proxy.repair.view.units import convert, same_unit, unit_of
from proxy.repair.view.values import MISSING
from proxy.repair.view.words import likeness, mentions, stem, stems, words
from proxy.repair.view.zones import place_zone
from schemas.catalog import Json, Tool
from schemas.edit import Confidence

WORD = re.compile(r"[\u3040-\u309f]+|[\u30a0-\u30ff]+|[\u3400-\u9fff々]+|[^\W\u3040-\u30ff\u3400-\u9fff]+(?:-\w+)*")
"""A word; where scripts change without a space, a word ends (UAX 29, roughly)."""
LONGEST = 3
"""Words of a phrase that is a candidate by itself."""
MANY = 160
"""Candidates of one goal: a longer one than a few sentences is not read phrase by phrase."""
NEAR = 4
"""Words beside a value that may name it."""
FORMS = {"date": "date", "date-time": "date", "time": "time", "email": "email", "uri": "url", "url": "url"}
"""Formats of JSON Schema, and the name that arguments of such a form go by, to the kind of text that has it."""
WRITTEN = 0.2
KIND = {"quoted": 0.2, "url": 0.2, "email": 0.2, "path": 0.2, "identifier": 0.2, "name": 0.1, "part": 0.1}
"""How much it counts that a value is written like one; moments and numbers are no texts by themselves."""
ALIKE = 0.85


@dataclass(frozen=True)
class Argument:
    """One argument of a tool."""

    tool: Tool
    name: str

    @cached_property
    def target(self) -> Target:
        """What its values must satisfy."""
        return Target(described(self.tool, self.name), self.tool.schema, self.name)

    @property
    def required(self) -> bool:
        """Tell whether the schema requires it."""
        return self.name in self.tool.required

    @cached_property
    def kinds(self) -> frozenset[str]:
        """The JSON types it takes, null apart."""
        return frozenset(types_of(self.target.schema, self.tool.schema) - {"null"})

    @property
    def numeric(self) -> bool:
        """Tell whether it takes numbers and no text."""
        return bool(self.kinds & {"number", "integer"}) and "string" not in self.kinds

    @cached_property
    def allowed(self) -> tuple[Json, ...]:
        """The values it may take, where the schema or the note lists them."""
        listed = (
            (False, True)
            if self.kinds == frozenset({"boolean"})
            else allowed_values(self.target.schema, self.tool.schema)
        )
        told = alternatives(note(self.tool, self.name)) if self.kinds == frozenset({"string"}) else ()
        return tuple(value for value in listed or told if value is not None)

    @cached_property
    def unit(self) -> str:
        """The unit it is described in, "" where it is in none."""
        return spoken_unit(self.target) or "" if self.numeric else ""

    @cached_property
    def names(self) -> frozenset[str]:
        """The words of its name, its unit apart."""
        return frozenset(stems(self.name) - ({stem(self.unit.lower())} if self.unit else set())) or stems(self.name)

    @cached_property
    def form(self) -> str:
        """The kind of text that its format or its name asks for, "" for any."""
        told = FORMS.get(str(self.target.schema.get("format", "")), "")
        named = next((word for word in reversed(words(self.name)) if word in {*FORMS, "path"}), "")
        return told or FORMS.get(named, named)

    def value(self, said: Json) -> Json:
        """A value as the schema takes it, `MISSING` where it does not."""
        if isinstance(said, float) and said.is_integer() and "number" not in self.kinds:
            said = int(said)
        if fits({**{k: v for k, v in self.tool.schema.items() if k == "$defs"}, **self.target.schema}, said):
            return said
        sure = (found.value for found in coerce(said, self.target) if found.confidence is not Confidence.GUESS)
        return next(sure, MISSING)


def arguments(tool: Tool) -> tuple[Argument, ...]:
    """The arguments of a tool, the required ones first."""
    return tuple(sorted((Argument(tool, name) for name in tool.properties), key=lambda each: not each.required))


@lru_cache(maxsize=64)
def candidates(goal: str) -> tuple[Stated, ...]:
    """All that could be a value in a goal: what it states beyond doubt, then parts of paths, names and phrases."""
    sure = stated(goal)
    parts = [
        Stated(part[0], part[0], "part", each.start + part.start(), each.start + part.end())
        for each in sure
        if each.kind == "path" and not each.text.startswith(("/", ".", "~"))
        for part in re.finditer(r"[^/]+", each.text)
        if "/" in each.text
    ]
    phrases = sorted(_phrases(goal[:READ], sure), key=lambda each: each.kind != "name")
    return (*sure, *parts, *phrases)[:MANY]


def _phrases(goal: str, sure: Sequence[Stated]) -> Iterator[Stated]:
    """Up to three words in a row between marks and stated values; those written large are names."""
    taken = bytearray(len(goal))
    for each in sure:
        taken[each.start : each.end] = b"x" * (each.end - each.start)
    found = [match for match in WORD.finditer(goal) if not any(taken[match.start() : match.end()])]
    for count in range(LONGEST, 0, -1):
        for at in range(len(found) - count + 1):
            run = found[at : at + count]
            start, end = run[0].start(), run[-1].end()
            if all(goal[one.end() : two.start()] in ("", " ") for one, two in pairwise(run)):
                opens = start == 0 or re.search(r"[.!?:]\s+$", goal[max(0, start - 3) : start]) is not None
                large = all(word[0][0].isupper() for word in run) and not (opens and count == 1)
                yield Stated(goal[start:end], goal[start:end], "name" if large else "phrase", start, end)


class Suiting:
    """How well what one goal says suits the arguments of some tools."""

    def __init__(self, goal: str, tools: Sequence[Tool]) -> None:
        self.goal = goal
        self._words = [(match.start(), match.end(), stem(match[0].lower())) for match in WORD.finditer(goal)]
        self._count = len(tools)
        self._notes: dict[tuple[str, str], frozenset[str]] = {}
        self._names = {word for tool in tools for name in tool.properties for word in Argument(tool, name).names}
        self._having = Counter(
            word for tool in tools for word in stems(f"{tool.name} {tool.description} {' '.join(tool.properties)}")
        )

    def score(self, wanted: Argument, said: Stated) -> float:
        """How well something said suits an argument that takes it, 0 where it cannot be meant."""
        if named(said, self.goal, folded(f"{wanted.tool.name} {wanted.tool.description}")):
            return 0.0
        loose = said.kind in ("name", "phrase", "part")
        if loose and stems(said.text) <= stems(f"{wanted.tool.server} {wanted.tool.name}"):
            return 0.0
        if wanted.form and said.kind != wanted.form and not (wanted.form == "time" and said.kind == "date"):
            return 0.05 if wanted.form == "path" and said.kind in ("quoted", "name", "part") else 0.0
        if wanted.numeric and not (wanted.unit and said.unit) and self._labelled(wanted, said):
            return 0.0
        measured = 0.0
        if wanted.unit and said.unit:
            if convert(1.0, said.unit, wanted.unit) is None:
                return 0.0
            measured = 0.8
        formed = 0.7 if wanted.form and said.kind != "number" else 0.0
        written = KIND.get(said.kind, 0.0) if not wanted.numeric else WRITTEN
        return 0.05 + measured + formed + written + (0.5 if loose else 0.8) * self.spelled(wanted, said, loose=loose)

    def _told(self, tool: Tool, name: str) -> frozenset[str]:
        """The words of what a tool says about an argument."""
        key = (tool.public, name)
        if key not in self._notes:
            self._notes[key] = stems(note(tool, name))
        return self._notes[key]

    def _labelled(self, wanted: Argument, said: Stated) -> bool:
        """Tell whether a word just before a value is the name of other arguments, and none of this one's."""
        before = [word for _, end, word in self._words if end <= said.start][-2:]
        own = wanted.names | self._told(wanted.tool, wanted.name)
        return any(word in self._names - own for word in before) and not own & set(before)

    def mentioned(self, wanted: Argument, value: Json) -> bool:
        """Tell whether the goal names an allowed value, by its words or by a unit that is the same."""
        text = str(value).replace("_", " ")
        units = [each.unit for each in stated(self.goal) if each.unit] if unit_of(text) else []
        spoken = isinstance(value, str) and mentions(self.goal, text)
        return spoken or any(same_unit(unit, text) for unit in units)

    def rarity(self, word: str) -> float:
        """How much a word tells among the tools at hand, 0..1; among few tools short words tell little."""
        if self._count < NEAR * 2:
            return 1.0 if len(word) >= NEAR else 0.3
        return max(0.0, math.log(self._count / (1 + self._having[word])) / math.log(self._count))

    def spelled(self, wanted: Argument, said: Stated, *, loose: bool = False) -> float:
        """How clearly the words beside a value are those of an argument (`loose`: of its name), nearer words more."""
        found = [0.0]
        for distance, word in self._beside(said):
            share = max(0.0, 1.0 - 0.15 * distance)
            if any(word == name or (len(word) > 3 and likeness(word, name) >= ALIKE) for name in wanted.names):
                found.append(share)
            elif not loose:
                sharing = sum(word in self._told(wanted.tool, other) for other in wanted.tool.properties)
                told = word in self._told(wanted.tool, wanted.name)
                found.append(0.7 * share * self.rarity(word) / sharing if told and not unit_of(word) else 0.0)
        return max(found)

    def _beside(self, said: Stated) -> Iterator[tuple[int, str]]:
        """The words of the same clause on both sides, with how far away they stand."""
        others = [each for each in stated(self.goal) if each.start != said.start]
        left = max([0, *(each.end for each in others if each.end <= said.start)])
        right = min([len(self.goal), *(each.start for each in others if each.start >= said.end)])
        left += max([0, *(m.end() for m in re.finditer(r"[,;()!?]|\.\s", self.goal[left : said.start]))])
        stop = re.search(r"[,;()!?]|\.(?:\s|$)", self.goal[said.end : right])
        right = said.end + stop.start() if stop else right
        before = [word for start, end, word in self._words if left <= start and end <= said.start]
        after = [word for start, end, word in self._words if said.end <= start and end <= right]
        yield from enumerate(reversed(before[-NEAR:]))
        yield from enumerate(after[: NEAR // 2], start=1)


def zone(wanted: Argument, said: Stated) -> str | None:
    """The time zone (IANA) of a place, for an argument that speaks of zones so named."""
    told = str(wanted.target.schema.get("description", "")).lower()
    return place_zone(said.text) if "iana" in told and said.kind in ("name", "phrase") else None


def about(tool: Tool) -> frozenset[str]:
    """The words by which a tool can be known."""
    return stems(f"{tool.name} {summary(tool)[:300]}")
