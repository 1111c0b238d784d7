"""A real MCP server over HTTP that does what a call asks and then answers as if it had not: `python turncoat.py PORT`.

The text of a call is `STATUS BODY` and says how it is answered, with `%d` for its id; a session that is not the first
is served. `count` tells how many calls came and sessions were begun. A redirect leads to `/moved`, which serves alike.
`--get STATUS,STATUS` is how each GET is answered in turn, the last one from then on.
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Turncoat(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    calls = 0
    sessions = 0
    sessionless = False
    gets = (405,)

    def do_GET(self) -> None:
        status, *more = self.gets
        type(self).gets = tuple(more) or self.gets
        self.answer(status)

    def do_DELETE(self) -> None:
        self.answer(405)

    def do_POST(self) -> None:
        message = json.loads(self.rfile.read(int(self.headers["content-length"])))
        method, ident = message.get("method"), message.get("id")
        if ident is None:
            self.answer(202)
        elif method == "initialize":
            type(self).sessions += 1
            info = {"name": "turncoat", "version": "1"}
            result = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": info}
            self.reply(ident, result, None if self.sessionless else f"session-{self.sessions}")
        elif method == "tools/list":
            self.reply(ident, {"tools": [{"name": "echo", "inputSchema": {"type": "object"}}]})
        elif method == "tools/call":
            self.call(ident, str(message["params"]["arguments"]["text"]))
        else:
            self.answer(404)

    def call(self, ident: Any, text: str) -> None:
        if text == "count":
            self.say(ident, f"{self.calls} calls, {self.sessions} sessions")
            return
        type(self).calls += 1
        status, _, body = text.partition(" ")
        again = self.headers.get("mcp-session-id") not in (None, "session-1")
        if not status.isdecimal() or (again and status in ("200", "400", "404", "410", "503") and "always" not in body):
            self.say(ident, "served")
        else:
            self.answer(int(status), body.replace("%d", str(ident)).encode())

    def say(self, ident: Any, text: str) -> None:
        self.reply(ident, {"content": [{"type": "text", "text": text}]})

    def reply(self, ident: Any, result: Any, session: str | None = None) -> None:
        body = json.dumps({"jsonrpc": "2.0", "id": ident, "result": result}).encode()
        self.answer(200, body, {"mcp-session-id": session} if session else {})

    def answer(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        shown = {"content-type": "application/json", "content-length": str(len(body)), **(headers or {})}
        if status in (301, 302, 303, 307, 308):
            shown["location"] = "/moved"
        for name, value in shown.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        del format, args


if __name__ == "__main__":
    Turncoat.sessionless = "--sessionless" in sys.argv
    if "--get" in sys.argv:
        Turncoat.gets = tuple(map(int, sys.argv[sys.argv.index("--get") + 1].split(",")))
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Turncoat).serve_forever()
