"""A real MCP client around the program under test: the official SDK's, with raw requests and raw replies.

The SDK's typed calls drop fields that a grader must see and refuse arguments that a broken client does send, so
requests go through its dispatcher as they are.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
from mcp import Client, MCPError
from mcp.client.stdio import StdioServerParameters, stdio_client

ROOT = Path(__file__).resolve().parents[2]
"""The checkout: upstreams of the benchmark are started from here."""


@dataclass(frozen=True)
class Answer:
    """What a request got back: a result or a JSON-RPC error, and how long it took."""

    result: Mapping[str, Any] | None
    error: Mapping[str, Any] | None
    seconds: float

    @property
    def failed(self) -> bool:
        """Tell whether the client sees a failure."""
        return self.result is None or self.result.get("isError") is True

    @property
    def text(self) -> str:
        """Everything that a model would read of it."""
        if self.error is not None:
            return f"{self.error.get('message')}\n{self.error.get('data') or ''}".strip()
        blocks = (self.result or {}).get("content") or []
        return "\n".join(str(block.get("text", "")) for block in blocks if isinstance(block, Mapping))

    @property
    def repair(self) -> Mapping[str, Any] | None:
        """The announcement of a repair, None where the reply has none."""
        meta = (self.result or {}).get("_meta")
        found = meta.get("mcp-mend/repair") if isinstance(meta, Mapping) else None
        return found if isinstance(found, Mapping) else None

    @property
    def suggestion(self) -> tuple[str, Any] | None:
        """The call that a diagnosis suggests: tool and arguments; None where it suggests none."""
        found = re.search(r"^Suggestion \(\w+\): call (.+?) with (\{.*\})$", self.text, re.MULTILINE)
        try:
            return (found[1], json.loads(found[2])) if found else None
        except ValueError:
            return None


@dataclass(frozen=True)
class Connection:
    """A connected client."""

    client: Client

    async def request(self, method: str, params: Mapping[str, Any], seconds: float = 60) -> Answer:
        """Send a request exactly as given and return whatever came back."""
        session = self.client.session
        data: dict[str, Any] = {"method": method, "params": dict(params)}
        opts: dict[str, Any] = {}
        session._stamp(data, opts)  # noqa: SLF001 the modern era wants its envelope on raw requests too
        began = time.perf_counter()
        try:
            result = await session._dispatcher.send_raw_request(  # noqa: SLF001 see the module's first lines
                method, data["params"], {**opts, "timeout": seconds}
            )
        except MCPError as refusal:
            error = {"code": refusal.error.code, "message": refusal.error.message, "data": refusal.error.data}
            return Answer(None, error, time.perf_counter() - began)
        return Answer(result, None, time.perf_counter() - began)

    async def call(self, name: str, arguments: Any = None, seconds: float = 60) -> Answer:
        """Call a tool; `arguments` None leaves the key out."""
        params = {"name": name} if arguments is None else {"name": name, "arguments": arguments}
        return await self.request("tools/call", params, seconds)

    async def tools(self) -> list[dict[str, Any]]:
        """The raw tool objects, all pages."""
        found: list[dict[str, Any]] = []
        cursor: dict[str, Any] = {}
        while True:
            page = (await self.request("tools/list", cursor)).result or {}
            found += page.get("tools", [])
            if not page.get("nextCursor"):
                return found
            cursor = {"cursor": page["nextCursor"]}

    async def listed(self, servers: int, seconds: float = 90) -> None:
        """Wait until the tools of this many servers are listed, so that their start counts for no case."""
        with anyio.fail_after(seconds):
            while len({tool["name"].split("__")[0] for tool in await self.tools() if "__" in tool["name"]}) < servers:  # noqa: ASYNC110 another process has no event for us
                await anyio.sleep(0.05)


@asynccontextmanager
async def connect(command: Sequence[str], env: Mapping[str, str], log: Path) -> AsyncIterator[Connection]:
    """Start a server and connect to it; its stderr goes to `log`, and its process group ends with the block."""
    parameters = StdioServerParameters(
        command=command[0], args=list(command[1:]), env={**os.environ, **env}, cwd=str(ROOT)
    )
    with log.open("a") as errors:
        async with Client(stdio_client(parameters, errlog=errors), read_timeout_seconds=120) as client:
            yield Connection(client)


def proxy() -> str:
    """The console script of the environment that runs the benchmark."""
    return str(Path(sys.executable).with_name("mcp-mend"))
