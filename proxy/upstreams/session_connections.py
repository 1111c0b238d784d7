"""Upstream connections of one client's session alone.

A handshake-era server may keep state per connection (a login, an open browser page, a log level), so two sessions
never share one; each is opened by the session's first request to that upstream and ends with the session.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import anyio
import structlog

from proxy.eras.session_state import SessionState
from proxy.upstreams.connect import UnreachableError
from proxy.upstreams.connection import UpstreamConnection
from proxy.upstreams.fleet import Fleet
from proxy.upstreams.supervisor import Supervisor
from proxy.wire.caller import Profile, Receiver
from proxy.wire.tasks import Tasks

log = structlog.get_logger("server")


class SessionConnections:
    """Implements `OwnConnections` for one session; `close` ends every connection.

    `changed` are the upstreams that told this session that its tools have changed: they are listed for it alone.
    """

    def __init__(self, fleet: Fleet, profile: Profile, receiver: Receiver) -> None:
        self.changed: set[str] = set()
        self.profile = profile
        self._fleet = fleet
        self._receiver = receiver
        self._state = SessionState()
        self._connections: dict[str, tuple[Supervisor, UpstreamConnection]] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        self._tasks = Tasks()
        self._closed = False

    async def connection(self, server: str) -> UpstreamConnection:
        """The session's connection to an upstream, opened where there is none. Raises `UnreachableError`."""
        async with self._locks.setdefault(server, asyncio.Lock()):
            connection = self._open(server)
            if connection is not None:
                return connection
            self.forget(server)
            member = self._fleet.member(server)
            if member is None:
                raise UnreachableError("it is not configured")
            self._must_go_on()
            connection = await member.connect(self.profile, self._receiver)
            try:
                await self._state.restore(connection)
                self._must_go_on()
            except BaseException:
                with anyio.CancelScope(shield=True):
                    await connection.close()
                raise
            self._connections[server] = member, connection
            return connection

    def notify(self, server: str, method: str, params: Any, *, opening: bool) -> None:
        """Send a notification; `opening` a connection where there is none."""
        connection = self._open(server)
        if connection is not None:
            connection.notify(method, params)
        elif opening and not self._closed:
            self._tasks.start(self._open_and_notify(server, method, params))

    def has(self, server: str) -> bool:
        """Tell whether the session has an open connection of its own to an upstream."""
        return self._open(server) is not None

    @property
    def connected(self) -> bool:
        """Tell whether the session has had connections of its own, and may have left something behind them."""
        return bool(self._connections)

    def note(self, server: str, method: str, params: Mapping[str, Any] | None, holder: str) -> None:
        """Remember what the session has set, for connections that are opened later."""
        self._state.note(server, method, params, holder)

    def forget(self, server: str) -> None:
        """End the connection to an upstream that is no longer configured, or that has died."""
        if server in self._connections:
            self._tasks.start(self._connections.pop(server)[1].close())

    async def close(self) -> None:
        """End every connection of the session."""
        self._closed = True
        for server in tuple(self._connections):
            self.forget(server)
        await self._tasks.finish()

    def _open(self, server: str) -> UpstreamConnection | None:
        """The connection that can be used: open, and made for the upstream as it is configured now."""
        member, connection = self._connections.get(server, (None, None))
        usable = connection is not None and connection.open and member is self._fleet.member(server)
        return connection if usable else None

    def _must_go_on(self) -> None:
        if self._closed:
            raise UnreachableError("the session has ended")

    async def _open_and_notify(self, server: str, method: str, params: Any) -> None:
        try:
            connection = await self.connection(server)
        except UnreachableError as failure:
            log.info("notification not sent", upstream=server, method=method, reason=str(failure))
        else:
            connection.notify(method, params)
