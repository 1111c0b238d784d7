"""One row of the measurement: some clients of one era before some replicas, in blocks that take turns with others."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx2
import psutil

from evals.scale.store import Asked, Store, busy
from tests.scale.clients import Client
from tests.scale.site import Site

WIDTH = 32
WARM = 100
SETTLE = 0.5
"""Seconds until what was handed over is in the store."""


@dataclass
class Cell:
    """Clients before a site, and what their calls have cost so far: milliseconds, and what the store was asked."""

    site: Site
    store: Store
    clients: Sequence[Client]
    took: list[float] = field(default_factory=list[float])
    spent: list[float] = field(default_factory=list[float])
    stored: float = 0.0
    asked: Asked = field(default_factory=Asked)

    async def open(self) -> None:
        """Open every session, and use everything once."""
        await self._calls(max(len(self.clients), WARM))
        self.spent = [0.0 for _ in self.site.replicas]

    async def block(self, calls: int) -> None:
        """Make and measure so many calls."""
        await asyncio.sleep(SETTLE)
        before, asked, stored = self._busy(), self.store.asked(), self.store.busy()
        self.took += await self._calls(calls)
        await asyncio.sleep(SETTLE)
        self.spent = [spent + now - was for spent, now, was in zip(self.spent, self._busy(), before, strict=True)]
        self.stored += self.store.busy() - stored
        self.asked = self.asked.plus(self.store.asked().since(asked))

    def row(self) -> dict[str, Any]:
        """What was measured, for one call."""
        took, calls, spent = sorted(self.took), len(self.took), sum(self.spent)
        modern = self.clients[0].modern
        assert all(client.sessions == (not modern) for client in self.clients), "a session was lost"
        return {
            "store": self.store.name,
            "era": "modern" if modern else "handshake",
            "replicas": len(self.site.replicas),
            "clients": len(self.clients),
            "cpu_ms": round(spent / calls, 2),
            "busiest": f"{max(self.spent) / spent:.0%}",
            "store_cpu_ms": round(self.stored / calls, 3),
            "statements": round(self.asked.statements / calls, 2),
            "commits": round(self.asked.commits / calls, 3),
            "rows": round(self.asked.rows / calls, 2),
            "bytes": round(self.asked.bytes / calls),
            "p50_ms": round(took[calls // 2]),
            "p99_ms": round(took[int(calls * 0.99)]),
            "rss_mb": round(max(psutil.Process(each.pid).memory_info().rss for each in self.site.replicas) / 2**20),
        }

    def _busy(self) -> list[float]:
        return [busy(psutil.Process(each.pid)) for each in self.site.replicas]

    async def _calls(self, calls: int) -> list[float]:
        """So many calls, each client's one after another; the milliseconds that each took."""
        left, free = iter(range(calls)), deque(self.clients)
        took: list[float] = []

        async def work() -> None:
            for number in left:
                client = free.popleft()
                told = await client.enter(str(number))
                free.append(client)
                assert told.fate == "done", told
                took.append((told.ended - told.began) * 1000)

        async with asyncio.TaskGroup() as tasks:
            for _ in range(min(WIDTH, len(self.clients))):
                tasks.create_task(work())
        return took


def cell(http: httpx2.AsyncClient, site: Site, store: Store, clients: int, *, modern: bool) -> Cell:
    """A row for so many clients of one era."""
    return Cell(site, store, [Client(http, f"{site.url}/mcp", modern) for _ in range(clients)])
