"""What strict clients take of a server: they refuse a whole list for one item, and a whole introduction for one word.

Pure. Where several upstreams answer as one, what is invalid of one of them is left out, the smallest part that can be,
so that it costs the client nothing of the others. An upstream that stands alone is never looked at with this.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, cast

from rfc3339_validator import validate_rfc3339

_BROKEN = object()
_TYPES = frozenset({"string", "number", "integer", "boolean", "object", "array", "null"})
_NAMED = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})
_LISTS = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_SINGLE = frozenset({"items", "additionalProperties", "not", "if", "then", "else", "contains", "propertyNames"})
_DEEPEST = 64
"""Levels of a schema that are looked at; a deeper one counts as one that cannot be compiled."""
_NOT_OF_JAVASCRIPT = re.compile(r"\(\?P[<=]|\(\?[aiLmsux]+\)|\\[AZ]")

Shape = Callable[[Any], Any]
"""Gives back what is valid of a value, or `_BROKEN`."""


def _text(value: Any) -> Any:
    return value if isinstance(value, str) else _BROKEN


def _flag(value: Any) -> Any:
    return value if isinstance(value, bool) else _BROKEN


def _number(value: Any) -> Any:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else _BROKEN


def _share(value: Any) -> Any:
    return value if _number(value) is not _BROKEN and 0 <= value <= 1 else _BROKEN


def _moment(value: Any) -> Any:
    return value if isinstance(value, str) and validate_rfc3339(value) else _BROKEN


def _one_of(*words: str) -> Shape:
    return lambda value: value if isinstance(value, str) and value in words else _BROKEN


def _list(of: Shape) -> Shape:
    def valid(value: Any) -> Any:
        if not isinstance(value, list):
            return _BROKEN
        return [kept for each in cast("list[Any]", value) if (kept := of(each)) is not _BROKEN]

    return valid


def _object(
    known: Mapping[str, Shape] | None = None, needed: Collection[str] = (), other: Shape | None = None
) -> Shape:
    """An object with these fields, of which some are `needed`; `other` is the shape of all the rest."""
    shapes = known or {}

    def valid(value: Any) -> Any:
        if not isinstance(value, Mapping):
            return _BROKEN
        made: dict[str, Any] = {}
        for key, given in cast("Mapping[str, Any]", value).items():
            shape = shapes.get(key, other)
            kept = given if shape is None else shape(given)
            if kept is not _BROKEN:
                made[key] = kept
        return made if all(key in made for key in needed) else _BROKEN

    return valid


def _schema(value: Any) -> Any:
    """A schema of a result that can be compiled, as some clients do with each of a list."""
    if not isinstance(value, Mapping):
        return _BROKEN
    schema = cast("Mapping[str, Any]", value)
    return schema if _compiles(schema, schema) else _BROKEN


def _compiles(part: Any, root: Mapping[str, Any], depth: int = 0) -> bool:
    if not isinstance(part, Mapping) or depth > _DEEPEST:
        return isinstance(part, bool)
    return all(_fits(key, value, root, depth + 1) for key, value in cast("Mapping[str, Any]", part).items())


def _fits(key: str, value: Any, root: Mapping[str, Any], depth: int) -> bool:
    """Tell whether a keyword of a schema has the value that it must have; keywords that nobody knows may have any."""
    if key == "type":
        named = cast("list[Any]", value) if isinstance(value, list) else [value]
        return all(isinstance(name, str) and name in _TYPES for name in named)
    if key == "$ref":
        return isinstance(value, str) and (not value.startswith("#/") or _leads_somewhere(value, root))
    if key == "pattern":
        return isinstance(value, str) and _NOT_OF_JAVASCRIPT.search(value) is None
    if key in _NAMED:
        named = cast("Mapping[str, Any]", value).values() if isinstance(value, Mapping) else [None]
        return all(_compiles(each, root, depth) for each in named)
    if key in _LISTS or (key == "items" and isinstance(value, list)):
        parts = cast("list[Any]", value) if isinstance(value, list) else [None]
        return all(_compiles(each, root, depth) for each in parts)
    return key not in _SINGLE or _compiles(value, root, depth)


def _leads_somewhere(reference: str, root: Mapping[str, Any]) -> bool:
    found: Any = root
    for step in reference[2:].split("/"):
        key = step.replace("~1", "/").replace("~0", "~")
        if isinstance(found, list) and key.isdecimal() and int(key) < len(cast("list[Any]", found)):
            found = cast("list[Any]", found)[int(key)]
        elif isinstance(found, Mapping) and key in found:
            found = cast("Mapping[str, Any]", found)[key]
        else:
            return False
    return True


_ANY = _object()
_SIZES = {"src": _text, "mimeType": _text, "sizes": _list(_text), "theme": _one_of("light", "dark")}
_COMMON = {"name": _text, "title": _text, "description": _text, "icons": _list(_object(_SIZES, ["src"])), "_meta": _ANY}
_FOR_WHOM = {"audience": _list(_one_of("user", "assistant")), "priority": _share, "lastModified": _moment}
_CONTENT = {**_COMMON, "mimeType": _text, "size": _number, "annotations": _object(_FOR_WHOM)}
_HINTS = {
    "title": _text,
    **dict.fromkeys(("readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"), _flag),
}
_ARGUMENT = _object({"name": _text, "title": _text, "description": _text, "required": _flag}, ["name"])
_TASK_SUPPORT = _object({"taskSupport": _one_of("required", "optional", "forbidden")})
_CHANGES = _object({"listChanged": _flag, "subscribe": _flag})

_TOOL = {"annotations": _object({"title": _text, **_HINTS}), "execution": _TASK_SUPPORT, "outputSchema": _schema}

TOOL = _object({**_COMMON, **_TOOL}, ["name"])
RESOURCE = _object({**_CONTENT, "uri": _text}, ["uri"])
TEMPLATE = _object({**_CONTENT, "uriTemplate": _text}, ["uriTemplate"])
PROMPT = _object({**_COMMON, "arguments": _list(_ARGUMENT)}, ["name"])
TASK = _object(
    {
        "status": _one_of("working", "input_required", "completed", "failed", "cancelled"),
        **dict.fromkeys(("taskId", "createdAt", "lastUpdatedAt", "statusMessage"), _text),
        "ttl": lambda value: value if value is None else _number(value),
        "pollInterval": _number,
    },
    ["taskId", "status", "ttl", "createdAt", "lastUpdatedAt"],
)
CAPABILITIES = _object(
    {
        **dict.fromkeys(("tools", "prompts", "resources"), _CHANGES),
        **dict.fromkeys(("experimental", "extensions"), _object(other=_ANY)),
        "tasks": _object({"list": _ANY, "cancel": _ANY, "requests": _object({"tools": _object({"call": _ANY})})}),
    },
    other=_ANY,
)


def valid(shape: Shape, value: Any) -> Mapping[str, Any] | None:
    """What is valid of an object, None where too little is; the object itself where nothing is wrong with it."""
    kept = shape(value)
    if kept is _BROKEN:
        return None
    return value if kept == value else kept


def left_out(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    """The fields that something was left out of."""
    return tuple(key for key in before if key not in after or after[key] != before[key])
