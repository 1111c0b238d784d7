"""Measure what a call costs as replicas and clients grow: python -m evals.scale.

    [--replicas N ...]   replicas over one PostgreSQL, each number in turn (1 2 4), beside one over SQLite
    [--clients N ...]    clients with a session each, or of the modern era (50 200 1000)
    [--rounds N] [--calls N]   blocks of each kind for each row (10), and calls in each (100)
    [--anywhere]         through a balancer that sends the requests of a session to any replica, and not to its owner

Everything is open at the same time and takes turns in short blocks, in another order each time, so that a busy machine
burdens all rows alike and what comes once in a while (Python's search for cycles among all objects) meets all of them.
Clients take turns too, eight calls under way at each replica that is called; each has one replica, and keeps no
connection to it, as nginx would not. Replicas share the machine with the upstream, the database and the clients, so
that times of the clock say little; processor time is each process's own, less what it takes without a call.

`cpu_ms` is one call's at all replicas while only one of them is called, each in turn, as one is with a core to itself.
`together_ms` is the same while all are called at once: where they are more than the cores, it holds too what they cost
one another by taking turns on them. `idle_ms_s` is what a replica takes in a second without a call.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import os
import platform
import random
import tempfile
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx2
import psycopg

from evals.overhead.__main__ import table
from evals.scale.cell import Cell, cell
from evals.scale.store import Store, counting
from tests.scale.site import site

BUSY = 0.7
"""The part of one core that a replica may use, so that a burst finds room."""


async def measure(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Every row."""
    async with AsyncExitStack() as stack:
        server = stack.enter_context(counting()) if options.replicas else None
        http = await stack.enter_async_context(httpx2.AsyncClient(timeout=120, headers={"connection": "close"}))
        cells: list[Cell] = []
        for replicas in (0, *options.replicas):
            store = Store()
            if replicas and server is not None:
                counter = stack.enter_context(psycopg.connect(server.url(), autocommit=True))
                store = Store(server, stack.enter_context(server.database()), counter)
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            where = await stack.enter_async_context(site(folder, replicas or 1, store.url, anywhere=options.anywhere))
            eras = [(clients, modern) for clients in options.clients for modern in (True, False)]
            cells += [
                cell(http, where, store, clients, modern=modern, anywhere=options.anywhere) for clients, modern in eras
            ]
        for each in cells:
            await each.open()
        await asyncio.gather(*(each.rest() for each in cells))
        blocks = [block for each in cells for block in (each.at_one, each.at_all)]
        for number in range(options.rounds):
            for block in random.sample(blocks, len(blocks)):
                await block(number, options.calls)
        return [each.row() for each in cells]


def projected(rows: Sequence[dict[str, Any]], rate: int = 1000) -> list[dict[str, Any]]:
    """What so many calls a second need, from the costliest row of each store and era."""
    found: list[dict[str, Any]] = []
    for store, era in sorted({(row["store"], row["era"]) for row in rows}):
        same = [row for row in rows if (row["store"], row["era"]) == (store, era)]
        cpu, stored, new, size = (
            max(row[key] for row in same) for key in ("together_ms", "store_cpu_ms", "rows", "bytes")
        )
        found.append(
            {
                "store": store,
                "era": era,
                "calls_s": rate,
                "cores": round(cpu * rate / 1000, 1),
                "replicas": math.ceil(cpu * rate / 1000 / BUSY),
                "store_cores": round(stored * rate / 1000, 2),
                "rows_s": round(new * rate),
                "gb_day": round(size * rate * 86400 / 1e9),
            }
        )
    return found


def main() -> None:
    """Measure, and print the tables."""
    parser = argparse.ArgumentParser(prog="python -m evals.scale")
    parser.add_argument("--replicas", type=int, nargs="*", default=[1, 2, 4])
    parser.add_argument("--clients", type=int, nargs="+", default=[50, 200, 1000])
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--calls", type=int, default=100)
    parser.add_argument("--anywhere", action="store_true")
    options = parser.parse_args()
    rows = asyncio.run(measure(options))
    print(f"{platform.platform()}, Python {platform.python_version()}, load {os.getloadavg()[0]:.1f}\n")
    print(table("What a call costs", rows))
    print(table("A thousand calls a second", projected(rows)))


if __name__ == "__main__":
    main()
