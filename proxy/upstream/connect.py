"""Open a connection to one upstream, by whichever way its configuration names."""

from __future__ import annotations

import asyncio

import anyio
import structlog

from proxy.upstream.caller import Audience, Profile
from proxy.upstream.link import HandshakeError, Link
from proxy.upstream.stdio import Child, start, stop
from proxy.upstream.watchdog import Watchdog
from schemas.config import Upstream

log = structlog.get_logger("upstream")


class UnreachableError(Exception):
    """The upstream could not be connected; the text is for a person, `stderr` holds its last lines."""

    def __init__(self, reason: str, stderr: tuple[str, ...] = ()) -> None:
        super().__init__(reason)
        self.stderr = stderr


async def connect(name: str, config: Upstream, profile: Profile, audience: Audience, watchdog: Watchdog) -> Link:
    """Connect and shake hands within the start time-out.

    Raises `UnreachableError`; whatever was started by then has been ended.
    """
    link = Link(name, audience, profile, config.call_timeout)
    try:
        async with asyncio.timeout(config.start_timeout):
            await _stdio(link, config, watchdog)
            await link.handshake()
    except BaseException as failure:
        stderr = link.stderr()
        with anyio.CancelScope(shield=True):
            await link.close()
        if isinstance(failure, TimeoutError):
            raise UnreachableError(f"no handshake within {config.start_timeout:g} s", stderr) from failure
        if isinstance(failure, (OSError, HandshakeError)):
            raise UnreachableError(str(failure), stderr) from failure
        raise
    return link


async def _stdio(link: Link, config: Upstream, watchdog: Watchdog) -> None:
    child = Child(link.name, link.peer.receive, lambda reason: _lost(link, reason))
    link.peer.wire = child
    link.stderr = child.tail
    await start(child, config.command or "", config.args, config.env, config.cwd)
    watchdog.add(child.pid)
    link.stop = lambda: stop(child, watchdog)


def _lost(link: Link, reason: str) -> None:
    link.peer.close(reason, link.stderr())
    link.ended.set()
