"""The arguments of a tool as places to be filled from a goal: what a slot wants, and how well a fact suits it. Pure.

Suiting goes by words beside the fact, units, types and the direction of `from` and `to`; nothing here knows a plan.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from proxy.planner.stated import Fact
from proxy.repair.rules.missing import place_zone
from proxy.repair.view.notes import note
from proxy.repair.view.schema import allowed_values, deref, fits, types_of
from proxy.repair.view.units import convert, unit_of
from proxy.repair.view.words import likeness, plain, stem, stems, words
from schemas.catalog import Json, Tool

GIVEN = frozenset({"from", "source", "src", "origin", "start", "departure", "base", "input", "original", "old"})
SOUGHT = frozenset({"to", "target", "destination", "dest", "into", "output", "end", "arrival", "new"})
"""Words in names of arguments that speak of what goes in, and of what comes out."""
EMPTY = frozenset(
    """
    the a an of in for to and or is are be as by with if it its this that from at on value values number float int
    integer string str bool boolean list dict object array true false name type optional default required e g eg
    used use which one whether patient level measured new input result
    """.split()
)
"""Words of notes that tell nothing about which value is meant."""
MEASURES = {
    "old": "age", "aged": "age", "tall": "height", "high": "height", "weighs": "weight", "weighing": "weight",
    "heavy": "weight", "long": "length", "wide": "width", "deep": "depth", "thick": "thickness", "far": "distance",
    "away": "distance", "costs": "price", "warm": "temperature", "hot": "temperature", "cold": "temperature",
    "fast": "speed", "takes": "duration", "lasts": "duration",
}  # fmt: skip
"""How a sentence speaks of what arguments are named after."""
NEAR = 0.1
"""What one word of distance costs."""


@dataclass(frozen=True)
class Slot:
    """One argument of a tool."""

    tool: Tool
    name: str

    @cached_property
    def schema(self) -> dict[str, Json]:
        """Its schema, references followed."""
        return dict(deref(self.tool.properties.get(self.name, {}), self.tool.schema))

    @cached_property
    def note(self) -> str:
        """What the tool says about it."""
        return note(self.tool, self.name)

    @property
    def required(self) -> bool:
        """Tell whether the schema requires it."""
        return self.name in self.tool.required

    @cached_property
    def kinds(self) -> frozenset[str]:
        """The JSON types it takes, null apart."""
        return frozenset(types_of(self.schema, self.tool.schema) - {"null"})

    @property
    def numeric(self) -> bool:
        """Tell whether it takes numbers and no text."""
        return bool(self.kinds & {"number", "integer"}) and "string" not in self.kinds

    @property
    def truth(self) -> bool:
        """Tell whether it is a yes or no."""
        return self.kinds == frozenset({"boolean"})

    @cached_property
    def allowed(self) -> tuple[Json, ...]:
        """The values it may take where the schema or the note lists them."""
        listed = allowed_values(self.schema, self.tool.schema)
        if listed:
            return tuple(value for value in listed if value is not None)
        said = re.findall(r"(?<![\w])['\"`]([A-Za-z][\w -]{0,30})['\"`]", self.note)
        alternatives = len(said) > 1 and not re.search(r"e\.g\.|example|such as|like ", self.note, re.IGNORECASE)
        return tuple(dict.fromkeys(said)) if alternatives and "string" in self.kinds else ()

    @cached_property
    def unit(self) -> str:
        """The unit it is described in: `weight_kg`, `in kg`, `(mg/dL)`; "" where none is."""
        parts = words(self.name)
        marked = re.findall(r"\bin ([A-Za-zµ°%][\w/°µ²³^.*%]*)|\(([A-Za-zµ°%/]+)\)", self.note)
        said = [first or second for first, second in marked]
        named = [parts[-1]] if len(parts) > 1 and len(parts[-1]) > 1 else []
        options = [*named, *(text.rstrip(".") for text in said)]
        return next((text for text in options if text.lower() not in EMPTY and unit_of(text)), "")

    @cached_property
    def names(self) -> frozenset[str]:
        """The stems of its name that tell something."""
        return frozenset(stems(self.name) - EMPTY - {stem(self.unit.lower())}) or stems(self.name)

    @cached_property
    def about(self) -> frozenset[str]:
        """The stems of its note that tell something, units apart."""
        said = re.sub(r"\([^)]*\)|\bin [\w/²%]+", " ", self.note)
        return frozenset(stems(f"{said} {self.schema.get('title', '')}") - EMPTY - self.names)

    @cached_property
    def direction(self) -> int:
        """-1 where it speaks of what goes in, 1 of what comes out, 0 of neither."""
        said = set(words(self.name)) | set(words(self.note)[:4])
        return (1 if said & SOUGHT else 0) - (1 if said & GIVEN else 0)


def slots(tool: Tool) -> tuple[Slot, ...]:
    """The arguments of a tool, the required ones first."""
    found = [Slot(tool, name) for name in tool.properties]
    return tuple(sorted(found, key=lambda slot: not slot.required))


def suits(slot: Slot, fact: Fact) -> float:
    """How well a fact suits a slot, 0 where it cannot be meant; the greater part of it is `beside`."""
    value = value_for(slot, fact)
    if value is None:
        return 0.0
    measured = _measure(slot, fact)
    if measured is None:
        return 0.0
    score = 0.1 + 0.75 * beside(slot, fact) + measured + _directed(slot, fact)
    if fact.kind == "text":
        score += _formed(slot, str(fact.value))
    if fact.kind in ("time", "date") or (fact.kind == "name" and value != fact.value):
        score += 0.4
    elif fact.kind == "name":
        score -= 0.1
    return max(0.0, score)


_FORMS = (
    (r"https?://\S+", frozenset({"url", "uri", "link", "href", "address", "site", "website", "page"})),
    (r"[^@\s]+@[^@\s]+", frozenset({"email", "mail", "recipient", "to", "sender", "address"})),
    (r"[^*?\s]*[*?][^*\s]*.*", frozenset({"pattern", "glob", "query"})),
    (
        r"\S*/\S*|\S+\.[A-Za-z]\w{0,4}",
        frozenset({"path", "file", "filename", "filepath", "directory", "folder", "dir"}),
    ),
)
"""How a text is written to the words in the names of arguments that take such texts."""


def _formed(slot: Slot, text: str) -> float:
    """Whether a text is written as what the slot is named after."""
    for form, named in _FORMS:
        if re.fullmatch(form, text):
            return 0.5 if named & stems(slot.name) else -0.2
    return 0.0


def value_for(slot: Slot, fact: Fact) -> Json | None:
    """The fact as a value of the slot's type, None where it is none."""
    if slot.allowed and not slot.numeric:
        return None
    if slot.numeric:
        inside = fact.kind == "number" and _in_range(slot, fact.value)
        whole = "number" in slot.kinds or not isinstance(fact.value, float) or fact.value.is_integer()
        return fact.value if inside and whole else None
    if "string" not in slot.kinds:
        return None
    return _text_for(slot, fact)


