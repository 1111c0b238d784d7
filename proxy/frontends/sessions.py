"""Handshake-era sessions over HTTP: who they are, what waits for them, and what they may still ask to hear again."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, cast
from uuid import uuid4

import anyio
import structlog

from proxy.aggregate.router import Router
from proxy.eras.envelope import level_of, of_initialize
from proxy.frontends.owners import name_of
from proxy.frontends.requests import RefusedError
from proxy.frontends.streams import Stream, event
from proxy.wire import rpc
from proxy.wire.backpressure import Backpressure
from proxy.wire.caller import Caller, Profile
from proxy.wire.peer import Incoming, Peer
from proxy.wire.protocol import (
    LISTS_CHANGED,
    MESSAGE,
    PROGRESS,
    SET_LEVEL,
    TASK_NEWS,
    TOOLS_CHANGED,
    TOOLS_LIST,
    UPDATED,
)
from proxy.wire.rpc import Id, Message
from proxy.wire.tasks import Tasks
from schemas.catalog import Tool
from schemas.trial import Reply

log = structlog.get_logger("server")

IDLE = 30 * 60.0
"""Seconds without a request or an open stream after which a session ends."""

QUIET = 60.0
"""Seconds without use after which a session with connections of its own makes room for a new one; one without does at
once."""

KEPT_EVENTS, KEPT_BYTES = 1000, 8 * 1024 * 1024
"""What a session may still ask to hear again."""

OF_SOMEBODY = frozenset({UPDATED, MESSAGE, PROGRESS, *TASK_NEWS})
"""What comes over a shared connection because one client asked for it: no other session hears it."""

RETRY_MS = 500
"""How soon a client shall come back to a stream that was closed on it."""


@dataclass(frozen=True, slots=True)
class SentEvent:
    """An event that was sent: the stream it belongs to, its number, its bytes."""

    stream: str
    number: int
    data: bytes


class SessionStream(Stream):
    """One logical stream of a session: of one request, or the session's own; it outlives the HTTP response."""

    def __init__(self, session: HttpSession, name: str) -> None:
        super().__init__()
        self.name = name
        self.number = 0
        self.complete = False
        self._session = session

    def put(self, message: Message, *, last: bool = False) -> None:
        """Send one message, numbered and kept."""
        text = rpc.encode(message)
        self.number += 1
        data = event(text, f"{self.name}_{self.number}")
        self._session.keep(SentEvent(self.name, self.number, data))
        if last:
            self.complete = True
            self._session.streams.pop(self.name, None)
        if not self.attached and len(self.events) >= KEPT_EVENTS:
            self.shed()
        self.push(data, last=last)

    def prime(self) -> bytes:
        """An event without data, from which a client can resume before anything was said."""
        return event(b"", f"{self.name}_0", "", RETRY_MS)

    def tell(self, method: str, params: Any) -> None:
        """Send a notification on this stream."""
        self.put(rpc.notification(method, params))

    async def ask(self, method: str, params: Any) -> Reply:
        """Send a request on this stream and wait for the client's answer."""
        return await self._session.ask_on(self, method, params)

    def pause(self) -> None:
        """Close the response but not the stream, where the client can come back for the rest."""
        if not self.over and self._session.primes and not self._session.single:
            self.paused = True
            self.wake()


