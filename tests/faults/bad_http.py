"""A raw HTTP server in this process that does one thing wrong for each path: `/FAULT` with words joined by `-`.

Speaks HTTP by hand, so that it can speak it badly. `did` counts the effects of each intent; a fault is met by calls
with `bad`, and by everything where its path is in `AT_ONCE`.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import struct
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.faults.bad_stdio import ACT

Json = dict[str, Any]


def packed(body: bytes, kind: str = "application/json", status: str = "200 OK", *more: str) -> bytes:
    """A whole response."""
    head = [f"HTTP/1.1 {status}", f"content-type: {kind}", f"content-length: {len(body)}", *more]
    return "\r\n".join([*head, "", ""]).encode() + body


def chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


EVENTS = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
DONE = {"content": [{"type": "text", "text": "done"}]}


def answer(ident: Any, result: Any = DONE) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": ident, "result": result}).encode()


@dataclass
class Exchange:
    """One request, and the connection that it came on."""

    fault: str
    verb: str
    headers: dict[str, str]
    message: Json
    out: asyncio.StreamWriter

    @property
    def ident(self) -> Any:
        return self.message.get("id")

    @property
    def arguments(self) -> Json:
        return (self.message.get("params") or {}).get("arguments") or {}

    @property
    def session(self) -> str:
        return self.headers.get("mcp-session-id", "")

    async def write(self, data: bytes) -> None:
        self.out.write(data)
        await self.out.drain()

    def reset(self) -> None:
        """Close with a reset instead of an end."""
        handle: socket.socket = self.out.get_extra_info("socket")
        handle.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.out.transport.abort()


@dataclass
class BadHttp:
    """The server's memory."""

    port: int = 0
    did: dict[str, Counter[str]] = field(default_factory=dict[str, Counter[str]])
    """Fault to how often each intent was done."""
    dead: set[str] = field(default_factory=set[str])
    sessions: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._one(reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError, ValueError):
            pass
        finally:
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        verb, path, _ = head[0].split(" ")
        headers = {key.lower(): value.strip() for key, _, value in (line.partition(":") for line in head[1:] if line)}
        data = await reader.readexactly(int(headers.get("content-length", 0)))
        fault = FAULTS[path.strip("/").partition("/")[0]]
        asked = Exchange(fault, verb, headers, json.loads(data) if data else {}, writer)
        if verb != "POST":
            await asked.write(packed(b"", "text/plain", "405 Method Not Allowed"))
            return True
        await self._post(asked, moved=path.endswith("/moved"))
        return not writer.is_closing()

    async def _post(self, asked: Exchange, *, moved: bool) -> None:
        method = asked.message.get("method")
        if asked.fault in AT_ONCE and not moved:
            await AT_ONCE[asked.fault](asked)
        elif asked.ident is None:
            await asked.write(packed(b"", "text/plain", "202 Accepted"))
        elif method == "initialize":
            await self._greet(asked)
        elif asked.session in self.dead:
            await asked.write(packed(b"no such session", "text/plain", "404 Not Found"))
        elif method == "tools/list":
            await asked.write(packed(answer(asked.ident, {"tools": [ACT]})))
        elif method == "tools/call":
            await self._call(asked, moved=moved)
        else:
            refused = {"jsonrpc": "2.0", "id": asked.ident, "error": {"code": -32601, "message": "Method not found"}}
            await asked.write(packed(json.dumps(refused).encode()))

    async def _greet(self, asked: Exchange) -> None:
        hello = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": {"name": "bad"}}
        self.sessions += 1
        more = [f"mcp-session-id: s{self.sessions}"] if asked.fault in SESSIONS else []
        await asked.write(packed(answer(asked.ident, hello), "application/json", "200 OK", *more))

    async def _call(self, asked: Exchange, *, moved: bool) -> None:
        intent, bad = str(asked.arguments.get("intent")), bool(asked.arguments.get("bad"))
        if bad and asked.fault == "session lost" and not self.dead:
            self.dead.add(asked.session)
            await asked.write(packed(b"no such session", "text/plain", "404 Not Found"))
            return
        if not (bad and asked.fault in NOTHING_DONE and not moved):
            self.did.setdefault(asked.fault, Counter())[intent] += 1
        if bad and not moved:
            await CALLS[asked.fault](asked)
        else:
            await asked.write(packed(answer(asked.ident)))


