"""The little of ASGI that the HTTP frontend needs: headers, bodies, whole responses, event streams."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

import structlog

from proxy.wire import rpc
from proxy.wire.protocol import SESSION_HEADER, VERSION_HEADER

log = structlog.get_logger("server")

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers = dict[str, str]

LARGEST_BODY = 32 * 1024 * 1024
"""Bytes of one request: base64 of a large file fits, a memory exhaustion does not."""

BODY_SECONDS = 60.0
"""Seconds for one request to arrive whole."""

LARGEST_BACKLOG = 8 * 1024 * 1024
"""Bytes that wait for one client to read them, beyond the one event that may be larger."""

COMMIT = 0.25
"""Seconds after which a silent request becomes an event stream, so that what lies between does not give up."""

PING = 15.0
"""Seconds between two comments on a quiet stream."""

STREAM_HEADERS = [
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-cache, no-transform"),
    (b"x-accel-buffering", b"no"),
]


class TooLargeError(ValueError):
    """The request's body exceeds `LARGEST_BODY`."""


class TooSlowError(TimeoutError):
    """The request was not whole within `BODY_SECONDS`."""


class GoneError(ConnectionError):
    """The client went away before its request was whole."""


ONCE = frozenset({"host", "origin", "authorization", "content-type", SESSION_HEADER, VERSION_HEADER})
"""Headers that decide who may come in and what is meant: two of one kind would let each reader choose another."""


def headers_of(scope: Scope) -> Headers:
    """Header names (lower case) to values; of a repeated one the last."""
    return dict(pairs_of(scope))


def repeated(scope: Scope) -> str | None:
    """A header that must stand once and stands twice."""
    names = [name for name, _ in pairs_of(scope) if name in ONCE]
    return next((name for name in names if names.count(name) > 1), None)


def pairs_of(scope: Scope) -> list[tuple[str, str]]:
    """Every header line, without the spaces around its value, which not every parser strips."""
    return [(name.decode("latin-1"), value.decode("latin-1").strip(" \t")) for name, value in scope["headers"]]


async def body_of(receive: Receive) -> bytes:
    """The whole body. Raises `TooLargeError`, `TooSlowError` or `GoneError`."""
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await _whole_body(receive)
    except TimeoutError as late:
        raise TooSlowError from late


async def _whole_body(receive: Receive) -> bytes:
    message = await receive()
    parts: list[bytes] = []
    size = 0
    while True:
        if message["type"] == "http.disconnect":
            raise GoneError("the client went away")
        part: bytes = message.get("body", b"")
        size += len(part)
        if size > LARGEST_BODY:
            raise TooLargeError
        parts.append(part)
        if not message.get("more_body", False):
            return parts[0] if len(parts) == 1 else b"".join(parts)
        message = await receive()


async def respond(
    send: Send,
    status: int,
    body: bytes = b"",
    kind: bytes = b"application/json",
    headers: Iterable[tuple[bytes, bytes]] = (),
) -> None:
    """Send a whole response."""
    shown = [(b"content-length", str(len(body)).encode()), *headers]
    if body:
        shown.append((b"content-type", kind))
    await send({"type": "http.response.start", "status": status, "headers": shown})
    await send({"type": "http.response.body", "body": body})


async def refuse(send: Send, status: int, message: str, code: int = rpc.INVALID_REQUEST, ident: Any = None) -> None:
    """Answer with a JSON-RPC error and an HTTP status."""
    body = {"jsonrpc": "2.0", "id": ident, "error": rpc.error(code, message)}
    await respond(send, status, rpc.encode(body))


def event(data: bytes, ident: str | None = None, name: str = "message", retry: int | None = None) -> bytes:
    """One server-sent event; `retry` in milliseconds."""
    head = f"event: {name}\r\n" if name else ""
    if ident is not None:
        head = f"id: {ident}\r\n{head}"
    if retry is not None:
        head += f"retry: {retry}\r\n"
    return head.encode() + b"data: " + data + b"\r\n\r\n"


class Stream:
    """Events on their way to one HTTP response; `push` never blocks.

    `over` ends the response once everything pushed has been sent; `paused` ends it too, but more is to come later.
    """

    def __init__(self) -> None:
        self.events: deque[bytes] = deque()
        self.over = False
        self.paused = False
        self.broken = False
        self.queued = 0
        self._waiter: asyncio.Future[None] | None = None

    def push(self, data: bytes, *, last: bool = False) -> None:
        """Queue one event; a client that reads none of them loses its response rather than our memory."""
        self.events.append(data)
        self.queued += len(data)
        if self.queued > LARGEST_BACKLOG and len(self.events) > 1:
            self.events.clear()
            self.queued = 0
            self.broken = True
        self.over = self.over or last
        self.wake()

    def end(self) -> None:
        """Let the response end."""
        self.over = True
        self.wake()

    def wake(self) -> None:
        """Let whoever waits look again."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def changed(self, seconds: float) -> None:
        """Wait until something was pushed, or this long."""
        if self.events or self.over:
            return
        loop = asyncio.get_running_loop()
        self._waiter = loop.create_future()
        timer = loop.call_later(seconds, self.wake)
        try:
            await self._waiter
        finally:
            timer.cancel()
            self._waiter = None

    def shed(self) -> None:
        """Let the oldest event go unsent."""
        self.queued -= len(self.events.popleft())

    def refill(self, events: Iterable[bytes]) -> None:
        """Begin anew with these events."""
        self.events = deque(events)
        self.queued = 0
        self.broken = self.paused = False

    def drain(self) -> bytes:
        """Everything queued, as one piece."""
        self.queued = 0
        if len(self.events) == 1:
            return self.events.popleft()
        data = b"".join(self.events)
        self.events.clear()
        return data


async def stream_out(
    stream: Stream, receive: Receive, send: Send, headers: Iterable[tuple[bytes, bytes]], first: bytes = b""
) -> bool:
    """Send a stream as it fills; `first` goes ahead of it. False where the client left before its end."""
    gone = asyncio.ensure_future(_gone(receive))
    gone.add_done_callback(lambda _: stream.wake())
    try:
        await send({"type": "http.response.start", "status": 200, "headers": [*STREAM_HEADERS, *headers]})
        if first:
            await send({"type": "http.response.body", "body": first, "more_body": True})
        while not (stream.over and not stream.events):
            if gone.done() or stream.broken:
                if stream.broken:
                    log.warning("a client does not read: its response ends", bytes=LARGEST_BACKLOG)
                return False
            if stream.events:
                await send({"type": "http.response.body", "body": stream.drain(), "more_body": True})
                continue
            if stream.paused:
                break
            await _woken(stream, gone)
            if not (stream.broken or stream.events or stream.over or gone.done()):
                await send({"type": "http.response.body", "body": b": still here\r\n\r\n", "more_body": True})
        await send({"type": "http.response.body", "body": b""})
        return True
    finally:
        gone.cancel()


async def _woken(stream: Stream, gone: asyncio.Future[None]) -> None:
    if not gone.done():
        await stream.changed(PING)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
