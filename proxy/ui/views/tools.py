"""The catalog: each tool with what it may do and why, and what of it has changed since it was first seen. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from catalog_cache.merge import merge
from catalog_cache.store import First
from proxy.repair.view.shown import all_shown
from proxy.ui.views.story import diff_of
from schemas.catalog import Catalog, Tool, as_list, as_object


def tools_of(catalog: Catalog, kept: Sequence[First]) -> list[dict[str, Any]]:
    """Every server with its tools; those that are no longer in the configuration, or that clients wrap, come last."""
    firsts = {first.server: first for first in kept}
    told = [_server(name, catalog.of(name), firsts.get(name), here=True) for name in catalog.servers]
    for name, first in firsts.items():
        if name not in catalog.servers:
            told.append(_server(name, merge({name: first.now}).tools, first, here=False))
    return all_shown(told)


def _server(name: str, tools: Sequence[Tool], first: First | None, *, here: bool) -> dict[str, Any]:
    before = {str(raw.get("name")): raw for raw in first.tools} if first is not None else {}
    now = {tool.name for tool in tools}
    raws = {str(raw.get("name")) for raw in first.now} if first is not None else now
    told = [_tool(tool, before, known=first is not None) for tool in tools]
    return {
        "name": name,
        "here": here,
        "since": first.at if first is not None else None,
        "tools": told,
        "gone": sorted(set(before) - raws),
        "changed": sum(1 for tool in told if tool["change"]),
    }


def _tool(tool: Tool, before: Mapping[str, Mapping[str, Any]], *, known: bool) -> dict[str, Any]:
    first = before.get(tool.name)
    fresh = known and first is None
    same = first is None or dict(first) == dict(tool.raw)
    return {
        "name": tool.name,
        "public": tool.public,
        "description": tool.description.strip(),
        "effect": tool.effect.value,
        "reason": tool.effect_reason,
        "stale": tool.stale,
        "required": list(tool.required),
        "arguments": [
            {"name": name, "type": _type(schema), "required": name in tool.required}
            for name, schema in tool.properties.items()
        ],
        "change": "new" if fresh else "" if same else "changed",
        "diff": [] if same or first is None else list(diff_of(dict(first), dict(tool.raw))),
    }


def _type(schema: Any) -> str:
    found: Any = (as_object(schema) or {}).get("type")
    return found if isinstance(found, str) else " or ".join(map(str, as_list(found) or [])) or "any"