class HttpSession:
    """One client's session: the `Transport` of its peer, and the `Receiver` of its own upstream connections."""

    def __init__(self, router: Router, profile: Profile, ident: str) -> None:
        self.id = ident
        self.name = name_of(ident)
        self.backpressure = Backpressure()
        self.profile = profile
        self.own = router.own_connections(profile, self)
        self.peer = Peer(self, self._serve, self._hear)
        self.standalone = SessionStream(self, "s")
        self.streams: dict[str, SessionStream] = {"s": self.standalone}
        self.used = asyncio.get_running_loop().time()
        self.single = False
        self.log_level: str | None = None
        self.router = router
        self._answers: dict[Id, SessionStream] = {}
        self._routes: dict[Id, SessionStream] = {}
        self._kept: deque[SentEvent] = deque()
        self._kept_bytes = 0
        self._count = 0
        self._listed = False
        self._silence = router.listen(self.overheard)

    def introduced(self, params: Any) -> None:
        """Learn who the client is, where the session began before it said so."""
        self.profile = of_initialize(params)
        self.own.profile = self.profile

    @property
    def primes(self) -> bool:
        """Tell whether this client knows events without data (2025-11-25 on)."""
        return self.profile.version >= "2025-11-25"

    def idle(self, seconds: float) -> bool:
        """Tell whether nobody has used the session for this long."""
        busy = not self.peer.idle.is_set() or any(stream.attached for stream in self.streams.values())
        return not busy and asyncio.get_running_loop().time() - self.used > seconds

    def stream(self, ident: Id) -> SessionStream:
        """A fresh stream for one request."""
        self._count += 1
        stream = SessionStream(self, str(self._count))
        self.streams[stream.name] = stream
        self._answers[ident] = stream
        return stream

    def keep(self, kept: SentEvent) -> None:
        """Keep an event for a client that may have missed it; the oldest go first."""
        self._kept.append(kept)
        self._kept_bytes += len(kept.data)
        while len(self._kept) > KEPT_EVENTS or (self._kept_bytes > KEPT_BYTES and len(self._kept) > 1):
            self._kept_bytes -= len(self._kept.popleft().data)

    def resume(self, last: str) -> SessionStream | None:
        """The stream that `last` was heard on, refilled with all that came after it; None where it is unknown.

        One that is still being sent is left as it is.
        """
        name, _, number = last.rpartition("_")
        if not number.isdecimal():
            return None
        stream = self.streams.get(name)
        if stream is not None and stream.attached:
            return stream
        missed = [kept.data for kept in self._kept if kept.stream == name and kept.number > int(number)]
        if stream is None:
            if not missed:
                return None
            stream = SessionStream(self, name)
            stream.complete = stream.over = True
        stream.refill(missed)
        stream.over = stream.complete
        return stream

    def send(self, message: Message) -> None:
        """Put a message of the peer on the stream it belongs to."""
        ident = message.get("id")
        if "method" not in message:
            stream = self._answers.get(cast("Id", ident))
            if stream is not None:
                stream.put(message, last=True)
                del self._answers[cast("Id", ident)]
            elif self.single:
                self.standalone.put(message)
            return
        route = self._routes.get(ident) if ident is not None else self._withdrawn(message)
        (route or self.standalone).put(message)

    async def drained(self) -> None:
        """Streams are bounded by what is kept."""

    def abandon(self, ident: Id) -> bool:
        """The client must be told when a question is withdrawn."""
        del ident
        return False

    async def ask_on(self, stream: SessionStream, method: str, params: Any) -> Reply:
        """Put a question to the client on one stream."""
        ident = rpc.next_id()
        self._routes[ident] = stream
        try:
            return await self.peer.request(method, params, ident=ident)
        finally:
            self._routes.pop(ident, None)

    def tool(self, server: str, name: str) -> Tool | None:
        """A tool as its upstream lists it."""
        return self.router.listed_tool(server, name)

    def tell(self, server: str, method: str, params: Any, caller: Caller | None) -> None:
        """Take a notification from one of the session's own upstream connections."""
        if method == TOOLS_CHANGED:
            self.own.changed.add(server)
        if caller is not None and method not in LISTS_CHANGED:
            caller.hear(server, method, params)
        else:
            self._pass_on(server, method, params)

    async def ask(self, server: str, method: str, params: Any, caller: Caller | None) -> Reply:
        """Take a question from one of the session's own upstream connections."""
        if caller is not None:
            return await caller.question(server, method, params)
        open_streams = [stream for stream in self.streams.values() if stream.attached and stream is not self.standalone]
        stream = self.standalone if self.standalone.attached or not open_streams else open_streams[-1]
        return await self.router.client_request(stream, self.name, self.profile, None).question(server, method, params)

    def overheard(self, server: str, method: str, params: Any) -> None:
        """Pass on what a shared connection tells everyone; the session's own connection tells it itself."""
        if server not in self.router.names:
            self.own.forget(server)
        if not self.own.has(server) and method not in OF_SOMEBODY:
            self._pass_on(server, method, params)

    def _pass_on(self, server: str, method: str, params: Any) -> None:
        """A changed list concerns only a client that has seen one."""
        if method != TOOLS_CHANGED or self._listed:
            self.standalone.tell(method, self.router.shown(server, method, params))

    async def close(self) -> None:
        """End the session: its questions, its streams, its upstream connections."""
        self._silence()
        self.peer.close("the session has ended")
        for stream in self.streams.values():
            stream.end()
        with anyio.CancelScope(shield=True):
            await self.peer.finish()
            self.router.leave(self.name)
            await self.own.close()

    def asked(self, ident: Id) -> bool:
        """Tell whether a request of this id waits for its answer."""
        return ident in self._answers

    def _withdraw(self, ident: Id) -> None:
        """End the stream of a request that was cancelled: it is never answered."""
        stream = self._answers.pop(ident, None)
        if stream is not None:
            self.streams.pop(stream.name, None)
            stream.complete = True
            stream.end()

    def _withdrawn(self, message: Message) -> SessionStream | None:
        params: Any = message.get("params")
        ident: Any = rpc.fields(params).get("requestId")
        return self._routes.get(ident) if rpc.is_id(ident) else None

    async def _serve(self, incoming: Incoming) -> Reply:
        stream = self._answers.get(cast("Id", incoming.id), self.standalone)
        request = self.router.client_request(stream, self.name, self.profile, incoming.params)
        request.own = self.own
        request.outlet = self.standalone.tell
        request.ident = incoming.id
        if incoming.method == SET_LEVEL:
            self.log_level = level_of(incoming.params)
        request.log_level = self.log_level
        try:
            reply = await self.router.answer(incoming.method, incoming.params, request)
        except asyncio.CancelledError:
            self._withdraw(cast("Id", incoming.id))
            raise
        self._listed = self._listed or incoming.method == TOOLS_LIST
        return reply

    def _hear(self, incoming: Incoming) -> None:
        self.router.hear(incoming.method, incoming.params, self.own)


