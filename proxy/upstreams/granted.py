"""The fleet as one tenant sees it: what is not granted is not there, for lists, calls, repairs and plans alike.

Every request that is made for a tenant goes through here, whoever chose it: the client, a rule, a plan or the planner.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from proxy.upstreams.fleet import Fleet
from proxy.upstreams.limits import Limits
from proxy.upstreams.session_connections import SessionConnections
from proxy.upstreams.supervisor import Supervisor
from proxy.wire import rpc
from proxy.wire.acting import acting_for
from proxy.wire.backpressure import Backpressure
from proxy.wire.caller import Caller, Connection, Profile
from proxy.wire.protocol import (
    BY_TASK_ID,
    COMPLETE,
    LISTEN,
    PROMPTS_GET,
    PROMPTS_LIST,
    RESOURCES_LIST,
    RESOURCES_READ,
    SET_LEVEL,
    SUBSCRIBE,
    TASKS_LIST,
    TEMPLATES_LIST,
    TOOLS_CALL,
    TOOLS_LIST,
    UNSUBSCRIBE,
)
from schemas.access import Tenant
from schemas.catalog import Catalog, Tool
from schemas.trial import Lost, Reply

LISTS = frozenset({TASKS_LIST, TOOLS_LIST, RESOURCES_LIST, TEMPLATES_LIST, PROMPTS_LIST})
KNOWN = LISTS | BY_TASK_ID | {
    TOOLS_CALL, RESOURCES_READ, PROMPTS_GET, COMPLETE, SUBSCRIBE, UNSUBSCRIBE, LISTEN, SET_LEVEL
}  # fmt: skip
"""Requests of which it is known what they do; any other may have an effect."""
UNCOUNTED = LISTS | BY_TASK_ID | {SUBSCRIBE, UNSUBSCRIBE, LISTEN, SET_LEVEL}
"""Requests that no limit counts: one of a client may be one to each upstream, or stay open for ever."""


class GrantedFleet(Fleet):
    """A view of a fleet that is at work.

    It has connections of its own alone where each tenant logs in for itself and the upstream keeps sessions.
    """

    def __init__(self, whole: Fleet, tenant: Tenant) -> None:
        vars(self).update(vars(whole))
        self._whole = whole
        self._name = tenant.name
        self._own = SessionConnections(self, Profile(), _Alone(self))
        self._grants = tenant.grants
        self._limits = Limits(tenant, time.monotonic)
        self._granted: tuple[Catalog, Catalog] | None = None

    @property
    def catalog(self) -> Catalog:
        """The current snapshot of what is granted; the same object for the same snapshot.

        Names of servers stay owned: what is meant for one that is not granted goes to no other.
        """
        everything = self._whole.catalog
        if self._granted is None or self._granted[0] is not everything:
            tools = tuple(tool for tool in everything if self._grants.allows(tool))
            self._granted = everything, Catalog(tools, everything.servers)
        return self._granted[1]

    @property
    def names(self) -> tuple[str, ...]:
        """Every configured upstream that is granted, in order."""
        return tuple(server for server in self._whole.names if self.shows(server))

    def shows(self, server: str) -> bool:
        """Tell whether an upstream of this name is granted, configured or not."""
        return self._grants.sees(server)

    def takes(self, method: str) -> bool:
        """Tell whether a message of this method may go to upstreams: an unknown one where every tool may be called."""
        return method in KNOWN or not self._grants.narrow

    def member(self, server: str) -> Supervisor | None:
        """The supervision of one upstream that is granted."""
        return self._whole.member(server) if self.shows(server) else None

    async def request(
        self,
        server: str,
        method: str,
        params: Mapping[str, Any] | None,
        caller: Caller | None = None,
        seconds: float | None = None,
    ) -> Reply:
        """Send any request that is granted to one upstream, as far as the limits allow."""
        if not self.shows(server):
            return Reply(error=rpc.error(rpc.INVALID_PARAMS, f"no upstream is called {server!r}"))
        if not self.takes(method):
            return Reply(error=rpc.error(rpc.METHOD_NOT_FOUND, f"Method not found: {method}"))
        if method == TOOLS_CALL and not self._callable(server, params):
            return Reply(error=rpc.error(rpc.INVALID_PARAMS, f"Unknown tool: {rpc.fields(params).get('name')}"))
        with acting_for(self._name):
            if method in UNCOUNTED:
                reply = await super().request(server, method, params, caller, seconds)
                return self._shown(server, reply) if method == TOOLS_LIST else reply
            async with self._limits.one() as over:
                if over:
                    return Reply(lost=Lost.NOT_SENT, message=over)
                return await super().request(server, method, params, caller, seconds)

    def notify(self, server: str, method: str, params: Any) -> None:
        """Send a notification to one upstream, where it is granted."""
        if not self.takes(method):
            return
        with acting_for(self._name):
            member, shared = self.member(server), self.connection(server)
            if member is not None and member.config.per_user and (shared is None or shared.era == "handshake"):
                self._own.notify(server, method, params, opening=True)
            else:
                super().notify(server, method, params)

    async def _way(self, member: Supervisor, caller: Caller | None) -> Connection | None:
        """The connection that this caller is to use: never a session that another login has begun."""
        way = await super()._way(member, caller)
        if member.config.per_user and (way is None or (way is member.connection and way.era == "handshake")):
            own = caller.own if caller is not None and caller.own is not None else self._own
            return await own.connection(member.name)
        return way

    async def close(self) -> None:
        """End the connections that are this tenant's own."""
        await self._own.close()

    def _callable(self, server: str, params: Mapping[str, Any] | None) -> bool:
        """Tell whether the tool may be called; one that is not listed only where every tool may be."""
        return not self._grants.narrow or self.catalog.origin(server, str(rpc.fields(params).get("name"))) is not None

    def _shown(self, server: str, reply: Reply) -> Reply:
        """A list of tools that one session got from an upstream itself, without what is not granted."""
        if reply.result is None or not self._grants.narrow:
            return reply
        listed: Any = reply.result.get("tools")
        kept = [tool for tool in listed or () if self.catalog.origin(server, str(rpc.fields(tool).get("name")))]
        return Reply(result={**reply.result, "tools": kept})


class _Alone:
    """The `Receiver` of a tenant's own connections: what belongs to a request reaches its client, the rest nobody."""

    def __init__(self, fleet: GrantedFleet) -> None:
        self.backpressure = Backpressure()
        self._fleet = fleet

    def tool(self, server: str, name: str) -> Tool | None:
        """A tool as its upstream lists it."""
        return self._fleet.tool(server, name)

    def tell(self, server: str, method: str, params: Any, caller: Caller | None) -> None:
        """Take a notification from an upstream."""
        if caller is not None:
            caller.hear(server, method, params)

    async def ask(self, server: str, method: str, params: Any, caller: Caller | None) -> Reply:
        """Take a question from an upstream."""
        if caller is not None:
            return await caller.question(server, method, params)
        return Reply(error=rpc.error(rpc.METHOD_NOT_FOUND, f"Method not found: {method}"))
