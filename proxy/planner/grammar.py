"""What the model may write: one JSON Schema per question, and the reading of what came back. Pure.

A grammar narrows: tool names from the shortlist, arguments under the tool's own schema or a reference to a step that
exists and, where its result is known, to a value of it that fits. Reading checks everything again, since a grammar
leaves out what it cannot express.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from proxy.planner.render import labels
from proxy.repair.view.schema import Schema, at_location, deref, fits, property_schema, required_names, types_of
from proxy.repair.view.values import MISSING, at, join, paths
from schemas.catalog import Json, Tool, as_list, as_object
from schemas.plan import Location, Plan, Ref, Step, as_ref, is_ref, walk

STEPS = 6
"""Steps that a plan written from scratch may have."""
TEXT = 200
"""Characters of a text where the schema sets no bound: a small model otherwise repeats itself to its limit."""
ITEMS = 8
"""Items of a list where the schema sets no bound."""
PATHS = 40
"""Places of one result that a reference may name."""


@dataclass(frozen=True)
class Known:
    """An earlier step as references see it: its value where it has run, the schema of its result where declared."""

    step: str
    value: Json = MISSING
    schema: Schema | None = None


def value_schema(tool: Tool, where: Location) -> Schema:
    """The schema of one argument, standing alone, its texts and lists bounded."""
    return bounded(at_location(tool.schema, tool.schema, where), tool.schema)


def step_schema(tools: Sequence[Tool], known: Sequence[Known]) -> Schema:
    """One step: `{"tool", "arguments"}` of any tool shown."""
    definitions: dict[str, Json] = {}
    return {**_any_call(tools, known, definitions), "$defs": definitions}


def plan_schema(tools: Sequence[Tool], aim: str, steps: int = STEPS) -> Schema:
    """A whole plan: `{"answer", "steps"}`, the name of the tool that gives the answer before all else.

    A small model that does not see where it is going stops half-way. The steps are named s1, s2 and so on;
    references look back only.
    """
    definitions: dict[str, Json] = {}
    known: list[Known] = []
    positions: list[Schema] = []
    for number in range(1, steps + 1):
        positions.append(_any_call(tools, known, definitions))
        known.append(Known(f"s{number}"))
    body = {"type": "array", "prefixItems": positions, "items": False, "minItems": 1, "maxItems": steps}
    return {**_object({"answer": {"const": aim}, "steps": body}), "$defs": definitions}


def _any_call(tools: Sequence[Tool], known: Sequence[Known], definitions: dict[str, Json]) -> dict[str, Json]:
    calls = [
        _object({"tool": {"const": name}, "arguments": _arguments(tool, known, definitions)})
        for name, tool in labels(tools).items()
    ]
    return {"anyOf": calls}


def _arguments(tool: Tool, known: Sequence[Known], definitions: dict[str, Json]) -> dict[str, Json]:
    """The arguments of a tool, each under its own schema or as a reference to something that fits it."""
    properties: dict[str, Json] = {}
    for number, name in enumerate(tool.properties):
        key = f"{tool.fingerprint}.{number}"
        definitions.setdefault(key, bounded(tool.properties[name], tool.schema))
        own = {"$ref": f"#/$defs/{key}"}
        wanted = property_schema(tool.schema, tool.schema, name) or {}
        references = list(_references(known, wanted, tool.schema))
        properties[name] = {"anyOf": [own, *references]} if references else own
    required = [name for name in required_names(tool.schema, tool.schema) if name in properties]
    return _object(properties, required)


def _references(known: Sequence[Known], wanted: Schema, root: Schema) -> Iterator[dict[str, Json]]:
    """References to what fits: to the named places of results that are known, to any place of the others."""
    unread: list[Json] = []
    for earlier in known:
        if earlier.value is not MISSING:
            found = [place for place, value in _places(earlier.value) if fits({**wanted, **_defs(root)}, value)]
        elif earlier.schema is not None:
            found = list(_declared(earlier.schema, wanted, root))
        else:
            unread.append(earlier.step)
            continue
        if found:
            yield _object({"$ref": {"const": earlier.step}, "path": {"enum": found[:PATHS]}})
    if unread:
        yield _object({"$ref": {"enum": unread}, "path": {"type": "string", "pattern": r"^[A-Za-z0-9_.-]{1,60}$"}})


def _places(value: Json) -> Iterator[tuple[str, Json]]:
    yield "", value
    for parts, inner in paths(value):
        yield join(parts), inner


def _declared(schema: Schema, wanted: Schema, root: Schema) -> Iterator[str]:
    """Top-level keys of a declared result whose types overlap with the wanted ones."""
    for name in as_object(schema.get("properties")) or {}:
        offered = property_schema(schema, schema, name) or {}
        if types_of(offered, schema) & types_of(wanted, root):
            yield name


def _defs(root: Schema) -> dict[str, Json]:
    return {key: root[key] for key in ("$defs", "definitions") if key in root}


def _object(properties: Mapping[str, Json], required: Sequence[str] | None = None) -> dict[str, Json]:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties if required is None else required),
        "additionalProperties": False,
    }


def bounded(schema: Json, root: Schema, depth: int = 4) -> dict[str, Json]:
    """The schema with local references written out, and a bound on every text and list that has none.

    Beyond `depth` levels, where schemas recurse, anything goes: reading checks it.
    """
    if depth < 0:
        return {}
    schema = deref(schema, root)
    kept = _kept(schema)
    for key in ("anyOf", "oneOf", "allOf"):
        if options := as_list(schema.get(key)):
            kept["anyOf" if key == "oneOf" else key] = [bounded(option, root, depth - 1) for option in options]
    if (fields := as_object(schema.get("properties"))) is not None:
        demanded: dict[str, Json] = {name: {} for name in required_names(schema, root) if name not in fields}
        kept["properties"] = {name: bounded(inner, root, depth - 1) for name, inner in {**fields, **demanded}.items()}
        kept.setdefault("additionalProperties", False)
    if isinstance(schema.get("items"), Mapping):
        kept["items"] = bounded(schema["items"], root, depth - 1)
    if isinstance(schema.get("additionalProperties"), Mapping):
        kept["additionalProperties"] = bounded(schema["additionalProperties"], root, depth - 1)
    kinds = types_of(schema, root)
    if not kept:
        return {"anyOf": [{"type": "string", "maxLength": TEXT}, {"type": ["number", "boolean", "null"]}]}
    if "string" in kinds and not set(kept) & {"enum", "const", "pattern", "format", "maxLength", "anyOf", "allOf"}:
        kept["maxLength"] = max(TEXT, kept.get("minLength", 0))
    if "array" in kinds and not set(kept) & {"enum", "const", "maxItems", "anyOf", "allOf"}:
        kept["maxItems"] = max(ITEMS, kept.get("minItems", 0))
    return kept


def _kept(schema: Schema) -> dict[str, Json]:
    """The keywords that a grammar can follow; one that cannot be satisfied would spoil the grammar of all tools."""
    kept = {key: value for key, value in schema.items() if key in _KEPT}
    if not _regular(kept.get("pattern")):
        kept.pop("pattern", None)
    if kept.get("enum") == []:
        del kept["enum"]
    for least, most in _RANGES:
        low, high = kept.get(least), kept.get(most)
        if isinstance(low, int | float) and isinstance(high, int | float) and low > high:
            del kept[least], kept[most]
    return kept


def _regular(pattern: Json) -> bool:
    """Tell whether a pattern is one that a grammar can follow: no looking around, nothing referred back to."""
    if not isinstance(pattern, str) or re.search(r"\(\?[=!<]|\\[1-9]", pattern):
        return False
    try:
        re.compile(pattern)
    except re.error:
        return False
    return True


_RANGES = (("minimum", "maximum"), ("minLength", "maxLength"), ("minItems", "maxItems"))
_KEPT = {
    "type", "enum", "const", "required", "additionalProperties", "format", "pattern", "minLength", "maxLength",
    "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minItems", "maxItems",
}  # fmt: skip
"""Keywords taken over as they are; the applicators are rebuilt, everything else says nothing about the value."""


def read_value(answer: Json, tool: Tool, where: Location) -> Json | None:
    """The written value if it satisfies the argument's own schema, else None."""
    schema = at_location(tool.schema, tool.schema, where)
    return answer if fits({**schema, **_defs(tool.schema)}, answer) else None


