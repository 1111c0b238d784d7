"""Logins that replicas share: encrypted, and renewed by one of them for all; on both engines."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from catalog_cache.cache import Cache
from proxy.store import logins as stored
from proxy.store.logins import StoredLogins
from proxy.store.sql import Place
from proxy.store.state import open_state
from proxy.ui.logins import PageLogins
from proxy.upstreams.auth import logins as of_files
from proxy.upstreams.auth.logins import Challenge, Login, LoginFiles
from proxy.upstreams.auth.sealed import KEY, SealedError
from proxy.upstreams.fleet import Fleet, running
from schemas.config import Upstream
from tests.doors import Locked, locked
from tests.upstreams.fleets import said, say

URL = "https://tickets.example.com/mcp"
TOKEN = "tickets-token-of-ada"


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(KEY, "a key for these tests, which is long enough")
    monkeypatch.setenv("MCP_MEND_HOME", str(tmp_path / "home"))


@pytest.fixture
def two(place: Place) -> Generator[tuple[StoredLogins, StoredLogins]]:
    """The logins of one place as two replicas know them."""
    with open_state(place) as one, open_state(place) as other:
        yield StoredLogins(one), StoredLogins(other)


def of_ada(url: str = URL) -> Login:
    tokens = {"access_token": TOKEN, "refresh_token": "refresh-token-of-ada"}
    return Login(url, "tickets", tokens, wanted=Challenge("read"))


async def test_what_one_replica_keeps_another_reads_and_the_database_does_not(
    two: tuple[StoredLogins, StoredLogins], place: Place
) -> None:
    one, other = two
    assert await other.of(URL).read() == Login(URL)
    await one.of("HTTPS://Tickets.example.com/mcp").write(of_ada())
    other.notice()
    assert await other.of(URL).read() == of_ada()
    assert await other.asked_by("tickets") == URL
    assert await other.asked_by("nobody") is None
    with closing(place.read("state")) as connection:
        assert TOKEN not in str(connection.rows("SELECT * FROM logins"))


async def test_who_reads_while_another_does_is_told_the_same(two: tuple[StoredLogins, StoredLogins]) -> None:
    await two[0].of(URL).write(of_ada())
    assert await asyncio.gather(*(two[1].of(URL).read() for _ in range(3))) == [of_ada()] * 3


async def test_each_tenant_has_a_login_of_its_own(two: tuple[StoredLogins, StoredLogins], tmp_path: Path) -> None:
    for logins in (two[0], LoginFiles(tmp_path / "files")):
        await logins.of(URL, "ada").write(of_ada())
        assert (await logins.of(URL, "ada").read()).token == TOKEN
        assert (await logins.of(URL).read()).token is None
        assert (await logins.of(URL, "bob").read()).token is None
        assert await logins.of(URL, "ada").erase()
        assert not await logins.of(URL, "ada").erase()
        assert (await logins.of(URL, "ada").read()).token is None


async def test_one_replica_renews_while_the_other_waits(two: tuple[StoredLogins, StoredLogins]) -> None:
    one, other = (logins.of(URL) for logins in two)
    order: list[str] = []

    async def renew() -> None:
        async with other.alone():
            order.append("other")

    with anyio.fail_after(20):
        async with anyio.create_task_group() as tasks, one.alone():
            tasks.start_soon(renew)
            await anyio.sleep(0.5)
            order.append("one")
    assert order == ["one", "other"]


@pytest.mark.parametrize("files", [False, True])
async def test_a_logout_during_a_renewal_is_not_undone_by_it(
    two: tuple[StoredLogins, StoredLogins], files: bool, tmp_path: Path
) -> None:
    one, other = (LoginFiles(tmp_path), LoginFiles(tmp_path)) if files else two
    await one.of(URL).write(of_ada())
    with anyio.fail_after(20):
        async with anyio.create_task_group() as tasks, one.of(URL).alone():
            tasks.start_soon(PageLogins(other).forget, Upstream(url=URL), "")
            await anyio.sleep(0.5)
            await one.of(URL).write(replace(of_ada(), tokens={"access_token": "a-newer-token-of-ada"}))
    assert (await one.of(URL).read(anew=True)).token is None


@pytest.mark.parametrize("files", [False, True])
async def test_who_forgets_a_login_holds_it_to_the_end(
    two: tuple[StoredLogins, StoredLogins], files: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = (LoginFiles(tmp_path), LoginFiles(tmp_path)) if files else two
    for module in (stored, of_files):
        monkeypatch.setattr(module, "LOCKED", 0.5)
    await one.of(URL).write(of_ada())
    async with one.of(URL).alone():
        assert await one.of(URL).erase()
        assert not await one.of(URL).erase()
        with pytest.raises(TimeoutError):
            async with other.of(URL).alone():
                pass


async def test_nothing_stays_of_a_login_that_was_forgotten(
    two: tuple[StoredLogins, StoredLogins], place: Place
) -> None:
    await two[0].of(URL).write(of_ada())
    await PageLogins(two[0]).forget(Upstream(url=URL), "")
    async with two[1].of(URL).alone():
        pass
    with anyio.fail_after(10), closing(place.read("state")) as connection:
        while connection.rows("SELECT * FROM logins"):  # noqa: ASYNC110  it is let go of in the background
            await anyio.sleep(0.05)


async def test_a_renewal_whose_replica_ended_holds_nobody_up_for_ever(
    two: tuple[StoredLogins, StoredLogins], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored, "LOCKED", 0.5)
    async with two[0].of(URL).alone():
        with pytest.raises(TimeoutError, match="another replica"):
            async with two[1].of(URL).alone():
                pass
    monkeypatch.setattr(stored, "LEASE", -1.0)
    async with two[0].of(URL).alone(), two[1].of(URL).alone():
        pass


async def test_who_waits_for_a_person_goes_on_when_another_replica_has_the_login(
    two: tuple[StoredLogins, StoredLogins], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored, "EVERY", 0.1)
    with anyio.fail_after(20):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(two[1].of(URL).changed, "an-old-token-of-ada")
            await two[0].of(URL).write(replace(of_ada(), tokens={"access_token": "an-old-token-of-ada"}))
            await anyio.sleep(0.3)
            await two[0].of(URL).write(of_ada())


async def test_nothing_is_kept_in_a_database_without_a_key(
    two: tuple[StoredLogins, StoredLogins], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(KEY)
    with pytest.raises(SealedError, match="set MCP_MEND_KEY for every replica"):
        await two[0].of(URL).write(of_ada())
    assert await two[1].of(URL).read() == Login(URL)


async def test_a_store_that_is_gone_is_told_where_nothing_is_known_and_else_what_was_known_holds(
    two: tuple[StoredLogins, StoredLogins], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = two[0].of(URL)
    await kept.write(of_ada())
    with open_state(Place(tmp_path, "postgresql://nobody@127.0.0.1:1/none")) as gone:
        with pytest.raises(OSError, match="127"):
            await StoredLogins(gone).of(URL).read()
        monkeypatch.setattr(kept, "_state", gone)
        assert await kept.read(anew=True) == of_ada()


@pytest.fixture(scope="module")
def server() -> Generator[Locked]:
    with locked() as opened:
        yield opened


@asynccontextmanager
async def replica(place: Place, upstream: Upstream) -> AsyncGenerator[Fleet]:
    with open_state(place) as state:
        upstreams = {"a": upstream}
        async with running(upstreams, Cache(upstreams), logins=StoredLogins(state)) as fleet:
            yield fleet


async def test_one_renewal_serves_the_calls_of_two_replicas(server: Locked, tmp_path: Path, postgres_url: str) -> None:
    from tests.upstreams.test_logins import logged_in

    place = Place(tmp_path, postgres_url)
    with open_state(place) as state:
        await logged_in(StoredLogins(state).of(server.url))
    async with replica(place, server.upstream()) as ours, replica(place, server.upstream()) as theirs:
        assert said(await say(ours, "a", "hello")) == said(await say(theirs, "a", "hello")) == "hello"
        server.behave(revoke=True)
        before = server.seen("grant").count("refresh_token")
        replies: list[str] = []

        async def call(fleet: Fleet) -> None:
            replies.append(said(await say(fleet, "a", "hello")))

        async with anyio.create_task_group() as tasks:
            for _ in range(8):
                tasks.start_soon(call, ours)
                tasks.start_soon(call, theirs)
    assert replies == ["hello"] * 16
    assert server.seen("grant").count("refresh_token") == before + 1
