"""Whether what a planner wrote stands anywhere: in the goal, in the plan as submitted, in a result, or in a schema.

Pure. A value that stands nowhere is invented, and no repair; it is refused on every path on which a planner writes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from proxy.repair.view.schema import allowed_values, at_location
from proxy.repair.view.words import mentions
from schemas.catalog import Json, Tool, canonical, same_numbers
from schemas.plan import Location, Plan, as_ref, walk


def invented(plan: Plan, tools: Iterable[Tool], texts: Iterable[str], values: Iterable[Json]) -> list[str]:
    """The literals of a plan that stand in none of these texts and values, nor in the argument's own schema.

    Truth values and null are no inventions: there is nothing to make up about them.
    """
    named = {(tool.server, tool.name): tool for tool in tools}
    said = _Said(texts, values)
    found: list[str] = []
    for step in plan.steps:
        tool = named.get((step.server or "", step.tool))
        found += [
            f"{step.id}: {_written(value)}"
            for where, value in _literals(step.arguments)
            if not (_listed(tool, where, value) or said.holds(value))
        ]
    return found


def grounded(value: Json, texts: Iterable[str], values: Iterable[Json]) -> bool:
    """Tell whether a value holds anything, and all of it stands in one of these texts and values."""
    said = _Said(texts, values)
    parts = [inner for _, inner in walk(value) if not isinstance(inner, dict | list)]
    return bool(parts) and all(said.holds(part) for part in parts)


class _Said:
    """Everything that stands in some texts and values."""

    def __init__(self, texts: Iterable[str], values: Iterable[Json]) -> None:
        inner = [each for value in values for _, each in walk(value)]
        self._values = {_written(each) for each in inner}
        self._texts = [*texts, *(each for each in inner if isinstance(each, str))]

    def holds(self, value: Json) -> bool:
        written = _written(value)
        return written in self._values or any(mentions(text, written) for text in self._texts)


def _literals(arguments: Json) -> Iterator[tuple[Location, Json]]:
    for where, value in walk(arguments):
        plain = not isinstance(value, dict | list) and value is not None and not isinstance(value, bool)
        if plain and as_ref(value) is None and not (isinstance(value, str) and "{{" in value):
            yield where, value


def _written(value: Json) -> str:
    return canonical(same_numbers(value)).strip('"')


def _listed(tool: Tool | None, where: Location, value: Json) -> bool:
    if tool is None:
        return False
    schema = at_location(tool.schema, tool.schema, where)
    return value in (allowed_values(schema, tool.schema) or ()) or ("default" in schema and schema["default"] == value)
