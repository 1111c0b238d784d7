"""Upstream connections of one client's session alone.

A handshake-era server may keep state per connection (a login, an open browser page, a log level), so two sessions
never share one; each is opened by the session's first request to that upstream and ends with the session.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from dataclasses import replace
from typing import Any

import structlog

from proxy.eras.session_state import STATEFUL, SessionState
from proxy.upstreams.connect import UnreachableError
from proxy.upstreams.connection import UpstreamConnection
from proxy.upstreams.fleet import Fleet
from proxy.upstreams.supervisor import Supervisor
from proxy.wire.caller import Caller, Profile, Receiver
from schemas.trial import Lost, Reply

log = structlog.get_logger("server")

NOTED = 0.001
"""Seconds from which waiting for a connection is told apart from the call."""


class SessionConnections:
    """Implements `OwnConnections` for one session; `close` ends every connection.

    `changed` are the upstreams that told this session that its tools have changed: they are listed for it alone.
    """

    def __init__(self, fleet: Fleet, profile: Profile, receiver: Receiver) -> None:
        self.changed: set[str] = set()
        self.session_state = SessionState()
        self._fleet = fleet
        self.profile = profile
        self._receiver = receiver
        self._connections: dict[str, UpstreamConnection] = {}
        self._members: dict[str, Supervisor] = {}
        self._errands: set[asyncio.Task[None]] = set()
        self._locks: dict[str, asyncio.Lock] = {}
        self._closed = False

    async def request(self, server: str, method: str, params: Mapping[str, Any] | None, caller: Caller) -> Reply:
        """Send a request; what was certainly not sent goes once more over a new connection."""
        reply = Reply(lost=Lost.NOT_SENT, message=f"no upstream is called {server!r}")
        waited, clock = 0.0, asyncio.get_running_loop().time
        for _ in range(2):
            began = clock()
            try:
                connection = await self.connection(server)
            except UnreachableError as failure:
                text = f"{server} is not available: {failure}"
                return Reply(lost=Lost.NOT_SENT, message=text, stderr=failure.stderr, waited=waited + clock() - began)
            waited += clock() - began
            reply = await connection.request(method, params, caller)
            if method in STATEFUL and reply.result is not None:
                self.session_state.note(server, method, params, caller.session)
            if reply.lost is not Lost.NOT_SENT or connection.open:
                break
        return replace(reply, waited=waited) if waited >= NOTED else reply

    def notify(self, server: str, method: str, params: Any, *, opening: bool) -> None:
        """Send a notification; `opening` a connection where there is none."""
        connection = self._connections.get(server)
        if connection is not None and connection.open:
            connection.notify(method, params)
        elif opening and not self._closed:
            self._later(self._open_and_notify(server, method, params))

    def has(self, server: str) -> bool:
        """Tell whether the session has an open connection of its own to an upstream."""
        connection = self._connections.get(server)
        return connection is not None and connection.open

    @property
    def connected(self) -> bool:
        """Tell whether the session has had connections of its own, and may have left something behind them."""
        return bool(self._connections)

    def note(self, server: str, method: str, params: Any, holder: str) -> None:
        """Remember what the session has set, for connections that are opened later."""
        self.session_state.note(server, method, params, holder)

    async def connection(self, server: str) -> UpstreamConnection:
        """The session's connection to an upstream. Raises `UnreachableError`."""
        connection = self._connections.get(server)
        if connection is not None and connection.open and self._members.get(server) is self._fleet.member(server):
            return connection
        async with self._locks.setdefault(server, asyncio.Lock()):
            connection, member = self._connections.get(server), self._fleet.member(server)
            if connection is not None and connection.open and self._members.get(server) is member:
                return connection
            if connection is not None:
                await connection.close()
            if member is None or self._closed:
                raise UnreachableError("the session has ended" if self._closed else "it is not configured")
            self._members[server] = member
            self._connections[server] = connection = await member.connect(self.profile, self._receiver)
            await self.session_state.restore(connection)
            if self._closed:
                await connection.close()
                raise UnreachableError("the session has ended")
            return connection

    def forget(self, server: str) -> None:
        """End the connection to an upstream that is no longer configured."""
        connection = self._connections.pop(server, None)
        if connection is not None:
            self._later(connection.close())

    async def close(self) -> None:
        """End every connection of the session."""
        self._closed = True
        connections, self._connections = list(self._connections.values()), {}
        ended = await asyncio.gather(
            *(connection.close() for connection in connections), *self._errands, return_exceptions=True
        )
        for failure in ended:
            if isinstance(failure, BaseException):
                log.error("connection not closed", reason=repr(failure))

    async def _open_and_notify(self, server: str, method: str, params: Any) -> None:
        try:
            connection = await self.connection(server)
        except UnreachableError as failure:
            log.info("notification not sent", upstream=server, method=method, reason=str(failure))
        else:
            connection.notify(method, params)

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._errands.add(task)
        task.add_done_callback(self._errands.discard)
