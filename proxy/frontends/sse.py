"""The SSE transport of 2024-11-05 for old clients: one stream to the client, one address to post to."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from proxy.aggregate.router import Router
from proxy.frontends.requests import RefusedError, body_of
from proxy.frontends.sessions import Sessions
from proxy.frontends.streams import event, stream_out
from proxy.wire import rpc
from proxy.wire.caller import Profile
from proxy.wire.protocol import INITIALIZE


async def get(sessions: Sessions, router: Router, request: Request) -> ASGIApp:
    """Begin a session; it ends with this response."""
    session = await sessions.begin(router, Profile(version="2024-11-05"))
    session.single = True
    base = request.url.path.rstrip("/").removesuffix("/sse")
    where = event(f"{base}/messages?sessionId={session.id}".encode(), name="endpoint")

    async def respond(scope: Scope, receive: Receive, send: Send) -> None:
        del scope
        try:
            await stream_out(session.standalone, receive, send, {}, where)
        finally:
            await sessions.end(session.id)

    return respond


async def post(sessions: Sessions, router: Router, request: Request) -> ASGIApp:
    """Take messages for a session; answers travel on its stream."""
    body = await body_of(request)
    session = sessions.get(request.query_params.get("sessionId"), router)
    if session is None or not session.single:
        raise RefusedError(404, "Session not found")
    messages = rpc.decode(body)
    if messages is None:
        raise RefusedError(400, "Parse error", rpc.PARSE_ERROR)
    for message in messages:
        if message.get("method") == INITIALIZE:
            session.introduced(message.get("params"))
        session.peer.receive(message)
    return PlainTextResponse("Accepted", 202)
