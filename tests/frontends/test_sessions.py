"""Sessions of the handshake era in this process: how many there are, and when their streams end."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import httpx2
import pytest
from mcp.client.client import Client
from starlette.requests import Request

from catalog_cache.cache import Cache
from proxy.aggregate.router import Router
from proxy.frontends import handshake, streams
from proxy.frontends.requests import RefusedError
from proxy.frontends.sessions import HttpSession, Sessions
from proxy.upstreams.fleet import running
from proxy.wire.caller import Profile
from schemas.trial import Reply
from tests.frontends.httpclient import free_port, serve, until_up
from tests.frontends.rawclient import SERVERS, config, started

WAYWARD = [sys.executable, str(SERVERS / "wayward.py")]


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


async def test_the_stream_of_an_old_client_stays_open_until_its_calls_are_answered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    free = asyncio.Event()

    async def slow(*_: object) -> Reply:
        await free.wait()
        return Reply(result={"late": True})

    monkeypatch.setattr(Router, "answer", slow)
    async with house() as (sessions, router):
        busy, idle = [await sessions.begin(router, Profile(version="2024-11-05")) for _ in range(2)]
        busy.single = idle.single = True
        busy.peer.receive({"jsonrpc": "2.0", "id": 1, "method": "ping"})
        sessions.drain()
        await asyncio.sleep(0.05)
        assert (busy.standalone.over, idle.standalone.over) == (False, True)
        free.set()
        await asyncio.sleep(0.05)
        assert busy.standalone.over
        assert b'"late":true' in busy.standalone.drain()


async def test_a_call_of_an_old_client_is_answered_after_a_signal(tmp_path: Path) -> None:
    from mcp.client.sse import sse_client

    file, address = config(tmp_path, a=WAYWARD), f"127.0.0.1:{free_port()}"
    async with started(tmp_path, *serve(file), "--http", address) as proxy, httpx2.AsyncClient() as web:
        await until_up(web, f"http://{address}")
        async with (
            asyncio.timeout(30),
            Client(sse_client(f"http://{address}/servers/a/sse"), mode="legacy") as client,
        ):
            await client.call_tool("echo", {"text": "up"})
            waiting = asyncio.ensure_future(client.call_tool("echo", {"text": "later 2"}))
            await asyncio.sleep(0.5)
            proxy.process.send_signal(signal.SIGTERM)
            assert (await waiting).content[0].text == "late"  # type: ignore[union-attr]
