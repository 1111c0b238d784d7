"""Wires the parts together, and ends them in order on every way out. The command line calls nothing else."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import anyio
import structlog

from catalog_cache.cache import Cache
from proxy.aggregate.router import Router
from proxy.frontends import stdio
from proxy.running import Running, running, snapshots
from proxy.settings.reload import Source, follow
from proxy.settings.state import effects_path, paused_path, read_state, with_state
from proxy.store.decisions import shared
from proxy.store.sql import place_of
from proxy.store.state import open_state
from proxy.ui.behind import Behind, Send, UpstreamState
from proxy.wire.caller import Profile
from proxy.wire.tasks import group
from schemas.config import Config

if TYPE_CHECKING:
    from proxy.calls.forward import Calls

log = structlog.get_logger("app")

__all__ = ["Running", "Source", "running", "serve_http", "serve_page", "serve_stdio", "serve_workers", "wrap"]


async def serve_stdio(config: Config, source: Source | None = None) -> None:
    """Serve all upstreams as one on stdin and stdout; changes of `source` take effect meanwhile."""
    await _on_stdio(config, None, source)


async def wrap(config: Config) -> None:
    """Stand in front of the one upstream of this configuration, on stdin and stdout."""
    (server,) = config.upstreams
    await _on_stdio(config, server)


async def _on_stdio(config: Config, server: str | None, source: Source | None = None) -> None:
    client: asyncio.Future[Profile] = asyncio.get_running_loop().create_future()

    def met(profile: Profile) -> None:
        if not client.done():
            client.set_result(profile)

    async with (
        _until_signal() as stop,
        running(config, server, lambda: asyncio.shield(client)) as proxy,
        _following(source or Source(None, lambda: config), config, proxy, server),
    ):
        await stdio.serve(Router(proxy.fleet, proxy.calls, server), met, stop)


@asynccontextmanager
async def _following(source: Source, config: Config, proxy: Running, server: str | None = None) -> AsyncGenerator[None]:
    """Let changes of the configuration file and of the state folder take effect within the block.

    Meanwhile a proxy of several servers warms up; of one server each there may be dozens, whose memory would add up.
    """
    from proxy.calls.warming import warm

    async with anyio.create_task_group() as tasks:
        if server is None and config.repair.mode != "off":
            tasks.start_soon(warm, proxy.calls.listed)
        tasks.start_soon(follow, source, config, proxy.take, (effects_path(), paused_path()))
        try:
            yield
        finally:
            tasks.cancel_scope.cancel()


@asynccontextmanager
async def _until_signal() -> AsyncGenerator[asyncio.Event]:
    """Set the event when SIGINT, SIGTERM or SIGHUP asks to end; a second signal leaves the block at once."""
    loop = asyncio.get_running_loop()
    numbers = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    asked = asyncio.Event()
    with anyio.CancelScope() as scope:

        def ask() -> None:
            if asked.is_set():
                scope.cancel()
            asked.set()

        try:
            for number in numbers:
                loop.add_signal_handler(number, ask)
        except NotImplementedError:
            numbers = []
        try:
            yield asked
        finally:
            for number in numbers:
                loop.remove_signal_handler(number)


async def serve_http(config: Config, host: str, port: int, source: Source | None = None) -> None:
    """Serve all upstreams, together and each by itself, over HTTP until a signal ends it.

    Raises `PermissionError` for an address that others can reach where no token guards it, `OSError` for one that
    is taken; nothing has been started then.
    """
    from proxy.access.access import Access
    from proxy.aggregate.tenants import Tenants
    from proxy.frontends.listener import listener
    from proxy.frontends.probes import probes
    from proxy.frontends.serving import serve
    from proxy.ui.pages import Pages

    source, access = source or Source(None, lambda: config), Access(place_of(config.store), config.http)
    await access.refresh()
    async with _until_signal() as stop:
        with listener(config.http, config.replicas, host, port, stop, guarded=access.guards()) as here:
            async with running(config, page=True) as proxy, _following(source, config, proxy):
                tenants = Tenants(proxy.config, proxy.fleet, proxy.journal, proxy.planner, proxy.kept)
                proxy.others += [tenants, access]
                proxy.tokens_changed = access.notice
                pages = Pages(_behind(proxy, source), stop, access)
                further = [*probes(proxy.telemetry.around.states, stop.is_set, proxy.telemetry.page), *pages.routes]
                async with group() as tasks:
                    tasks.start_soon(access.follow)
                    await serve(_routers(proxy), lambda: proxy.config.http, here, stop, further, tenants, access)
                    tasks.cancel_scope.cancel()
                await pages.close()


async def serve_workers(config: Config, host: str, port: int, workers: int, arguments: Sequence[str]) -> None:
    """Keep so many processes serving one address, each `mcp-mend serve` with these arguments, until a signal ends it.

    Raises as `serve_http` does.
    """
    from proxy.access.access import Access
    from proxy.frontends.workers import supervise

    access = Access(place_of(config.store), config.http)
    await access.refresh()
    async with _until_signal() as stop:
        await supervise(config.http, host, port, workers, arguments, stop, guarded=access.guards())


async def serve_page(config: Config, port: int, started: Callable[[str], None], source: Source, send: Send) -> None:
    """Serve the page alone, on loopback, until a signal ends it; `started` is told its address.

    Raises `OSError` where the port is taken.
    """
    from proxy.frontends.listener import listening
    from proxy.frontends.serving import serve_alone
    from proxy.ui.pages import Pages

    config = with_state(config, read_state(shared(place_of(config.store))))
    with open_state(place_of(config.store)) as state:
        catalog = Cache(config.upstreams, snapshots(state, config)).catalog
    name = str(source.path) if source.path is not None else ""
    behind = Behind(place_of(config.store), lambda: config, lambda: catalog, send, source=name)
    with listening(config.http, "127.0.0.1", port) as listener:
        async with _until_signal() as stop:
            started(f"http://127.0.0.1:{listener.getsockname()[1]}/ui/")
            await serve_alone(Pages(behind, stop).routes, lambda: config.http, listener, stop)


def _behind(proxy: Running, source: Source) -> Behind:
    """What the page asks of a proxy at work."""
    from proxy.calls.replay import sent_again
    from proxy.ui.replaying import REMEDY

    def states() -> list[UpstreamState]:
        members = [(name, proxy.fleet.member(name)) for name in proxy.fleet.names]
        return [
            UpstreamState(name, each.state.value, each.reason, each.lines(), each.since, each.connections)
            for name, each in members
            if each is not None
        ]

    async def send(calls: Sequence[Mapping[str, Any]], yes: bool) -> list[Mapping[str, Any]]:  # noqa: FBT001
        return await sent_again(proxy.fleet, proxy.config, calls, yes=yes, remedy=REMEDY)

    return Behind(
        proxy.journal.place, lambda: proxy.config, lambda: proxy.fleet.catalog, send, states,
        proxy.journal, proxy.logins, str(source.path or ""),
    )  # fmt: skip


def _calls_of(proxy: Running, server: str) -> Calls:
    from proxy.calls.forward import Calls

    made = Calls(proxy.config, proxy.fleet, proxy.journal, server, memories=proxy.memories)
    made.listed = proxy.calls.listed
    proxy.others.append(made)
    return made


def _routers(proxy: Running) -> Callable[[str | None], Router]:
    """Routers by upstream name, None for all upstreams as one; each made when it is first asked for."""

    def router(server: str | None) -> Router:
        calls = proxy.calls if server is None else _calls_of(proxy, server)
        return Router(proxy.fleet, calls, server)

    return router
