"""A client that speaks raw JSON-RPC to a real proxy process, and sees every message as it is."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

SERVERS = Path(__file__).parent.parent / "servers"
ECHO = [sys.executable, str(SERVERS / "echo.py")]
MEND = [sys.executable, "-m", "proxy.cli"]
MODERN = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "raw", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {"roots": {}, "elicitation": {}},
}


def parsed(line: bytes) -> dict[str, Any]:
    """A message as JSON; of one that Python cannot read (depth, digits), its id and that it is a result."""
    try:
        return json.loads(line)
    except (RecursionError, ValueError):
        found = re.search(rb'"id":\s*(\d+|"[^"]*")', line)
        assert found is not None, line[:200]
        return {"jsonrpc": "2.0", "id": json.loads(found[1]), "result": {"content": []}}


class Raw:
    """One connection over a child's stdin and stdout; `all` is everything that came, `seen` what was no reply."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.all: list[dict[str, Any]] = []
        self.seen: list[dict[str, Any]] = []
        self.answers: dict[str, Any] = {"roots/list": {"roots": [{"uri": "file:///here"}]}}
        self._waiting: dict[Any, asyncio.Future[dict[str, Any]]] = {}
        self._arrived = asyncio.Condition()
        self._reader = asyncio.create_task(self._read())
        self._count = 0

    async def request(self, method: str, params: Any = None, ident: Any = None) -> dict[str, Any]:
        self._count += 1
        ident = self._count if ident is None else ident
        self._waiting[ident] = asyncio.get_running_loop().create_future()
        self.send({"jsonrpc": "2.0", "id": ident, "method": method, **({} if params is None else {"params": params})})
        async with asyncio.timeout(20):
            return await self._waiting[ident]

    async def request_as(self, ident: Any, rest: str) -> dict[str, Any]:
        """Send a request whose other members are this text, in Latin-1; returns the answer to this id."""
        self._waiting[ident] = asyncio.get_running_loop().create_future()
        self.write(f'{{"jsonrpc":"2.0","id":{json.dumps(ident)},{rest}}}\n'.encode("latin-1"))
        async with asyncio.timeout(20):
            return await self._waiting[ident]

    async def call(self, name: str, text: str, **more: Any) -> dict[str, Any]:
        return await self.request("tools/call", {"name": name, "arguments": {"text": text}, **more})

    async def initialize(self, version: str = "2025-11-25", **capabilities: Any) -> dict[str, Any]:
        info = {"name": "raw", "version": "1", "x-vendor": None}
        hello = {"protocolVersion": version, "capabilities": capabilities, "clientInfo": info}
        reply = await self.request("initialize", hello)
        self.send({"jsonrpc": "2.0", "method": "notifications/initialized"})
        return reply

    def send(self, message: Mapping[str, Any]) -> None:
        self.write(json.dumps(message).encode() + b"\n")

    def write(self, data: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(data)

    async def heard(self, method: str) -> dict[str, Any]:
        """The first message of this method, waited for."""
        async with asyncio.timeout(20), self._arrived:
            while True:
                found = [message for message in self.seen if message.get("method") == method]
                if found:
                    return found[0]
                await self._arrived.wait()

    async def _read(self) -> None:
        assert self.process.stdout is not None
        while line := await self.process.stdout.readline():
            message = parsed(line)
            self.all.append(message)
            if "method" not in message and message.get("id") in self._waiting:
                self._waiting.pop(message["id"]).set_result(message)
                continue
            async with self._arrived:
                self.seen.append(message)
                self._arrived.notify_all()
            if "id" in message and message.get("method") in self.answers:
                self.send({"jsonrpc": "2.0", "id": message["id"], "result": self.answers[message["method"]]})

    async def close(self) -> int:
        """Close stdin and wait for the end; returns the exit code."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        async with asyncio.timeout(15):
            code = await self.process.wait()
        await self._reader
        return code


@asynccontextmanager
async def started(home: Path, *command: str, env: Mapping[str, str] | None = None) -> AsyncGenerator[Raw]:
    """Run a command and speak to it; it has ended when this is left."""
    with (home / "stderr").open("ab") as stderr:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=stderr,
            limit=1 << 24,
            env={**os.environ, "MCP_MEND_HOME": str(home), **(env or {})},
        )
    raw = Raw(process)
    try:
        yield raw
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        await raw._reader


def wrapped(*options: str) -> list[str]:
    """The command of a proxy in front of one echo server."""
    return [*MEND, "wrap", "--", *ECHO, *options]


def config(folder: Path, **upstreams: list[str]) -> Path:
    """A client's configuration file with these servers, as Claude Desktop writes it."""
    servers = {name: {"command": command[0], "args": command[1:]} for name, command in upstreams.items()}
    path = folder / "claude_desktop_config.json"
    path.write_text(json.dumps({"mcpServers": servers}), encoding="utf-8")
    return path
