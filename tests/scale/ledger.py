"""An upstream whose one tool has an effect that is counted: `python -m tests.scale.ledger PORT [--pause SECONDS]`.

`enter` writes its intent down half-way through the pause. `GET /entries` tells what was written down, in order.
"""

from __future__ import annotations

import argparse
from typing import Any

import anyio
import mcp.types as types
import uvicorn
from mcp.server.lowlevel import Server
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

KEPT = 600
"""Seconds that idle connections stay: one that ends just as a call leaves makes the call's outcome unknown."""

SCHEMA = {"type": "object", "properties": {"intent": {"type": "string"}}, "required": ["intent"]}


def ledger(pause: float) -> Any:
    """The app of a ledger whose entries take this many seconds."""
    entries: list[str] = []
    tool = types.Tool(name="enter", description="Enters an intent into the ledger.", input_schema=SCHEMA)

    async def list_tools(ctx: Any, params: Any) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[tool])

    async def call_tool(ctx: Any, params: types.CallToolRequestParams) -> types.CallToolResult:
        intent = str((params.arguments or {})["intent"])
        await anyio.sleep(pause / 2)
        entries.append(intent)
        await anyio.sleep(pause / 2)
        return types.CallToolResult(content=[types.TextContent(type="text", text=f"entered {intent}")])

    async def told(request: Request) -> JSONResponse:
        return JSONResponse(entries)

    server = Server("ledger", version="1", on_list_tools=list_tools, on_call_tool=call_tool)
    return server.streamable_http_app(custom_starlette_routes=[Route("/entries", told)])


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("--pause", type=float, default=0.0)
    options = parser.parse_args()
    uvicorn.run(ledger(options.pause), port=options.port, log_level="error", timeout_keep_alive=KEPT)
