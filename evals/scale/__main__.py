"""Measure what a call costs as replicas and clients grow: python -m evals.scale.

    [--replicas N ...]   replicas over one PostgreSQL, each number in turn (1 2 4); one over SQLite always goes first
    [--clients N ...]    clients with a session each, or of the modern era (50 200 1000)
    [--calls N]          calls for each row (2000)

Clients take turns, 32 calls under way at a time: more would wait for the processor on a small machine and change no
cost. All replicas share the machine with nginx, the upstream, the database and the clients, so that times of the clock
say little; processor time is each process's own.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import os
import platform
import statistics
import tempfile
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import psutil

from evals.overhead.__main__ import table
from evals.scale.store import Asked, asked, counting
from tests.scale.clients import Client
from tests.scale.site import Site, site
from tests.services.postgres import Postgres

WIDTH = 32
WARM = 300
SETTLE = 2.0
"""Seconds until what was handed over is in the store."""
BUSY = 0.7
"""The part of one core that a replica may use, so that a burst finds room."""


@dataclass
class Store:
    """Where replicas keep what they share; without a server, files of their own."""

    server: Postgres | None = None
    url: str = ""

    def asked(self) -> Asked:
        """What it was asked so far."""
        return asked(self.server, self.url.rpartition("/")[2]) if self.server is not None else Asked()

    def busy(self) -> float:
        """Milliseconds of processor time of the server and all that it has started and ended."""
        if self.server is None:
            return 0.0
        first = psutil.Process(self.server.process.pid)
        ended = first.cpu_times()
        gone = (ended.children_user + ended.children_system) * 1000
        return gone + sum(_busy(each) for each in [first, *first.children()])


def _busy(process: psutil.Process) -> float:
    times = process.cpu_times()
    return (times.user + times.system) * 1000


async def rounds(clients: Sequence[Client], calls: int, name: str) -> list[float]:
    """So many calls by clients in turn; the milliseconds that each took."""
    left = iter(range(calls))
    took: list[float] = []

    async def work() -> None:
        for number in left:
            told = await clients[number % len(clients)].enter(f"{name}-{number}")
            assert told.fate == "done", told
            took.append((told.ended - told.began) * 1000)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(min(WIDTH, len(clients))):
            tasks.create_task(work())
    return took


async def row(where: Site, store: Store, clients: int, calls: int, *, modern: bool) -> dict[str, Any]:
    """Measure so many calls; sessions are open and everything has been used before it begins."""
    limits = httpx2.Limits(max_connections=WIDTH, max_keepalive_connections=WIDTH)
    async with httpx2.AsyncClient(timeout=120, limits=limits) as http:
        made = [Client(http, f"{where.url}/mcp", modern) for _ in range(clients)]
        await rounds(made, max(clients, WARM), "warm")
        await asyncio.sleep(SETTLE)
        replicas = [psutil.Process(each.pid) for each in where.replicas]
        before, base, stored = [_busy(each) for each in replicas], store.asked(), store.busy()
        took = sorted(await rounds(made, calls, "measured"))
        await asyncio.sleep(SETTLE)
        spent = [_busy(each) - was for each, was in zip(replicas, before, strict=True)]
        done = store.asked().since(base)
        assert all(client.sessions == (not modern) for client in made), "a session was lost"
    return {
        "store": "PostgreSQL" if store.server else "SQLite",
        "era": "modern" if modern else "handshake",
        "replicas": len(replicas),
        "clients": clients,
        "cpu_ms_call": round(sum(spent) / calls, 3),
        "share_of_busiest": round(max(spent) / sum(spent), 2),
        "store_cpu_ms_call": round((store.busy() - stored) / calls, 3),
        "statements_call": round(done.statements / calls, 3),
        "commits_call": round(done.commits / calls, 3),
        "rows_call": round(done.rows / calls, 3),
        "bytes_call": round(done.bytes / calls),
        "p50_ms": round(statistics.median(took)),
        "p99_ms": round(took[int(len(took) * 0.99)]),
        "rss_mb": round(max(each.memory_info().rss for each in replicas) / 2**20),
    }


@asynccontextmanager
async def at_work(replicas: int, server: Postgres | None) -> AsyncGenerator[tuple[Site, Store]]:
    """So many replicas over a fresh database of a server, or one over files."""
    with tempfile.TemporaryDirectory() as folder:
        if server is None:
            async with site(Path(folder), replicas) as where:
                yield where, Store()
            return
        with server.database() as url:
            async with site(Path(folder), replicas, url) as where:
                yield where, Store(server, url)


async def measure(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Every row, told as it comes."""
    found: list[dict[str, Any]] = []

    async def rows_of(replicas: int, server: Postgres | None) -> None:
        async with at_work(replicas, server) as (where, store):
            for modern in (True, False):
                for clients in options.clients:
                    found.append(await row(where, store, clients, options.calls, modern=modern))
                    print(found[-1], flush=True)

    await rows_of(1, None)
    if options.replicas:
        with counting() as server:
            for replicas in options.replicas:
                await rows_of(replicas, server)
    return found


def projected(rows: Sequence[dict[str, Any]], rate: int = 1000) -> list[dict[str, Any]]:
    """What so many calls a second need, from the costliest row of each store and era."""
    found: list[dict[str, Any]] = []
    for store, era in sorted({(each["store"], each["era"]) for each in rows}):
        of_it = [each for each in rows if (each["store"], each["era"]) == (store, era)]
        cpu = max(each["cpu_ms_call"] for each in of_it)
        most = {key: max(each[key] for each in of_it) for key in ("store_cpu_ms_call", "rows_call", "bytes_call")}
        found.append(
            {
                "store": store,
                "era": era,
                "calls_s": rate,
                "cores": round(cpu * rate / 1000, 2),
                "replicas": math.ceil(cpu * rate / 1000 / BUSY),
                "store_cores": round(most["store_cpu_ms_call"] * rate / 1000, 2),
                "rows_s": round(most["rows_call"] * rate),
                "gb_day": round(most["bytes_call"] * rate * 86400 / 1e9, 1),
            }
        )
    return found


def main() -> None:
    """Measure, and print the tables."""
    parser = argparse.ArgumentParser(prog="python -m evals.scale")
    parser.add_argument("--replicas", type=int, nargs="*", default=[1, 2, 4])
    parser.add_argument("--clients", type=int, nargs="+", default=[50, 200, 1000])
    parser.add_argument("--calls", type=int, default=2000)
    options = parser.parse_args()
    rows = asyncio.run(measure(options))
    print(f"\n{platform.platform()}, Python {platform.python_version()}, load {os.getloadavg()[0]:.1f}\n")
    print(table("What a call costs", rows))
    print(table("A thousand calls a second", projected(rows)))


if __name__ == "__main__":
    main()
