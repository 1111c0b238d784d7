"""A real MCP server of few tools, written on the protocol alone so that it starts in milliseconds.

`echo` returns its text; a text may also be an order: `die` ends the process, `never` gets no answer, `env NAME`
returns a variable, `cancelled` the ids of cancelled requests, `change` announces changed tools and adds one (`quietly`
without a word), `hang up` ends every listening, `progress` reports progress three times before the answer, `ask` asks
the client for its roots and returns them.
"""

import argparse
import json
import os
import subprocess
import sys
from typing import Any

VERSION, MODERN = "io.modelcontextprotocol/protocolVersion", "2026-07-28"


class Echo:
    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.tools = ["echo", *(f"echo_{number}" for number in range(1, options.tools))]
        self.cancelled: list[Any] = []
        self.asked: dict[str, Any] = {}
        self.listening: list[Any] = []

    def send(self, message: dict[str, Any]) -> None:
        sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        sys.stdout.flush()

    def take(self, message: dict[str, Any]) -> None:
        if self.options.noise:
            sys.stdout.write("a log line that is no message\n")
        method, ident = message.get("method"), message.get("id")
        if method == "notifications/cancelled":
            self.cancelled.append(message["params"]["requestId"])
        elif method is None and ident in self.asked:
            self.send({"id": self.asked.pop(ident), "result": text(json.dumps(message.get("result")))})
        elif method is not None and ident is not None:
            self.answer(method, message.get("params") or {}, ident)

    def answer(self, method: str, params: dict[str, Any], ident: Any) -> None:
        if self.options.modern and VERSION not in (params.get("_meta") or {}):
            self.send(
                {"id": ident, "error": {"code": -32022, "message": "no envelope", "data": {"supported": [MODERN]}}}
            )
        elif self.options.modern and method == "server/discover":
            can = {"tools": {"listChanged": True}}
            self.send({"id": ident, "result": {"supportedVersions": [MODERN], "capabilities": can}})
        elif method == "initialize":
            self.send({"id": ident, "result": self.hello(params)})
        elif method == "tools/list":
            self.send({"id": ident, "result": self.page(params)})
        elif method == "tools/call":
            self.call(str((params.get("arguments") or {}).get("text", "")), params, ident)
        elif method == "subscriptions/listen" and self.options.modern:
            self.listening.append(ident)
        elif method == "ping":
            self.send({"id": ident, "result": {}})
        elif method == "vendor/params":
            self.send({"id": ident, "result": {"given": params}})
        else:
            self.send({"id": ident, "error": {"code": -32601, "message": "Method not found", "data": {"x": None}}})

    def hello(self, params: dict[str, Any]) -> dict[str, Any]:
        info = {"name": "echo", "version": "1", "x-vendor": [1, None], "client": params["clientInfo"]}
        can = {"tools": {"listChanged": True}}
        version = self.options.version or params["protocolVersion"]
        return {"protocolVersion": version, "capabilities": can, "serverInfo": info, "instructions": "Echo."}

    def page(self, params: dict[str, Any]) -> dict[str, Any]:
        start, size = int(params.get("cursor", 0)), self.options.page or len(self.tools)
        more: dict[str, Any] = {"nextCursor": str(start + size)} if start + size < len(self.tools) else {}
        if keeps := getattr(self.options, "ttl", 0):
            more["ttlMs"] = keeps
        return {"tools": [tool(name) for name in self.tools[start : start + size]], "x-list": "kept", **more}

    def call(self, order: str, params: dict[str, Any], ident: Any) -> None:  # noqa: C901 (one branch an order)
        word, _, rest = order.partition(" ")
        answer = order
        if word == "die":
            sys.stderr.write("dying as asked\n")
            sys.stderr.flush()
            os._exit(3)
        elif word == "never":
            return
        elif word == "env":
            answer = os.environ.get(rest, "")
        elif word == "cancelled":
            answer = json.dumps(self.cancelled)
        elif word == "pid":
            answer = str(os.getpid())
        elif word == "change":
            self.tools.append("later")
            self.send({"method": "notifications/tools/list_changed"})
        elif word == "quietly":
            self.tools.append("later")
        elif word == "hang":
            for listening in self.listening:
                self.send({"id": listening, "result": {"resultType": "complete"}})
            self.listening.clear()
        elif word == "progress":
            for done in range(3):
                token = (params.get("_meta") or {}).get("progressToken")
                body = {"progressToken": token, "progress": done, "total": None, "x-vendor": 1}
                self.send({"method": "notifications/progress", "params": body})
        elif word == "ask" and self.options.modern:
            wanted = {"inputRequests": {"where": {"method": "roots/list"}}, "requestState": "state"}
            given = params.get("inputResponses")
            answer = json.dumps([given, params.get("requestState")])
            if given is None:
                self.send({"id": ident, "result": {"resultType": "input_required", **wanted}})
                return
        elif word == "ask":
            self.asked[f"q{ident}"] = ident
            self.send({"id": f"q{ident}", "method": "roots/list"})
            return
        self.send({"id": ident, "result": text(answer if not self.options.size else "x" * self.options.size)})


def tool(name: str) -> dict[str, Any]:
    schema = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}
    return {"name": name, "description": name, "inputSchema": schema, "x-vendor": {"kept": None}}


def text(value: str) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": value, "x-vendor": None}], "isError": False, "x-result": [None]}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--tools", type=int, default=1)
    parser.add_argument("--page", type=int, default=0, help="tools per page of tools/list")
    parser.add_argument("--size", type=int, default=0, help="bytes of every answer")
    parser.add_argument("--noise", action="store_true", help="lines on stdout that are no messages")
    parser.add_argument("--version", help="the only protocol version it speaks")
    parser.add_argument("--child", action="store_true", help="start a child that ignores SIGTERM")
    parser.add_argument("--deaf", action="store_true", help="never answer anything, as with $ECHO_DEAF")
    parser.add_argument("--slow", type=float, default=0, help="seconds before it reads anything")
    parser.add_argument("--ttl", type=int, default=0, help="milliseconds that a list of tools keeps")
    parser.add_argument("--modern", action="store_true", help="speak without sessions alone")
    options = parser.parse_args()
    if options.child:
        subprocess.Popen(
            [sys.executable, "-c", "import signal,time; signal.signal(15, signal.SIG_IGN); time.sleep(600)"]
        )
    if options.slow:
        import time

        time.sleep(options.slow)
    echo = Echo(options)
    for line in sys.stdin:
        if not (options.deaf or os.environ.get("ECHO_DEAF")):
            echo.take(json.loads(line))


if __name__ == "__main__":
    main()