class Sessions:
    """All sessions of every endpoint, by id, and how many of them there may be: each may start processes of its own."""

    def __init__(self, most: Callable[[], int], new_id: Callable[[], str] = lambda: uuid4().hex) -> None:
        self._most = most
        self._new_id = new_id
        self.leaving = False
        self._sessions: dict[str, HttpSession] = {}
        self._tasks = Tasks()

    def get(self, ident: str | None, router: Router) -> HttpSession | None:
        """The session of this id at one endpoint, marked as used."""
        session = self._sessions.get(ident) if ident is not None else None
        if session is None or session.router is not router:
            return None
        session.used = asyncio.get_running_loop().time()
        return session

    async def begin(self, router: Router, profile: Profile, ident: Any = None) -> HttpSession:
        """A new session for the request `ident`. Raises `RefusedError` where there are too many, or we are leaving."""
        if self.leaving:
            raise RefusedError(503, "This replica is leaving: try again", ident=ident, headers={"retry-after": "1"})
        while len(self._sessions) >= self._most():
            await self._make_room(ident)
        session = HttpSession(router, profile, self._new_id())
        self._sessions[session.id] = session
        return session

    async def end(self, ident: str) -> None:
        """End one session."""
        session = self._sessions.pop(ident, None)
        if session is not None:
            await session.close()

    async def end_of(self, routers: Collection[Router]) -> None:
        """End every session of these endpoints."""
        for ident in [each.id for each in self._sessions.values() if each.router in routers]:
            await self.end(ident)

    async def sweep(self) -> None:
        """End what nobody uses any more, for ever."""
        while True:
            await asyncio.sleep(IDLE / 30)
            for session in [each for each in self._sessions.values() if each.idle(IDLE)]:
                log.info("session ended for idleness", session=session.id)
                await self.end(session.id)

    def drain(self) -> None:
        """End the sessions' own streams, which would otherwise stay open for ever, once no answer travels on them."""
        for session in self._sessions.values():
            if session.single:
                self._tasks.start(_end_answered(session))
            else:
                session.standalone.end()

    async def close(self) -> None:
        """End every session."""
        async with anyio.create_task_group() as tasks:
            for ident in self._sessions:
                tasks.start_soon(self.end, ident)
        await self._tasks.close()

    async def _make_room(self, ident: Any) -> None:
        """End the session that has been idle longest. Raises `RefusedError` where none is."""
        idle = [each for each in self._sessions.values() if each.idle(QUIET if each.own.connected else 0)]
        if not idle:
            full = f"Too many sessions: {self._most()} are open (http.sessions), and none of them is idle"
            raise RefusedError(503, full, ident=ident)
        session = min(idle, key=lambda each: each.used)
        log.info("session ended to make room", session=session.id)
        await self.end(session.id)


async def _end_answered(session: HttpSession) -> None:
    await session.peer.idle.wait()
    session.standalone.end()
