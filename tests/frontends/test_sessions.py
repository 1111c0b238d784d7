"""Sessions of the handshake era in this process: how many there are, and when their streams end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest
from starlette.requests import Request

from catalog_cache.cache import Cache
from proxy.aggregate.router import Router
from proxy.frontends import handshake, streams
from proxy.frontends.requests import RefusedError
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


async def got(sessions: Sessions, router: Router, session: HttpSession, last: str = "") -> bytes:
    """What the session's own stream sends to a GET that leaves after half a second."""
    headers = {"accept": "text/event-stream", "mcp-session-id": session.id, **({"last-event-id": last} if last else {})}
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": "GET", "path": "/mcp", "query_string": b"", "headers": raw}
    sent: list[bytes] = []

    async def receive() -> Any:
        await asyncio.sleep(0.5)
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message.get("body", b""))

    await handshake.get(sessions, router, Request(scope))(scope, receive, send)
    return b"".join(sent)


async def test_a_stream_that_was_cut_off_is_there_again_for_the_next_get(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "LARGEST_BACKLOG", 1000)
    async with house() as (sessions, router):
        session = await sessions.begin(router, Profile())
        for number in range(20):
            session.standalone.tell("notifications/message", {"data": f"{number}" * 50})
        assert session.standalone.broken
        going = asyncio.ensure_future(got(sessions, router, session))
        await asyncio.sleep(0.1)
        session.standalone.tell("notifications/message", {"data": "after it"})
        assert b"after it" in await going


async def test_a_stream_that_is_open_is_refused_to_another_and_says_nothing_twice() -> None:
    async with house() as (sessions, router):
        session = await sessions.begin(router, Profile())
        session.standalone.tell("notifications/message", {"data": "once"})
        going = asyncio.ensure_future(got(sessions, router, session))
        await asyncio.sleep(0.1)
        with pytest.raises(RefusedError) as refused:
            await got(sessions, router, session, "s_0")
        assert refused.value.status_code == 409
        session.standalone.tell("notifications/message", {"data": "later"})
        heard = await going
        assert (heard.count(b"once"), heard.count(b"later")) == (1, 1)


@pytest.mark.parametrize(
    ("version", "single", "closed"),
    [("2025-11-25", False, True), ("2025-06-18", False, False), ("2025-11-25", True, False)],
)
async def test_a_response_is_closed_for_now_only_on_a_client_that_can_come_back(
    version: str, single: bool, closed: bool
) -> None:
    async with house() as (sessions, router):
        session = await sessions.begin(router, Profile(version=version))
        session.single = single
        stream = session.standalone if single else session.stream(1)
        stream.pause()
        assert stream.paused is closed
