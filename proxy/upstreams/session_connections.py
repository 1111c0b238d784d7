"""Upstream connections of one client's session alone.

A handshake-era server may keep state per connection (a login, an open browser page, a log level), so two sessions
never share one; each is opened by the session's first request to that upstream and ends with the session.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from typing import Any

import structlog

from proxy.eras.session_state import KEPT, KeptState
from proxy.upstreams.connect import UnreachableError
from proxy.upstreams.connection import Link
from proxy.upstreams.fleet import Fleet
from proxy.upstreams.supervisor import Supervised
from proxy.wire.context import Audience, Caller, Profile
from schemas.trial import Lost, Reply

log = structlog.get_logger("server")


class Own:
    """Implements `OwnLinks` for one session; `close` ends every connection.

    `changed` are the upstreams that told this session that its tools have changed: they are listed for it alone.
    """

    def __init__(self, fleet: Fleet, profile: Profile, audience: Audience) -> None:
        self.changed: set[str] = set()
        self.kept = KeptState()
        self._fleet = fleet
        self.profile = profile
        self._audience = audience
        self._links: dict[str, Link] = {}
        self._members: dict[str, Supervised] = {}
        self._errands: set[asyncio.Task[None]] = set()
        self._locks: dict[str, asyncio.Lock] = {}
        self._closed = False

    async def request(self, server: str, method: str, params: Mapping[str, Any] | None, caller: Caller) -> Reply:
        """Send a request; what was certainly not sent goes once more over a new connection."""
        reply = Reply(lost=Lost.NOT_SENT, message=f"no upstream is called {server!r}")
        for _ in range(2):
            try:
                link = await self.link(server)
            except UnreachableError as failure:
                text = f"{server} is not available: {failure}"
                return Reply(lost=Lost.NOT_SENT, message=text, stderr=failure.stderr)
            reply = await link.request(method, params, caller)
            if method in KEPT and reply.result is not None:
                self.kept.note(server, method, params, caller.session)
            if reply.lost is not Lost.NOT_SENT or link.open:
                return reply
        return reply

    def notify(self, server: str, method: str, params: Any, *, opening: bool) -> None:
        """Send a notification; `opening` a connection where there is none."""
        link = self._links.get(server)
        if link is not None and link.open:
            link.notify(method, params)
        elif opening and not self._closed:
            self._later(self._open_and_notify(server, method, params))

    def has(self, server: str) -> bool:
        """Tell whether the session has an open connection of its own to an upstream."""
        link = self._links.get(server)
        return link is not None and link.open

    @property
    def connected(self) -> bool:
        """Tell whether the session has had connections of its own, and may have left something behind them."""
        return bool(self._links)

    def note(self, server: str, method: str, params: Any, holder: str) -> None:
        """Remember what the session has set, for connections that are opened later."""
        self.kept.note(server, method, params, holder)

    async def link(self, server: str) -> Link:
        """The session's connection to an upstream. Raises `UnreachableError`."""
        link = self._links.get(server)
        if link is not None and link.open and self._members.get(server) is self._fleet.member(server):
            return link
        async with self._locks.setdefault(server, asyncio.Lock()):
            link, member = self._links.get(server), self._fleet.member(server)
            if link is not None and link.open and self._members.get(server) is member:
                return link
            if link is not None:
                await link.close()
            if member is None or self._closed:
                raise UnreachableError("the session has ended" if self._closed else "it is not configured")
            self._members[server] = member
            self._links[server] = link = await member.connect(self.profile, self._audience)
            await self.kept.restore(link)
            if self._closed:
                await link.close()
                raise UnreachableError("the session has ended")
            return link

    def forget(self, server: str) -> None:
        """End the connection to an upstream that is no longer configured."""
        link = self._links.pop(server, None)
        if link is not None:
            self._later(link.close())

    async def close(self) -> None:
        """End every connection of the session."""
        self._closed = True
        links, self._links = list(self._links.values()), {}
        ended = await asyncio.gather(*(link.close() for link in links), *self._errands, return_exceptions=True)
        for failure in ended:
            if isinstance(failure, BaseException):
                log.error("connection not closed", reason=repr(failure))

    async def _open_and_notify(self, server: str, method: str, params: Any) -> None:
        try:
            link = await self.link(server)
        except UnreachableError as failure:
            log.info("notification not sent", upstream=server, method=method, reason=str(failure))
        else:
            link.notify(method, params)

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._errands.add(task)
        task.add_done_callback(self._errands.discard)
