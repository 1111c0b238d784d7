"""What a tool says it returns: keys with what they mean, from its output schema and the docstring. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from proxy.repair.view.schema import property_names, property_schema
from proxy.repair.view.units import convert, unit_of
from proxy.repair.view.words import stems
from schemas.catalog import Tool

_RETURNS = re.compile(r"^[ \t]*+(?:returns?)[ \t]*+:?[ \t]*+$", re.IGNORECASE | re.MULTILINE)
_NEXT = re.compile(
    r"^[ \t]*+(?:args|parameters|examples?|raises|notes?|tips[^:\n]*|formulas?|references?)\s*:", re.I | re.M
)
_KEY = re.compile(r"^[ \t]*+[-*][ \t]*+[`'\"]?(\w++)[`'\"]?[ \t]*+(?:\([^)\n]*+\))?[ \t]*+:[ \t]*+(.*+)$", re.MULTILINE)


@lru_cache(maxsize=4096)
def _returned(text: str) -> tuple[tuple[str, str], ...]:
    begin = _RETURNS.search(text)
    if begin is None:
        return ()
    rest = text[begin.end() :]
    end = _NEXT.search(rest)
    return tuple((match[1], match[2].strip()) for match in _KEY.finditer(rest[: end.start()] if end else rest))


def returned(tool: Tool) -> Mapping[str, str]:
    """Key of the result to what is said of it; empty where the tool does not tell."""
    schema = tool.output_schema or {}
    found = {
        name: str((property_schema(schema, schema, name) or {}).get("description", ""))
        for name in (property_names(schema, schema) if schema else ())
    }
    return {**found, **{name: said for name, said in _returned(tool.description) if not found.get(name)}}


def unit_told(said: str) -> str:
    """The unit in which a note says that a value is, "" where it says none."""
    marked = re.findall(r"\bin ([A-Za-zµ°%][\w/°µ²³^.*⋅%]*)|\(([A-Za-zµ°%/²³]+)\)", said)
    options = [first.rstrip(".") or second for first, second in marked]
    return next((text for text in options if unit_of(text)), "")


def measure(goal: str, tool: Tool, unit: str) -> tuple[str, str] | None:
    """The key of the result that the goal speaks of and its unit, of those that can be told in the asked unit.

    Key or unit is "" where the tool does not tell; None where it tells units and none of them can be converted.
    """
    said = stems(goal)
    told = {key: unit_told(text) for key, text in returned(tool).items()}
    fitting = [key for key, own in told.items() if own and convert(1.0, own, unit) is not None]
    if fitting:
        key = max(fitting, key=lambda name: len(stems(name) & said))
        return key, told[key]
    return None if any(told.values()) else ("", "")
