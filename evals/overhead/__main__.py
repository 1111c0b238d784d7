"""Measure what standing between a client and a server costs.

    python -m evals.overhead [--rounds N] [--calls N]
        [--fastmcp PYTHON]     an interpreter that has fastmcp 4.1.6, to measure its `create_proxy` beside us
        [--mcp-proxy COMMAND]  an mcp-proxy, to measure it over HTTP beside us

All ways are open at the same time and take turns in short blocks, so that a busy machine burdens them alike. CPU is
that of every process but the client's, so what a proxy adds is its row less the direct one's.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evals.overhead.clients import EndedError, Http, Stdio, at_once

ECHO = [sys.executable, "-m", "evals.overhead.echo"]
MEND = [sys.executable, "-m", "proxy.cli"]
WIDTH = 32
FASTMCP = """
import sys
from fastmcp.server import create_proxy
create_proxy({"mcpServers": {"echo": {"command": sys.argv[1], "args": sys.argv[2:]}}}).run(show_banner=False)
"""


@dataclass
class Way:
    """One way from client to server, and what was measured on it."""

    name: str
    make: Callable[[], Any]
    client: Any = None
    tool: str = "echo"
    first_list_ms: float = 0.0
    alone_ms: list[float] = field(default_factory=list)
    wide_ms: list[float] = field(default_factory=list)
    wide_seconds: float = 0.0
    cpu_ms: float = 0.0
    rss_mb: float = 0.0

    async def open(self) -> None:
        """Start it; the time to the first tool list counts."""
        begun = time.perf_counter()
        self.client = self.make()
        await self.client.open()
        reply = await self.client.request("tools/list", {})
        self.first_list_ms = (time.perf_counter() - begun) * 1000
        names = [tool["name"] for tool in reply["result"]["tools"]]
        self.tool = next(name for name in names if name.endswith("echo"))
        for _ in range(30):
            await self.call()

    async def call(self) -> float:
        """One call, in milliseconds."""
        begun = time.perf_counter()
        reply = await self.client.request("tools/call", {"name": self.tool, "arguments": {"text": "hello"}})
        assert "result" in reply, reply
        assert not reply["result"].get("isError"), reply
        return (time.perf_counter() - begun) * 1000

    async def block(self, calls: int) -> None:
        """Some calls one after another, then as many 32 at a time."""
        before = self._cpu()
        self.alone_ms += [await self.call() for _ in range(calls)]
        begun = time.perf_counter()
        left = iter(range(calls))

        async def work() -> None:
            for _ in left:
                self.wide_ms.append(await self.call())

        await at_once(work() for _ in range(WIDTH))
        self.wide_seconds += time.perf_counter() - begun
        self.cpu_ms += self._cpu() - before

    def weigh(self) -> None:
        """Note the memory of all its processes."""
        self.rss_mb = sum(process.memory_info().rss for process in self.client.processes()) / 2**20

    def row(self) -> dict[str, Any]:
        """What was measured."""
        alone, wide = sorted(self.alone_ms), sorted(self.wide_ms)
        return {
            "way": self.name,
            "first_list_ms": round(self.first_list_ms),
            "p50_ms": round(statistics.median(alone), 3),
            "p95_ms": round(alone[int(len(alone) * 0.95)], 3),
            "p99_ms": round(alone[int(len(alone) * 0.99)], 3),
            "wide_p50_ms": round(statistics.median(wide), 2),
            "wide_calls_s": round(len(wide) / self.wide_seconds),
            "cpu_ms_call": round(self.cpu_ms / (len(alone) + len(wide)), 3),
            "rss_mb": round(self.rss_mb),
        }

    def _cpu(self) -> float:
        times = [process.cpu_times() for process in self.client.processes()]
        return sum(each.user + each.system for each in times) * 1000


async def measure(ways: list[Way], rounds: int, calls: int) -> list[dict[str, Any]]:
    """Let the ways take turns, and give a row for each."""
    try:
        for way in ways:
            await way.open()
        for _ in range(rounds):
            for way in ways:
                await way.block(calls)
        for way in ways:
            way.weigh()
    finally:
        for way in ways:
            if way.client is not None:
                await way.client.close()
    return [way.row() for way in ways]


def over_stdio(options: argparse.Namespace, home: str, *echo: str) -> list[Way]:
    """Direct, through us and through FastMCP, on pipes."""
    env, upstream = {"MCP_MEND_HOME": home}, [*ECHO, *echo]
    ways = [
        Way("direct", lambda: Stdio(upstream, env)),
        Way("mcp-mend", lambda: Stdio([*MEND, "wrap", "--", *upstream], env)),
        Way("mcp-mend, mode off", lambda: Stdio([*MEND, "wrap", "--mode", "off", "--", *upstream], env)),
    ]
    if options.fastmcp:
        ways.append(Way("FastMCP", lambda: Stdio([options.fastmcp, "-c", FASTMCP, *upstream], env)))
    return ways


def over_http(options: argparse.Namespace, home: str, *, modern: bool) -> list[Way]:
    """Direct, through us and through mcp-proxy, over HTTP to a server on stdio."""
    env = {"MCP_MEND_HOME": home}
    config = Path(home) / "servers.json"
    config.write_text(json.dumps({"mcpServers": {"echo": {"command": ECHO[0], "args": ECHO[1:]}}}), encoding="utf-8")

    def start(command: list[str], url: str) -> Http:
        return Http(url, command, env, modern=modern)

    direct, ours, other = free_port(), free_port(), free_port()
    serve = [*MEND, "serve", "--config", str(config), "--http", f"127.0.0.1:{ours}"]
    ways = [
        Way("direct", lambda: start([*ECHO, "--http", str(direct)], f"http://127.0.0.1:{direct}/mcp")),
        Way("mcp-mend", lambda: start(serve, f"http://127.0.0.1:{ours}/servers/echo/mcp")),
    ]
    if options.mcp_proxy and not modern:
        command = [options.mcp_proxy, "--port", str(other), "--", *ECHO]
        ways.append(Way("mcp-proxy", lambda: start(command, f"http://127.0.0.1:{other}/mcp")))
    return ways


async def lists(home: str, tools: int, times: int = 30) -> dict[str, Any]:
    """How long `tools/list` of a large catalog takes from the cache, and directly."""
    row: dict[str, Any] = {"tools": tools}
    env = {"MCP_MEND_HOME": home}
    upstream = [*ECHO, "--tools", str(tools)]
    for name, command in (("direct", upstream), ("mcp-mend", [*MEND, "wrap", "--", *upstream])):
        client = Stdio(command, env)
        await client.open()
        spent: list[float] = []
        for _ in range(times):
            begun = time.perf_counter()
            reply = await client.request("tools/list", {})
            spent.append((time.perf_counter() - begun) * 1000)
            assert len(reply["result"]["tools"]) == tools
        await client.close()
        row[name] = round(statistics.median(spent), 2)
    return row


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def table(title: str, rows: list[dict[str, Any]]) -> str:
    """Rows as Markdown."""
    keys = list(rows[0])
    lines = [f"### {title}", "", "| " + " | ".join(keys) + " |", "|" + " --- |" * len(keys)]
    lines += ["| " + " | ".join(str(row.get(key, "")) for key in keys) + " |" for row in rows]
    return "\n".join(lines) + "\n"


async def run(options: argparse.Namespace) -> dict[str, list[dict[str, Any]]]:
    """Every table."""
    rounds, calls = options.rounds, options.calls
    found: dict[str, list[dict[str, Any]]] = {}
    with tempfile.TemporaryDirectory() as home:
        found["stdio to stdio, small results"] = await measure(over_stdio(options, home), rounds, calls)
        large = over_stdio(options, home, "--size", str(500 * 1024))
        found["stdio to stdio, results of 500 KiB"] = await measure(large, max(rounds // 4, 1), max(calls // 10, WIDTH))
        handshake = over_http(options, home, modern=False)
        found["HTTP to stdio, handshake era"] = await measure(handshake, rounds, calls)
        found["HTTP to stdio, modern era"] = await measure(over_http(options, home, modern=True), rounds, calls)
        found["tools/list, p50 in milliseconds"] = [await lists(home, tools) for tools in (10, 250, 1600)]
    return found


def main() -> None:
    """Measure, print, and keep as JSON where asked."""
    parser = argparse.ArgumentParser(prog="python -m evals.overhead")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--calls", type=int, default=100)
    parser.add_argument("--fastmcp", default="")
    parser.add_argument("--mcp-proxy", default="")
    options = parser.parse_args()
    try:
        found = asyncio.run(run(options))
    except EndedError as error:
        sys.exit(str(error))
    print(f"{platform.platform()}, Python {platform.python_version()}, load {os.getloadavg()[0]:.1f}\n")
    for title, rows in found.items():
        print(table(title, rows))


if __name__ == "__main__":
    main()
