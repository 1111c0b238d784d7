"""One row of the measurement: some clients of one era at some replicas, in blocks that take turns with others."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import httpx2
import psutil

from evals.scale.store import Asked, Store, busy
from tests.scale.clients import Client
from tests.scale.site import Site

WIDTH = 8
"""Calls under way at each replica that is called."""
WARM = 100
SETTLE = 0.5
"""Seconds until what was handed over is in the store."""
REST = 20.0
"""Seconds without a call: longer than a server is quiet on a stream that it keeps open."""


@dataclass
class Spent:
    """What some calls took of the replicas' processors, in milliseconds, beyond what they take without a call."""

    calls: int = 0
    cpu: float = 0.0

    @property
    def each(self) -> float:
        """What one call took."""
        return round(self.cpu / self.calls, 2)


@dataclass
class Cell:
    """Clients before a site, also by the replica that each has, and what their calls have cost so far.

    `apart` is while the calls of a block are all at one replica, `together` while they are at all of them. Who has just
    called is the last to call again.
    """

    site: Site
    store: Store
    clients: deque[Client]
    groups: Sequence[deque[Client]]
    idle: float = 0.0
    apart: Spent = field(default_factory=Spent)
    together: Spent = field(default_factory=Spent)
    took: list[float] = field(default_factory=list[float])
    stored: float = 0.0
    asked: Asked = field(default_factory=Asked)

    async def open(self) -> None:
        """Open every session, and use everything once."""
        await self._calls(self.clients, max(len(self.clients), WARM), WIDTH)

    async def rest(self) -> None:
        """Measure what the replicas take while nobody calls: milliseconds in a second."""
        before = self._busy()
        await asyncio.sleep(REST)
        self.idle = (self._busy() - before) / REST

    async def at_one(self, number: int, calls: int) -> None:
        """Make and measure so many calls at one replica, another one for each number."""
        await self._measured(self.apart, self.groups[number % len(self.groups)], calls, WIDTH)

    async def at_all(self, number: int, calls: int) -> None:
        """Make and measure so many calls at all replicas, and what the store is asked meanwhile."""
        del number
        asked, stored = self.store.asked(), self.store.busy()
        self.took += await self._measured(self.together, self.clients, calls, WIDTH * len(self.site.replicas))
        self.stored += self.store.busy() - stored
        self.asked = self.asked.plus(self.store.asked().since(asked))

    def row(self) -> dict[str, Any]:
        """What was measured, for one call."""
        took, calls = sorted(self.took), len(self.took)
        modern = self.clients[0].modern
        assert all(client.sessions == (not modern) for client in self.clients), "a session was lost"
        return {
            "store": self.store.name,
            "era": "modern" if modern else "handshake",
            "replicas": len(self.site.replicas),
            "clients": len(self.clients),
            "cpu_ms": self.apart.each,
            "together_ms": self.together.each,
            "idle_ms_s": round(self.idle / len(self.site.replicas), 1),
            "store_cpu_ms": round(self.stored / calls, 3),
            "statements": round(self.asked.statements / calls, 2),
            "commits": round(self.asked.commits / calls, 3),
            "rows": round(self.asked.rows / calls, 2),
            "bytes": round(self.asked.bytes / calls),
            "p50_ms": round(took[calls // 2]),
            "p99_ms": round(took[int(calls * 0.99)]),
            "rss_mb": round(max(psutil.Process(each.pid).memory_info().rss for each in self.site.replicas) / 2**20),
        }

    def _busy(self) -> float:
        return sum(busy(psutil.Process(each.pid)) for each in self.site.replicas)

    async def _measured(self, spent: Spent, clients: deque[Client], calls: int, width: int) -> list[float]:
        before, began = self._busy(), monotonic()
        took = await self._calls(clients, calls, width)
        await asyncio.sleep(SETTLE)
        spent.cpu += self._busy() - before - self.idle * (monotonic() - began)
        spent.calls += calls
        return took

    async def _calls(self, clients: deque[Client], calls: int, width: int) -> list[float]:
        """So many calls, each client's one after another; the milliseconds that each took."""
        left = iter(range(calls))
        took: list[float] = []

        async def work() -> None:
            for number in left:
                client = clients.popleft()
                told = await client.enter(str(number))
                clients.append(client)
                assert told.fate == "done", told
                took.append((told.ended - told.began) * 1000)

        async with asyncio.TaskGroup() as tasks:
            for _ in range(min(width, len(clients))):
                tasks.create_task(work())
        return took


def cell(http: httpx2.AsyncClient, site: Site, store: Store, clients: int, *, modern: bool, anywhere: bool) -> Cell:
    """A row for so many clients of one era, each at a replica of its own or all at the balancer (`anywhere`)."""
    urls = [site.url] if anywhere else site.addresses
    made = [Client(http, f"{urls[number % len(urls)]}/mcp", modern) for number in range(clients)]
    return Cell(site, store, deque(made), [deque(made[number :: len(urls)]) for number in range(len(urls))])
