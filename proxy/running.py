"""A proxy at work, without a frontend: upstreams, journal, planner and memory, opened and ended in order."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import anyio
import anyio.to_thread
import structlog

from catalog_cache.cache import Cache
from catalog_cache.home import private_folder, state_folder
from catalog_cache.store import Snapshots, Store
from proxy.access import book
from proxy.settings.state import read_state, with_state
from proxy.store import StoredJournal, configure, decisions, open_journal
from proxy.store import logins as stored
from proxy.store.decisions import shared
from proxy.store.logs import also
from proxy.store.sql import Place, notices, place_of
from proxy.store.state import State, open_state
from proxy.telemetry.opening import Telemetry, open_telemetry
from proxy.telemetry.wishes import secrets
from proxy.upstreams.auth.logins import LoginFiles, Logins
from proxy.upstreams.fleet import Fleet, as_ourselves
from proxy.upstreams.fleet import running as running_fleet
from proxy.wire.caller import Profile
from schemas.config import Config, Log

if TYPE_CHECKING:
    from proxy.calls.forward import Calls
    from proxy.planner.opening import Opened
    from proxy.store.kept import KeptRuns
    from proxy.store.memory import Memories

log = structlog.get_logger("app")

FREED = 32 << 20
"""Bytes that are kept for the next large message."""
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Parameters of glibc's `mallopt`."""

CATALOG = "catalog"
"""What replicas are told when an upstream's list has changed."""


class Taking(Protocol):
    """Goes by a configuration that may change."""

    def take(self, config: Config) -> None:
        """Go by another configuration from the next call on."""
        ...


@dataclass
class Running:
    """A proxy at work, without a frontend; `config` is what it goes by, `others` what goes by it too.

    What a person decided in the state folder is part of `config`.
    """

    config: Config
    fleet: Fleet
    journal: StoredJournal
    calls: Calls
    memories: Memories
    telemetry: Telemetry
    planner: Opened
    kept: KeptRuns | None
    logins: Logins
    base: Config
    """The configuration without what a person decided beside it."""
    tokens_changed: Callable[[], None] = lambda: None
    others: list[Taking] = field(default_factory=list["Taking"])
    _changing: anyio.Lock = field(default_factory=anyio.Lock)

    async def take(self, fresh: Config | None = None) -> None:
        """Go by a changed configuration, or by what was decided anew beside the one there is; one change at a time."""
        async with self._changing:
            await self._take(fresh or self.base)

    async def _take(self, fresh: Config) -> None:
        """Go by a configuration: secrets first, so that nothing below writes a new one down."""
        self.journal.learn(fresh)
        self.base = fresh
        fresh = with_state(fresh, await anyio.to_thread.run_sync(read_state, shared(self.journal.place)))
        before, self.config = self.config, fresh
        if fresh.log != before.log:
            _log_as(fresh.log)
        for calls in (self.calls, *self.others):
            calls.take(fresh)
        if fresh.upstreams != before.upstreams or fresh.workflow.expose != before.workflow.expose:
            log.info("configuration changed", upstreams=list(fresh.upstreams))
            await self.fleet.apply(fresh.upstreams)


def _keep_freed_memory() -> None:
    """Have glibc keep what a large message took for the next one: getting it anew costs more than passing it on."""
    mallopt: Any = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(M_TRIM_THRESHOLD, FREED)
        mallopt(M_MMAP_THRESHOLD, FREED)


def _log_as(settings: Log) -> None:
    try:
        configure(settings)
    except OSError as error:
        log.warning("log.file cannot be opened", file=settings.file, reason=error.strerror)


@asynccontextmanager
async def running(
    config: Config,
    server: str | None = None,
    profile: Callable[[], Awaitable[Profile]] = as_ourselves,
    *,
    page: bool = False,
) -> AsyncGenerator[Running]:
    """Connect the upstreams and open the journal; everything has ended when this is left.

    What calls need is imported while the servers start: a first list waits for these, not for that. `page` measures for
    a page of metrics.
    """
    _keep_freed_memory()
    home = state_folder()
    try:
        private_folder(home)
    except OSError as error:
        told = "nothing is kept: the state folder cannot be used; MCP_MEND_HOME names another"
        log.warning(told, folder=str(home), reason=error.strerror)
    base, place = config, place_of(config.store)
    config = with_state(config, read_state(shared(place)))
    with open_state(place) as state:
        logins = logins_of(state)
        cache = Cache(config.upstreams, await anyio.to_thread.run_sync(snapshots, state, config))
        async with (
            _measuring(page=page) as telemetry,
            open_journal(config, told=telemetry.record) as journal,
            running_fleet(config.upstreams, cache, profile, logins) as fleet,
        ):
            from proxy.calls.forward import Calls
            from proxy.planner.opening import open_planner
            from proxy.store.kept import KeptRuns
            from proxy.store.memory import Memories

            journal.learn(config.with_secrets(secrets(os.environ)))
            async with open_planner(config.planner, home, journal.hide, telemetry.timed) as planner:
                memories = Memories(state if config.evolution.memory else None)
                await memories.begin()
                kept = KeptRuns(state) if config.journal.enabled else None
                calls = Calls(config, fleet, journal, server, planner, memories, kept=kept)
                telemetry.attach(fleet, journal, planner.planner, calls.own_names, journal.hidden)
                proxy = Running(config, fleet, journal, calls, memories, telemetry, planner, kept, logins, base=base)
                async with _in_touch(place, cache, state, proxy):
                    yield proxy


def snapshots(state: State, config: Config) -> Snapshots:
    """Where tool lists are kept: files of the state folder, or the store that replicas share."""
    if not state.place.url:
        return Store(state_folder() / "catalog")
    from proxy.store.snapshots import StoredSnapshots

    return StoredSnapshots(state, config.upstreams)


def logins_of(state: State) -> Logins:
    """Where logins are kept: files of the state folder, or the store that replicas share."""
    return stored.StoredLogins(state) if state.place.url else LoginFiles()


@asynccontextmanager
async def _in_touch(place: Place, cache: Cache, state: State, proxy: Running) -> AsyncGenerator[None]:
    """Hear within the block what other replicas say, and tell them of changed lists; files need neither."""
    if not place.url:
        yield
        return
    async with anyio.create_task_group() as tasks:

        def drifted(server: str, fingerprint: str) -> None:
            name = f"{fingerprint} {server}"
            state.later("to tell of changed tools", lambda connection: connection.announce(CATALOG, name))

        def heard(kind: str, name: str) -> None:
            fingerprint, _, server = name.partition(" ")
            if kind == CATALOG and cache.fingerprint(server) not in ("", fingerprint):
                proxy.fleet.relist(server)
            if not kind:
                for each in proxy.fleet.names:
                    proxy.fleet.relist(each)
            if kind in ("", decisions.CHANGED):
                tasks.start_soon(proxy.take)
            if kind in ("", stored.CHANGED) and isinstance(proxy.logins, stored.StoredLogins):
                proxy.logins.notice()
            if kind in ("", book.CHANGED):
                proxy.tokens_changed()

        cache.drifted = drifted
        tasks.start_soon(notices.follow, place, heard)
        tasks.start_soon(proxy.memories.follow)
        yield
        tasks.cancel_scope.cancel()


@asynccontextmanager
async def _measuring(*, page: bool) -> AsyncGenerator[Telemetry]:
    """Measure within the block; what is left is delivered at its end."""
    with open_telemetry(os.environ, page=page) as telemetry, also(telemetry.lines):
        yield telemetry
