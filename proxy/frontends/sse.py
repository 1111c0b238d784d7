"""The SSE transport of 2024-11-05 for old clients: one stream to the client, one address to post to."""

from __future__ import annotations

from proxy.frontends.sessions import HttpSession, Sessions
from proxy.frontends.streams import Receive, Send, event, refuse, respond, stream_out
from proxy.wire import rpc
from proxy.wire.caller import Profile
from proxy.wire.protocol import INITIALIZE
from proxy.wire.rpc import Message


async def open_stream(sessions: Sessions, base: str, receive: Receive, send: Send) -> None:
    """Begin a session; it ends with this response."""
    session = await sessions.begin(Profile(version="2024-11-05"))
    if session is None:
        await refuse(send, 503, sessions.full)
        return
    session.single = True
    where = event(f"{base}/messages?sessionId={session.id}".encode(), name="endpoint")
    session.standalone.attached = True
    try:
        await stream_out(session.standalone, receive, send, (), where)
    finally:
        await sessions.end(session.id)


async def post(sessions: Sessions, query: str, body: bytes, send: Send) -> None:
    """Take messages for a session; answers travel on its stream."""
    ident = next((part[10:] for part in query.split("&") if part.startswith("sessionId=")), None)
    session = sessions.get(ident)
    messages = rpc.decode(body)
    if session is None or not session.single:
        await refuse(send, 404, "Session not found")
    elif messages is None:
        await refuse(send, 400, "Parse error", rpc.PARSE_ERROR)
    else:
        for message in messages:
            _take(session, message)
        await respond(send, 202, b"Accepted", b"text/plain")


def _take(session: HttpSession, message: Message) -> None:
    if message.get("method") == INITIALIZE:
        session.introduced(message.get("params"))
    session.peer.receive(message)
