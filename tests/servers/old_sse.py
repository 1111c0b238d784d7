"""A real MCP server that speaks the SSE transport of 2024-11-05 and nothing else: `python old_sse.py PORT`."""

from __future__ import annotations

import sys

from mcp.server.mcpserver import MCPServer

server = MCPServer("old")


@server.tool()
def echo(text: str) -> str:
    """Return the text."""
    return text


if __name__ == "__main__":
    server.run(transport="sse", port=int(sys.argv[1]))
