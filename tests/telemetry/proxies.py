"""Real proxies in front of servers that tell what reached them."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import httpx2

from tests.frontends.httpclient import Http, free_port, until_up
from tests.frontends.rawclient import MEND, SERVERS, started

WRONG = {"password": "x"}
TRACED = [sys.executable, str(SERVERS / "traced.py")]


def configured(home: Path, more: str = "", **upstreams: list[str]) -> Path:
    """A configuration with these servers, which may say something `more`."""
    lines = ['[planner]\nbackend = "none"', more]
    for name, (command, *args) in upstreams.items():
        lines.append(f"[upstreams.{name}]\ncommand = {json.dumps(command)}\nargs = {json.dumps(args)}")
    file = home / "p.toml"
    file.write_text("\n".join(lines), encoding="utf-8")
    return file


@asynccontextmanager
async def at_work(home: Path, file: Path, **env: str) -> AsyncGenerator[tuple[httpx2.AsyncClient, str]]:
    """A real proxy that listens, and a client of its port."""
    base = f"http://127.0.0.1:{free_port()}"
    command = [*MEND, "serve", "--config", str(file), "--http", base.removeprefix("http://")]
    async with started(home, *command, env=env), httpx2.AsyncClient(timeout=20) as client:
        await until_up(client, base)
        yield client, base


async def called(session: Http, tool: str, **arguments: Any) -> dict[str, Any]:
    return (await session.ask("tools/call", {"name": tool, "arguments": arguments}))["result"]


@contextmanager
def traced_over_http(port: int) -> Generator[str]:
    """The same server over HTTP; gives its address."""
    process = subprocess.Popen([*TRACED, str(port)])
    try:
        for _ in range(400):
            try:
                httpx2.get(f"http://127.0.0.1:{port}/")
                break
            except httpx2.ConnectError:
                assert process.poll() is None
                time.sleep(0.02)
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        process.kill()
        process.wait()
