"""A value rewritten so that it fits a schema, with the same meaning.

Pure. `coerce` goes down into lists and objects and gives every fitting reading, best first; it never invents a
value, never clamps, and never takes a number out of a text that is no number.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from proxy.repair.view.choices import choose, tagged
from proxy.repair.view.moments import as_moment, as_ticks, in_layout, ticks, wanted_layout, wants_moment
from proxy.repair.view.notes import as_number, code_of
from proxy.repair.view.scalars import NOTHING, Coercion, read_boolean, read_json, read_number, whole
from proxy.repair.view.schema import (
    Schema,
    accepts,
    allowed_values,
    branches,
    deref,
    fits,
    property_schema,
    required_names,
    types_of,
)
from proxy.repair.view.units import convert, unit_of
from proxy.repair.view.values import MISSING, as_text
from proxy.repair.view.words import mentions, words
from schemas.catalog import EXACT, Json, as_list, as_object, canonical
from schemas.edit import Confidence
from schemas.plan import walk

MAX_DEPTH = 6
SHORT_CODE = 12
"""Characters of an allowed value that a description may tell by a label."""
_MARKED_UNIT = re.compile(
    r"\bin ([A-Za-z]+ per [A-Za-z]+(?: second)?)|\bin ([A-Za-zµ°%][\w/°µ²³^.*·⋅%]*)|(?<!\w)\(([A-Za-zµ°%][\w/°µ²³^]*)\)"
)
"""Where a description says the unit: `in meters per second`, `in kg/m³`, `(mg/dL)`."""
_LETTERS = frozenset("mghNJKCFLWV")
"""Single letters that a description may mean as a unit."""
_SUFFIXES = frozenset("kg mg lb oz cm mm km ft in mi ms hr kb mb gb tb kw mw hz pa kj kn ml dl".split())
"""Pairs of letters that are a unit at the end of a name."""
_NO_UNITS = frozenset({"at", "as", "are", "an", "am", "do", "us", "bit", "point", "points", "count", "names", "mask"})
"""Words of sentences and names that a registry of units knows as well."""


@dataclass(frozen=True)
class Target:
    """What a value should fit: its schema, the document it stands in, and the name it goes by."""

    schema: Schema
    root: Schema
    name: str = ""
    required: bool = True
    depth: int = 0

    def takes(self, value: Json) -> bool:
        """Tell whether a value fits as it is."""
        definitions = {key: self.root[key] for key in ("$defs", "definitions") if key in self.root}
        return fits({**definitions, **self.schema} if definitions else self.schema, value)


def coerce(value: Json, target: Target) -> list[Coercion]:
    """Every reading of a value that fits the target, surest first; [] where there is none or none is needed."""
    if target.depth == 0 and any(inner is MISSING for _, inner in walk(value)):
        return []
    if target.takes(value) or target.depth > MAX_DEPTH:
        return _integral(value, target)
    found: dict[str, Coercion] = {}
    for rule in _RULES:
        for option in rule(value, target):
            fitting = option.value is MISSING or target.takes(option.value)
            if fitting and not _lost_digits(option.value, target):
                found.setdefault(canonical(option.value), option)
    return sorted(found.values(), key=lambda option: option.confidence.rank)


def _integral(value: Json, target: Target) -> list[Coercion]:
    """7.0 satisfies `integer` by JSON Schema, yet many servers refuse it on the wire (JSON Schema 2020-12, 4.2.3)."""
    if isinstance(value, float) and whole(value) and "integer" in types_of(target.schema, target.root):
        return [Coercion(int(value), "integral_float", Confidence.LOSSLESS, f"{value} is the integer {int(value)}")]
    return []


def _lost_digits(value: Json, target: Target) -> bool:
    """Tell whether a number that stands for an integer is a float too large to be exactly one."""
    vague = isinstance(value, float) and not -EXACT < value < EXACT
    return vague and not accepts(target.schema, target.root, "number")


def _leave_out(value: Json, target: Target) -> Iterator[Coercion]:
    empty = value in (None, "", []) or (isinstance(value, str) and value.strip().lower() in NOTHING)
    if _code(value, target) is not None:
        return
    if empty and not target.required and not accepts(target.schema, target.root, "null"):
        sure = Confidence.LOSSLESS if value is None else Confidence.EVIDENT
        yield Coercion(
            MISSING, "null_for_optional", sure, f"the argument is optional and does not accept {short(value)}"
        )
    if isinstance(value, str) and empty and value and accepts(target.schema, target.root, "null"):
        yield Coercion(None, "null_as_text", Confidence.EVIDENT, "the text says: no value")


def _told(reading: Coercion | None, value: Json) -> Iterator[Coercion]:
    """A reading with what it was read from as its evidence."""
    if reading is not None:
        yield replace(reading, evidence=f"{short(value)} reads as {short(reading.value)}")


def _decode(value: Json, target: Target) -> Iterator[Coercion]:
    if not isinstance(value, str):
        return
    reading = read_json(value)
    if reading is None or type(reading.value) in (str, int, float):
        return
    yield from _told(reading, value)
    for inner in coerce(reading.value, replace(target, depth=target.depth + 1)):
        yield _combined(replace(reading, evidence=f"{short(value)} is JSON"), inner)


def _combined(outer: Coercion, inner: Coercion) -> Coercion:
    worst = max(outer.confidence, inner.confidence, key=lambda confidence: confidence.rank)
    evidence = "; ".join(part for part in (outer.evidence, inner.evidence) if part)
    return Coercion(inner.value, f"{outer.rule}, {inner.rule}", worst, evidence)


def _to_number(value: Json, target: Target) -> Iterator[Coercion]:
    if not isinstance(value, str) or not accepts(target.schema, target.root, "integer"):
        return
    reading = read_number(value)
    if reading is None:
        return
    number = reading.value
    if re.fullmatch(r"[-+]?[1-9]\d{0,2},\d{3}", value.strip()) and not accepts(target.schema, target.root, "number"):
        reading = replace(reading, confidence=Confidence.LOSSLESS)
    if isinstance(number, float) and whole(number) and not accepts(target.schema, target.root, "number"):
        number = int(number)
    if not reading.rest:
        yield from _told(replace(reading, value=number), value)
    else:
        yield from _with_unit(replace(reading, value=number), value, target)


def _with_unit(reading: Coercion, value: str, target: Target) -> Iterator[Coercion]:
    """A number with a unit: taken as it is where the argument speaks of that unit, converted where of another."""
    said = unit_of(reading.rest)
    wanted = spoken_unit(target)
    if said is not None and wanted is not None and said != unit_of(wanted):
        number = convert(float(reading.value), reading.rest, wanted)
        if number is not None:
            evidence = f"{value!r} is {number:g} {wanted}, the unit that the argument is described in"
            cased = reading.rest != wanted and reading.rest.lower() == wanted.lower()
            sure = Confidence.GUESS if cased else Confidence.EVIDENT
            yield Coercion(round(number, 9), "unit_conversion", sure, evidence)
        return
    known = said is not None and wanted is not None
    sure = Confidence.EVIDENT if known or mentions(_text(target), reading.rest) else Confidence.GUESS
    yield Coercion(reading.value, reading.rule, sure, f"{reading.value} is the only number in {value!r}")


def _text(target: Target) -> str:
    return f"{' '.join(words(target.name))} {target.schema.get('title', '')} {target.schema.get('description', '')}"


def spoken_unit(target: Target) -> str | None:
    """The unit an argument is described in: `in kg`, `(kg)` in its text, or the last word of its name (`weight_kg`)."""
    parts = words(target.name)
    text = str(target.schema.get("description", ""))
    marked = [next(filter(None, match.groups()), "") for match in _MARKED_UNIT.finditer(text)]
    named = [parts[-1]] if len(parts) > 1 and (len(parts[-1]) > 2 or parts[-1] in _SUFFIXES) else []
    options = [*(option.rstrip(".*") for option in marked), *named]
    return next((option for option in options if _may_be_unit(option) and unit_of(option)), None)


def _may_be_unit(text: str) -> bool:
    return text in _LETTERS if len(text) == 1 else text.lower() not in _NO_UNITS


def _to_boolean(value: Json, target: Target) -> Iterator[Coercion]:
    if accepts(target.schema, target.root, "boolean"):
        yield from _told(read_boolean(value), value)


def _to_text(value: Json, target: Target) -> Iterator[Coercion]:
    if isinstance(value, str) or value is None or not accepts(target.schema, target.root, "string"):
        return
    if isinstance(value, int | float) and wants_moment(target.schema):
        return
    if isinstance(value, bool | int | float):
        sure = Confidence.EVIDENT if isinstance(value, float) and value.is_integer() else Confidence.LOSSLESS
        yield Coercion(json.dumps(value), "scalar_as_text", sure, "the schema wants text")
    elif as_object(value) is not None:
        text = json.dumps(value, ensure_ascii=False)
        yield Coercion(
            text, "object_as_json_text", Confidence.LOSSLESS, "the schema wants text, so the object is written as JSON"
        )
    elif len(as_list(value) or []) > 1:
        text = json.dumps(value, ensure_ascii=False)
        yield Coercion(text, "list_as_json_text", Confidence.GUESS, "the schema wants text")


def _allowed(value: Json, target: Target) -> Iterator[Coercion]:
    allowed = allowed_values(target.schema, target.root)
    if allowed and isinstance(value, str):
        yield from choose(value, tuple(option for option in allowed if isinstance(option, str)))
    elif allowed and isinstance(value, bool | int | float) and json.dumps(value) in allowed:
        yield Coercion(json.dumps(value), "scalar_as_text", Confidence.LOSSLESS, "an allowed value")


def _tabled(value: Json, target: Target) -> Iterator[Coercion]:
    code = _code(value, target)
    if code is not None:
        evidence = f"the description says that {value!r} is {code}"
        for form in (as_number(code), code):
            yield Coercion(form, "described_code", Confidence.EVIDENT, evidence)


def _code(value: Json, target: Target) -> str | None:
    if not isinstance(value, str):
        return None
    allowed = allowed_values(target.schema, target.root) or ()
    codes = tuple(code for code in allowed if isinstance(code, str) and 0 < len(code) <= SHORT_CODE)
    return code_of(value, str(target.schema.get("description", "")), codes)


def _to_layout(value: Json, target: Target) -> Iterator[Coercion]:
    if wants_moment(target.schema):
        yield from _told(as_moment(value), value)
        return
    layout = wanted_layout(target.schema) if isinstance(value, str) else None
    if layout is not None:
        yield from _told(in_layout(value, layout), value)


def _to_ticks(value: Json, target: Target) -> Iterator[Coercion]:
    each = ticks(_text(target)) if isinstance(value, str) and accepts(target.schema, target.root, "integer") else None
    if each is not None:
        yield from _told(as_ticks(value, each), value)


def _trimmed(value: Json, target: Target) -> Iterator[Coercion]:
    if isinstance(value, str) and value.strip("\"'`<> \t\n") != value:
        yield Coercion(value.strip("\"'`<> \t\n"), "trimmed", Confidence.LOSSLESS, "quotes and spaces around the value")


def _to_list(value: Json, target: Target) -> Iterator[Coercion]:
    """Put a single value into the list that the schema wants; text with commas becomes several items."""
    if as_list(value) is not None or not accepts(target.schema, target.root, "array"):
        return
    only = types_of(target.schema, target.root) - {"null"} == {"array"}
    for branch in branches(target.schema, target.root):
        if branch.get("type") not in ("array", ["array", "null"]) or not only:
            continue
        reading = read_json(value) if isinstance(value, str) else None
        listed = reading is not None and as_list(reading.value) is not None
        parts = None if listed else _parts(value, branch)
        if parts is not None:
            yield from _list_of(parts, branch, target, "list_as_text", f"{short(value)} lists {len(parts)} items")
        if value != "" and not listed:
            for wrapped in _list_of([value], branch, target, "scalar_for_list", "the schema wants a list"):
                yield replace(wrapped, confidence=Confidence.GUESS) if parts is not None else wrapped


def _parts(value: Json, branch: Schema) -> list[Json] | None:
    if not isinstance(value, str) or branch.get("maxItems") == 1:
        return None
    parts = [part.strip() for part in re.split(r"[,;\n]", value.strip().strip("[]()")) if part.strip()]
    short_parts = all(len(part.split()) <= 3 and len(part) <= 60 for part in parts)
    return [*parts] if len(parts) > 1 and short_parts else None


def _list_of(items: list[Json], branch: Schema, target: Target, rule: str, why: str) -> Iterator[Coercion]:
    inner = Target(deref(branch.get("items"), target.root), target.root, target.name, depth=target.depth + 1)
    sure = Confidence.EVIDENT if rule == "list_as_text" else Confidence.LOSSLESS
    converted: list[Json] = []
    for item in items:
        if inner.takes(item):
            converted.append(item)
            continue
        options = coerce(item, inner)
        if not options:
            return
        converted.append(options[0].value)
        sure = max(sure, options[0].confidence, key=lambda confidence: confidence.rank)
    yield Coercion(converted, rule, sure, why)


def _from_list(value: Json, target: Target) -> Iterator[Coercion]:
    """Take the one item out of a list, or the one value out of an object, where the schema wants no container."""
    items, keys = as_list(value), as_object(value)
    lone = items if items is not None else list((keys or {}).values())
    if len(lone) != 1 or accepts(target.schema, target.root, "array" if items is not None else "object"):
        return
    rule = "one_item_list" if items is not None else "one_key_object"
    outer = Coercion(lone[0], rule, Confidence.EVIDENT, "the schema wants a single value")
    yield outer
    for inner in coerce(lone[0], replace(target, depth=target.depth + 1)):
        yield _combined(outer, inner)


def _items(value: Json, target: Target) -> Iterator[Coercion]:
    items = as_list(value)
    if items is None:
        return
    for branch in branches(target.schema, target.root):
        if branch.get("type") == "array" and as_object(branch.get("items")) is not None:
            yield from _list_of(items, branch, target, "items", "each item rewritten to the schema of the list")


def _keys(value: Json, target: Target) -> Iterator[Coercion]:
    keys = as_object(value)
    if keys is None:
        return
    for branch in branches(target.schema, target.root):
        if as_object(branch.get("properties")) is not None:
            yield from _object_of(keys, branch, target)


def _object_of(keys: dict[str, Json], branch: Schema, target: Target) -> Iterator[Coercion]:
    written: dict[str, Json] = {}
    sure, rules = Confidence.LOSSLESS, list[str]()
    required = required_names(branch, target.root)
    for name, inner in keys.items():
        schema = property_schema(branch, target.root, name)
        options: list[Coercion] = []
        if schema is not None:
            options = coerce(inner, Target(schema, target.root, name, name in required, target.depth + 1))
        if not options:
            written[name] = inner
            continue
        rules.append(options[0].rule)
        sure = max(sure, options[0].confidence, key=lambda confidence: confidence.rank)
        if options[0].value is not MISSING:
            written[name] = options[0].value
    if rules:
        yield Coercion(written, "keys: " + ", ".join(dict.fromkeys(rules)), sure, "keys rewritten to their schemas")


def _tagged(value: Json, target: Target) -> Iterator[Coercion]:
    filled = tagged(value, target.schema, target.root)
    if filled is not None:
        new = ", ".join(f"{name} = {short(inner)}" for name, inner in filled.items() if name not in value)
        why = f"of what {target.name or 'the value'!r} may be, only the alternative with {new} fits"
        yield Coercion(filled, "discriminator", Confidence.LOSSLESS, why)


def short(value: Json, limit: int = 60) -> str:
    """A value as JSON, cut for a sentence."""
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, str) else as_text(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"


_Rule = Callable[[Json, Target], Iterator[Coercion]]
_RULES: tuple[_Rule, ...] = (
    _leave_out,
    _tabled,
    _allowed,
    _to_number,
    _to_boolean,
    _decode,
    _tagged,
    _keys,
    _items,
    _from_list,
    _to_layout,
    _to_ticks,
    _trimmed,
    _to_list,
    _to_text,
)
