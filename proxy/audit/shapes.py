"""The shapes in which the APIs of models write tools, calls and answers, as MCP writes them. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from proxy.audit.transcript import CHAT
from schemas.catalog import Json, as_list, as_object


def placed(name: str) -> tuple[str, str]:
    """The server and the tool that a name tells: `mcp__server__tool`."""
    parts = name.split("__", 2)
    return (parts[1], parts[2]) if len(parts) == 3 and parts[0] == "mcp" and all(parts) else (CHAT, name)


def is_message(value: Json) -> bool:
    """Tell whether a value is a message of a conversation."""
    keys = as_object(value) or {}
    return keys.get("role") in ("user", "assistant", "system", "developer", "tool", "function") and (
        "content" in keys or "tool_calls" in keys or "function_call" in keys
    )


def is_item(value: Json) -> bool:
    """Tell whether a value is a call or an answer of OpenAI's Responses API."""
    return (as_object(value) or {}).get("type") in ("function_call", "function_call_output")


def is_block(value: Json) -> bool:
    """Tell whether a value is a call in a message of Anthropic's API."""
    return (as_object(value) or {}).get("type") in ("tool_use", "mcp_tool_use")


def as_tool(value: Json) -> Mapping[str, Json] | None:
    """A tool as MCP writes it, from any API's form of it; None where it is none with a name."""
    keys = as_object(value) or {}
    inner = as_object(keys.get("function")) or keys
    schema = next(
        (inner[name] for name in ("inputSchema", "input_schema", "parameters") if as_object(inner.get(name))), None
    )
    name = inner.get("name")
    if not isinstance(name, str) or not name:
        return None
    more = {key: inner[key] for key in ("description", "annotations", "outputSchema") if key in inner}
    return {"name": name, **more, **({} if schema is None else {"inputSchema": schema})}


def as_result(content: Json, *, failed: bool) -> dict[str, Any]:
    """What a message says of an answer, as the result of an MCP call."""
    blocks = as_list(content)
    if blocks is None:
        text = content if isinstance(content, str) else "" if content is None else json.dumps(content)
        blocks = [{"type": "text", "text": text}]
    texts = [{"type": "text", "text": block} if isinstance(block, str) else block for block in blocks]
    kept = [_text_block(as_object(block) or {}) for block in texts]
    return {"content": kept, **({"isError": True} if failed else {})}


def _text_block(block: Mapping[str, Json]) -> dict[str, Any]:
    """A block of content; the kinds of text of every API are MCP's."""
    if isinstance(block.get("text"), str):
        return {"type": "text", "text": block["text"]}
    return {key: block[key] for key in ("type", "mimeType", "resource") if key in block}


def loaded(value: Json) -> Json:
    """What a text that holds JSON says, other values as they are."""
    if not isinstance(value, str) or value.lstrip()[:1] not in ("{", "["):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value
