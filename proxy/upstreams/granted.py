"""The fleet as one tenant sees it: what is not granted is not there, for lists, calls, repairs and plans alike.

Every request that is made for a tenant goes through here, whoever chose it: the client, a rule, a plan or the planner.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from proxy.upstreams.fleet import Fleet
from proxy.upstreams.limits import Limits
from proxy.upstreams.supervisor import Supervisor
from proxy.wire import rpc
from proxy.wire.caller import Caller
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
from schemas.catalog import Catalog
from schemas.trial import Lost, Reply

LISTS = frozenset({TASKS_LIST, TOOLS_LIST, RESOURCES_LIST, TEMPLATES_LIST, PROMPTS_LIST})
KNOWN = LISTS | BY_TASK_ID | {
    TOOLS_CALL, RESOURCES_READ, PROMPTS_GET, COMPLETE, SUBSCRIBE, UNSUBSCRIBE, LISTEN, SET_LEVEL
}  # fmt: skip
"""Requests of which it is known what they do; any other may have an effect."""
UNCOUNTED = LISTS | BY_TASK_ID | {SUBSCRIBE, UNSUBSCRIBE, LISTEN, SET_LEVEL}
"""Requests that no limit counts: one of a client may be one to each upstream, or stay open for ever."""


class GrantedFleet(Fleet):
    """A view of a fleet that is at work; it has no connections of its own."""

    def __init__(self, whole: Fleet, tenant: Tenant) -> None:
        vars(self).update(vars(whole))
        self._whole = whole
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
        if method in UNCOUNTED:
            reply = await super().request(server, method, params, caller, seconds)
            return self._shown(server, reply) if method == TOOLS_LIST else reply
        async with self._limits.one() as over:
            if over:
                return Reply(lost=Lost.NOT_SENT, message=over)
            return await super().request(server, method, params, caller, seconds)

    def notify(self, server: str, method: str, params: Any) -> None:
        """Send a notification to one upstream, where it is granted."""
        if self.takes(method):
            super().notify(server, method, params)

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