def _text_for(slot: Slot, fact: Fact) -> Json | None:
    described = plain(f"{slot.name} {slot.note}")
    if "timezone" in described and ("iana" in described or "/" in slot.note):
        return place_zone(str(fact.value)) if fact.kind == "name" else None
    layout = str(slot.schema.get("format", ""))
    said = slot.names | slot.about
    if fact.kind in ("date", "time"):
        wanted = fact.kind in said or layout.startswith(fact.kind) or "hh:mm" in slot.note.lower()
        return fact.value if wanted else None
    if layout in ("date", "date-time", "time") or "hh:mm" in slot.note.lower():
        return None
    if fact.kind == "number":
        return str(fact.value) if said & {"id", "number", "code", "key"} and not fact.unit else None
    return fact.value if fits(slot.schema, fact.value) else None


def _in_range(slot: Slot, value: Json) -> bool:
    """Tell whether a number keeps to the schema and to a range in the note, such as `(30-79)`."""
    ranged = re.search(r"\((-?\d+(?:\.\d+)?)\s*(?:-|–|to)\s*(\d+(?:\.\d+)?)\)", slot.note)
    if ranged and not float(ranged[1]) <= float(value) <= float(ranged[2]):
        return False
    bare = {key: slot.schema[key] for key in ("minimum", "maximum", "enum", "const") if key in slot.schema}
    return fits(bare, value)


def _measure(slot: Slot, fact: Fact) -> float | None:
    """What the units say: None where they measure different things."""
    if fact.kind != "number" or not fact.unit:
        return 0.0
    if not slot.unit:
        return 0.0
    if unit_of(slot.unit) == unit_of(fact.unit):
        return 0.35
    return 0.3 if convert(1.0, fact.unit, slot.unit) is not None else None


def needs_conversion(slot: Slot, fact: Fact) -> bool:
    """Tell whether a fact is measured in another unit than the slot."""
    return bool(fact.unit and slot.unit) and unit_of(slot.unit) != unit_of(fact.unit)


def beside(slot: Slot, fact: Fact) -> float:
    """How near the slot's words stand to the fact: 1 directly before, 0 not in its clause."""
    best = 0.0
    for distance, word in enumerate(fact.before):
        best = max(best, _meant(slot, word) - NEAR * distance)
    for distance, word in enumerate(fact.after):
        best = max(best, 0.9 * _meant(slot, word) - NEAR * distance)
    return best


def _meant(slot: Slot, word: str) -> float:
    """How surely a word of the goal names the slot."""
    if word in EMPTY or len(word) < 2:
        return 0.0
    root = stem(MEASURES.get(word, word))
    if root in slot.names:
        return 1.0
    if root in slot.about:
        return 0.85
    if len(word) > 3 and any(likeness(word, name) >= 0.85 for name in slot.names):
        return 0.9
    return 0.7 if len(word) > 4 and any(likeness(word, name) >= 0.85 for name in slot.about if len(name) > 3) else 0.0


def _directed(slot: Slot, fact: Fact) -> float:
    """The direction of the slot against the preposition before the fact."""
    if not slot.direction or fact.kind == "number":
        return 0.0
    said = (1 if set(fact.before[:2]) & SOUGHT else 0) - (1 if set(fact.before[:2]) & GIVEN else 0)
    return 0.4 * slot.direction * said
