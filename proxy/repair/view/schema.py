"""Questions about JSON Schemas: what a value breaks, which types and values are allowed.

Pure. Reads any draft as 2020-12, which differs from draft 7 only where tools hardly go; a schema that is itself
broken, too large or too deep allows everything, since the upstream then decides alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

from jsonschema.exceptions import ValidationError

from proxy.repair.view.inert import errors, validator
from proxy.repair.view.values import MISSING
from schemas.catalog import Json, as_list, as_object, canonical
from schemas.plan import Location

Schema = Mapping[str, Any]

TYPES = ("string", "number", "integer", "boolean", "array", "object", "null")


@dataclass(frozen=True)
class Breach:
    """One way in which a value breaks its schema: where, by which keyword, and the subschema that says so."""

    at: Location
    keyword: str
    message: str
    schema: Schema
    value: Json
    detail: Json = None


LARGEST = 1_000_000
"""Characters of a schema that values are compared with."""
OPENED = 500
"""Alternatives within alternatives that are opened."""


@lru_cache(maxsize=4096)
def _validator(text: str) -> Any:
    return validator(json.loads(text) if len(text) <= LARGEST else {})


@dataclass(frozen=True)
class _Known:
    """A schema with its validator; kept together, so that the schema's identity stays its own."""

    schema: Schema
    validator: Any
    answers: dict[str, list[Breach]]
    """What small values break, by their canonical text: a search asks the same many times."""


_KNOWN: dict[int, _Known] = {}
KNOWN_LIMIT = 8192
ANSWERS = 64
"""Answers kept for one schema."""
SMALL = 2000
"""Characters of a value whose answer is kept."""


def _known(schema: Schema) -> _Known:
    known = _KNOWN.get(id(schema))
    if known is None:
        if len(_KNOWN) >= KNOWN_LIMIT:
            _KNOWN.clear()
        _KNOWN[id(schema)] = known = _Known(schema, _validator(canonical(schema)), {})
    return known


def breaches(schema: Schema, value: Json) -> list[Breach]:
    """Every way in which a value breaks a schema, in order of place; [] also where the schema cannot be used."""
    try:
        known, written = _known(schema), canonical(value)
        found = known.answers.get(written)
        if found is None:
            found = [_breach(error) for error in errors(known.validator, value)]
            if len(written) <= SMALL:
                if len(known.answers) >= ANSWERS:
                    known.answers.clear()
                known.answers[written] = found
    except Exception:  # noqa: BLE001  jsonschema raises many kinds for schemas that are broken, each only where it looks
        return []
    return list(found)


def _breach(error: ValidationError) -> Breach:
    subschema = as_object(error.schema) or {}
    where = tuple(cast("Iterable[str | int]", error.absolute_path))
    return Breach(where, str(error.validator), error.message, subschema, error.instance, error.validator_value)


def fits(schema: Schema, value: Json) -> bool:
    """Tell whether a value satisfies a schema."""
    return value is not MISSING and not breaches(schema, value)


def deref(schema: Json, root: Schema) -> Schema:
    """Follow a local `$ref` (`#/$defs/...`) once or more; a cycle or a foreign reference ends at `{}`."""
    for _ in range(8):
        found = as_object(schema) or {}
        target = found.get("$ref")
        if not isinstance(target, str):
            return found
        if not target.startswith("#/"):
            return {}
        schema = root
        for part in target[2:].split("/"):
            schema = (as_object(schema) or {}).get(part.replace("~1", "/").replace("~0", "~"))
    return {}


def branches(schema: Schema, root: Schema) -> list[Schema]:
    """The alternatives of `anyOf`/`oneOf`, a single-member `allOf` opened, else the schema itself.

    One whose alternatives have no end, or more than `OPENED`, says nothing: `[{}]`.
    """
    found: list[Schema] = []
    waiting = [deref(schema, root)]
    for _ in range(OPENED):
        if not waiting:
            return found
        one = waiting.pop()
        keyword = _opening(one)
        if keyword is None:
            found.append(one)
            continue
        rest = {key: inner for key, inner in one.items() if key != keyword}
        options = (as_list(one[keyword]) or [])[: OPENED + 1]
        waiting += [deref({**rest, **deref(option, root)}, root) for option in reversed(options)]
    return [{}] if waiting else found


