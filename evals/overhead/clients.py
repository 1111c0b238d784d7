"""Clients that cost little themselves: raw JSON-RPC over a child's pipes, or over HTTP in either era."""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import subprocess
import tempfile
from collections.abc import Coroutine, Iterable, Sequence
from typing import IO, Any

import httpx2
import psutil

MODERN = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "benchmark", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}
HELLO = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "benchmark", "version": "1"}}


LAST_LINES = 10
"""Lines of its stderr that are shown of a process that ended too early."""
ENDING = 2.0
"""Seconds that a process gets to end once it has closed its side of the connection."""


class EndedError(ConnectionError):
    """What was to be measured is gone: its command, how it ended, and its last words on stderr."""

    def __init__(self, command: Sequence[str], status: int | None, stderr: IO[bytes]) -> None:
        stderr.seek(0)
        lines = stderr.read().decode(errors="replace").splitlines()[-LAST_LINES:]
        how = "closed its connection" if status is None else f"ended with status {status}"
        super().__init__("\n".join([f"{shlex.join(command)} {how}; its last lines on stderr:", *(lines or ["(none)"])]))


async def at_once(work: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Do all of it at the same time; the first failure ends the rest and is raised as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            for each in work:
                group.create_task(each)
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None


def family(pid: int) -> list[psutil.Process]:
    """A process and all below it."""
    parent = psutil.Process(pid)
    return [parent, *parent.children(recursive=True)]


class Stdio:
    """A server started as a child."""

    def __init__(self, command: Sequence[str], env: dict[str, str]) -> None:
        self._command, self._env = command, env
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._count = 0
        self._ended: EndedError | None = None
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115  (closed with the process)

    async def open(self) -> None:
        """Start it and shake hands."""
        self._process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            limit=1 << 24,
            env={**os.environ, **self._env},
        )
        self._reader = asyncio.create_task(self._read())
        reply = await self.request("initialize", HELLO)
        assert "result" in reply, reply
        self._write({"jsonrpc": "2.0", "method": "notifications/initialized"})

    async def request(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """Send a request and give the whole reply; raises `EndedError` where none can come any more."""
        if self._ended is not None:
            raise self._ended
        self._count += 1
        self._waiting[self._count] = asyncio.get_running_loop().create_future()
        self._write({"jsonrpc": "2.0", "id": self._count, "method": method, "params": params})
        return await self._waiting[self._count]

    async def close(self) -> None:
        """Close stdin, and wait."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            async with asyncio.timeout(6):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
        await self._reader

    def processes(self) -> list[psutil.Process]:
        """The child and all below it."""
        return family(self._process.pid)

    def _write(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(message).encode() + b"\n")

    async def _read(self) -> None:
        try:
            await self._take_replies()
        finally:
            status = None
            try:
                async with asyncio.timeout(ENDING):
                    status = await self._process.wait()
            except TimeoutError:
                pass
            self._ended = EndedError(self._command, status, self._stderr)
            self._stderr.close()
            for waiting in self._waiting.values():
                waiting.set_exception(self._ended)

    async def _take_replies(self) -> None:
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            try:
                message = json.loads(line)
            except ValueError:
                continue
            waiting = self._waiting.pop(message.get("id"), None) if "method" not in message else None
            if waiting is not None:
                waiting.set_result(message)


class Http:
    """A server that is started on a port, in the handshake era or the modern one."""

    def __init__(self, url: str, command: Sequence[str], env: dict[str, str], *, modern: bool) -> None:
        self._url, self._command, self._modern = url, command, modern
        self._headers = {"accept": "application/json, text/event-stream", "content-type": "application/json"}
        limits = httpx2.Limits(max_connections=64, max_keepalive_connections=64)
        self._client = httpx2.AsyncClient(timeout=60, limits=limits)
        self._count = 0
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115  (closed with the process)
        self._server = subprocess.Popen(  # noqa: S603
            command, env={**os.environ, **env}, stdout=subprocess.DEVNULL, stderr=self._stderr
        )

    async def open(self) -> None:
        """Wait until it listens, and shake hands where there is a handshake."""
        async with asyncio.timeout(60):
            while True:
                try:
                    await self._client.get(self._url)
                    break
                except httpx2.ConnectError:
                    self._check(self._server.poll())
                    await asyncio.sleep(0.05)
        if not self._modern:
            reply = await self._post("initialize", HELLO)
            self._headers["mcp-session-id"] = reply.headers["mcp-session-id"]
            self._headers["mcp-protocol-version"] = "2025-11-25"
            note = {"jsonrpc": "2.0", "method": "notifications/initialized"}
            await self._client.post(self._url, json=note, headers=self._headers)

    async def request(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """Send a request and give the whole reply; raises `EndedError` where none can come any more."""
        response = await self._post(method, {**params, "_meta": MODERN} if self._modern else params)
        if response.headers["content-type"].startswith("application/json"):
            return response.json()
        data = [line[5:] for line in response.text.splitlines() if line.startswith("data:") and line[5:].strip()]
        return json.loads(data[-1])

    async def close(self) -> None:
        """End the server."""
        await self._client.aclose()
        self._server.terminate()
        await asyncio.to_thread(self._server.wait)
        self._stderr.close()

    def processes(self) -> list[psutil.Process]:
        """The server and all below it."""
        return family(self._server.pid)

    async def _post(self, method: str, params: dict[str, Any]) -> httpx2.Response:
        self._count += 1
        headers = self._headers
        if self._modern:
            headers = {**headers, "mcp-protocol-version": "2026-07-28", "mcp-method": method}
            headers |= {"mcp-name": params["name"]} if "name" in params else {}
        body = {"jsonrpc": "2.0", "id": self._count, "method": method, "params": params}
        try:
            response = await self._client.post(self._url, content=json.dumps(body).encode(), headers=headers)
        except httpx2.TransportError:
            self._check(await asyncio.to_thread(self._status))
            raise
        response.raise_for_status()
        return response

    def _status(self) -> int | None:
        try:
            return self._server.wait(ENDING)
        except subprocess.TimeoutExpired:
            return None

    def _check(self, status: int | None) -> None:
        if status is not None:
            raise EndedError(self._command, status, self._stderr)
