"""A real proxy that listens, and raw sessions with it."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2

from tests.frontends.rawclient import MEND, started

HELLO = {"protocolVersion": "2025-11-25", "capabilities": {"roots": {}}, "clientInfo": {"name": "raw", "version": "1"}}
JSON = {"content-type": "application/json", "accept": "application/json, text/event-stream"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def serve(file: Path) -> list[str]:
    return [*MEND, "serve", "--config", str(file)]


@asynccontextmanager
async def over_http(home: Path, file: Path) -> AsyncGenerator[str]:
    """A proxy that listens; gives its address without a path."""
    address = f"127.0.0.1:{free_port()}"
    async with started(home, *serve(file), "--http", address), httpx2.AsyncClient() as client:
        await until_up(client, f"http://{address}")
        yield f"http://{address}"


async def until_up(client: httpx2.AsyncClient, base: str) -> None:
    async with asyncio.timeout(30):
        while True:
            try:
                up = await client.get(f"{base}/healthz", timeout=30)
            except httpx2.ConnectError:
                await asyncio.sleep(0.05)
            else:
                assert up.status_code == 200
                return


def events(text: str) -> list[dict[str, Any]]:
    """The JSON messages of an event stream."""
    return [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: {")]


class Http:
    """A raw session over HTTP."""

    def __init__(self, client: httpx2.AsyncClient, url: str) -> None:
        self.client, self.url = client, url
        self.headers: dict[str, Any] = dict(JSON)

    async def post(self, message: dict[str, Any]) -> httpx2.Response:
        body = {"jsonrpc": "2.0", **message}
        return await self.client.post(self.url, json=body, headers=self.headers, timeout=20)

    async def open(self) -> dict[str, Any]:
        reply = await self.post({"id": 1, "method": "initialize", "params": HELLO})
        self.headers["mcp-session-id"] = reply.headers["mcp-session-id"]
        await self.post({"method": "notifications/initialized"})
        return events(reply.text)[-1]["result"]

    async def ask(self, method: str, params: Any = None) -> dict[str, Any]:
        """Send a request; returns the whole answer."""
        reply = await self.post({"id": 3, "method": method, **({} if params is None else {"params": params})})
        return events(reply.text)[-1]

    async def say(self, tool: str, text: str) -> str:
        params = {"name": tool, "arguments": {"text": text}}
        reply = await self.post({"id": 2, "method": "tools/call", "params": params})
        return events(reply.text)[-1]["result"]["content"][0]["text"]

    async def heard(self, method: str) -> dict[str, Any]:
        """The next notification of this method on the session's own stream."""
        headers = {**self.headers, "accept": "text/event-stream"}
        async with asyncio.timeout(20), self.client.stream("GET", self.url, headers=headers, timeout=20) as stream:
            assert stream.status_code == 200
            async for line in stream.aiter_lines():
                if line.startswith("data: {"):
                    message = json.loads(line[6:])
                    if message.get("method") == method:
                        return message
        raise AssertionError(f"the stream ended without {method}")