Fault = Callable[[Exchange], Awaitable[None]]


def says(make: Callable[[Any], bytes], *, ends: bool = False) -> Fault:
    """Write these bytes, made from the id; `ends` closes the connection behind them."""

    async def fault(asked: Exchange) -> None:
        await asked.write(make(asked.ident))
        if ends:
            asked.out.close()

    return fault


def status(line: str, *, body: bytes = b"it is so", kind: str = "text/plain", more: tuple[str, ...] = ()) -> Fault:
    return says(lambda _: packed(body, kind, line, *more))


def events(*data: bytes, ends: bool = True) -> Callable[[Any], bytes]:
    """A stream of these chunks, in which ANSWER stands for the reply."""
    return lambda ident: (
        EVENTS + b"".join(chunk(each.replace(b"ANSWER", answer(ident))) for each in data) + b"0\r\n\r\n" * ends
    )


def raw(data: bytes) -> Callable[[Any], bytes]:
    """A JSON body in which ID stands for the id."""
    return lambda ident: packed(data.replace(b"ID", json.dumps(ident).encode()))


def inside(data: bytes) -> Callable[[Any], bytes]:
    return raw(b'{"jsonrpc":"2.0","id":ID,"result":{"content":[{"type":"text","text":"done"}],"extra":' + data + b"}}")


async def resets(asked: Exchange) -> None:
    asked.reset()


async def resets_midway(asked: Exchange) -> None:
    await asked.write(packed(answer(asked.ident))[:-20])
    asked.reset()


async def silence(asked: Exchange) -> None:
    await asyncio.Event().wait()


async def slow_headers(asked: Exchange) -> None:
    for byte in packed(answer(asked.ident)):
        await asked.write(bytes([byte]))


async def comments_for_ever(asked: Exchange) -> None:
    await asked.write(EVENTS)
    while not asked.out.is_closing():
        await asked.write(chunk(b": still here\n\n"))
        await asyncio.sleep(0.1)


def redirect(code: int) -> Fault:
    async def fault(asked: Exchange) -> None:
        where = f"location: /{asked.fault.replace(' ', '-')}/moved"
        await asked.write(packed(b"", "text/plain", f"{code} Moved", where))

    return fault


async def redirects_in_a_circle(asked: Exchange) -> None:
    where = f"location: /{asked.fault.replace(' ', '-')}"
    await asked.write(packed(b"", "text/plain", "307 Moved", where))


def bomb(_: Any) -> bytes:
    body = gzip.compress(b" " * 200_000_000 + b"{}", 6)
    return packed(body, "application/json", "200 OK", "content-encoding: gzip")


REFUSED = json.dumps({"jsonrpc": "2.0", "id": None, "error": {"code": -32000, "message": "no, said in JSON"}}).encode()


