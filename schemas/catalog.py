"""Tools as their upstreams published them, and the catalog that holds them all.

Knows nothing of connections: a `Catalog` is a value, swapped whole when an upstream changes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any, cast

Json = Any
"""A value as `json.loads` returns it."""


def as_object(value: Json) -> dict[str, Any] | None:
    """The value if it is a JSON object, else None."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else None


def as_list(value: Json) -> list[Any] | None:
    """The value if it is a JSON array, else None."""
    return cast("list[Any]", value) if isinstance(value, list) else None


class Effect(StrEnum):
    """What a call may do to the world; the order is from harmless to worst."""

    READ = "read"
    IDEMPOTENT = "idempotent"
    WRITE = "write"
    DESTRUCTIVE = "destructive"
    UNKNOWN = "unknown"


DEEPEST = 100
"""Levels of lists and objects that are read inside a value; what lies deeper is passed on and never looked at."""


def too_deep(value: Json) -> bool:
    """Tell whether a value is nested deeper than `DEEPEST`."""
    level: list[Json] = [value]
    for _ in range(DEEPEST + 1):
        below = [as_list(item) or list((as_object(item) or {}).values()) for item in level]
        level = [cast("Json", item) for items in below for item in items if isinstance(item, dict | list)]
        if not level:
            return False
    return True


def canonical(value: Json) -> str:
    """Write a JSON value so that equal values give equal text (keys sorted, no spaces), however deep it is."""
    try:
        return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
    except RecursionError:
        return "".join(_pieces(value))


def _pieces(value: Json) -> Iterator[str]:
    """The same text without recursion."""
    waiting: list[tuple[bool, Json]] = [(False, value)]
    while waiting:
        written, item = waiting.pop()
        keys, items = as_object(item), as_list(item)
        if written:
            yield item
        elif keys:
            waiting.append((True, "}"))
            for name in sorted(keys, key=str, reverse=True):
                waiting += [(True, ","), (False, keys[name]), (True, f"{json.dumps(str(name), ensure_ascii=False)}:")]
            waiting[-3 * len(keys)] = (True, "")
            yield "{"
        elif items:
            waiting.append((True, "]"))
            for inner in reversed(items):
                waiting += [(True, ","), (False, inner)]
            waiting[-2 * len(items)] = (True, "")
            yield "["
        else:
            yield json.dumps(item, ensure_ascii=False, default=str)


EXACT = 2**53
"""From here on a float no longer tells neighbouring integers apart (IEEE 754)."""


def same_numbers(value: Json) -> Json:
    """A copy of a JSON value in which 3.0 is written 3, so that equal numbers are equal text."""
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < EXACT else value
    keys, items = as_object(value), as_list(value)
    if keys is not None:
        return {name: same_numbers(inner) for name, inner in keys.items()}
    return [same_numbers(inner) for inner in items] if items is not None else value


def fingerprint(value: Json) -> str:
    """Digest a JSON value to 16 hexadecimal digits."""
    return hashlib.sha256(canonical(value).encode("utf-8", "surrogatepass")).hexdigest()[:16]


