"""A shop behind the installed proxy, and the official SDK's client in front of it."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import psutil
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

SHOP = Path(__file__).parents[1] / "servers" / "shop.py"
PROXY = str(Path(sys.executable).with_name("mcp-mend"))
ERAS = ["legacy", "2026-07-28"]


@dataclass(frozen=True)
class Desk:
    """The files of one test: a Claude Desktop configuration, the shop's log, the proxy's state and stderr."""

    folder: Path

    @property
    def config(self) -> Path:
        return self.folder / "claude_desktop_config.json"

    @property
    def env(self) -> dict[str, str]:
        return {**os.environ, "MCP_MEND_HOME": str(self.folder / "state")}

    @property
    def log(self) -> Path:
        return self.folder / "shop.jsonl"

    def noted(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def effects(self) -> list[tuple[str, dict[str, Any]]]:
        """What was really done in the shop, in order."""
        return [(line["tool"], line["arguments"]) for line in self.noted() if "tool" in line]

    def shop_processes(self) -> list[int]:
        return [line["pid"] for line in self.noted() if "pid" in line]


@dataclass(frozen=True)
class Shopper:
    """A connected client."""

    client: Client

    async def raw(self, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Call a tool and return the result as it came over the wire, nothing dropped."""
        data: dict[str, Any] = {"method": "tools/call", "params": {"name": tool, "arguments": arguments}}
        opts: dict[str, Any] = {}
        self.client.session._stamp(data, opts)
        return await self.client.session._dispatcher.send_raw_request("tools/call", data["params"], opts)


Connect = Callable[[Desk, str], AbstractAsyncContextManager[Shopper]]


@asynccontextmanager
async def over_stdio(desk: Desk, era: str) -> AsyncIterator[Shopper]:
    command = StdioServerParameters(command=PROXY, args=["serve", "--config", str(desk.config)], env=desk.env)
    with (desk.folder / "stderr.log").open("a") as errors, anyio.fail_after(60):
        async with Client(stdio_client(command, errlog=errors), mode=era) as client:
            yield Shopper(client)


@asynccontextmanager
async def straight(desk: Desk, era: str) -> AsyncIterator[Shopper]:
    """The shop itself, without the proxy."""
    command = StdioServerParameters(command=sys.executable, args=[str(SHOP), str(desk.folder / "own.jsonl")])
    async with Client(command, mode=era) as client:
        yield Shopper(client)


@asynccontextmanager
async def over_http(desk: Desk, era: str) -> AsyncIterator[Shopper]:
    with http_server(desk) as url, anyio.fail_after(60):
        async with Client(url, mode=era) as client:
            yield Shopper(client)


@contextmanager
def http_server(desk: Desk) -> Iterator[str]:
    """`mcp-mend serve --http` on a free port, ended by SIGTERM."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [PROXY, "serve", "--config", str(desk.config), "--http", f"127.0.0.1:{port}"]
    with (desk.folder / "stderr.log").open("a") as errors:
        process = subprocess.Popen(command, env=desk.env, stdin=subprocess.DEVNULL, stderr=errors)
    try:
        _until_it_accepts(process, port)
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        process.terminate()
        assert process.wait(15) is not None


def _until_it_accepts(process: subprocess.Popen[bytes], port: int) -> None:
    """Connect until the port answers: a listening socket has no event that another process could wait on."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        assert process.poll() is None, "the proxy ended while starting"
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise TimeoutError(f"nothing listens on port {port}")


def ended(processes: list[int]) -> bool:
    """Wait for processes to be gone, at most ten seconds."""
    found = [psutil.Process(pid) for pid in processes if psutil.pid_exists(pid)]
    _, alive = psutil.wait_procs(found, timeout=10)
    return not alive
