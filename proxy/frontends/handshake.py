"""Streamable HTTP as the handshake era speaks it: POST, GET and DELETE within a session."""

from __future__ import annotations

from proxy.eras.envelope import of_initialize
from proxy.frontends.sessions import HttpSession, Sessions, SessionStream
from proxy.frontends.streams import COMMIT, Headers, Receive, Send, refuse, respond, stream_out
from proxy.wire import rpc
from proxy.wire.protocol import (
    HANDSHAKE_VERSIONS,
    INITIALIZE,
    LAST_EVENT_HEADER,
    SESSION_HEADER,
    UNKNOWN_SESSION,
    VERSION_HEADER,
)
from proxy.wire.rpc import Message
from proxy.wire.unreadable import Unread


async def post(sessions: Sessions, headers: Headers, body: bytes, receive: Receive, send: Send) -> None:
    """Take messages from a client; a request is answered on this response."""
    messages = rpc.decode(body)
    if not messages:
        await refuse(send, 400, "Parse error: the body must be one JSON-RPC message", rpc.PARSE_ERROR)
        return
    accept = headers.get("accept", "")
    if "application/json" not in accept and "*/*" not in accept and "application/*" not in accept:
        await refuse(send, 406, "Not Acceptable: the client must accept application/json and text/event-stream")
        return
    asked = [message for message in messages if "method" in message and "id" in message]
    if not all(rpc.is_id(message["id"]) for message in asked):
        await refuse(send, 400, "The id of a request must be a string or a number")
        return
    unread = next((message for message in asked if isinstance(message, Unread)), None)
    if unread is not None:
        await refuse(send, 400, f"Invalid request: it cannot be read: {unread.why}", ident=unread["id"])
        return
    session = await _session(sessions, headers, messages, send)
    if session is None:
        return
    if len(asked) > 1 or (asked and len(messages) > 1):
        await refuse(send, 400, "Batches are not supported: send one message per request")
        return
    if not asked:
        for message in messages:
            session.peer.receive(message)
        await respond(send, 202)
        return
    if session.asked(asked[0]["id"]):
        await refuse(send, 400, "A request of this id is still being answered", ident=asked[0]["id"])
        return
    await _answer(session, asked[0], receive, send, as_events="text/event-stream" in accept)


async def get(sessions: Sessions, headers: Headers, receive: Receive, send: Send) -> None:
    """Open the session's own stream, or go on with one that broke off."""
    if "text/event-stream" not in headers.get("accept", ""):
        await refuse(send, 406, "Not Acceptable: the client must accept text/event-stream")
        return
    session = await _known(sessions, headers, send)
    if session is None:
        return
    last = headers.get(LAST_EVENT_HEADER)
    stream = session.resume(last) if last else session.standalone
    if stream is None:
        await refuse(send, 400, f"The event {last!r} is no longer kept", UNKNOWN_SESSION)
        return
    if stream.attached:
        await refuse(send, 409, "Conflict: this stream is already open")
        return
    first = stream.prime() if session.primes and not last else b""
    await _attach(session, stream, receive, send, first)


async def delete(sessions: Sessions, headers: Headers, send: Send) -> None:
    """End a session."""
    session = await _known(sessions, headers, send)
    if session is not None:
        await sessions.end(session.id)
        await respond(send, 200)


async def _session(sessions: Sessions, headers: Headers, messages: list[Message], send: Send) -> HttpSession | None:
    first = messages[0]
    if first.get("method") == INITIALIZE and "id" in first:
        session = await sessions.begin(of_initialize(first.get("params")))
        if session is None:
            await refuse(send, 503, sessions.full, ident=first["id"])
        return session
    return await _known(sessions, headers, send)


async def _known(sessions: Sessions, headers: Headers, send: Send) -> HttpSession | None:
    ident = headers.get(SESSION_HEADER)
    if ident is None:
        await refuse(send, 400, "Bad Request: Missing session ID")
        return None
    session = sessions.get(ident)
    if session is None:
        await refuse(send, 404, "Session not found", UNKNOWN_SESSION)
        return None
    version = headers.get(VERSION_HEADER)
    if version is not None and version not in HANDSHAKE_VERSIONS:
        await refuse(send, 400, f"Bad Request: Unsupported protocol version: {version}")
        return None
    return session


async def _answer(session: HttpSession, message: Message, receive: Receive, send: Send, *, as_events: bool) -> None:
    """Answer one request: at once as a whole where it is quick and quiet, else as a stream."""
    stream = session.stream(message["id"])
    session.peer.receive(message)
    extra = [(SESSION_HEADER.encode(), session.id.encode())]
    primed = stream.prime() if session.primes and message.get("method") != INITIALIZE else b""
    await stream.changed(COMMIT)
    if not as_events:
        await _as_json(stream, extra, send)
    elif stream.over:
        data = primed + stream.drain()
        await respond(send, 200, data, b"text/event-stream", [*extra, (b"cache-control", b"no-cache, no-transform")])
    else:
        await _attach(session, stream, receive, send, primed, extra)


async def _as_json(stream: SessionStream, extra: list[tuple[bytes, bytes]], send: Send) -> None:
    """The last message alone, for a client that takes no event stream."""
    while not stream.over:
        await stream.changed(60.0)
        while len(stream.events) > 1 or (stream.events and not stream.over):
            stream.shed()
    data = stream.drain().partition(b"data: ")[2].strip()
    await respond(send, 200, data, headers=extra)


async def _attach(
    session: HttpSession,
    stream: SessionStream,
    receive: Receive,
    send: Send,
    first: bytes = b"",
    extra: list[tuple[bytes, bytes]] | None = None,
) -> None:
    stream.attached = True
    try:
        await stream_out(stream, receive, send, extra or [(SESSION_HEADER.encode(), session.id.encode())], first)
    finally:
        stream.attached = False
