"""Open a connection to one upstream, by whichever way its configuration names."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import anyio
import structlog

from proxy.upstreams.connection import HandshakeError, UpstreamConnection
from proxy.upstreams.stdio import ChildProcess
from proxy.upstreams.watchdog import Watchdog
from proxy.wire.caller import Profile, Receiver
from schemas.config import Upstream

if TYPE_CHECKING:
    from proxy.upstreams.auth.access import Access, Way
    from proxy.upstreams.remote import Pool

log = structlog.get_logger("upstream")

_SSE_INSTEAD = frozenset({400, 404, 405, 406})
"""Answers to a first POST that an SSE server gives: it only takes GET at this address."""


class UnreachableError(Exception):
    """The upstream could not be connected.

    The text is for a person, `stderr` holds its last lines, `status` the HTTP status where one was the reason, else 0;
    `access` is there where the upstream waits for a person to log in.
    """

    def __init__(
        self, reason: str, stderr: tuple[str, ...] = (), status: int = 0, access: Access | Way | None = None
    ) -> None:
        super().__init__(reason)
        self.stderr = stderr
        self.status = status
        self.access = access


async def connect(
    name: str,
    config: Upstream,
    profile: Callable[[], Awaitable[Profile]],
    receiver: Receiver,
    watchdog: Watchdog,
    access: Callable[[], Access | Way | None],
    pool: Callable[[], Pool],
) -> UpstreamConnection:
    """Connect and shake hands within the start time-out, over HTTP by a `pool` and each time another `access`.

    A process is started before the `profile` is there, the rest waits for it. Raises `UnreachableError`; whatever was
    started by then has been ended.
    """
    if config.command is not None:
        connection = UpstreamConnection(name, receiver, Profile(), config.call_timeout)
        return await _stdio(connection, config, profile, watchdog)
    known = await profile()

    def fresh() -> UpstreamConnection:
        return UpstreamConnection(name, receiver, known, config.call_timeout, access())

    try:
        async with asyncio.timeout(config.start_timeout):
            if config.transport == "sse":
                return await _sse(fresh(), config, pool())
            try:
                return await _http(fresh(), config, pool())
            except UnreachableError as refused:
                if config.transport == "http" or refused.status not in _SSE_INSTEAD:
                    raise
                log.info("trying SSE", upstream=name, reason=str(refused))
                return await _sse(fresh(), config, pool())
    except TimeoutError as late:
        raise UnreachableError(f"no handshake within {config.start_timeout:g} s") from late


async def modern(
    name: str, config: Upstream, receiver: Receiver, access: Access | Way | None, pool: Pool
) -> UpstreamConnection | None:
    """A sessionless connection to an HTTP server that also speaks the modern era; None where it does not."""
    from proxy.upstreams.http import Http

    connection = UpstreamConnection(name, receiver, Profile(), config.call_timeout, access)
    Http(connection, config, pool, lambda reason: log.info("unreachable", reason=reason))
    found = False
    try:
        async with asyncio.timeout(config.start_timeout):
            found = (await connection.discover()).result is not None
    except TimeoutError:
        pass
    finally:
        if not found:
            with anyio.CancelScope(shield=True):
                await connection.close()
    return connection if found else None


async def _stdio(
    connection: UpstreamConnection, config: Upstream, profile: Callable[[], Awaitable[Profile]], watchdog: Watchdog
) -> UpstreamConnection:
    child = ChildProcess(connection.name, connection.peer.receive, connection.over)
    connection.peer.transport, connection.stderr, connection.spoken = child, child.tail, child.spoken
    async with _begun(connection):
        await child.start(config)
        watchdog.add(child.pid)
        free = connection.receiver.backpressure.follow(child.hold)

        async def end() -> None:
            free()
            await child.stop(watchdog)

        connection.stop = end
        connection.profile = await profile()
        try:
            async with asyncio.timeout(config.start_timeout):
                await connection.handshake()
        except TimeoutError as late:
            raise HandshakeError(f"no handshake within {config.start_timeout:g} s") from late
    return connection


async def _http(connection: UpstreamConnection, config: Upstream, pool: Pool) -> UpstreamConnection:
    from proxy.upstreams.http import Http

    Http(connection, config, pool, connection.over)
    async with _begun(connection):
        await connection.handshake(per_request=True)
    return connection


async def _sse(connection: UpstreamConnection, config: Upstream, pool: Pool) -> UpstreamConnection:
    from proxy.upstreams.sse import Sse

    transport = Sse(connection, config, pool, connection.over)
    async with _begun(connection):
        await transport.open()
        await connection.handshake()
    return connection


@asynccontextmanager
async def _begun(connection: UpstreamConnection) -> AsyncGenerator[None]:
    """End what was started where it fails within the block, and say what is known of the failure."""
    try:
        yield
    except BaseException as failure:
        with anyio.CancelScope(shield=True):
            if isinstance(failure, OSError):
                await connection.spoken()
            await connection.close()
        if not isinstance(failure, OSError):
            raise
        raise unreachable(connection, str(failure)) from failure


def unreachable(connection: UpstreamConnection, reason: str) -> UnreachableError:
    """Why an upstream cannot be used, which is a login that is missing before all else."""
    access, refused = connection.access, connection.refused
    if access is not None and access.trouble:
        return UnreachableError(access.trouble, status=refused, access=access if access.waiting else None)
    return UnreachableError(reason, connection.stderr(), refused)
