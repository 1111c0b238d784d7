"""Measure what an open page that follows costs a call: python -m evals.page.following [PAIRS].

One proxy over HTTP, one session that calls at a steady pace. Blocks with and without a page take turns, the order of
each pair by chance: the page reads the stream of events, each of which holds the list, as the browser does. Processor
time is that of the proxy alone.
"""

from __future__ import annotations

import asyncio
import os
import random
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path

import httpx2
import psutil

from evals.overhead.clients import Http

PACES = (10, 100)
"""Calls a second."""
SECONDS = 4.0


class Page:
    """An open page that follows; `renewed` counts the lists that it was sent."""

    def __init__(self, base: str) -> None:
        self._base = base
        self.renewed = 0

    async def follow(self) -> None:
        """Read the stream until cancelled."""
        async with httpx2.AsyncClient(base_url=self._base, timeout=60) as client:
            await client.get("/ui/")
            async with client.stream("GET", "/ui/events") as stream:
                async for line in stream.aiter_lines():
                    if line == "event: journal":
                        self.renewed += 1


@asynccontextmanager
async def _open(page: Page) -> AsyncGenerator[None]:
    """Have the page follow within the block; one that stops before fails."""
    following = asyncio.create_task(page.follow())
    await asyncio.sleep(0.5)
    try:
        yield
        assert not following.done(), following
    finally:
        following.cancel()
        await asyncio.wait([following])


async def block(client: Http, proxy: psutil.Process, pace: int) -> tuple[float, list[float]]:
    """Calls at this pace: the proxy's processor time for each and the milliseconds that each took."""
    began, spent, took = time.perf_counter(), _used(proxy), list[float]()
    for number in range(int(pace * SECONDS)):
        await asyncio.sleep(max(0.0, began + number / pace - time.perf_counter()))
        asked = time.perf_counter()
        reply = await client.request("tools/call", {"name": "echo__echo", "arguments": {"text": f"hello {number}"}})
        assert not reply["result"].get("isError"), reply
        took.append((time.perf_counter() - asked) * 1000)
    return (_used(proxy) - spent) * 1000 / len(took), took


async def measure(base: str, client: Http, proxy: psutil.Process, pairs: int, pace: int) -> None:
    """Blocks in pairs, and the table of one pace."""
    work: dict[bool, list[float]] = {False: [], True: []}
    took: dict[bool, list[float]] = {False: [], True: []}
    page = Page(base)
    for _ in range(pairs):
        for followed in random.sample((False, True), 2):
            async with _open(page) if followed else nullcontext():
                worked, each = await block(client, proxy, pace)
            work[followed].append(worked)
            took[followed] += each
    gaps = [with_ - without for without, with_ in zip(work[False], work[True], strict=True)]
    print(f"{pace} calls a second, {pairs} pairs of {SECONDS:.0f} s, {page.renewed} renewals")
    for name, followed in (("alone", False), ("followed", True)):
        cut = statistics.quantiles(took[followed], n=100)
        print(
            f"  {name:<9} processor {statistics.median(work[followed]):.3f} ms a call; "
            f"took {cut[49]:.2f} ms, p90 {cut[89]:.2f}, p99 {cut[98]:.2f}"
        )
    print(f"  the page: {statistics.median(gaps):+.3f} ms of the processor a call{_spread(gaps)}")


def _config(folder: Path) -> Path:
    file = folder / "config.toml"
    echo = f"[upstreams.echo]\ncommand = {sys.executable!r}\nargs = ['-m', 'evals.overhead.echo']\n"
    file.write_text(f"{echo}[planner]\nbackend = 'none'\n")
    return file


def _used(process: psutil.Process) -> float:
    """Seconds that its threads have run, which Linux tells by the nanosecond."""
    threads = Path(f"/proc/{process.pid}/task").glob("*/schedstat")
    return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9


def _spread(gaps: Sequence[float]) -> str:
    cut = statistics.quantiles(gaps, n=4) if len(gaps) > 1 else []
    return f" (quartiles {cut[0]:+.3f} and {cut[2]:+.3f})" if cut else ""


async def main(pairs: int) -> None:
    """Start the proxy, measure every pace, end it."""
    with tempfile.TemporaryDirectory() as folder:
        config = _config(Path(folder))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            address = f"127.0.0.1:{probe.getsockname()[1]}"
        line = [sys.executable, "-m", "proxy.cli", "serve", "--config", str(config), "--http", address]
        client = Http(f"http://{address}/mcp", line, {**os.environ, "MCP_MEND_HOME": folder}, modern=False)
        try:
            await client.open()
            await client.request("tools/list", {})
            for pace in PACES:
                await measure(f"http://{address}", client, client.processes()[0], pairs, pace)
        finally:
            await client.close()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 12))
