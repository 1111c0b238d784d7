"""The endpoints of each tenant: a router of its own over what it is granted, with its own evidence and memory.

Tenants share the connections to upstreams that no session has for itself, and nothing else.
"""

from __future__ import annotations

import time
from collections import OrderedDict

from proxy.aggregate.router import Router
from proxy.calls.forward import Calls
from proxy.planner.opening import Opened
from proxy.ports import Journal
from proxy.store.kept import KeptRuns
from proxy.store.memory import Memories
from proxy.store.own import TenantJournal
from proxy.upstreams.fleet import Fleet
from proxy.upstreams.granted import GrantedFleet
from proxy.wire.tasks import Tasks
from proxy.workflows.asking import Reads
from schemas.access import Grants, Tenant
from schemas.config import Config

MOST = 1000
"""Tenants whose endpoints are kept; beyond it those go that nobody used for `UNUSED`."""
UNUSED = 45 * 60.0
"""Seconds; longer than an idle session lasts."""


class _Endpoints:
    def __init__(
        self,
        tenant: Tenant,
        config: Config,
        fleet: Fleet,
        journal: Journal,
        planner: Opened | None,
        kept: KeptRuns | None,
    ) -> None:
        self._kept = kept
        self.used = 0.0
        self._grants = tenant.grants
        self._config = _granted(config, tenant.grants)
        self._fleet = GrantedFleet(fleet, tenant)
        self._journal = TenantJournal(journal, tenant.name)
        self._planner = planner
        self._memories = Memories(None)
        self._made: dict[str | None, tuple[Calls, Router]] = {}

    def router(self, server: str | None) -> Router:
        found = self._made.get(server)
        if found is None:
            calls = Calls(
                self._config, self._fleet, self._journal, server, self._planner if server is None else None,
                self._memories, Reads(keep=False), self._kept,
            )  # fmt: skip
            found = self._made[server] = calls, Router(self._fleet, calls, server)
        return found[1]

    @property
    def routers(self) -> tuple[Router, ...]:
        return tuple(router for _, router in self._made.values())

    def take(self, config: Config) -> None:
        self._config = _granted(config, self._grants)
        for calls, _ in self._made.values():
            calls.take(self._config)

    async def close(self) -> None:
        for _, router in self._made.values():
            await router.close()
        await self._fleet.close()


class Tenants:
    """Every tenant's endpoints, made when they are first asked for."""

    def __init__(
        self, config: Config, fleet: Fleet, journal: Journal, planner: Opened | None, kept: KeptRuns | None
    ) -> None:
        self._kept = kept
        self._config = config
        self._fleet = fleet
        self._journal = journal
        self._planner = planner
        self._known: OrderedDict[str, _Endpoints] = OrderedDict()
        self._leaving = Tasks()

    def router(self, tenant: Tenant, server: str | None) -> Router:
        """One endpoint of a tenant, under an upstream's own names or (None) for all that it is granted."""
        found = self._known.get(tenant.key)
        if found is None:
            self._make_room()
            found = _Endpoints(tenant, self._config, self._fleet, self._journal, self._planner, self._kept)
            self._known[tenant.key] = found
        self._known.move_to_end(tenant.key)
        found.used = time.monotonic()
        return found.router(server)

    def take(self, config: Config) -> None:
        """Go by another configuration from the next call on."""
        self._config = config
        for each in self._known.values():
            each.take(config)

    def routers(self, tenant: Tenant) -> tuple[Router, ...]:
        """The endpoints of a tenant that there are."""
        found = self._known.get(tenant.key)
        return found.routers if found is not None else ()

    async def forget(self, tenant: Tenant) -> None:
        """Let go of what a tenant's endpoints hold."""
        found = self._known.pop(tenant.key, None)
        if found is not None:
            await found.close()

    async def close(self) -> None:
        """Let go of everything."""
        for each in self._known.values():
            await each.close()
        self._known.clear()
        await self._leaving.finish()

    def _make_room(self) -> None:
        while len(self._known) >= MOST:
            oldest = next(iter(self._known))
            if time.monotonic() - self._known[oldest].used < UNUSED:
                break
            self._leaving.start(self._known.pop(oldest).close())


def _granted(config: Config, grants: Grants) -> Config:
    """The configuration without upstreams that are not granted, so that no sentence speaks of them."""
    upstreams = {name: upstream for name, upstream in config.upstreams.items() if grants.sees(name)}
    return config.model_copy(update={"upstreams": upstreams})
