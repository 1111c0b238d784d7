"""Keeps one upstream connected: connect, list its tools, wait until it ends, back off, again.

Nothing that one upstream does reaches another: every failure ends here, as a state with a sentence.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio
import structlog

from catalog_cache.cache import Cache
from catalog_cache.pages import every_page
from proxy.repair.view.shown import without_secrets
from proxy.upstreams.broadcast import Broadcast
from proxy.upstreams.connect import UnreachableError, connect, modern, unreachable
from proxy.upstreams.connection import UpstreamConnection
from proxy.upstreams.watchdog import Watchdog
from proxy.wire.caller import Profile, Receiver
from proxy.wire.protocol import TOOLS_CHANGED, TOOLS_LIST
from proxy.wire.tasks import first, group
from schemas.config import Upstream
from schemas.trial import Lost, Reply

if TYPE_CHECKING:
    from proxy.upstreams.auth.access import Access, Way
    from proxy.upstreams.auth.logins import Logins
    from proxy.upstreams.remote import Pool

log = structlog.get_logger("upstream")

FIRST_DELAY, LONGEST_DELAY = 0.5, 60.0
"""Seconds between attempts: doubled each time, with jitter, back to the first after a connection that lasted."""
LASTED = 30.0

LEAST_DELAY = 0.1
"""Seconds between two attempts even where calls wait for the next."""

SLACK = 1.0
"""Seconds on top of the start time-out to hear how the attempt ended."""

CALMED = 0.25
"""Seconds until an upstream is listed again that announced a change and had none, doubled up to the longest delay."""

AGE = 600.0
"""Seconds after which tools are listed again without a word of the upstream, where it names no other time."""

SOONEST = 5.0
"""Seconds between two such lists at least, whatever the upstream names."""

PROBE = 5.0
"""Seconds for a server with sessions to say whether it also serves without."""


class State(StrEnum):
    """Where an upstream stands."""

    CONNECTING = "connecting"
    READY = "ready"
    DOWN = "down"


class Supervisor:
    """One upstream and its main connection, which every client without a connection of its own shares.

    `since` is when that was made, in seconds since the epoch; `connections` counts them, the present one included.
    """

    def __init__(
        self,
        name: str,
        config: Upstream,
        profile: Callable[[], Awaitable[Profile]],
        broadcast: Broadcast,
        watchdog: Watchdog,
        cache: Cache,
        logins: Logins,
        restore: Callable[[UpstreamConnection], Coroutine[Any, Any, None]],
    ) -> None:
        self.name = name
        self.config = config
        self.state = State.CONNECTING
        self.connection: UpstreamConnection | None = None
        self.modern: UpstreamConnection | None = None
        self.modern_frame: Mapping[str, Any] = {}
        self.reason = "it is still connecting"
        self.stderr: tuple[str, ...] = ()
        self.since: float | None = None
        self.connections = 0
        self.ended = asyncio.Event()
        self._scope = anyio.CancelScope()
        self._profile = profile
        self._broadcast = broadcast
        self._watchdog = watchdog
        self._cache = cache
        self._logins = logins
        self._restore = restore
        self._locked: Access | Way | None = None
        self._shared: Pool | None = None
        self._settled = asyncio.Event()
        self._wanted = asyncio.Event()
        self.fresh = asyncio.Event()
        self.fresh.set()
        self._relist = asyncio.Event()
        self._calm = 0.0
        self._age = AGE
        self._random = random.Random()  # noqa: S311 (jitter)

    def lines(self) -> tuple[str, ...]:
        """The last lines that the upstream wrote to stderr: of this connection, else of the last one."""
        return self.connection.stderr() if self.connection is not None else self.stderr

    async def ready(self) -> None:
        """Wait until connected, or until the attempt under way has failed or taken its start time-out.

        While it is down and backing off this starts an attempt at once.
        """
        if self.connection is not None and self.connection.open:
            return
        if self.state is not State.CONNECTING:
            self.state = State.CONNECTING
            self._settled.clear()
            self._wanted.set()
        with anyio.move_on_after(self.config.start_timeout + SLACK):
            await self._settled.wait()

    async def settled(self) -> None:
        """Wait until the first attempt has ended well or badly, starting none."""
        await self._settled.wait()

    def lost(self, reason: str = "", stderr: tuple[str, ...] = ()) -> Reply:
        """The reply to a call that cannot be sent, for this `reason` or that of the connection that all share."""
        message = f"{self.name} is not available: {reason or self.reason or 'its connection has just ended'}"
        return Reply(lost=Lost.NOT_SENT, message=message, stderr=stderr if reason else self.stderr)

    def relist(self) -> None:
        """List the tools again soon; several wishes at once are one. `fresh` is set when that is done.

        Who announces changes again and again without any is listed ever more seldom, and nobody waits for that.
        """
        self._relist.set()
        if not self._calm:
            self.fresh.clear()

    async def connect(self, profile: Profile, receiver: Receiver) -> UpstreamConnection:
        """Open a further connection, for one client alone. Raises `UnreachableError`."""

        async def known() -> Profile:
            return profile

        def own() -> Way | None:
            access = self._access()
            return access.way if access is not None else None

        return await connect(self.name, self.config, known, receiver, self._watchdog, own, self._pool)

    def _access(self) -> Access | None:
        from proxy.upstreams.auth.access import access_to

        return access_to(self.name, self.config, self._logins)

    def _pool(self) -> Pool:
        from proxy.upstreams.remote import Pool

        if self._shared is None:
            self._shared = Pool(self.config)
        return self._shared

    def leave(self) -> None:
        """End the supervision and its connection; `ended` is set when that is done."""
        self._scope.cancel()

    async def run(self, former: Supervisor | None) -> None:
        """Supervise until it is to leave or is cancelled, from when the `former` of this name has ended."""
        try:
            with self._scope:
                if former is not None:
                    await former.ended.wait()
                await self._run()
        finally:
            self.ended.set()

    async def _run(self) -> None:
        delay = FIRST_DELAY
        while True:
            begun = asyncio.get_running_loop().time()
            self._wanted.clear()
            reason = await self._attempt()
            self._down(reason)
            lasted = asyncio.get_running_loop().time() - begun > LASTED
            delay = FIRST_DELAY if lasted else min(delay * 2, LONGEST_DELAY)
            await self._rest(delay * self._random.uniform(0.5, 1.0))
            self.state = State.CONNECTING
            self._settled.clear()

    async def _rest(self, seconds: float) -> None:
        """Wait before the next attempt: a while, or for somebody to log in; a call that waits cuts either short."""
        await asyncio.sleep(LEAST_DELAY)
        await first(self._wanted.wait, self._locked.changed if self._locked else partial(asyncio.sleep, seconds))

    async def _attempt(self) -> str:
        """One life of the connection; returns why it ended."""
        connection: UpstreamConnection | None = None
        self._locked = None
        try:
            connection = await connect(
                self.name, self.config, self._profile, self._broadcast, self._watchdog, self._access, self._pool
            )
            await self._look(connection)
            self.connection, self.state, self.reason = connection, State.READY, ""
            self.since, self.connections = time.time(), self.connections + 1
            self._settled.set()
            log.info("upstream ready", upstream=self.name, era=connection.era, version=connection.version)
            await self._keep(connection)
            self.stderr = connection.stderr()
        except UnreachableError as failure:
            self.stderr, self._locked = failure.stderr, failure.access
            return str(failure)
        except Exception as bug:
            log.exception("supervising failed", upstream=self.name)
            return f"mcp-mend failed on it: {bug!r}"
        else:
            return connection.peer.closed.message if connection.peer.closed is not None else "the connection ended"
        finally:
            ended = [each for each in (connection, self.modern) if each is not None]
            self.connection = self.modern = self.since = None
            async with group() as tasks:
                tasks.cancel_scope.shield = True
                for each in ended:
                    tasks.start_soon(each.close)

    async def _look(self, connection: UpstreamConnection) -> None:
        """List the tools, and probe meanwhile; a list that fails ends both."""
        async with group() as tasks:
            tasks.start_soon(self._probe, connection)
            await self._list(connection)

    async def _probe(self, connection: UpstreamConnection) -> None:
        """Learn whether an HTTP server with sessions also serves without: modern clients then reach it unbridged."""
        if self.config.url is not None and self.config.transport != "sse" and connection.era == "handshake":
            with anyio.move_on_after(PROBE):
                self.modern = await modern(self.name, self.config, self._broadcast, self._access(), self._pool())
                if self.modern is not None and "tools" in self.modern.capabilities:
                    first = await self.modern.request(TOOLS_LIST, {})
                    framed = (first.result or {}).items()
                    self.modern_frame = {key: value for key, value in framed if key not in ("tools", "nextCursor")}

    async def _keep(self, connection: UpstreamConnection) -> None:
        """Stay until the connection ends, listing again when asked."""
        async with group() as tasks:
            tasks.start_soon(self._follow, connection)
            tasks.start_soon(self._restore, connection)
            while not connection.ended.is_set():
                with anyio.move_on_after(self._age) as age:
                    await first(connection.ended.wait, self._relist.wait)
                if age.cancelled_caught:
                    await self._list(connection)
                elif self._relist.is_set() and connection.open:
                    await self._list_again(connection)
            tasks.cancel_scope.cancel()

    async def _list_again(self, connection: UpstreamConnection) -> None:
        """List as the upstream asked, and rest a while where it asked for nothing."""
        self._relist.clear()
        different = await self._list(connection, announced=not self._calm)
        self._calm = 0.0 if different else min(max(2 * self._calm, CALMED), LONGEST_DELAY)
        if self._calm or not self._relist.is_set():
            self.fresh.set()
        with anyio.move_on_after(self._calm):
            await connection.ended.wait()
        if not self._relist.is_set():
            self._calm = 0.0

    async def _follow(self, connection: UpstreamConnection) -> None:
        """Hear of every change as long as the connection lasts; what was missed between two listenings is looked up."""
        delay = FIRST_DELAY
        while await connection.follow() and connection.open:
            await asyncio.sleep(delay)
            delay = min(2 * delay, LONGEST_DELAY)
            self.relist()

    async def _list(self, connection: UpstreamConnection, *, announced: bool = False) -> bool:
        """List the tools; True where they differ from those before."""
        if "tools" not in connection.capabilities:
            return self._listed(connection, (), {}, announced=announced)
        listing = await every_page(
            lambda params: connection.request(TOOLS_LIST, params, seconds=self.config.start_timeout)
        )
        if listing.failure is None:
            ttl = (listing.extra or {}).get("ttlMs")
            self._age = max(ttl / 1000, SOONEST) if isinstance(ttl, int | float) and 0 < ttl < AGE * 1000 else AGE
            return self._listed(connection, listing.items, listing.extra or {}, announced=announced)
        if connection.open:
            log.warning("tools/list failed", upstream=self.name, reason=listing.failure)
            if self.state is not State.READY:
                raise unreachable(connection, f"tools/list failed: {listing.failure}")
        return False

    def _listed(
        self,
        connection: UpstreamConnection,
        tools: Sequence[Mapping[str, Any]],
        frame: Mapping[str, Any],
        *,
        announced: bool,
    ) -> bool:
        """Take a fresh list; clients hear of it where it differs, or was `announced` to them."""
        different = self._cache.update(self.name, tools, frame, connection.hello)
        if different or announced:
            self._broadcast.announce(self.name, TOOLS_CHANGED, None)
        return different

    def _down(self, reason: str) -> None:
        reason = without_secrets(reason)
        log.warning("upstream down", upstream=self.name, reason=reason, stderr=list(self.stderr[-3:]))
        self.state, self.reason = State.DOWN, reason
        self._cache.lost(self.name)
        self.fresh.set()
        if not self._wanted.is_set():
            self._settled.set()
