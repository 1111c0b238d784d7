"""A tool's schemas as strict clients take them, where an upstream publishes something that is no schema of an object.

Pure. Such a client refuses the whole list for one tool of it, so where several upstreams are listed together a valid
schema stands in the place of a broken one; the upstream's own object is not changed, and its calls go on as they come.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schemas.catalog import as_list, as_object


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
    said = as_object(schema) or {}
    properties, required = as_object(said.get("properties", {})), as_list(said.get("required", []))
    if said.get("type") != "object" or properties is None or required is None:
        return False
    return all(isinstance(part, dict) for part in properties.values()) and all(
        isinstance(name, str) for name in required
    )


def _mended(schema: Any) -> dict[str, Any]:
    """What is usable of a schema, as one of type object."""
    said = as_object(schema) or {}
    kept = {key: value for key, value in said.items() if key not in ("type", "properties", "required")}
    mended: dict[str, Any] = {"type": "object", **kept}
    if (properties := as_object(said.get("properties"))) is not None:
        mended["properties"] = {name: _part(part) for name, part in properties.items()}
    if (required := as_list(said.get("required"))) is not None:
        mended["required"] = [name for name in required if isinstance(name, str)]
    return mended


def _part(part: Any) -> Mapping[str, Any]:
    """The schema of one argument as an object: JSON Schema's `false` allows nothing, anything else that is none all."""
    known = as_object(part)
    return known if known is not None else {"not": {}} if part is False else {}
