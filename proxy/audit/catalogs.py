"""The tools that a transcript's calls are held against: listed in it, else those given, else supposed. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from catalog_cache.merge import merge
from proxy.audit.transcript import Past, Transcript
from schemas.catalog import Catalog, Json, Tool, as_list, as_object, catalog_of
from schemas.config import ToolRules

Source = Literal["transcript", "configuration", "supposed"]


@dataclass(frozen=True)
class Known:
    """The catalog of one transcript, and where each server's list is from."""

    catalog: Catalog
    sources: Mapping[str, Source]


def known(transcript: Transcript, configured: Catalog, rules: Mapping[str, ToolRules]) -> Known:
    """The catalog for one transcript; of a server that nothing lists the tools are supposed from calls that worked."""
    servers = dict.fromkeys([*transcript.tools, *(past.server for past in transcript.calls.values())])
    lists: dict[str, Sequence[Mapping[str, Json]]] = {}
    sources: dict[str, Source] = {}
    ready: list[Tool] = []
    for server in servers:
        if transcript.tools.get(server):
            lists[server], sources[server] = [*transcript.tools[server].values()], "transcript"
        elif configured.of(server):
            ready += configured.of(server)
            sources[server] = "configuration"
        else:
            calls = [past for past in transcript.calls.values() if past.server == server]
            lists[server], sources[server] = supposed(calls), "supposed"
    return Known(catalog_of([*merge(lists, rules), *ready]), sources)


def supposed(calls: Iterable[Past]) -> list[Mapping[str, Json]]:
    """Tools with the arguments, and their types, of calls that worked; no argument counts as required."""
    seen: dict[str, dict[str, set[str]]] = {}
    for past in calls:
        if not worked(past):
            continue
        properties = seen.setdefault(past.name, {})
        for name, value in (as_object(past.arguments) or {}).items():
            properties.setdefault(name, set()).add(_type(value))
    return [
        {"name": name, "inputSchema": {"type": "object", "properties": {key: _schema(of) for key, of in kinds.items()}}}
        for name, kinds in seen.items()
    ]


def worked(past: Past) -> bool:
    """Tell whether a call has an answer that is no refusal."""
    return past.reply is not None and past.reply.lost is None and not past.reply.refused


def _schema(kinds: set[str]) -> Mapping[str, Json]:
    if kinds == {"integer", "number"}:
        kinds = {"number"}
    return {"type": next(iter(kinds))} if len(kinds) == 1 and kinds != {"null"} else {}


def _type(value: Json) -> str:
    if value is None or isinstance(value, bool):
        return "null" if value is None else "boolean"
    if isinstance(value, int | float):
        return "integer" if isinstance(value, int) else "number"
    if isinstance(value, str):
        return "string"
    return "array" if as_list(value) is not None else "object"
