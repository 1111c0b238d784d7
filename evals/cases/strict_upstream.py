"""A server that publishes given tools, refuses what they do not accept, echoes what they do, and logs every call.

Usage: python -m evals.cases.strict_upstream SPEC.json LOG.jsonl, speaking MCP of the handshake era on stdio.
SPEC is `{"style": ..., "tools": [raw tool objects], "rules": {tool: rule of `refusals.issues`, with `quote`}}`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from evals.cases.refusals import issues, reply


class Upstream:
    """The answers of the server; every `tools/call` adds a line to the log."""

    def __init__(self, spec: dict[str, Any], log: Path) -> None:
        self._tools = {tool["name"]: tool for tool in spec["tools"]}
        self._rules: dict[str, dict[str, Any]] = spec["rules"]
        self._style = spec["style"]
        self._log = log

    def answer(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """The answer to one request, as `{"result": ...}` or `{"error": ...}`."""
        match method:
            case "initialize":
                return {
                    "result": {
                        "protocolVersion": "2025-06-18",
                        "capabilities": {"tools": {}},
                        "serverInfo": {"name": "strict", "version": "1"},
                    }
                }
            case "tools/list":
                return {"result": {"tools": list(self._tools.values())}}
            case "tools/call":
                return self._call(params)
            case "ping":
                return {"result": {}}
            case _:
                return {"error": {"code": -32601, "message": "Method not found"}}

    def _call(self, params: dict[str, Any]) -> dict[str, Any]:
        name, arguments = params.get("name"), params.get("arguments")
        answer = self._judge(str(name), {} if arguments is None else arguments)
        accepted = "result" in answer and not answer["result"].get("isError")
        line = {"tool": name, "arguments": arguments, "accepted": accepted, "answer": answer}
        with self._log.open("a") as log:
            log.write(json.dumps(line) + "\n")
        return answer

    def _judge(self, name: str, arguments: Any) -> dict[str, Any]:
        if name not in self._tools:
            return {"error": {"code": -32602, "message": f"Unknown tool: {name}"}}
        if not isinstance(arguments, dict):
            return {"error": {"code": -32602, "message": "Invalid request parameters", "data": ""}}
        rule = self._rules.get(name, {})
        found = issues(self._tools[name]["inputSchema"], rule, arguments)
        if found:
            return reply(name, found, self._style, rule.get("quote", ""))
        block = {"type": "text", "text": json.dumps({"echo": arguments}), "x-block": "kept"}
        return {"result": {"content": [block], "structuredContent": {"echo": arguments}, "x-result": {"kept": True}}}


def main() -> None:
    """Serve until stdin closes."""
    upstream = Upstream(json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2]))
    for line in sys.stdin:
        message = json.loads(line)
        if "id" in message and "method" in message:
            answer = upstream.answer(message["method"], message.get("params") or {})
            sys.stdout.write(json.dumps({"jsonrpc": "2.0", "id": message["id"], **answer}) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
