"""Clients of either era that keep what they were told of each intent, and resend only what they know did not run."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import Any, Literal

import httpx2

Fate = Literal["done", "not run", "unknown"]

VERSION = "2025-11-25"
HELLO = {"protocolVersion": VERSION, "capabilities": {}, "clientInfo": {"name": "scale", "version": "1"}}
MODERN = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "scale", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}
HEADERS = {"accept": "application/json, text/event-stream", "content-type": "application/json"}
TOOL = "ledger__enter"
MOST = 50
"""Times that one intent is sent at most, by a client that is told each time that it did not run."""


@dataclass
class Told:
    """What a client was told at last about one intent, when it sent it last, and when it was told."""

    intent: str
    fate: Fate
    began: float
    ended: float
    said: str = ""


@dataclass
class Client:
    """One client; `sessions` counts how often it had to open one."""

    http: httpx2.AsyncClient
    url: str
    modern: bool
    sessions: int = 0
    told: list[Told] = field(default_factory=list[Told])
    _headers: dict[str, str] = field(default_factory=lambda: dict(HEADERS))
    _count: int = 0

    async def enter(self, intent: str) -> Told:
        """Send one intent until it is known to have run, or its fate is unknown."""
        for _ in range(MOST):
            if not self.modern and "mcp-session-id" not in self._headers:
                await self._open()
                continue
            began = time.monotonic()
            fate, said = await self._call(intent)
            if fate != "not run":
                self.told.append(Told(intent, fate, began, time.monotonic(), said))
                return self.told[-1]
            self._headers.pop("mcp-session-id", None)
        raise AssertionError(f"{intent}: told {MOST} times that it did not run, at last: {said}")

    async def _open(self) -> None:
        """Open a session; where that fails, it is tried again."""
        try:
            reply = await self._post("initialize", HELLO, {})
            if reply.status_code != 200:
                return
            self._headers |= {"mcp-session-id": reply.headers["mcp-session-id"], "mcp-protocol-version": VERSION}
            note = {"jsonrpc": "2.0", "method": "notifications/initialized"}
            await self.http.post(self.url, json=note, headers=self._headers)
            self.sessions += 1
        except httpx2.TransportError:
            pass

    async def _call(self, intent: str) -> tuple[Fate, str]:
        params: dict[str, Any] = {"name": TOOL, "arguments": {"intent": intent}}
        more: dict[str, str] = {}
        if self.modern:
            params["_meta"] = MODERN
            more = {"mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": TOOL}
        try:
            reply = await self._post("tools/call", params, more)
        except httpx2.TransportError as error:
            return "unknown", repr(error)
        if reply.status_code in (404, 503):
            return "not run", reply.text
        if reply.status_code != 200:
            return "unknown", f"{reply.status_code} {reply.text}"
        message = _message(reply.text, self._count)
        result = message.get("result")
        if result is not None and not result.get("isError"):
            assert result["content"][0]["text"] == f"entered {intent}"
            return "done", ""
        return "unknown", reply.text

    async def _post(self, method: str, params: dict[str, Any], more: dict[str, str]) -> httpx2.Response:
        self._count += 1
        body = {"jsonrpc": "2.0", "id": self._count, "method": method, "params": params}
        return await self.http.post(self.url, json=body, headers={**self._headers, **more})


def _message(text: str, ident: int) -> dict[str, Any]:
    """The answer to one request, as JSON or as the event that holds it; {} where there is none."""
    lines = [text] if text.startswith("{") else [line[6:] for line in text.splitlines() if line.startswith("data: {")]
    return next((found for line in lines if (found := json.loads(line)).get("id") == ident), {})
