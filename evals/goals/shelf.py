"""The tools that the baselines see: all of them in a word, and for each goal the twelve that may be called.

`python -m evals.goals tools` writes them to a file once, so that later changes of a server or of the retrieval
do not change the baselines. The twelve are what `find_tools` of the product finds for the goal, those of the gold plan
(a favour to the baselines: the retrieval does not find all of them), and others in turn of the servers.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any, cast

from evals.cases.client import Connection

FILE = Path(__file__).with_name("tools.json")
SHOWN = 12
_KEPT = ("type", "enum", "items", "properties", "required", "anyOf")
_DESCRIPTION = 50
_TEXT = 300


@dataclass(frozen=True)
class Shelf:
    """Tools by name, and the names that each goal may use."""

    tools: Mapping[str, Mapping[str, Any]]
    shown: Mapping[str, Sequence[str]]

    def text(self) -> str:
        """All tools, one a line."""
        return "\n".join(_line(name, tool) for name, tool in self.tools.items())

    def named(self, goal: str) -> dict[str, Mapping[str, Any]]:
        """The tools that may be called for a goal."""
        return {name: self.tools[name] for name in self.shown[goal]}


def load() -> Shelf:
    """Read the file."""
    file = json.loads(FILE.read_text())
    return Shelf(file["tools"], file["shown"])


async def store(goals: Sequence[Mapping[str, Any]], connection: Connection) -> None:
    """Write the file from what is served and found now."""
    listed = [tool for tool in await connection.tools() if "__" in tool["name"]]
    tools = {_bare(tool["name"]): _kept(tool) for tool in listed}
    if len(tools) != len(listed):
        raise ValueError("two servers have a tool of one name")
    shown = {goal["id"]: await _shown(goal, tools, connection) for goal in goals}
    FILE.write_text(json.dumps({"tools": tools, "shown": shown}, indent=1, ensure_ascii=False) + "\n")


async def _shown(goal: Mapping[str, Any], tools: Mapping[str, Any], connection: Connection) -> list[str]:
    answer = await connection.call("find_tools", {"query": goal["goal"], "limit": SHOWN})
    listed: Mapping[str, Any] = (answer.result or {}).get("structuredContent") or {}
    found = [_bare(str(each["name"])) for each in listed.get("tools", ())]
    needed = [step["tool"] for step in goal["steps"]]
    chosen = list(dict.fromkeys([*needed, *found, *_in_turn(tools)]))[:SHOWN]
    return [name for name in tools if name in chosen]


def _in_turn(tools: Mapping[str, Any]) -> list[str]:
    servers = dict.fromkeys(tool["server"] for tool in tools.values())
    rows = [[name for name, tool in tools.items() if tool["server"] == server] for server in servers]
    return [name for name in chain(*zip_longest(*rows)) if name is not None]


def _bare(name: str) -> str:
    return name.partition("__")[2]


def _kept(tool: Mapping[str, Any]) -> dict[str, Any]:
    server = tool["name"].partition("__")[0]
    said = str(tool.get("description", "")).strip().partition("\n")[0].partition(". ")[0]
    return {"server": server, "description": said, "arguments": plain(tool["inputSchema"])}


def plain(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A schema without what grammars and small models stumble over; what it refers to elsewhere is any object."""
    if "$ref" in schema:
        return {"type": "object"}
    found: dict[str, Any] = {key: schema[key] for key in _KEPT if key in schema}
    if "properties" in found:
        found["properties"] = {name: plain(each) for name, each in found["properties"].items()}
        found["additionalProperties"] = False
    if "items" in found:
        found["items"] = plain(found["items"])
        found["maxItems"] = 8
    if "anyOf" in found:
        found["anyOf"] = [plain(each) for each in found["anyOf"]]
    if found.get("type") == "string" and "enum" not in found:
        found["maxLength"] = _TEXT
    return found


def _line(name: str, tool: Mapping[str, Any]) -> str:
    properties: Mapping[str, Any] = tool["arguments"].get("properties", {})
    required = tool["arguments"].get("required", ())
    words = [f"{key}{'' if key in required else '?'}{_kind(schema)}" for key, schema in properties.items()]
    return f"- {name}({', '.join(words)}): {tool['description'][:_DESCRIPTION]}"


def _kind(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return ": " + "|".join(map(str, schema["enum"][:6]))
    kind = schema.get("type", "any")
    if kind == "array":
        return ": [" + (_kind(schema["items"])[2:] if "items" in schema else "any") + "]"
    if kind == "object" and "properties" in schema:
        inner = cast("Mapping[str, Mapping[str, Any]]", schema["properties"])
        return ": {" + ", ".join(f"{key}{_kind(each)}" for key, each in inner.items()) + "}"
    return "" if kind in ("string", "any") else f": {kind}"
