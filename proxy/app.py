"""Wires the parts together, and ends them in order on every way out. The command line calls nothing else."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio

from catalog_cache.cache import Cache
from catalog_cache.store import Store
from proxy.calls import Calls
from proxy.repair.ports import Journal
from proxy.server import stdio
from proxy.server.face import Face
from proxy.upstream.caller import Profile
from proxy.upstream.fleet import Fleet, as_ourselves
from proxy.upstream.fleet import running as running_fleet
from schemas.config import Config


@dataclass(frozen=True)
class Running:
    """A proxy at work, without a face."""

    config: Config
    fleet: Fleet
    journal: Journal
    calls: Calls


def state_folder() -> Path:
    """Where everything that outlives the process is kept."""
    named = os.environ.get("MCP_MEND_HOME")
    if named:
        return Path(named)
    import platformdirs

    return platformdirs.user_state_path("mcp-mend")


@asynccontextmanager
async def running(
    config: Config, server: str | None = None, profile: Callable[[], Awaitable[Profile]] = as_ourselves
) -> AsyncGenerator[Running]:
    """Connect the upstreams and open the journal; everything has ended when this is left."""
    cache = Cache(config.upstreams, Store(state_folder() / "catalog"))
    async with open_journal(config) as journal, running_fleet(config.upstreams, cache, profile) as fleet:
        yield Running(config, fleet, journal, Calls(config, fleet, journal, server))


async def serve_stdio(config: Config) -> None:
    """Serve all upstreams as one on stdin and stdout."""
    await _on_stdio(config, None)


async def wrap(config: Config) -> None:
    """Stand in front of the one upstream of this configuration, on stdin and stdout."""
    (server,) = config.upstreams
    await _on_stdio(config, server)


async def _on_stdio(config: Config, server: str | None) -> None:
    client: asyncio.Future[Profile] = asyncio.get_running_loop().create_future()

    def met(profile: Profile) -> None:
        if not client.done():
            client.set_result(profile)

    async with _until_signal(), running(config, server, lambda: asyncio.shield(client)) as proxy:
        await stdio.serve(Face(proxy.fleet, proxy.calls, server), proxy.fleet, met)


@asynccontextmanager
async def _until_signal() -> AsyncGenerator[None]:
    """Leave the block when SIGINT, SIGTERM or SIGHUP asks for it."""
    loop = asyncio.get_running_loop()
    numbers = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    with anyio.CancelScope() as scope:
        try:
            for number in numbers:
                loop.add_signal_handler(number, scope.cancel)
        except NotImplementedError:
            numbers = []
        try:
            yield
        finally:
            for number in numbers:
                loop.remove_signal_handler(number)


class _NoJournal:
    """Keeps no record."""

    def __init__(self) -> None:
        self._count = 0

    def new_id(self, kind: str) -> str:
        self._count += 1
        return f"{kind}_{self._count}"

    def call(self, record: object) -> None:
        del record

    def run(self, record: object) -> None:
        del record

    async def flush(self) -> None:
        return


@asynccontextmanager
async def open_journal(config: Config) -> AsyncGenerator[Journal]:
    """The journal that the configuration asks for."""
    del config
    yield _NoJournal()
