"""All upstreams: connected at the same time, each supervised alone, reached by name or by tool."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import anyio
from anyio.abc import TaskGroup

from catalog_cache.cache import Cache
from catalog_cache.names import squeeze
from proxy.eras.questions import asks_back, rounds
from proxy.eras.session_state import STATEFUL, SessionState
from proxy.eras.subscriptions import URIS, Subscription, Subscriptions
from proxy.ports import Client
from proxy.tracing import followed
from proxy.upstreams.auth.logins import LoginFiles, Logins
from proxy.upstreams.broadcast import Broadcast
from proxy.upstreams.connect import UnreachableError
from proxy.upstreams.connection import UpstreamConnection
from proxy.upstreams.supervisor import State, Supervisor
from proxy.upstreams.watchdog import Watchdog
from proxy.wire import rpc, task_ids
from proxy.wire.caller import Caller, Connection, Profile
from proxy.wire.protocol import SUBSCRIBE, TOOLS_CALL, TOOLS_CHANGED, UNSUBSCRIBE
from schemas.catalog import Catalog, Effect, Tool
from schemas.config import Upstream
from schemas.trial import Lost, Reply

INTRODUCED = 0.6
"""Seconds from the start that an introduction waits for upstreams nothing is known of; clients wait five for it."""

FIRST_LIST = 5.0
"""Seconds from the start that lists wait for upstreams nothing is known of: some clients hear of no changes."""

NOTED = 0.001
"""Seconds from which waiting for a connection is told apart from the call."""

RELIST = 5.0
"""Seconds that `tools/list` waits for an upstream which has just announced changes."""


class Fleet:
    """Implements `proxy.ports.Upstreams` over live connections; made by `open`."""

    def __init__(self, cache: Cache, profile: Callable[[], Awaitable[Profile]], logins: Logins) -> None:
        self._cache = cache
        self._logins = logins
        self._profile = profile
        self._begun = asyncio.get_running_loop().time()
        self._watchdog = Watchdog()
        self._members: dict[str, Supervisor] = {}
        self._tasks: TaskGroup | None = None
        self.broadcast = Broadcast(self.tool, self.relist)
        self.subscriptions = Subscriptions()
        self.session_state = SessionState()

    @property
    def catalog(self) -> Catalog:
        """The current snapshot."""
        return self._cache.catalog

    @property
    def names(self) -> tuple[str, ...]:
        """Every configured upstream, in order."""
        return tuple(self._members)

    def member(self, server: str) -> Supervisor | None:
        """The supervision of one upstream: its state, reason and last stderr lines."""
        return self._members.get(server)

    def shows(self, server: str) -> bool:
        """Tell whether what an upstream of this name tells everyone may be heard, be it configured or not."""
        del server
        return True

    def takes(self, method: str) -> bool:
        """Tell whether a message of this method may go to upstreams."""
        del method
        return True

    def _seen(self) -> list[Supervisor]:
        return [member for server in self.names if (member := self.member(server)) is not None]

    def hello(self, server: str) -> Mapping[str, Any]:
        """An upstream's answer to the handshake: of now, else the last one known, else {}."""
        connection = self.connection(server)
        return connection.hello if connection is not None else self._cache.hello(server)

    def known(self, server: str) -> bool:
        """Tell whether a tool list of this upstream is at hand."""
        return self._cache.known(server)

    def frame(self, server: str, *, modern: bool = False) -> Mapping[str, Any]:
        """What this upstream's tools/list says beside the tools, in either era."""
        member = self.member(server)
        return member.modern_frame if modern and member is not None and member.modern else self._cache.frame(server)

    def sessionless(self, server: str) -> UpstreamConnection | None:
        """A connection to an upstream that speaks the modern era, None where it speaks none."""
        member = self.member(server)
        if member is None or member.connection is None or member.connection.era == "handshake":
            return member.modern if member is not None else None
        return member.connection

    async def fresh(self, server: str) -> None:
        """Wait while an upstream that announced changes is being listed again, but not for long."""
        member = self.member(server)
        if member is not None:
            with anyio.move_on_after(RELIST):
                await member.fresh.wait()

    async def listed_once(self, seconds: float = FIRST_LIST) -> None:
        """Wait until every upstream without a known list has one or has failed, but not for long."""
        with self._from_the_start(seconds):
            await self.listed_all(None)

    async def connected_once(self) -> None:
        """Wait until every upstream has connected or has failed to, but not for long."""
        with self._from_the_start(FIRST_LIST):
            for member in self._seen():
                await member.settled()

    def _from_the_start(self, seconds: float) -> anyio.CancelScope:
        return anyio.move_on_after(max(0.0, self._begun + seconds - asyncio.get_running_loop().time()))

    async def listed_for(self, name: str) -> None:
        """Wait for the list of every upstream that a tool's name speaks of, and for the others not for long."""
        for server in self.names:
            if squeeze(server) in squeeze(name):
                await self.listed_all(server)
        await self.listed_once()

    async def listed_all(self, server: str | None) -> None:
        """Wait until one upstream (None: every one) has a known list or has failed, within its start time-out."""
        for member in self._seen():
            if server in (None, member.name) and not self._cache.known(member.name):
                with anyio.move_on_after(member.config.start_timeout):
                    await member.settled()

    async def ready(self, server: str) -> None:
        """Wait until this upstream has connected, given up, or its start time-out is over."""
        member = self.member(server)
        if member is not None:
            await member.ready()

    async def call(self, tool: Tool, params: Mapping[str, Any], client: Client | None = None) -> Reply:
        """Send one `tools/call`; `params` as the client wrote them, `name` exchanged for the upstream's own."""
        caller = client if isinstance(client, Caller) else None
        if caller is not None:
            caller.changed = caller.changed or tool.effect is not Effect.READ
        return await self.request(tool.server, TOOLS_CALL, params, caller)

    async def request(
        self,
        server: str,
        method: str,
        params: Mapping[str, Any] | None,
        caller: Caller | None = None,
        seconds: float | None = None,
    ) -> Reply:
        """Send any request to one upstream, waiting for it while it connects; `seconds` overrides its call time-out.

        What was certainly not sent, as the connection had died unnoticed, is sent once more on the next one.
        """
        if followed.by is not None:
            send = partial(self._send, server, method, caller=caller, seconds=seconds)
            return await followed.by.sent(server, method, params, send)
        return await self._send(server, method, params, caller, seconds)

    async def _send(
        self, server: str, method: str, params: Mapping[str, Any] | None, caller: Caller | None, seconds: float | None
    ) -> Reply:
        member = self.member(server)
        if member is None:
            return Reply(error=rpc.error(rpc.INVALID_PARAMS, f"no upstream is called {server!r}"))
        together = caller is not None and caller.together
        sent = task_ids.theirs(server, params) if together else params
        waited, clock = 0.0, asyncio.get_running_loop().time
        for _ in range(2):
            began = clock()
            try:
                connection = await self._way(member, caller)
            except UnreachableError as failure:
                return replace(member.lost(str(failure), failure.stderr), waited=waited + clock() - began)
            waited += clock() - began
            if connection is None:
                break
            reply = await self._over(connection, method, sent, caller, seconds)
            if reply.lost is not Lost.NOT_SENT or connection.open:
                if together and reply.result is not None:
                    reply = Reply(result=task_ids.shown_result(server, method, reply.result))
                return replace(reply, waited=waited) if waited >= NOTED else reply
            await asyncio.sleep(0)
        return replace(member.lost(), waited=waited)

    async def _way(self, member: Supervisor, caller: Caller | None) -> Connection | None:
        """The connection that this caller is to use: the shared one, its own, or one without a session."""
        if caller is not None and caller.own is not None and caller.own.has(member.name):
            return await caller.own.connection(member.name)
        if member.connection is None or not member.connection.open:
            await member.ready()
        connection = member.connection
        if connection is None or caller is None:
            return connection
        if caller.own is not None and connection.era == "handshake":
            return await caller.own.connection(member.name)
        return member.modern if caller.modern and member.modern is not None else connection

    async def _over(
        self,
        connection: Connection,
        method: str,
        params: Mapping[str, Any] | None,
        caller: Caller | None,
        seconds: float | None,
    ) -> Reply:
        """Send over this connection, bridging the eras where the caller speaks another."""
        if connection.era == "modern" and method in (SUBSCRIBE, UNSUBSCRIBE) and caller is not None and caller.outlet:
            return await self._listen(connection, method, params, caller, caller.outlet)
        reply = await connection.request(method, params, caller, seconds)
        if caller is None:
            return reply
        if connection.era == "handshake" and method in STATEFUL and reply.result is not None:
            keeper = caller.own if caller.own is not None else self.session_state
            keeper.note(connection.name, method, params, caller.session)
        if asks_back(reply) and not caller.modern:
            return await rounds(connection, method, params or {}, caller, reply)
        return reply

    async def _listen(
        self,
        connection: Connection,
        method: str,
        params: Mapping[str, Any] | None,
        caller: Caller,
        outlet: Callable[[str, Any], None],
    ) -> Reply:
        """Subscribe or unsubscribe a client of the handshake era at a modern upstream, by listening there for it."""
        uri = (params or {}).get("uri")
        if not isinstance(uri, str):
            return await connection.request(method, params, caller)
        key = (caller.session, connection.name, uri)
        if method == UNSUBSCRIBE:
            self.subscriptions.end(key)
            return Reply(result={})
        find = partial(self.sessionless, connection.name)
        subscription = Subscription(caller.session, caller.profile, find, {URIS: [uri]}, outlet)
        begun = await self.subscriptions.begin(key, subscription)
        if begun.result is None or uri in (begun.result.get(URIS) or ()):
            return begun if begun.result is None else Reply(result={})
        self.subscriptions.end(key)
        return Reply(error=rpc.error(rpc.INVALID_PARAMS, "this resource cannot be subscribed to", {"uri": uri}))

    def leave(self, session: str) -> None:
        """End what is kept up for a session that has ended."""
        self.subscriptions.leave(session)

    def unsubscribe(self, server: str, uri: str, holder: str) -> None:
        """Let go of a resource that was subscribed to over the shared connection; the last one gives it up."""
        if (
            self.session_state.drop(server, uri, holder)
            and self.connection(server) is not None
            and self._tasks is not None
        ):
            self._tasks.start_soon(self.request, server, UNSUBSCRIBE, {"uri": uri})

    def notify(self, server: str, method: str, params: Any) -> None:
        """Send a notification to one upstream; lost where it is not connected."""
        connection = self.connection(server)
        if connection is not None:
            connection.notify(method, params)

    def connection(self, server: str) -> UpstreamConnection | None:
        """The main connection to an upstream, None while it is down."""
        member = self.member(server)
        return member.connection if member is not None and member.state is State.READY else None

    def tool(self, server: str, name: str) -> Tool | None:
        """A tool as its upstream lists it."""
        return self._cache.catalog.origin(server, name)

    def relist(self, server: str) -> None:
        """List the tools of an upstream again; who asks for them meanwhile waits."""
        member = self.member(server)
        if member is not None:
            member.relist()

    async def apply(self, upstreams: Mapping[str, Upstream]) -> None:
        """Bring the fleet to another configuration; what stays the same is not touched."""
        wanted = {name: config for name, config in upstreams.items() if config.enabled}
        leaving: dict[str, Supervisor] = {}
        for name, member in list(self._members.items()):
            config = wanted.get(name)
            if config is None or not _same_way(config, member.config):
                leaving[name] = self._members.pop(name)
                self._cache.remove(name)
                member.leave()
            else:
                member.config = config
                self._cache.change(name, config)
        for name, config in wanted.items():
            if name not in self._members:
                self._cache.add(name, config)
                self._start(name, config, leaving.get(name))
        for name in dict.fromkeys((*wanted, *leaving)):
            self.broadcast.announce(name, TOOLS_CHANGED, None)
        for member in leaving.values():
            await member.ended.wait()

    @asynccontextmanager
    async def open(self, upstreams: Mapping[str, Upstream]) -> AsyncGenerator[Fleet]:
        """Connect to all upstreams at the same time; on the way out every connection and process has ended."""
        try:
            async with anyio.create_task_group() as tasks:
                self._tasks = tasks
                for name, config in upstreams.items():
                    if config.enabled:
                        self._start(name, config)
                await asyncio.sleep(0)
                try:
                    yield self
                finally:
                    tasks.cancel_scope.cancel()
                    with anyio.CancelScope(shield=True):
                        await self.subscriptions.close()
        finally:
            self._watchdog.close()

    def _start(self, name: str, config: Upstream, former: Supervisor | None = None) -> None:
        """Supervise an upstream; it is known at once, and connected when the `former` of its name has ended."""
        restore = self.session_state.restore
        member = Supervisor(
            name, config, self._profile, self.broadcast, self._watchdog, self._cache, self._logins, restore
        )
        self._members[name] = member
        assert self._tasks is not None  # noqa: S101 (made by `open` alone)
        self._tasks.start_soon(member.run, former, name=f"upstream {name}")


def _same_way(one: Upstream, other: Upstream) -> bool:
    """Tell whether a connection made for one configuration serves the other as well.

    Variables that became another's meanwhile are kept from the next process, and end none that runs.
    """
    same = one.model_copy(update={"repair": other.repair, "tools": other.tools})
    return same.withholding(None) == other.withholding(None)


async def as_ourselves() -> Profile:
    """Speak to upstreams as the proxy itself, without a client behind it."""
    return Profile()


@asynccontextmanager
async def running(
    upstreams: Mapping[str, Upstream],
    cache: Cache,
    profile: Callable[[], Awaitable[Profile]] = as_ourselves,
    logins: Logins | None = None,
) -> AsyncGenerator[Fleet]:
    """A fleet at work; on the way out every connection and process has ended. Logins are files unless given."""
    async with Fleet(cache, profile, logins or LoginFiles()).open(upstreams) as fleet:
        yield fleet
