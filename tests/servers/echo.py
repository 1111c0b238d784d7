"""A real MCP server of one tool, written on the protocol alone so that it starts in milliseconds.

`echo` returns its text. Options: `--tools N` more tools, `--size BYTES` of answer, `--noise` lines on stdout that are
no messages, `--die` exit on the call `die`.
"""

import argparse
import json
import os
import sys


def tool(name: str) -> dict:
    schema = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}
    return {"name": name, "description": name, "inputSchema": schema, "x-vendor": {"kept": None}}


def answer(options: argparse.Namespace, method: str, params: dict) -> dict:
    if method == "initialize":
        version = options.version or params["protocolVersion"]
        info = {"name": "echo", "version": "1", "x-vendor": [1, None]}
        return {"protocolVersion": version, "capabilities": {"tools": {"listChanged": True}}, "serverInfo": info}
    if method == "tools/list":
        names = ["echo", *(f"echo_{number}" for number in range(1, options.tools))]
        return {"tools": [tool(name) for name in names], "x-list": "kept"}
    if method == "tools/call":
        arguments = params.get("arguments") or {}
        if arguments.get("text") == "die":
            sys.stderr.write("dying as asked\n")
            sys.stderr.flush()
            os._exit(3)
        text = arguments.get("text", "") if not options.size else "x" * options.size
        return {"content": [{"type": "text", "text": text, "x-vendor": None}], "isError": False}
    if method == "ping":
        return {}
    raise LookupError(method)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--tools", type=int, default=1)
    parser.add_argument("--size", type=int, default=0)
    parser.add_argument("--noise", action="store_true")
    parser.add_argument("--version")
    options = parser.parse_args()
    write = sys.stdout.write
    for line in sys.stdin:
        message = json.loads(line)
        if options.noise:
            write("a log line that is no message\n")
        if "id" not in message:
            continue
        try:
            body = {"result": answer(options, message["method"], message.get("params") or {})}
        except LookupError:
            body = {"error": {"code": -32601, "message": "Method not found", "data": {"x": None}}}
        write(json.dumps({"jsonrpc": "2.0", "id": message["id"], **body}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