@dataclass(frozen=True)
class Tool:
    """One tool of one upstream.

    `raw` is the upstream's own object, never changed and passed through with its unknown fields; `public` is its name
    where all upstreams are one. `override` is the effect class that the user configured; `reading` says why the tool's
    own words show that it only reads, "" where they do not (see `catalog_cache.effects`).
    """

    server: str
    name: str
    public: str
    raw: Mapping[str, Any]
    stale: bool = False
    override: Effect | None = None
    reading: str = ""

    @cached_property
    def schema(self) -> Mapping[str, Any]:
        """The input schema, `{}` where the upstream gave none or something that is no schema object."""
        schema = self.raw.get("inputSchema")
        return cast("Mapping[str, Any]", schema) if isinstance(schema, Mapping) else {}

    @cached_property
    def output_schema(self) -> Mapping[str, Any] | None:
        """The output schema, or None."""
        schema = self.raw.get("outputSchema")
        return cast("Mapping[str, Any]", schema) if isinstance(schema, Mapping) else None

    @property
    def description(self) -> str:
        """What the upstream says the tool does, "" where it says nothing."""
        text = self.raw.get("description")
        return text if isinstance(text, str) else ""

    @cached_property
    def properties(self) -> Mapping[str, Any]:
        """Argument name to its schema."""
        found = self.schema.get("properties")
        return cast("Mapping[str, Any]", found) if isinstance(found, Mapping) else {}

    @cached_property
    def required(self) -> tuple[str, ...]:
        """Names of the arguments that the schema requires."""
        names = self.schema.get("required")
        return tuple(str(name) for name in cast("list[Any]", names)) if isinstance(names, list) else ()

    @property
    def effect(self) -> Effect:
        """The effect class: configured, else annotated, else read where the tool's words say so, else unknown."""
        return self._effect[0]

    @property
    def effect_reason(self) -> str:
        """Why it has that class, as part of a sentence."""
        return self._effect[1]

    @cached_property
    def _effect(self) -> tuple[Effect, str]:
        if self.override is not None:
            return self.override, "configured"
        found = self.raw.get("annotations")
        hints: Mapping[str, Any] = cast("Mapping[str, Any]", found) if isinstance(found, Mapping) else {}
        if hints.get("readOnlyHint") is True:
            return Effect.READ, "its annotation says readOnlyHint"
        if any(isinstance(hints.get(key), bool) for key in ("readOnlyHint", "destructiveHint", "idempotentHint")):
            if hints.get("destructiveHint", True) is not False:
                return Effect.DESTRUCTIVE, "its annotations leave destructiveHint true"
            if hints.get("idempotentHint") is True:
                return Effect.IDEMPOTENT, "its annotation says idempotentHint"
            return Effect.WRITE, "its annotation says that it is not destructive"
        if self.reading:
            return Effect.READ, self.reading
        return Effect.UNKNOWN, "nothing says that it only reads"

    @cached_property
    def fingerprint(self) -> str:
        """Digest of name and input schema: repair memory forgets a tool whose schema changed."""
        return fingerprint([self.server, self.name, self.schema])


@dataclass(frozen=True, eq=False)
class Catalog:
    """An immutable snapshot of every upstream's tools, in the order they are listed."""

    tools: tuple[Tool, ...] = ()
    servers: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[Tool]:
        return iter(self.tools)

    def __len__(self) -> int:
        return len(self.tools)

    def public(self, name: str) -> Tool | None:
        """The tool of this name on the aggregated endpoint."""
        return self._by_public.get(name)

    def origin(self, server: str, name: str) -> Tool | None:
        """The tool that this upstream calls by this name."""
        return self._by_origin.get((server, name))

    def with_tool(self, tool: Tool) -> Catalog:
        """The same catalog with this tool in the place of the one of its server and name."""
        same = (tool.server, tool.name)
        return Catalog(tuple(tool if (t.server, t.name) == same else t for t in self.tools), self.servers)

    @cached_property
    def offering(self) -> frozenset[str]:
        """The upstreams that list a tool."""
        return frozenset(tool.server for tool in self.tools)

    def of(self, server: str) -> tuple[Tool, ...]:
        """The tools of one upstream."""
        return tuple(tool for tool in self.tools if tool.server == server)

    def named(self, name: str) -> tuple[Tool, ...]:
        """Every tool that some upstream calls by exactly this name."""
        return self._by_name.get(name, ())

    @cached_property
    def _by_public(self) -> dict[str, Tool]:
        return {tool.public: tool for tool in self.tools}

    @cached_property
    def _by_origin(self) -> dict[tuple[str, str], Tool]:
        return {(tool.server, tool.name): tool for tool in self.tools}

    @cached_property
    def _by_name(self) -> dict[str, tuple[Tool, ...]]:
        found: dict[str, tuple[Tool, ...]] = {}
        for tool in self.tools:
            found[tool.name] = (*found.get(tool.name, ()), tool)
        return found

    @cached_property
    def fingerprint(self) -> str:
        """Digest of the whole list as clients see it."""
        return fingerprint([[tool.public, tool.raw] for tool in self.tools])


def catalog_of(tools: Iterable[Tool]) -> Catalog:
    """A catalog of these tools, servers in order of first appearance."""
    tools = tuple(tools)
    return Catalog(tools, tuple(dict.fromkeys(tool.server for tool in tools)))
