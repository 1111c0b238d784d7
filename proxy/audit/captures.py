"""MCP as it went over the wire: JSON-RPC in both directions, bare, in wrappers, or in the lines of a client's log.

Pure. Reads MCP Inspector's exports of its history and network, Claude Desktop's `mcp.log`, and what proxies write:
whatever stands around a message, a message is known by its own shape.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from proxy.audit.transcript import Answered, Called, Event, Listed
from schemas.catalog import Json, as_list, as_object
from schemas.trial import Reply

FORMAT = "MCP JSON-RPC"
_AROUND = (
    *("message", "payload", "data", "msg", "rpc", "frame", "json", "raw", "body", "content"),
    *("request", "requestBody", "response", "responseBody", "params"),
)
"""Fields under which wrappers keep a message, requests before responses."""
_DEEP = 3
_SERVER = ("server", "serverName", "server_name", "upstream", "mcpServer")
_SESSION = ("session", "sessionId", "session_id", "mcpSessionId", "connection", "connectionId")


@dataclass
class Captures:
    """One capture; ids are kept per session, and a new `initialize` begins another."""

    default: str = "server"
    _waiting: dict[tuple[str, str], list[tuple[str, str]]] = field(
        default_factory=dict[tuple[str, str], list[tuple[str, str]]]
    )
    """Session and id to the requests under way: method and key."""
    _numbers: count[int] = field(default_factory=count)
    _begun: dict[str, int] = field(default_factory=dict[str, int])
    _names: dict[str, str] = field(default_factory=dict[str, str])

    def read(self, value: Json, line: int, prefix: str = "") -> list[Event] | None:
        """The events of one record, None where it holds no message of MCP."""
        found = [message for message in messages(value) if message]
        if not found:
            return None
        around = as_object(value) or {}
        server = next((str(around[key]) for key in _SERVER if isinstance(around.get(key), str)), prefix)
        label = next((str(around[key]) for key in _SESSION if isinstance(around.get(key), str | int)), server)
        return [event for message in found for event in self._message(message, label, server, line)]

    def _message(self, message: dict[str, Any], label: str, server: str, line: int) -> Iterator[Event]:
        method, ident = message.get("method"), json.dumps(message.get("id"))
        if method == "initialize":
            self._begun[label] = self._begun.get(label, 0) + 1
        session = f"{label}#{self._begun.get(label, 0)}"
        if isinstance(method, str) and "id" in message:
            number = next(self._numbers)
            key = f"{session}/{number}"
            self._waiting.setdefault((session, ident), []).append((method, key))
            if method == "tools/call":
                params = as_object(message.get("params")) or {}
                named = server or self._names.get(session, self.default)
                yield Called(key, session, named, str(params.get("name")), params.get("arguments"), number, line)
        elif not isinstance(method, str):
            yield from self._response(message, session, ident, server)

    def _response(self, message: dict[str, Any], session: str, ident: str, server: str) -> Iterator[Event]:
        waiting = self._waiting.get((session, ident), [])
        result, error = as_object(message.get("result")), as_object(message.get("error"))
        for at, (method, key) in enumerate(waiting):
            if not _answers(method, result, error):
                continue
            del waiting[at]
            if method == "tools/call":
                yield Answered(key, Reply(result=result) if error is None else Reply(error=error))
            elif method == "tools/list" and result is not None:
                listed = (as_object(tool) for tool in as_list(result.get("tools")) or [])
                named = server or self._names.get(session, self.default)
                yield Listed(named, tuple(tool for tool in listed if tool is not None))
            elif method == "initialize" and result is not None and not server:
                name = (as_object(result.get("serverInfo")) or {}).get("name")
                self._names[session] = name if isinstance(name, str) and name else self.default
            return


def _answers(method: str, result: dict[str, Any] | None, error: dict[str, Any] | None) -> bool:
    """Tell whether a response can be one to this method: both sides count their own ids."""
    if error is not None:
        return True
    if result is None:
        return False
    if method == "tools/call":
        return any(key in result for key in ("content", "structuredContent", "isError", "toolResult", "task"))
    return "tools" in result if method == "tools/list" else True


def messages(value: Json, depth: int = 0) -> Iterator[dict[str, Any]]:
    """Every JSON-RPC message in a record, in the order in which they went."""
    keys = as_object(value)
    if keys is not None and _is_message(keys):
        yield keys
    if depth >= _DEEP:
        return
    if keys is not None and not _is_message(keys):
        for name in _AROUND:
            yield from messages(_parsed(keys.get(name)), depth + 1)
    elif keys is not None and as_object(keys.get("response")) is not None:
        yield from messages(keys["response"], depth + 1)
    for item in as_list(value) or ():
        yield from messages(item, depth + 1)


def _parsed(value: Json) -> Json:
    """A message that a wrapper keeps as text, also as a stream of events."""
    if not isinstance(value, str):
        return value
    parts = [line[5:].strip() for line in value.splitlines() if line.startswith("data:")] or [value.strip()]
    found: list[Json] = []
    for part in parts:
        if part[:1] in ("{", "["):
            try:
                found.append(json.loads(part))
            except (ValueError, RecursionError):
                continue
    return found


def _is_message(keys: dict[str, Any]) -> bool:
    if keys.get("jsonrpc") == "2.0":
        return True
    method = keys.get("method")
    asks = isinstance(method, str) and ("/" in method or method in ("initialize", "ping")) and "params" in keys
    answers = "id" in keys and ("result" in keys or "error" in keys) and set(keys) <= {"id", "result", "error"}
    return asks or answers
