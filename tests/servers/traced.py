"""A real MCP server that tells what reached it: `python traced.py` on stdio, `python traced.py PORT` over HTTP.

`look` returns the `_meta` of its call and, over HTTP, the headers; `count` takes a number and refuses a text as the
official SDK does; `leak` fails with its argument and a variable of its environment in the error.
"""

from __future__ import annotations

import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

READ = {"readOnlyHint": True}


def tool(name: str, **properties: Any) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    return {"name": name, "description": f"Read: {name}.", "annotations": READ, "inputSchema": schema}


TOOLS = [tool("look"), tool("count", number={"type": "integer"}), tool("leak", password={"type": "string"})]


def text(said: str, *, failed: bool = False) -> dict[str, Any]:
    return {"result": {"content": [{"type": "text", "text": said}], "isError": failed}}


def called(params: dict[str, Any], headers: dict[str, str]) -> dict[str, Any]:
    given = params.get("arguments") or {}
    if params["name"] == "look":
        return text(json.dumps({"meta": params.get("_meta"), "headers": headers}))
    if params["name"] == "leak":
        return text(f"wrong password {given.get('password')!r} for {os.environ.get('LEAKED', '')}", failed=True)
    if params["name"] == "count" and type(given.get("number")) is not int:
        return text(f"Input validation error: {given.get('number')!r} is not of type 'integer'", failed=True)
    return text(json.dumps(given))


def answer(message: dict[str, Any], headers: dict[str, str]) -> dict[str, Any] | None:
    method, params = message.get("method"), message.get("params") or {}
    if message.get("id") is None or method is None:
        return None
    body: dict[str, Any] = {"error": {"code": -32601, "message": "Method not found"}}
    if method == "initialize":
        info = {"name": "traced", "version": "1"}
        can = {"tools": {}, "prompts": {}}
        body = {"result": {"protocolVersion": params["protocolVersion"], "capabilities": can, "serverInfo": info}}
    elif method == "tools/list":
        body = {"result": {"tools": TOOLS}}
    elif method == "prompts/get":
        body = {"result": {"messages": [], "description": json.dumps(params.get("_meta"))}}
    elif method == "tools/call":
        body = called(params, headers)
    return {"jsonrpc": "2.0", "id": message["id"], **body}


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        message = json.loads(self.rfile.read(int(self.headers["content-length"])))
        reply = answer(message, {key.lower(): value for key, value in self.headers.items()})
        data = b"" if reply is None else json.dumps(reply).encode()
        self.send_response(202 if reply is None else 200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self) -> None:
        self.send_response(405)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        del format, args


def main() -> None:
    if sys.argv[1:] and sys.argv[1].isdecimal():
        ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
    for line in sys.stdin:
        reply = answer(json.loads(line), {})
        if reply is not None:
            sys.stdout.write(json.dumps(reply) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
