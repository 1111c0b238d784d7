"""Sessions of the handshake era in this process: how many there are, and when their streams end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from catalog_cache.cache import Cache
from proxy.aggregate.router import Router
from proxy.frontends.sessions import HttpSession, Sessions
from proxy.upstreams.fleet import running
from proxy.wire.caller import Profile


@asynccontextmanager
async def house(most: int = 9) -> AsyncGenerator[tuple[Sessions, Router]]:
    """Sessions in front of no upstreams."""
    async with running({}, Cache({})) as fleet:
        sessions = Sessions(lambda: most)
        yield sessions, Router(fleet, cast("Any", None))
        await sessions.close()


async def test_sessions_that_begin_at_once_are_not_more_than_there_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    close = HttpSession.close

    async def slow(session: HttpSession) -> None:
        await asyncio.sleep(0.05)
        await close(session)

    async with house(most=2) as (sessions, router):
        monkeypatch.setattr(HttpSession, "close", slow)
        before = [await sessions.begin(router, Profile()) for _ in range(2)]
        await asyncio.sleep(0.01)
        begun = await asyncio.gather(*(sessions.begin(router, Profile()) for _ in range(2)))
        left = [session for session in (*before, *begun) if sessions.get(session.id, router) is session]
        assert left == begun
