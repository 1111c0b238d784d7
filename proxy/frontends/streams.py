"""Server-sent events on their way to one HTTP response."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Mapping

import structlog
from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

log = structlog.get_logger("server")

LARGEST_BACKLOG = 8 * 1024 * 1024
"""Bytes that wait for one client to read them, beyond the one event that may be larger."""

COMMIT = 0.25
"""Seconds after which a silent request becomes an event stream, so that what lies between does not give up."""

PING = 15.0
"""Seconds between two comments on a quiet stream."""

EVENTS = {"content-type": "text/event-stream", "cache-control": "no-cache, no-transform"}
"""The headers of a response that consists of events."""


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

    `over` ends the response once everything pushed has been sent; `paused` ends it too, but more is to come later;
    `attached` while a response sends it.
    """

    def __init__(self) -> None:
        self.events: deque[bytes] = deque()
        self.attached = False
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
    stream: Stream, receive: Receive, send: Send, headers: Mapping[str, str], first: bytes = b""
) -> bool:
    """Send a stream as it fills; `first` goes ahead of it. False where the client left before its end."""
    stream.attached = True
    try:
        async with asyncio.TaskGroup() as tasks:
            gone = tasks.create_task(left(receive))
            gone.add_done_callback(lambda _: stream.wake())
            shown = Headers({**EVENTS, "x-accel-buffering": "no", **headers})
            await send({"type": "http.response.start", "status": 200, "headers": shown.raw})
            whole = await _send_all(stream, send, gone, first)
            gone.cancel()
            return whole
    finally:
        stream.attached = False


async def _send_all(stream: Stream, send: Send, gone: asyncio.Task[None], first: bytes) -> bool:
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
        await stream.changed(PING)
        if not (stream.broken or stream.events or stream.over or gone.done()):
            await send({"type": "http.response.body", "body": b": still here\r\n\r\n", "more_body": True})
    await send({"type": "http.response.body", "body": b""})
    return True


async def left(receive: Receive) -> None:
    """Wait until the client has left."""
    while (await receive())["type"] != "http.disconnect":
        pass


class EventStream:
    """The response that sends a stream."""

    def __init__(self, stream: Stream, headers: Mapping[str, str], first: bytes = b"") -> None:
        self._stream = stream
        self._headers = headers
        self._first = first

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it as it fills, until it ends or the client goes."""
        del scope
        await stream_out(self._stream, receive, send, self._headers, self._first)
