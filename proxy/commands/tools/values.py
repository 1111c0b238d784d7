"""Arguments as a person writes them on a command line. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from schemas.catalog import as_list, as_object

_PAIR = re.compile(r"([^=]+?)(:?=)(.*)", re.DOTALL)
_KINDS: Mapping[str, tuple[type, ...]] = {
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}


class ArgumentError(ValueError):
    """Words that are no arguments; the message says what to write."""


def read_arguments(words: Sequence[str], properties: Mapping[str, Any]) -> dict[str, Any]:
    """One JSON object, or pairs: `key=text`, a number where the schema wants one, `key:=JSON`.

    `properties` maps an argument to its schema. Raises `ArgumentError`.
    """
    if len(words) == 1 and words[0].lstrip().startswith("{"):
        found = as_object(_json(words[0], "the arguments"))
        if found is None:
            raise ArgumentError("write the arguments as one JSON object, or as key=value")
        return found
    arguments: dict[str, Any] = {}
    for word in words:
        pair = _PAIR.fullmatch(word)
        if pair is None:
            raise ArgumentError(f"write key=value, key:=JSON or one JSON object, not {word!r}")
        key, sign, value = pair.groups()
        if key in arguments:
            raise ArgumentError(f"{key} is given twice; write a list as {key}:='[...]'")
        arguments[key] = _json(value, key) if sign == ":=" else _fitted(value, properties.get(key))
    return arguments


def _json(text: str, what: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise ArgumentError(f"{what}: not JSON: {text[:80]!r}") from None


def _fitted(text: str, schema: Any) -> Any:
    """The value that a text is where its schema takes no text; else the text itself."""
    wanted = _types(schema)
    if not wanted or "string" in wanted:
        return text
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    kinds = {kind for name in wanted for kind in _KINDS.get(name, ())}
    return value if type(value) in kinds else text


def _types(schema: Any) -> set[str]:
    """The types that a schema names, in itself or in its alternatives; empty where it names none."""
    keys = as_object(schema) or {}
    named = keys.get("type")
    found = {named} if isinstance(named, str) else {str(one) for one in as_list(named) or ()}
    for each in ("anyOf", "oneOf"):
        for inner in as_list(keys.get(each)) or ():
            found |= _types(inner) or {"string"}
    return found
