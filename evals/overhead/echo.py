"""The upstream of the measurement, on the official SDK: `echo` and as many more tools as asked for.

`python -m evals.overhead.echo [--tools N] [--size BYTES] [--http PORT]`
"""

from __future__ import annotations

import argparse
from typing import Any

import anyio
import mcp.types as types
from mcp.server.lowlevel import NotificationOptions, Server

SCHEMA = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}


def server(tools: int, size: int) -> Server[Any]:
    """A server of this many tools whose answers have this many bytes (0: the text it was given)."""
    names = ["echo", *(f"echo_{number}" for number in range(1, tools))]
    listed = types.ListToolsResult(
        tools=[types.Tool(name=name, description=f"Returns its text. {name}", input_schema=SCHEMA) for name in names]
    )
    filling = "x" * size

    async def list_tools(ctx: Any, params: Any) -> types.ListToolsResult:
        return listed

    async def call_tool(ctx: Any, params: types.CallToolRequestParams) -> types.CallToolResult:
        text = filling or (params.arguments or {}).get("text", "")
        return types.CallToolResult(content=[types.TextContent(type="text", text=text)])

    return Server("echo", version="1", on_list_tools=list_tools, on_call_tool=call_tool)


def main() -> None:
    """Serve on stdio, or on a port of loopback."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--tools", type=int, default=1)
    parser.add_argument("--size", type=int, default=0)
    parser.add_argument("--http", type=int)
    options = parser.parse_args()
    made = server(options.tools, options.size)
    if options.http is not None:
        import uvicorn

        uvicorn.run(made.streamable_http_app(), port=options.http, log_level="error")
        return
    from mcp.server.stdio import stdio_server

    async def serve() -> None:
        async with stdio_server() as (read, write):
            await made.run(read, write, made.create_initialization_options(NotificationOptions(tools_changed=True)))

    anyio.run(serve)


if __name__ == "__main__":
    main()
