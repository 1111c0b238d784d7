"""A real MCP server that sends parcels, and stops in the middle of one call until it is told to go on.

Usage: python parcels.py LOG PORT TOOL. Every executed call adds a line to LOG. The first call of TOOL, once done,
connects to PORT on this machine and answers only when that connection ends.
"""

from __future__ import annotations

import json
import socket
import sys
from pathlib import Path
from typing import Any

LOG, PORT, HELD = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
TEXT = {"type": "string"}


def tool(name: str, read_only: bool, **properties: Any) -> dict[str, Any]:
    schema = {
        "type": "object",
        "properties": properties,
        "required": [p for p in properties if p != "password"],
        "additionalProperties": False,
    }
    hints = {"readOnlyHint": read_only, "destructiveHint": False}
    return {"name": name, "inputSchema": schema, "annotations": hints}


TOOLS = [
    tool("look_up", True, person=TEXT, password=TEXT),
    tool("reserve_box", False, size={"type": "integer"}),
    tool("send_parcel", False, box=TEXT, address=TEXT),
    tool("print_label", False, parcel=TEXT),
]
RESULTS: dict[str, Any] = {
    "look_up": {"address": "Elm Row 9", "map": "x" * 300_000},
    "reserve_box": {"box": "b-4"},
    "send_parcel": {"parcel": "p-1"},
    "print_label": {"label": "l-1"},
}


def answer(method: str, params: dict[str, Any]) -> dict[str, Any]:
    if method == "initialize":
        server = {"name": "parcels", "version": "1"}
        return {"protocolVersion": params["protocolVersion"], "capabilities": {"tools": {}}, "serverInfo": server}
    if method == "tools/list":
        return {"tools": TOOLS}
    return call(params["name"], params.get("arguments") or {}) if method == "tools/call" else {}


def call(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    if name == "reserve_box" and not isinstance(arguments["size"], int):
        words = f"Input validation error: {arguments['size']!r} is not of type 'integer'"
        return {"content": [{"type": "text", "text": words}], "isError": True}
    first = f'"{name}"' not in (LOG.read_text() if LOG.exists() else "")
    with LOG.open("a") as log:
        log.write(json.dumps([name, arguments]) + "\n")
    if name == HELD and first:
        with socket.create_connection(("127.0.0.1", PORT)) as line:
            line.recv(1)
    text = json.dumps(RESULTS[name])
    return {"content": [{"type": "text", "text": text}], "structuredContent": RESULTS[name]}


for written in sys.stdin:
    message = json.loads(written)
    if "id" in message and "method" in message:
        reply = {
            "jsonrpc": "2.0",
            "id": message["id"],
            "result": answer(message["method"], message.get("params") or {}),
        }
        sys.stdout.write(json.dumps(reply) + "\n")
        sys.stdout.flush()
