"""A real proxy that listens with a real server behind it, and plain requests to it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2

ROOT = Path(__file__).parents[2]
MEND = [sys.executable, "-c", "from proxy.cli import main; main()"]
BROKEN: dict[str, Any] = {
    "goal": "Put two watering cans into a cart for Kim, and look up the rake",
    "steps": [
        {"id": "find", "tool": "search_products", "arguments": {"query": "can", "max_price": "20"}},
        {"id": "cart", "tool": "open_cart", "arguments": {"customer": "Kim"}},
        {"id": "rake", "tool": "get_prodct", "arguments": {"skuu": "rake-12"}},
        {
            "id": "add",
            "tool": "add_to_cart",
            "arguments": {
                "cart_id": {"$ref": "cart", "path": "id"},
                "sku": {"$ref": "find", "path": "items.0.sku"},
                "quantity": "2",
            },
        },
    ],
    "output": {"total": {"$ref": "add", "path": "total"}, "rake": {"$ref": "rake", "path": "product.price"}},
}
"""A plan that is repaired by rules alone, in two generations."""


class Proxy:
    """A proxy at work, as a client and a browser reach it."""

    def __init__(self, base: str, home: Path) -> None:
        self.base, self.home = base, home
        self._client = httpx2.Client(base_url=base, timeout=60)
        self._headers = {"accept": "application/json, text/event-stream", "content-type": "application/json"}
        self._count = 0

    def open(self) -> None:
        """Begin a session."""
        hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
        answer = self._client.post("/mcp", headers=self._headers, json=self._message("initialize", hello))
        self._headers["mcp-session-id"] = answer.headers["mcp-session-id"]
        ready = {"jsonrpc": "2.0", "method": "notifications/initialized"}
        self._client.post("/mcp", headers=self._headers, json=ready)

    def call(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Call a tool; its result."""
        params = {"name": name, "arguments": arguments}
        answer = self._client.post("/mcp", headers=self._headers, json=self._message("tools/call", params))
        lines = [line[6:] for line in answer.text.splitlines() if line.startswith("data: {")] or [answer.text]
        told = [json.loads(line) for line in lines]
        return next(one["result"] for one in told if "result" in one)

    def _message(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        self._count += 1
        return {"jsonrpc": "2.0", "id": self._count, "method": method, "params": params}

    def close(self) -> None:
        """Let go of it."""
        self._client.close()


@contextmanager
def listening(folder: Path, more: str = "", servers: str = "", within: Sequence[str] = ()) -> Generator[Proxy]:
    """A proxy over the garden shop, run by the command `within`; it and its servers have ended when this is left."""
    log = folder / "shop.jsonl"
    shop = [str(ROOT / "tests" / "servers" / "shop.py"), str(log)]
    file = folder / "proxy.toml"
    text = f"[upstreams.shop]\ncommand = {json.dumps(sys.executable)}\nargs = {json.dumps(shop)}\n"
    file.write_text(f'{text}{servers}[planner]\nbackend = "none"\n{more}')
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    env = {**os.environ, "MCP_MEND_HOME": str(folder / "home"), "PYTHONPATH": str(ROOT)}
    with (folder / "stderr").open("w") as stderr:
        line = [*within, *MEND, "serve", "--config", str(file), "--http", address]
        process = subprocess.Popen(line, env=env, stdin=subprocess.DEVNULL, stdout=stderr, stderr=stderr)
    try:
        for _ in range(600):
            try:
                httpx2.get(f"http://{address}/healthz")
                break
            except httpx2.TransportError:
                assert process.poll() is None, (folder / "stderr").read_text()
                time.sleep(0.05)
        proxy = Proxy(f"http://{address}", folder / "home")
        yield proxy
        proxy.close()
    finally:
        process.terminate()
        process.wait(30)
