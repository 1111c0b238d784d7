"""Requests of tenants at a server where each logs in for itself, in this process."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import anyio
import pytest

from proxy.upstreams.auth.logins import LoginFile, LoginFiles
from proxy.upstreams.granted import GrantedFleet
from proxy.wire.acting import acting_for
from schemas.access import Tenant
from schemas.trial import Lost, Reply
from tests.doors import Locked, locked
from tests.promises import promise
from tests.upstreams.fleets import Remembering, fleet, said, say
from tests.upstreams.test_logins import logged_in
from tests.upstreams.test_session_connections import apart

PER_USER = {"oauth": {"per_user": True}}


@pytest.fixture(scope="module")
def server() -> Generator[Locked]:
    with locked() as running:
        yield running


@pytest.fixture(autouse=True, params=["both eras", "sessions alone"])
def well(request: pytest.FixtureRequest, server: Locked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MCP_MEND_HOME", str(tmp_path / "state"))
    server.well()
    server.behave(sessions=request.param == "sessions alone")


@promise("tenants-use-their-own-logins")
async def test_each_request_carries_the_login_of_its_tenant(server: Locked) -> None:
    await logged_in(LoginFile(server.url))
    caller = Remembering(modern=True)
    async with fleet(a=server.upstream(**PER_USER)) as whole:
        ada, bob = GrantedFleet(whole, Tenant("ada")), GrantedFleet(whole, Tenant("bob"))
        assert said(await say(whole, "a", "hello")) == "hello"
        for each in (ada, bob):
            refused: Reply = await say(each, "a", "hello", caller)
            assert refused.lost is Lost.NOT_SENT
            assert refused.message == "a is not available: it wants you to log in: log in at /ui/logins" or (
                refused.message == "it wants you to log in: log in at /ui/logins"
            )
        await logged_in(LoginFiles().of(server.url, "ada"))
        assert said(await say(ada, "a", "hello", caller)) == "hello"
        assert (await say(bob, "a", "hello", caller)).lost is Lost.NOT_SENT
        assert said(await say(whole, "a", "hello")) == "hello"
        ada.notify("a", "notifications/of_their_own", None)
        with anyio.fail_after(20):
            while not any(token for token, _ in server.seen("passed")):  # noqa: ASYNC110  the server tells
                await anyio.sleep(0.05)
        await ada.close()
        await bob.close()
    sessions: dict[str, set[str]] = {}
    for token, session in server.seen("passed"):
        sessions.setdefault(session, set()).add(token)
    assert all(len(tokens) == 1 for session, tokens in sessions.items() if session)


async def test_tenants_go_on_where_the_operators_login_has_ended(server: Locked) -> None:
    await logged_in(LoginFiles().of(server.url, "ada"))
    async with fleet(a=server.upstream(**PER_USER)) as whole:
        ada = GrantedFleet(whole, Tenant("ada"))
        assert (await say(whole, "a", "hello")).lost is Lost.NOT_SENT
        assert said(await say(ada, "a", "hello")) == "hello"
        await ada.close()


async def test_sessions_of_one_tenant_share_nothing_where_the_operators_login_has_ended(server: Locked) -> None:
    await logged_in(LoginFiles().of(server.url, "ada"))
    async with fleet(a=server.upstream(**PER_USER)) as whole:
        assert (await say(whole, "a", "hello")).lost is Lost.NOT_SENT
        ada = GrantedFleet(whole, Tenant("ada"))
        one, other = apart(ada), apart(ada)
        with acting_for("ada"):
            for own, caller in (one, other):
                assert said(await say(ada, "a", "hello", caller)) == "hello"
                assert own.has("a")
        assert await one[0].connection("a") is not await other[0].connection("a")
        for own, _ in (one, other):
            await own.close()
        await ada.close()


async def test_without_per_user_the_operators_login_is_everybodys(server: Locked) -> None:
    await logged_in(LoginFile(server.url))
    async with fleet(a=server.upstream()) as whole:
        with acting_for("ada"):
            assert said(await say(GrantedFleet(whole, Tenant("ada")), "a", "hello")) == "hello"
