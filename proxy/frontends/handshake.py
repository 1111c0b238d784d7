"""Streamable HTTP as the handshake era speaks it: POST, GET and DELETE within a session."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from proxy.aggregate.router import Router
from proxy.eras.envelope import of_initialize
from proxy.frontends.requests import RefusedError, accepted, answerable, body_of
from proxy.frontends.sessions import HttpSession, Sessions, SessionStream
from proxy.frontends.streams import COMMIT, EVENTS, EventStream
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


async def post(sessions: Sessions, router: Router, request: Request) -> ASGIApp:
    """Take messages from a client; a request is answered on this response."""
    messages = rpc.decode(await body_of(request))
    if not messages:
        raise RefusedError(400, "Parse error: the body must be one JSON-RPC message", rpc.PARSE_ERROR)
    accept = accepted(request)
    if not any(kind in accept for kind in ("application/json", "*/*", "application/*")):
        raise RefusedError(406, "Not Acceptable: the client must accept application/json and text/event-stream")
    asked = [answerable(message) for message in messages if "method" in message and "id" in message]
    first = messages[0]
    if first.get("method") == INITIALIZE and "id" in first:
        session = await sessions.begin(router, of_initialize(first.get("params")), first["id"])
    else:
        session = _known(sessions, router, request)
    if len(asked) > 1 or (asked and len(messages) > 1):
        raise RefusedError(400, "Batches are not supported: send one message per request")
    if asked and session.asked(asked[0]["id"]):
        raise RefusedError(400, "A request of this id is still being answered", ident=asked[0]["id"])
    if asked:
        return await _answer(session, asked[0], as_events="text/event-stream" in accept)
    for message in messages:
        session.peer.receive(message)
    return Response(status_code=202)


def get(sessions: Sessions, router: Router, request: Request) -> ASGIApp:
    """Open the session's own stream, or go on with one that broke off."""
    if "text/event-stream" not in accepted(request):
        raise RefusedError(406, "Not Acceptable: the client must accept text/event-stream")
    session = _known(sessions, router, request)
    last = request.headers.get(LAST_EVENT_HEADER)
    stream = session.resume(last) if last else session.standalone
    if stream is None:
        raise RefusedError(400, f"The event {last!r} is no longer kept", UNKNOWN_SESSION)
    if stream.attached:
        raise RefusedError(409, "Conflict: this stream is already open")
    stream.broken = False
    first = stream.prime() if session.primes and not last else b""
    return EventStream(stream, {SESSION_HEADER: session.id}, first)


async def delete(sessions: Sessions, router: Router, request: Request) -> ASGIApp:
    """End a session."""
    await sessions.end(_known(sessions, router, request).id)
    return Response()


def _known(sessions: Sessions, router: Router, request: Request) -> HttpSession:
    ident = request.headers.get(SESSION_HEADER)
    if ident is None:
        raise RefusedError(400, "Bad Request: Missing session ID")
    session = sessions.get(ident, router)
    if session is None:
        raise RefusedError(404, "Session not found", UNKNOWN_SESSION)
    version = request.headers.get(VERSION_HEADER)
    if version is not None and version not in HANDSHAKE_VERSIONS:
        raise RefusedError(400, f"Bad Request: Unsupported protocol version: {version}")
    return session


async def _answer(session: HttpSession, message: Message, *, as_events: bool) -> ASGIApp:
    """Answer one request: at once as a whole where it is quick and quiet, else as a stream."""
    stream = session.stream(message["id"])
    session.peer.receive(message)
    headers = {SESSION_HEADER: session.id}
    primed = stream.prime() if session.primes and message.get("method") != INITIALIZE else b""
    await stream.changed(COMMIT)
    if not as_events:
        return Response(await _last(stream), headers=headers, media_type="application/json")
    if stream.over:
        return Response(primed + stream.drain(), headers={**EVENTS, **headers})
    return EventStream(stream, headers, primed)


async def _last(stream: SessionStream) -> bytes:
    """The last message alone, for a client that takes no event stream."""
    while not stream.over:
        await stream.changed(60.0)
        while len(stream.events) > 1 or (stream.events and not stream.over):
            stream.shed()
    return stream.drain().partition(b"data: ")[2].strip()