def _opening(schema: Schema) -> str | None:
    for keyword in ("anyOf", "oneOf"):
        if as_list(schema.get(keyword)):
            return keyword
    return "allOf" if len(as_list(schema.get("allOf")) or []) == 1 else None


def types_of(schema: Schema, root: Schema) -> set[str]:
    """The JSON types a schema accepts; all of them where it does not say."""
    found: set[str] = set()
    for branch in branches(schema, root):
        named = branch.get("type")
        if isinstance(named, str):
            found.add(named)
        elif isinstance(named, list):
            found.update(str(name) for name in cast("list[Any]", named))
        elif "const" in branch or "enum" in branch:
            found.update(type_name(value) for value in allowed_values(branch, root) or ())
        elif "properties" in branch:
            found.add("object")
        elif "items" in branch:
            found.add("array")
        else:
            return set(TYPES)
    return found


def type_name(value: Json) -> str:
    """The JSON type of a value; an integral number is an "integer"."""
    kinds = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", type(None): "null"}
    return next((name for kind, name in kinds.items() if isinstance(value, kind)), "object")


def accepts(schema: Schema, root: Schema, kind: str) -> bool:
    """Tell whether a schema accepts a JSON type; a number type takes integers too."""
    kinds = types_of(schema, root)
    return kind in kinds or (kind == "integer" and "number" in kinds)


def allowed_values(schema: Schema, root: Schema) -> tuple[Json, ...] | None:
    """The closed list of values that a schema allows, None where it is open."""
    values: list[Json] = []
    for branch in branches(schema, root):
        if "const" in branch:
            values.append(branch["const"])
        elif as_list(branch.get("enum")) is not None:
            values.extend(as_list(branch.get("enum")) or [])
        elif branch.get("type") == "null":
            values.append(None)
        else:
            return None
    return tuple(values)


def property_schema(schema: Schema, root: Schema, name: str) -> Schema | None:
    """The schema of one property, None where the object schema does not name it."""
    for branch in branches(schema, root):
        found = (as_object(branch.get("properties")) or {}).get(name)
        if found is not None:
            return deref(found, root)
    return None


def property_names(schema: Schema, root: Schema) -> tuple[str, ...]:
    """Names of the properties that an object schema declares."""
    names: dict[str, None] = {}
    for branch in branches(schema, root):
        names |= dict.fromkeys(as_object(branch.get("properties")) or {})
    return tuple(names)


def required_names(schema: Schema, root: Schema) -> tuple[str, ...]:
    """Names of the properties that an object schema requires, in every one of its alternatives."""
    lists = [[str(name) for name in as_list(branch.get("required")) or []] for branch in branches(schema, root)]
    return tuple(name for name in lists[0] if all(name in others for others in lists[1:]))


def at_location(schema: Schema, root: Schema, where: Location) -> Schema:
    """The schema that governs a location inside a value; `{}` where nothing is said."""
    for part in where:
        schema = _below(schema, root, part)
    return deref(schema, root)


def _below(schema: Schema, root: Schema, part: str | int) -> Schema:
    for branch in branches(schema, root):
        if isinstance(part, int):
            prefix = as_list(branch.get("prefixItems")) or []
            found: Json = prefix[part] if part < len(prefix) else branch.get("items")
        else:
            found = (as_object(branch.get("properties")) or {}).get(part, branch.get("additionalProperties"))
        if as_object(found) is not None:
            return as_object(found) or {}
    return {}


def describe(schema: Schema, limit: int = 400) -> str:
    """The schema as short JSON for a person or a model, cut at `limit` characters."""
    text = canonical(schema)
    return text if len(text) <= limit else text[: limit - 1] + "…"
