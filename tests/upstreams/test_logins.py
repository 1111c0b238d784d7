"""Upstreams behind OAuth: without a login, with one, and when it ends."""

from __future__ import annotations

import stat
from collections.abc import Generator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import anyio
import anyio.lowlevel
import httpx2
import pytest
from mcp.shared.auth import AuthorizationCodeResult

from proxy.upstreams.auth.asking import read_answer
from proxy.upstreams.auth.logins import Challenge, KeptLogin, LoginFile, held
from proxy.upstreams.auth.oauth import authorised
from proxy.upstreams.fleet import Fleet
from schemas.trial import Lost, Reply
from tests.doors import Locked, locked
from tests.upstreams.fleets import Remembering, echo, fleet, said, say


@pytest.fixture(scope="module")
def server() -> Generator[Locked]:
    with locked() as running:
        yield running


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: Locked) -> Path:
    """State of its own for each test, and a server that behaves."""
    monkeypatch.setenv("MCP_MEND_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    server.well()
    return tmp_path


async def log_in(server: Locked, url: str | None = None) -> None:
    """Log in as the command does, without a process for it and for a browser."""
    await logged_in(LoginFile(url or server.url))


async def logged_in(login: KeptLogin) -> None:
    """Log in, and keep that here."""
    known, ended = await login.read(), list[str]()

    async def shown(address: str) -> None:
        async with httpx2.AsyncClient() as browser:
            ended.append((await browser.get(address)).headers["location"])

    async def redirected() -> AuthorizationCodeResult:
        return read_answer(urlsplit(ended[0]).query)

    at = "http://127.0.0.1:9/callback"
    await login.write(await authorised(known, None, known.wanted or Challenge("read"), at, shown, redirected))


async def kept(server: Locked) -> dict[str, Any]:
    tokens = (await LoginFile(server.url).read()).tokens
    assert tokens is not None
    return dict(tokens)


async def hello(upstreams: Fleet, server: str = "a") -> Reply:
    return await say(upstreams, server, "hello")


async def test_a_call_without_a_login_says_which_command_to_run(server: Locked) -> None:
    async with fleet(a=server.upstream(), b=echo()) as upstreams:
        lost = await hello(upstreams)
        assert said(await hello(upstreams, "b")) == "hello"
    assert lost.lost is Lost.NOT_SENT
    assert lost.message == "a is not available: it wants you to log in: run `mcp-mend login a`"


async def test_a_running_proxy_takes_up_a_login_by_itself(server: Locked) -> None:
    async with fleet(a=server.upstream()) as upstreams:
        assert (await hello(upstreams)).lost
        refusals = len(server.seen("turned away"))
        await log_in(server)
        assert len(server.seen("turned away")) == refusals, "nobody knocks at a door that only a person opens"
        with anyio.fail_after(20):
            while upstreams.connection("a") is None:  # noqa: ASYNC110 (a file is what it waits for)
                await anyio.sleep(0.02)
        assert said(await hello(upstreams)) == "hello"


async def test_tokens_lie_in_a_file_for_the_user_alone(server: Locked, home: Path) -> None:
    await log_in(server)
    folder = home / "state" / "logins"
    (file,) = folder.glob("*.json")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {path.suffix for path in folder.iterdir()} == {".json"}


async def test_a_token_that_is_over_is_renewed_before_the_call(server: Locked) -> None:
    server.behave(lifetime=1)
    await log_in(server)
    server.behave(lifetime=3600)
    first = (await kept(server))["access_token"]
    async with fleet(a=server.upstream()) as upstreams:
        assert said(await hello(upstreams)) == "hello"
        assert said(await hello(upstreams)) == "hello"
    assert (await kept(server))["access_token"] != first
    assert first in held()
    assert (await kept(server))["refresh_token"] in held()


async def test_one_renewal_serves_every_call_of_two_proxies(server: Locked) -> None:
    await log_in(server)
    async with fleet(a=server.upstream()) as ours, fleet(a=server.upstream()) as theirs:
        assert said(await hello(ours)) == said(await hello(theirs)) == "hello"
        server.behave(revoke=True)
        before = server.seen("grant").count("refresh_token")
        replies: list[Reply] = []

        async def call(upstreams: Fleet) -> None:
            replies.append(await hello(upstreams))

        async with anyio.create_task_group() as tasks:
            for _ in range(16):
                tasks.start_soon(call, ours)
                tasks.start_soon(call, theirs)
    assert [said(reply) for reply in replies] == ["hello"] * 32
    assert server.seen("grant").count("refresh_token") == before + 1


async def test_a_login_that_has_ended_leaves_the_other_upstreams_alone(server: Locked) -> None:
    await log_in(server)
    async with fleet(a=server.upstream(), b=echo()) as upstreams:
        assert said(await hello(upstreams)) == "hello"
        server.behave(revoke=True, refuse_refresh=True)
        ended = await hello(upstreams)
        assert ended.message == "its login has ended (invalid_grant): run `mcp-mend login a`"
        assert ended.lost is Lost.NOT_SENT
        asked = server.seen("grant")
        assert "run `mcp-mend login a`" in (await hello(upstreams)).message
        assert server.seen("grant") == asked, "a refresh token that was refused is not tried again"
        assert said(await hello(upstreams, "b")) == "hello"
        server.behave(refuse_refresh=False)
        await log_in(server)
        assert said(await hello(upstreams)) == "hello"


async def test_an_authorization_server_that_is_out_of_order_costs_no_login(server: Locked) -> None:
    await log_in(server)
    async with fleet(a=server.upstream()) as upstreams:
        assert said(await hello(upstreams)) == "hello"
        server.behave(revoke=True, token_status=503)
        assert (await hello(upstreams)).message.startswith("no token for it could be had: HTTP 503 from ")
        server.behave(token_status=None)
        assert said(await hello(upstreams)) == "hello"


async def test_a_call_that_is_cancelled_does_not_lose_the_renewed_tokens(server: Locked) -> None:
    await log_in(server)
    async with fleet(a=server.upstream()) as upstreams:
        assert said(await hello(upstreams)) == "hello"
        server.behave(revoke=True)
        before = server.seen("grant").count("refresh_token")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(hello, upstreams)
            with anyio.fail_after(20):
                while server.seen("grant").count("refresh_token") == before:
                    await anyio.lowlevel.checkpoint()
            tasks.cancel_scope.cancel()
        assert said(await hello(upstreams)) == "hello"
    assert server.seen("grant").count("refresh_token") == before + 1


async def test_more_scope_is_asked_for_by_another_login(server: Locked) -> None:
    await log_in(server)
    async with fleet(a=server.upstream()) as upstreams:
        assert said(await hello(upstreams)) == "hello"
        server.behave(scope="write")
        refused = await hello(upstreams)
        assert refused.message == "it wants you to allow more (write): run `mcp-mend login a`"
        server.behave(scope="read write")
        await log_in(server)
        assert said(await hello(upstreams)) == "hello"
    assert set(server.seen("scope")[-1].split()) == {"read", "write"}


async def test_the_refusal_reaches_a_client_of_either_era(server: Locked) -> None:
    async with fleet(a=server.upstream()) as upstreams:
        for modern in (False, True):
            lost = await say(upstreams, "a", "hello", Remembering(modern=modern))
            assert "mcp-mend login a" in lost.message


async def test_the_old_transport_has_the_same_door(server: Locked) -> None:
    url = server.url.replace("/mcp", "/sse")
    async with fleet(a=server.upstream(url=url)) as upstreams:
        assert "run `mcp-mend login a`" in (await hello(upstreams)).message
        await log_in(server, url)
        assert said(await hello(upstreams)) == "hello"
        server.behave(revoke=True)
        assert said(await hello(upstreams)) == "hello"
        server.behave(revoke=True, refuse_refresh=True)
        assert (await hello(upstreams)).message == "its login has ended (invalid_grant): run `mcp-mend login a`"


async def test_an_authorization_header_of_ones_own_is_sent_as_it_is(server: Locked) -> None:
    await log_in(server)
    own = server.upstream(headers={"authorization": "Bearer mine"})
    async with fleet(a=own) as upstreams:
        assert "HTTP 401" in (await hello(upstreams)).message


async def test_client_credentials_need_nobody(server: Locked) -> None:
    own = {"grant": "client_credentials", "client_id": "known", "client_secret": "known-secret"}
    issuer = server.url.removesuffix("/mcp")
    async with fleet(a=server.upstream(oauth={**own, "issuer": issuer})) as upstreams:
        assert said(await hello(upstreams)) == "hello"
        server.behave(revoke=True)
        assert said(await hello(upstreams)) == "hello"
    server.behave(revoke=True)
    wrong = {**own, "client_secret": "wrong", "issuer": issuer}
    async with fleet(a=server.upstream(oauth=wrong)) as upstreams:
        reply = await hello(upstreams)
    assert "no token for it could be had: " in reply.message
    assert "invalid_client" in reply.message


async def test_credentials_are_shown_to_no_other_issuer(server: Locked) -> None:
    own = {"grant": "client_credentials", "client_id": "known", "client_secret": "known-secret"}
    grants = len(server.seen("grant"))
    async with fleet(a=server.upstream(oauth={**own, "issuer": "https://elsewhere.example"})) as upstreams:
        assert "elsewhere.example" in (await hello(upstreams)).message
    assert len(server.seen("grant")) == grants
