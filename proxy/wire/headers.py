"""The HTTP headers that mirror a modern request's body, so that what lies between can route without reading it."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from typing import Any, cast

from proxy.wire.protocol import (
    BY_TASK_ID,
    METHOD_HEADER,
    NAME_HEADER,
    PROMPTS_GET,
    RESOURCES_READ,
    TOOLS_CALL,
    VERSION_HEADER,
)
from proxy.wire.rpc import Message
from schemas.catalog import Tool

NAMED_BY = {TOOLS_CALL: "name", PROMPTS_GET: "name", RESOURCES_READ: "uri", **dict.fromkeys(BY_TASK_ID, "taskId")}
"""Which parameter is mirrored as `Mcp-Name`."""

_SAFE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")
_SENTINEL = re.compile(r"=\?base64\?.*\?=")


def header_value(text: str) -> str:
    """A text as a header value: itself where it would survive the journey, else in base64 with a sentinel."""
    if text == "" or (_SAFE.fullmatch(text) and not _SENTINEL.fullmatch(text)):
        return text
    return f"=?base64?{base64.b64encode(text.encode()).decode()}?="


def modern_headers(message: Message, version: str) -> dict[str, str]:
    """Version, method and name of a message."""
    method = str(message.get("method", ""))
    headers = {VERSION_HEADER: version, METHOD_HEADER: method}
    params: Any = message.get("params")
    key = NAMED_BY.get(method)
    if key is not None and isinstance(params, Mapping):
        name: Any = cast("Mapping[str, Any]", params).get(key)
        if isinstance(name, str):
            headers[NAME_HEADER] = header_value(name)
    return headers


class ParamHeaders:
    """The `Mcp-Param-*` headers that a tool's schema asks for; what a schema asks is worked out once."""

    def __init__(self) -> None:
        self._maps: dict[str, Mapping[tuple[str, ...], str]] = {}

    def of(self, tool: Tool, arguments: Any) -> Mapping[str, str]:
        """The headers for one call."""
        wanted = self._maps.get(tool.fingerprint)
        if wanted is None:
            wanted = self._maps[tool.fingerprint] = _wanted(tool.schema)
        if not wanted or not isinstance(arguments, Mapping):
            return {}
        from mcp.shared.inbound import mcp_param_headers

        return mcp_param_headers(wanted, cast("Mapping[str, Any]", arguments))


def _wanted(schema: Mapping[str, Any]) -> Mapping[tuple[str, ...], str]:
    if "x-mcp-header" not in json.dumps(schema):
        return {}
    from mcp.shared.inbound import find_invalid_x_mcp_header, x_mcp_header_map

    return x_mcp_header_map(schema) if find_invalid_x_mcp_header(schema) is None else {}
