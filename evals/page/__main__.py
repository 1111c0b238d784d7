"""Measure the page over a journal of many calls: python -m evals.page [CALLS] [POSTGRESQL-ADDRESS].

The address is that of an empty database; without one the journal is a file of SQLite.

Every address is asked once to warm up and then several times, in this process; the table shows the median.
"""

from __future__ import annotations

import asyncio
import os
import random
import statistics
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx2
from starlette.applications import Starlette

from proxy.store.redact import Redaction
from proxy.store.rows import Rows
from proxy.store.sql import Place
from proxy.store.tables import TABLES, write
from proxy.ui.behind import Behind
from proxy.ui.pages import Pages
from schemas.catalog import Catalog
from schemas.config import Config
from schemas.record import CallRecord, RunRecord

TIMES = 7
ASKED = {
    "first page": "/ui/",
    "search, common word": "/ui/?q=w12",
    "search, in no entry": "/ui/?q=nowhere-to-be-found",
    "search in every call": "/ui/?q=w77+w78&kind=call",
    "search, other script": "/ui/?q=%C3%84pfel",
    "one server": "/ui/?server=server-3",
    "one tool, failed": "/ui/?tool=tool-20&status=failed",
    "one session": "/ui/?session=session-3",
    "a server of no call": "/ui/?server=nowhere",
    "figures": "/ui/figures",
}


def fill(place: Place, calls: int) -> None:
    """Write so many calls, a tenth of them in repaired runs."""
    chance = random.Random(1)  # noqa: S311  the same journal each time
    words = [f"w{number}" for number in range(5000)]
    rows, connection = Rows(Redaction()), place.open("journal")
    for begin in range(0, calls, 1000):
        batch: list[Any] = []
        for at in range(begin, min(begin + 1000, calls)):
            run = f"run_{at // 10:08}" if at % 10 < 2 else None
            outcome = "failed" if at % 10 == 0 else "ok"
            text = " ".join(chance.choices(words, k=50))
            arguments = {"query": " ".join(chance.choices(words, k=6)), "limit": at}
            reply = {"content": [{"type": "text", "text": text}]}
            given = (
                f"call_{at:08}",
                1.7e9 + at,
                f"session-{at // 500}",
                f"server-{at % 7}",
                f"tool-{at % 40}",
                arguments,
            )
            record = CallRecord(*given, outcome, 2.5, run, "call", "read", reply)
            batch += rows.of(record)
            if at % 10 == 1:
                step = {"id": "call", "tool": given[4], "arguments": arguments}
                changed: Any = {
                    "op": "coerce_argument",
                    "step": "call",
                    "rule": "rewrite_value",
                    "confidence": "evident",
                }
                plan = {"steps": [step]}
                ended = RunRecord(str(run), given[1], "call", given[2], "repaired", plan, plan, [changed], calls=2)
                batch += rows.of(ended)
        write(connection, batch)
    connection.close()


async def measure(place: Place) -> list[tuple[str, float, float]]:
    """The median milliseconds of each answer, by the clock and of processor time."""
    config = Config()

    async def send(calls: Any, yes: bool) -> list[Any]:  # noqa: FBT001
        raise AssertionError((calls, yes))

    pages = Pages(Behind(place, lambda: config, Catalog, send), asyncio.Event())
    found: list[tuple[str, float, float]] = []
    transport = httpx2.ASGITransport(Starlette(routes=pages.routes))
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1", timeout=60) as client:
        for name, address in ASKED.items():
            took: list[float] = []
            worked: list[float] = []
            answer = await client.get(address)
            for _ in range(TIMES):
                began, used = time.perf_counter(), time.process_time()
                answer = await client.get(address)
                took.append((time.perf_counter() - began) * 1000)
                worked.append((time.process_time() - used) * 1000)
            assert answer.status_code == 200, answer.text
            found.append((name, statistics.median(took), statistics.median(worked)))
    return found


def main() -> None:
    """Fill a journal, measure, print."""
    calls = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as folder:
        os.environ["MCP_MEND_HOME"] = folder
        place = Place(Path(folder), sys.argv[2] if len(sys.argv) > 2 else "")
        began = time.perf_counter()
        fill(place, calls)
        took = time.perf_counter() - began
        with closing(place.open("journal")) as connection:
            size = connection.size(TABLES) / 1e6
        print(f"{calls} calls, {size:.0f} MB, written in {took:.0f} s")
        print(f"{'':<24}{'ms':>8}{'of the processor':>20}")
        for name, took, worked in asyncio.run(measure(place)):
            print(f"{name:<24}{took:8.0f}{worked:20.0f}")


if __name__ == "__main__":
    main()