def read_step(answer: Json, id_: str, tools: Sequence[Tool], known: Mapping[str, Json]) -> Step | None:
    """The written step, None where it does not satisfy its tool's schema or refers to what is not there.

    `known` maps the ids of earlier steps to their values, `MISSING` for those that have not run.
    """
    fields = as_object(answer) or {}
    tool = labels(tools).get(str(fields.get("tool")))
    arguments = as_object(fields.get("arguments"))
    if tool is None or arguments is None or not _sound(tool, arguments, known):
        return None
    return Step(id_, tool.name, arguments, tool.server)


def _sound(tool: Tool, arguments: Mapping[str, Json], known: Mapping[str, Json]) -> bool:
    for _, inner in walk(arguments):
        ref = as_ref(inner)
        if ref is not None and not _leads_somewhere(ref, known):
            return False
    literal = {name: value for name, value in arguments.items() if not _refers(value)}
    spared = [name for name in required_names(tool.schema, tool.schema) if name not in set(arguments) - set(literal)]
    return fits({**tool.schema, "required": spared}, literal)


def _refers(value: Json) -> bool:
    return any(is_ref(inner) for _, inner in walk(value))


def _leads_somewhere(ref: Ref, known: Mapping[str, Json]) -> bool:
    if ref.step not in known:
        return False
    value = known[ref.step]
    return value is MISSING or at(value, ref.path) is not MISSING


def read_plan(answer: Json, goal: str, tools: Sequence[Tool]) -> Plan | None:
    """The written plan, None where any of its steps is unsound."""
    written = as_list((as_object(answer) or {}).get("steps"))
    steps: list[Step] = []
    for number, entry in enumerate(written or [], 1):
        known: dict[str, Any] = {step.id: MISSING for step in steps}
        step = read_step(entry, f"s{number}", tools, known)
        if step is None:
            return None
        steps.append(step)
    return Plan(tuple(steps), goal=goal) if steps else None
