"""Tokens of tenants on both engines: kept as digests, and followed by every replica that shares the store."""

from __future__ import annotations

import errno
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from proxy.access import access, book
from proxy.access.access import Access, Guest
from proxy.access.verdict import Refused
from proxy.store.sql import Place
from schemas.access import Grants, Tenant
from schemas.catalog import Effect, Tool
from schemas.config import Http

GRANTS = Grants(upstreams=["shop"], effects=[Effect.READ], rate=60)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "SOON", 0.0)


def made(place: Place, name: str, expires: float | None = None) -> str:
    with closing(place.open("state")) as connection:
        return book.create(connection, name, GRANTS, expires)


def revoked(place: Place, name: str) -> bool:
    with closing(place.open("state")) as connection:
        return book.revoke(connection, name)


async def tenant(of: Access, token: str) -> Tenant | None:
    found = await of.judged(token)
    return found.tenant if isinstance(found, Guest) else None


def test_a_token_is_kept_as_its_digest_alone(place: Place) -> None:
    token = made(place, "ci", 4e9)
    with closing(place.open("state")) as connection:
        (kept,) = book.tokens(connection)
        rows = connection.rows("SELECT * FROM access")
        with pytest.raises(book.TakenError):
            book.create(connection, "ci", Grants(), None)
    assert len(token) == len("mend_") + 43
    assert (kept.name, kept.grants, kept.expires, kept.digest) == ("ci", GRANTS, 4e9, book.digest(token))
    assert token not in str(rows)
    assert revoked(place, "ci")
    assert not revoked(place, "ci")


@pytest.mark.anyio
async def test_every_replica_follows_the_store(place: Place) -> None:
    one, other = Access(place, Http()), Access(place, Http())
    assert not one.guards()
    token = made(place, "ci")
    for each in (one, other):
        assert await tenant(each, token) == Tenant("ci", GRANTS)
        assert each.guards()
    left: list[Any] = []
    other.leaving(left.append)
    assert revoked(place, "ci")
    await other.refresh()
    assert left == [Tenant("ci", GRANTS)]
    assert await tenant(other, token) is None
    assert one.of(book.digest(token)) is not None, "until it looks"
    await one.refresh()
    assert one.of(book.digest(token)) is None


@pytest.mark.anyio
async def test_an_expired_token_lets_nobody_in(place: Place) -> None:
    here = Access(place, Http())
    assert await tenant(here, made(place, "old", time.time() - 1)) is None
    assert await tenant(here, made(place, "new", time.time() + 60)) is not None


@pytest.mark.anyio
async def test_grants_that_cannot_be_read_cost_their_own_token_alone(place: Place) -> None:
    later, sound = made(place, "later"), made(place, "sound")
    with closing(place.open("state")) as connection:
        connection.run("UPDATE access SET grants = ? WHERE name = ?", ('{"colours": ["red"]}', "later"))
    here = Access(place, Http())
    assert isinstance(await here.judged(later), Refused)
    assert await tenant(here, sound) is not None
    assert not here.trouble


@pytest.mark.anyio
async def test_a_folder_that_cannot_be_looked_into_is_trouble_and_no_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def is_file(path: Path) -> bool:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    here = Access(Place(tmp_path), Http())
    monkeypatch.setattr(Path, "is_file", is_file)
    await here.refresh()
    assert "Permission denied" in here.trouble
    refused = await here.judged("mend_x")
    assert isinstance(refused, Refused)
    assert refused.status == 503


@pytest.mark.parametrize(
    ("grants", "allowed"),
    [
        ({}, True),
        ({"upstreams": ["sh*"]}, True),
        ({"upstreams": ["wiki"]}, False),
        ({"tools": ["get_*"]}, True),
        ({"tools": ["shop__get_*"]}, True),
        ({"tools": ["Get_*"]}, False),
        ({"effects": ["read"]}, True),
        ({"effects": ["write", "unknown"]}, False),
        ({"upstreams": ["shop"], "tools": ["x"], "effects": ["read"]}, False),
    ],
)
def test_a_tool_is_there_where_server_name_and_effect_are_granted(grants: dict[str, Any], allowed: bool) -> None:
    raw = {"name": "get_product", "annotations": {"readOnlyHint": True}}
    assert Grants.model_validate(grants).allows(Tool("shop", "get_product", "shop__get_product", raw)) is allowed
