"""Open a connection to one upstream, by whichever way its configuration names."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import anyio
import structlog

from proxy.upstreams.connection import HandshakeError, Link
from proxy.upstreams.stdio import Child, start, stop
from proxy.upstreams.watchdog import Watchdog
from proxy.wire.context import Audience, Profile
from schemas.config import Upstream

if TYPE_CHECKING:
    from proxy.upstreams.auth.access import Access

log = structlog.get_logger("upstream")

_SSE_INSTEAD = frozenset({400, 404, 405, 406})
"""Answers to a first POST that an SSE server gives: it only takes GET at this address."""


class UnreachableError(Exception):
    """The upstream could not be connected.

    The text is for a person, `stderr` holds its last lines, `status` the HTTP status where one was the reason, else 0;
    `access` is there where the upstream waits for a person to log in.
    """

    def __init__(
        self, reason: str, stderr: tuple[str, ...] = (), status: int = 0, access: Access | None = None
    ) -> None:
        super().__init__(reason)
        self.stderr = stderr
        self.status = status
        self.access = access


async def connect(
    name: str,
    config: Upstream,
    profile: Profile,
    audience: Audience,
    watchdog: Watchdog,
    door: Access | None = None,
) -> Link:
    """Connect and shake hands within the start time-out, over HTTP by this `door` or the usual one.

    Raises `UnreachableError`; whatever was started by then has been ended.
    """
    links: list[Link] = []

    def fresh() -> Link:
        link = Link(name, audience, profile, config.call_timeout)
        link.access = door or _access(name, config)
        links.append(link)
        return link

    try:
        async with asyncio.timeout(config.start_timeout):
            if config.command is not None:
                return await _stdio(fresh(), config, watchdog)
            if config.transport == "sse":
                return await _sse(fresh(), config)
            try:
                return await _http(fresh(), config)
            except UnreachableError as refused:
                if config.transport == "http" or refused.status not in _SSE_INSTEAD:
                    raise
                log.info("trying SSE", upstream=name, reason=str(refused))
                return await _sse(fresh(), config)
    except TimeoutError as late:
        raise UnreachableError(f"no handshake within {config.start_timeout:g} s", links[-1].stderr()) from late


async def modern(name: str, config: Upstream, audience: Audience) -> Link | None:
    """A sessionless connection to an HTTP server that also speaks the modern era; None where it does not."""
    link = Link(name, audience, Profile(), config.call_timeout)
    link.access = _access(name, config)
    from proxy.upstreams.http import Http

    wire = Http(link, config.url or "", config.headers, lambda reason: log.info("unreachable", reason=reason))
    link.peer.wire = wire
    link.stop = wire.close
    found = False
    try:
        async with asyncio.timeout(config.start_timeout):
            found = (await link.discover()).result is not None
    except TimeoutError:
        pass
    finally:
        if not found:
            with anyio.CancelScope(shield=True):
                await link.close()
    return link if found else None


def _access(name: str, config: Upstream) -> Access | None:
    if config.url is None:
        return None
    from proxy.upstreams.auth.access import access

    return access(name, config)


async def _stdio(link: Link, config: Upstream, watchdog: Watchdog) -> Link:
    child = Child(link.name, link.peer.receive, lambda reason: _lost(link, reason))
    link.peer.wire, link.stderr, link.spoken = child, child.tail, child.spoken
    async with _begun(link):
        await start(child, config)
        watchdog.add(child.pid)
        free = link.audience.brake.follow(child.hold)

        async def end() -> None:
            free()
            await stop(child, watchdog)

        link.stop = end
        await link.handshake()
    return link


async def _http(link: Link, config: Upstream) -> Link:
    from proxy.upstreams.http import Http

    wire = Http(link, config.url or "", config.headers, lambda reason: _lost(link, reason))
    link.peer.wire, link.stop = wire, wire.close
    async with _begun(link, lambda: wire.refused.status if wire.refused is not None else 0):
        await link.handshake(per_request=True)
    return link


async def _sse(link: Link, config: Upstream) -> Link:
    from proxy.upstreams.sse import Sse

    wire = Sse(link, config.url or "", config.headers, lambda reason: _lost(link, reason))
    link.peer.wire, link.stop = wire, wire.close
    async with _begun(link):
        await wire.open()
        await link.handshake()
    return link


@asynccontextmanager
async def _begun(link: Link, status: Callable[[], int] = int) -> AsyncGenerator[None]:
    """End what was started where it fails within the block, and say what is known of the failure."""
    try:
        yield
    except BaseException as failure:
        with anyio.CancelScope(shield=True):
            if isinstance(failure, (OSError, HandshakeError)):
                await link.spoken()
            await link.close()
        if not isinstance(failure, (OSError, HandshakeError)):
            raise
        door = link.access
        if door is not None and door.trouble:
            raise UnreachableError(door.trouble, status=status(), access=door if door.waiting else None) from failure
        raise UnreachableError(str(failure), link.stderr(), status()) from failure


def _lost(link: Link, reason: str) -> None:
    link.peer.close(reason, link.stderr())
    link.ended.set()
