"""A tool's schemas as strict clients take them, where an upstream publishes something that is no schema of an object.

Pure. Such a client refuses the whole list for one tool of it, so on a face that shows several upstreams a valid schema
stands in the place of a broken one; the upstream's own object is never changed, and its calls go on as they come.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast


def listed(raw: Mapping[str, Any], public: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    """A tool under its public name, and which of its schemas were exchanged."""
    shown = {**raw, "name": public}
    exchanged: list[str] = []
    if not _sound(raw.get("inputSchema")):
        shown["inputSchema"] = _mended(raw.get("inputSchema"))
        exchanged.append("inputSchema")
    if "outputSchema" in raw and not _sound(raw["outputSchema"]):
        del shown["outputSchema"]
        exchanged.append("outputSchema")
    for key, kind in (("description", str), ("title", str), ("annotations", Mapping), ("_meta", Mapping)):
        if key in raw and not isinstance(raw[key], kind):
            del shown[key]
            exchanged.append(key)
    return shown, tuple(exchanged)


def _sound(schema: Any) -> bool:
    """Tell whether this is a schema as the protocol wants it: of type object, its parts of the kinds they must be."""
    if not isinstance(schema, Mapping):
        return False
    said = cast("Mapping[str, Any]", schema)
    return said.get("type") == "object" and _properties_sound(said) and _required_sound(said)


def _mended(schema: Any) -> dict[str, Any]:
    """What is usable of a schema, as one of type object."""
    said: Mapping[str, Any] = cast("Mapping[str, Any]", schema) if isinstance(schema, Mapping) else {}
    kept = {key: value for key, value in said.items() if key not in ("type", "properties", "required")}
    mended: dict[str, Any] = {"type": "object", **kept}
    properties, required = said.get("properties"), said.get("required")
    if isinstance(properties, Mapping):
        parts = cast("Mapping[str, Any]", properties).items()
        mended["properties"] = {name: _part(part) for name, part in parts}
    if isinstance(required, list):
        mended["required"] = [name for name in cast("list[Any]", required) if isinstance(name, str)]
    return mended


def _properties_sound(said: Mapping[str, Any]) -> bool:
    parts = said.get("properties", {})
    return isinstance(parts, Mapping) and all(
        isinstance(part, Mapping) for part in cast("Mapping[str, Any]", parts).values()
    )


def _required_sound(said: Mapping[str, Any]) -> bool:
    names = said.get("required", [])
    return isinstance(names, list) and all(isinstance(name, str) for name in cast("list[Any]", names))


def _part(part: Any) -> Mapping[str, Any]:
    """The schema of one argument as an object: JSON Schema's `false` allows nothing, anything else that is none all."""
    if isinstance(part, Mapping):
        return cast("Mapping[str, Any]", part)
    return {"not": {}} if part is False else {}
