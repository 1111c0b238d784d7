"""A real MCP server over stdio that does one thing wrong: `python bad_stdio.py FAULT LOG`.

Sound until `act` is called with `bad`; faults of the start show at once. Each effect and each process that is started
adds a line to LOG: `{"did": intent}` or `{"pid": number}`. Written on the protocol alone, so that it starts quickly.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
SCHEMA = {
    "type": "object",
    "properties": {"intent": {"type": "string"}, "bad": {"type": "boolean"}, "load": {"type": "string"}},
    "required": ["intent"],
}
ACT = {"name": "act", "description": "Act once.", "inputSchema": SCHEMA}


NOTIFIED = "replies to notifications"


class Bad:
    """The server; a fault is a method-like function of it and the id of the call."""

    def __init__(self, fault: str, log: str) -> None:
        self.fault, self.log = fault, log
        self.held: Any = None
        self.token: Any = None
        self.note(pid=os.getpid())

    def note(self, **what: Any) -> None:
        line = (json.dumps(what) + "\n").encode()
        handle = os.open(self.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.write(handle, line)
        os.close(handle)

    def write(self, data: bytes) -> None:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()

    def send(self, **message: Any) -> None:
        self.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")

    def reply(self, ident: Any, said: str = "done") -> None:
        self.send(id=ident, result={"content": [{"type": "text", "text": said}]})

    def take(self, message: dict[str, Any]) -> None:
        method, ident = message.get("method"), message.get("id")
        if method is None:
            return
        if ident is None:
            if self.fault == NOTIFIED:
                self.send(id=None, result={})
                self.send(id=method, error={"code": -32601, "message": "no such method"})
            if self.fault == "late after cancel" and method == "notifications/cancelled":
                self.reply(self.held)
            return
        if method == "initialize":
            START.get(self.fault, greet)(self, ident)
        elif method == "tools/list":
            LISTS.get(self.fault, listed)(self, ident)
        elif method == "tools/call":
            self.called(message.get("params") or {}, ident)
        elif method == "ping":
            self.send(id=ident, result={})
        else:
            self.send(id=ident, error={"code": -32601, "message": "Method not found"})

    def called(self, params: dict[str, Any], ident: Any) -> None:
        given = params.get("arguments") or {}
        self.token = (params.get("_meta") or {}).get("progressToken")
        fault = CALLS.get(self.fault) if given.get("bad") else None
        if self.fault != "dies before" or not given.get("bad"):
            self.note(did=given.get("intent"))
        if fault is None:
            self.reply(ident)
        else:
            fault(self, ident)


def greet(server: Bad, ident: Any) -> None:
    can = {"tools": {"listChanged": True}}
    info = {"name": "bad", "version": "1"}
    server.send(id=ident, result={"protocolVersion": "2025-11-25", "capabilities": can, "serverInfo": info})


def listed(server: Bad, ident: Any, *more: Any) -> None:
    server.send(id=ident, result={"tools": [ACT, *more]})


def leave(code: int = 3) -> None:
    sys.stderr.write("leaving as asked\n")
    sys.stderr.flush()
    os._exit(code)


# what goes wrong at the start


def stubborn_child(server: Bad, ident: Any) -> None:
    child = subprocess.Popen([sys.executable, "-I", "-S", "-c", STUBBORN], stdin=subprocess.DEVNULL)
    server.note(pid=child.pid)
    greet(server, ident)


def ignores_sigterm(server: Bad, ident: Any) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    greet(server, ident)


def slow_start(server: Bad, ident: Any) -> None:
    time.sleep(1)
    greet(server, ident)


START: dict[str, Callable[[Bad, Any], None]] = {
    "exits on initialize": lambda *_: leave(),
    "refuses initialize": lambda s, i: s.send(id=i, error={"code": -32603, "message": "not today"}),
    "initialize without fields": lambda s, i: s.send(id=i, result={}),
    "initialize with a list": lambda s, i: s.send(id=i, result=[1]),
    "unknown version": lambda s, i: s.send(id=i, result={"protocolVersion": "1999-01-01", "capabilities": None}),
    "never greets": lambda *_: None,
    "slow start": slow_start,
    "stubborn child": stubborn_child,
    "ignores sigterm": ignores_sigterm,
    "noise before hello": lambda s, i: (s.write(b"npm WARN old\n\x1b[32mReady\x1b[0m\n\n\n"), greet(s, i))[0],
}


# what is wrong with the list of tools


def other_cursor(server: Bad, ident: Any) -> None:
    server.send(id=ident, result={"tools": [ACT], "nextCursor": f"after {ident}"})


LISTS: dict[str, Callable[[Bad, Any], None]] = {
    "same cursor": lambda s, i: s.send(id=i, result={"tools": [ACT], "nextCursor": "again"}),
    "ever new cursor": other_cursor,
    "null tools": lambda s, i: s.send(id=i, result={"tools": None}),
    "tools in an object": lambda s, i: s.send(id=i, result={"tools": {"act": ACT}}),
    "nameless tools": lambda s, i: listed(s, i, {"description": "no name"}, {"name": None}, {"name": ""}, {"name": 5}),
    "no objects as tools": lambda s, i: listed(s, i, None, 5, "act", ["act"]),
    "duplicate tools": lambda s, i: listed(s, i, ACT, {**ACT, "description": "the other"}),
    "schemas that are none": lambda s, i: listed(
        s,
        i,
        {"name": "a", "inputSchema": 5},
        {"name": "b"},
        {"name": "c", "inputSchema": {"type": 7, "properties": []}},
    ),
    "refuses to list": lambda s, i: s.send(id=i, error={"code": -32000, "message": "tools are at lunch"}),
    "never lists": lambda *_: None,
}


# what goes wrong with a call, its effect done but for "dies before"


def raw(data: bytes) -> Callable[[Bad, Any], None]:
    """Write bytes in which ID stands for the id."""
    return lambda server, ident: server.write(data.replace(b"ID", json.dumps(ident).encode()) + b"\n")


def before_reply(data: bytes) -> Callable[[Bad, Any], None]:
    def fault(server: Bad, ident: Any) -> None:
        server.write(data)
        server.reply(ident)

    return fault


def body(text: bytes) -> Callable[[Bad, Any], None]:
    """A reply whose result holds this JSON."""
    return raw(b'{"jsonrpc":"2.0","id":ID,"result":{"content":[{"type":"text","text":"done"}],"extra":' + text + b"}}")


def dies_after(server: Bad, ident: Any) -> None:
    server.reply(ident)
    leave()


def half_a_reply(server: Bad, ident: Any) -> None:
    server.write(b'{"jsonrpc":"2.0","id":' + json.dumps(ident).encode() + b',"result":{"content":[{"ty')
    leave()


def closes(number: int, *, first: bool) -> Callable[[Bad, Any], None]:
    """Close stdin or stdout and live on, the reply given before or not at all."""

    def fault(server: Bad, ident: Any) -> None:
        if first:
            server.reply(ident)
        os.close(number)
        signal.pause()

    return fault


def grandchild_keeps_stdout(server: Bad, ident: Any) -> None:
    child = subprocess.Popen([sys.executable, "-I", "-S", "-c", STUBBORN], stdin=subprocess.DEVNULL)
    server.note(pid=child.pid)
    leave()


def drop_by_drop(server: Bad, ident: Any) -> None:
    data = json.dumps({"jsonrpc": "2.0", "id": ident, "result": {"content": [{"type": "text", "text": "é✓done"}]}})
    for byte in data.encode() + b"\r\n":
        server.write(bytes([byte]))


def storm(server: Bad, ident: Any) -> None:
    for _ in range(2000):
        server.send(method="notifications/tools/list_changed")
    server.reply(ident)


def progress_flood(server: Bad, ident: Any) -> None:
    for done in range(2000):
        server.send(method="notifications/progress", params={"progressToken": "nobody's", "progress": done})
    server.reply(ident)


def asks_back(server: Bad, ident: Any) -> None:
    server.send(id=ident, method="ping")
    server.send(id="q", method="no/such")
    server.send(id=None, method="ping")
    server.send(id=1.5, method="ping", params=[1])
    server.reply(ident)


def talks_to_stderr(server: Bad, ident: Any) -> None:
    sys.stderr.write("x" * 3_000_000 + "\n" + "\x1b[31mline\n" * 20_000)
    server.reply(ident)


def slow(server: Bad, ident: Any) -> None:
    server.send(method="notifications/progress", params={"progressToken": server.token, "progress": 0})
    time.sleep(2)
    server.reply(ident)


def holds(server: Bad, ident: Any) -> None:
    server.held = ident


DONE = b'{"jsonrpc":"2.0","id":ID,"result":{"content":[{"type":"text","text":"done"}]}}'

CALLS: dict[str, Callable[[Bad, Any], None]] = {
    "dies before": lambda *_: leave(),
    "dies during": lambda *_: leave(),
    "dies after": dies_after,
    "half a reply": half_a_reply,
    "closes stdout": closes(1, first=False),
    "closes stdin": closes(0, first=True),
    "closes stdin unanswered": closes(0, first=False),
    "stops reading": lambda *_: signal.pause(),
    "grandchild keeps stdout": grandchild_keeps_stdout,
    "noise": before_reply(b"Loading...\n{}\n[]\n5\nnull\n\n{\"log\": 1}\n"),
    "ansi": before_reply(b"\x1b[2J\x1b[31mready\x1b[0m\x07\n"),
    "giant noise": before_reply(b"x" * 8_000_000 + b"\n"),
    "giant result": body(b'"' + b"x" * 6_000_000 + b'"'),
    "invalid utf-8": body(b'"\xff\xfe\xc3\x28"'),
    "invalid utf-8 noise": before_reply(b"\xff\xfe\x80 hello\n"),
    "leading nul": raw(b"\x00" + DONE),
    "byte order mark": raw(b"\xef\xbb\xbf" + DONE),
    "deep nesting": body(b"[" * 50_000 + b"]" * 50_000),
    "long integer": body(b"9" * 5_000),
    "nan": body(b"NaN"),
    "lone surrogate": body(b'"\\ud800"'),
    "text id": lambda s, i: s.reply(str(i)),
    "float id": raw(b'{"jsonrpc":"2.0","id":ID.0,"result":{"content":[{"type":"text","text":"done"}]}}'),
    "wrong id": lambda s, i: s.reply(f"not {i}"),
    "no id": lambda s, i: s.send(result={"content": []}),
    "unknown id first": lambda s, i: (s.reply("unknown"), s.reply(i))[0],
    "replies twice": lambda s, i: (s.reply(i), s.reply(i, "again"))[0],
    "slow": slow,
    "never replies": lambda *_: None,
    "late after cancel": holds,
    "list changed storm": storm,
    "progress flood": progress_flood,
    "asks back": asks_back,
    "talks to stderr": talks_to_stderr,
    "drop by drop": drop_by_drop,
    "batch": raw(b"[" + DONE + b"]"),
    "result is a number": raw(b'{"jsonrpc":"2.0","id":ID,"result":5}'),
    "result is null": raw(b'{"jsonrpc":"2.0","id":ID,"result":null}'),
    "result and error": raw(b'{"jsonrpc":"2.0","id":ID,"result":{},"error":{"code":1,"message":"both"}}'),
    "neither": raw(b'{"jsonrpc":"2.0","id":ID}'),
    "error is a text": raw(b'{"jsonrpc":"2.0","id":ID,"error":"boom"}'),
    "error without fields": raw(b'{"jsonrpc":"2.0","id":ID,"error":{"code":"x","message":{"a":1},"data":[null]}}'),
    "odd content": raw(b'{"jsonrpc":"2.0","id":ID,"result":{"isError":true,"content":[null,5,{"type":"text"},"x"]}}'),
    "content is a text": raw(b'{"jsonrpc":"2.0","id":ID,"result":{"isError":true,"content":"bad"}}'),
}  # fmt: skip


def main() -> None:
    server = Bad(sys.argv[1], sys.argv[2])
    for line in sys.stdin.buffer:
        server.take(json.loads(line))


if __name__ == "__main__":
    main()
