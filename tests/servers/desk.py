"""A real MCP server with a parcel, the number of which no name gives away: `python desk.py`."""

# pyright: basic
import json
import sys
from typing import Any

NEWEST = {"newest": {"sender": "S-9", "track": "T-7", "depot": "D-3"}}
CODE = {"type": "object", "properties": {"code": {"type": "string"}}, "required": ["code"]}
TOOLS = [
    {"name": name, "description": text, "inputSchema": schema, "annotations": {"readOnlyHint": True}}
    for name, text, schema in (
        ("newest_parcel", "Get the newest parcel.", {"type": "object", "properties": {}}),
        ("find_parcel", "Find a parcel.", CODE),
    )
]


def called(name: str, code: str) -> dict[str, Any]:
    if name == "find_parcel" and code != "T-7":
        return {"isError": True, "content": [{"type": "text", "text": f"no parcel {code}"}]}
    value = {"where": "on its way"} if name == "find_parcel" else NEWEST
    return {"structuredContent": value, "content": [{"type": "text", "text": json.dumps(value)}]}


def answer(method: str, params: dict[str, Any]) -> dict[str, Any]:
    if method == "initialize":
        server = {"name": "desk", "version": "1"}
        return {"protocolVersion": params["protocolVersion"], "capabilities": {"tools": {}}, "serverInfo": server}
    if method == "tools/call":
        return called(params["name"], params.get("arguments", {}).get("code", ""))
    return {"tools": TOOLS} if method == "tools/list" else {}


for line in sys.stdin:
    asked = json.loads(line)
    if "id" in asked:
        result = answer(asked["method"], asked.get("params", {}))
        sys.stdout.write(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": result}) + "\n")
        sys.stdout.flush()