AT_ONCE: dict[str, Fault] = {
    "500 at once": status("500 Internal Server Error"),
    "404 at once": status("404 Not Found"),
    "html at once": status("200 OK", body=b"<html>log in</html>", kind="text/html"),
    "silent at once": silence,
    "resets at once": resets,
    "moved 307": redirect(307),
    "moved 308": redirect(308),
    "circle": redirects_in_a_circle,
    "no http": says(lambda _: b"SSH-2.0-OpenSSH_9.6\r\n", ends=True),
}
STATUSES = (400, 401, 402, 403, 404, 405, 406, 408, 409, 410, 413, 415, 422, 423, 429, 500, 501, 502, 503, 504)
CALLS: dict[str, Fault] = {
    **{f"status {code}": status(f"{code} So") for code in STATUSES},
    **{f"status {code} in json": status(f"{code} So", body=REFUSED, kind="application/json") for code in STATUSES},
    "404 with session": status("404 Not Found"),
    "retry after": status("429 Too Many Requests", more=("retry-after: 1",)),
    "redirect 307 after": redirect(307),
    "redirect 308 after": redirect(308),
    "redirect 302 after": redirect(302),
    "accepted": status("202 Accepted", body=b""),
    "no content": says(lambda _: b"HTTP/1.1 204 No Content\r\n\r\n"),
    "empty": says(lambda _: packed(b"")),
    "html": says(lambda _: packed(b"<html>hello</html>", "text/html")),
    "wrong content type": says(lambda i: packed(answer(i), "text/plain")),
    "no json": says(lambda _: packed(b'{"jsonrpc": "2.0", "id":')),
    "cut off": says(lambda i: packed(answer(i))[:-20], ends=True),
    "cut off chunks": says(lambda i: events(b"data: ANSWER")(i)[:-30], ends=True),
    "bad chunk": says(lambda i: EVENTS + b"zz\r\n" + answer(i) + b"\r\n0\r\n\r\n", ends=True),
    "until closed": says(lambda i: b"HTTP/1.0 200 OK\r\ncontent-type: application/json\r\n\r\n" + answer(i), ends=True),
    "endless header": says(lambda i: packed(answer(i), "application/json", "200 OK", "x-long: " + "x" * 300_000)),
    "slow headers": slow_headers,
    "silence": silence,
    "resets": resets,
    "resets midway": resets_midway,
    "two responses": says(lambda i: packed(answer(i)) + packed(answer(i))),
    "gzip bomb": says(bomb),
    "no gzip": says(lambda i: packed(answer(i), "application/json", "200 OK", "content-encoding: gzip")),
    "invalid utf-8": says(inside(b'"\xff\xfe"')),
    "deep nesting": says(inside(b"[" * 50_000 + b"]" * 50_000)),
    "long integer": says(inside(b"9" * 5_000)),
    "huge": says(inside(b'"' + b"x" * 6_000_000 + b'"')),
    "id as text": says(lambda i: packed(answer(str(i)))),
    "other id": says(lambda i: packed(answer(f"not {i}"))),
    "batch": says(lambda i: packed(b"[" + answer(i) + b"]")),
    "stream": says(events(b"data: ANSWER\n\n")),
    "stream with returns": says(events(b"event: message\rdata: ANSWER\r\r")),
    "stream in pieces": says(events(b"da", b"ta: ", b"ANSWER", b"\n", b"\n")),
    "stream ends": says(events(b": nothing\n\n")),
    "stream never ends": says(events(b": nothing\n\n", ends=False)),
    "stream of comments": comments_for_ever,
    "stream after reply": says(events(b"data: ANSWER\n\n", b"data: ANSWER\n\n", ends=False)),
    "stream invalid utf-8": says(events(b"data: \xff\xfe\n\n", b"data: ANSWER\n\n")),
    "stream no json": says(events(b"data: {\n\n", b"data: ANSWER\n\n")),
    "stream huge": says(events(b": " + b"x" * 6_000_000 + b"\n\ndata: ANSWER\n\n")),
    "stream other events": says(events(b"event: ping\ndata: {}\n\nid: \x00\nretry: x\ndata: ANSWER\n\n")),
    "session lost": says(lambda i: packed(answer(i))),
}  # fmt: skip
FAULTS = {fault.replace(" ", "-"): fault for fault in (*AT_ONCE, *CALLS)}
SESSIONS = frozenset({"session lost", "404 with session"})
NOTHING_DONE = frozenset({"session lost", "status 401", "status 401 in json", "404 with session"})
"""Faults that come instead of the effect; every other comes after it."""


@asynccontextmanager
async def listening() -> AsyncGenerator[BadHttp]:
    """The server on a free port, until this is left."""
    bad = BadHttp()
    writers: set[asyncio.StreamWriter] = set()

    async def each(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.add(writer)
        await bad.serve(reader, writer)
        writers.discard(writer)

    server = await asyncio.start_server(each, "127.0.0.1", 0, limit=1 << 24)
    bad.port = server.sockets[0].getsockname()[1]
    try:
        yield bad
    finally:
        server.close()
        for writer in list(writers):
            writer.transport.abort()
