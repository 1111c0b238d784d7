"""Merge the raw tool lists of many upstreams into one `Catalog`.

Pure. Public names are at most 64 characters of `[A-Za-z0-9_-]`, depend on nothing but server and tool name, and lead
back to exactly one tool.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator, Mapping, Sequence, Set
from fnmatch import fnmatchcase
from typing import Any

from catalog_cache.effects import judged
from schemas.catalog import Catalog, Effect, Tool
from schemas.config import ToolRules

LONGEST = 64
"""Longest name that every known client and model API accepts."""

SEPARATOR = "__"
_DIGEST = 8
_UNSAFE = re.compile(r"[^A-Za-z0-9_-]")

RawTool = Mapping[str, Any]


def public_name(server: str, tool: str, servers: Collection[str] = ()) -> str:
    """The tool's name on the aggregated endpoint: `server__tool`, or a readable head and a digest where that cannot be.

    The plain form is used where splitting it at the first `__` leads back to the same two names, and where it does not
    begin as the names of another of the `servers` do.
    """
    plain = server + SEPARATOR + tool
    splits_back = SEPARATOR not in server and not server.endswith("_") and tool != ""
    splits_back = splits_back and not any(
        len(other) > len(server) and plain.startswith(other + SEPARATOR) for other in servers
    )
    if splits_back and len(plain) <= LONGEST and not _UNSAFE.search(plain):
        return plain
    digest = hashlib.sha256(f"{server}\0{tool}".encode(errors="replace")).hexdigest()[:_DIGEST]
    head = _UNSAFE.sub("_", plain)[: LONGEST - _DIGEST - 1]
    return f"{head}_{digest}"


def merge(
    lists: Mapping[str, Sequence[RawTool]],
    rules: Mapping[str, ToolRules] | None = None,
    stale: Set[str] = frozenset(),
) -> Catalog:
    """Put the lists of all servers, in their order, into one catalog; hidden, nameless and repeated tools left out.

    A server without a list is there too: its name is its own.
    """
    rules = rules or {}
    servers = tuple(lists)
    tools = [
        tool
        for server, raws in lists.items()
        for tool in judged([*_of_server(server, raws, rules.get(server, ToolRules()), server in stale, servers)])
    ]
    return Catalog(tools=tuple(_distinct(tools)), servers=servers)


def shown(name: str, rules: ToolRules) -> bool:
    """Tell whether the rules show a tool of this name."""
    if any(fnmatchcase(name, pattern) for pattern in rules.exclude):
        return False
    return any(fnmatchcase(name, pattern) for pattern in rules.include)


def effect_of(name: str, rules: ToolRules) -> Effect | None:
    """The configured effect class: of the very name first, else of the first pattern that fits."""
    if name in rules.effects:
        return rules.effects[name]
    return next((effect for pattern, effect in rules.effects.items() if fnmatchcase(name, pattern)), None)


def _of_server(
    server: str,
    raws: Sequence[RawTool],
    rules: ToolRules,
    stale: bool,  # noqa: FBT001
    servers: Collection[str],
) -> Iterator[Tool]:
    seen: set[str] = set()
    for raw in raws:
        name = raw.get("name")
        if not isinstance(name, str) or name in seen or not shown(name, rules):
            continue
        seen.add(name)
        yield Tool(server, name, public_name(server, name, servers), raw, stale, effect_of(name, rules))


def _distinct(tools: Sequence[Tool]) -> Iterator[Tool]:
    """Drop what would take the public name of an earlier tool: two digests that agree, which nobody will meet."""
    seen: set[str] = set()
    for tool in tools:
        if tool.public not in seen:
            seen.add(tool.public)
            yield tool
