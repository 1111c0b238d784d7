"""A thousand calls of both eras through two replicas; one is killed, the other drained, and both are replaced."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import pytest

from tests.promises import promise
from tests.scale.clients import Client
from tests.scale.site import Site, drain, kill, site
from tests.services.nginx import MISSING, program

pytestmark = pytest.mark.skipif(program() is None, reason=MISSING)

CALLS = 1000
OF_EACH_ERA = 8
PAUSE = 0.03
TAKEN_IN_AGAIN = 3.0
"""Seconds after which the balancer sends to a replica again that it could not reach: its `fail_timeout` is 2."""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def two(tmp_path: Path, postgres_url: str) -> AsyncGenerator[Site]:
    extra = "\n[journal]\ndurable = true\n"
    async with site(tmp_path, 2, postgres_url, pause=PAUSE, anywhere=True, extra=extra) as running:
        yield running


class Load:
    """Clients that go on until a thousand calls were made and nothing is left to happen to the replicas."""

    def __init__(self, http: httpx2.AsyncClient, where: Site) -> None:
        kinds = [False, True] * OF_EACH_ERA
        self.clients = [Client(http, f"{where.url}/mcp", modern) for modern in kinds]
        self.over = False
        self._numbers = iter(range(10**9))
        self._changed = asyncio.Condition()

    @property
    def told(self) -> list[Any]:
        return [told for client in self.clients for told in client.told]

    def __iter__(self) -> Iterator[str]:
        for number in self._numbers:
            if self.over and number >= CALLS:
                return
            yield f"intent-{number}"

    async def run(self, client: Client) -> None:
        for intent in self:
            await client.enter(intent)
            async with self._changed:
                self._changed.notify_all()

    async def until(self, calls: int) -> None:
        """Wait until so many more calls were answered."""
        wanted = len(self.told) + calls
        async with asyncio.timeout(120), self._changed:
            await self._changed.wait_for(lambda: len(self.told) >= wanted)


def journal(url: str) -> set[str]:
    """The intents of every call in the journal, which a replica makes with its first."""
    with psycopg.connect(url) as connection:
        if connection.execute("SELECT to_regclass('calls')").fetchone() == (None,):
            return set()
        rows = connection.execute("SELECT arguments FROM calls").fetchall()
    return {json.loads(arguments)["intent"] for (arguments,) in rows}


@promise("effects-once")
async def test_every_call_is_answered_once_while_one_replica_is_killed_and_the_other_drained(
    two: Site, postgres_url: str
) -> None:
    first, second = two.replicas
    limits = httpx2.Limits(max_connections=100, max_keepalive_connections=100)
    async with httpx2.AsyncClient(timeout=60, limits=limits) as http, asyncio.TaskGroup() as tasks:
        load = Load(http, two)
        for client in load.clients:
            tasks.create_task(load.run(client))

        await load.until(CALLS // 4)
        killing = time.monotonic()
        await kill(first)
        killed = time.monotonic()
        await load.until(CALLS // 10)
        await first.start()
        await asyncio.sleep(TAKEN_IN_AGAIN)
        await load.until(CALLS // 10)
        assert await drain(second) == 0
        await load.until(CALLS // 10)
        await second.start()
        await load.until(CALLS // 10)
        load.over = True

    told, done = load.told, Counter(await two.entries())
    assert len(told) == len({each.intent for each in told}) >= CALLS

    # no effect twice, and each that a client was told of is there
    assert {intent: times for intent, times in done.items() if times > 1} == {}
    assert [each for each in told if each.fate == "done" and not done[each.intent]] == []
    # nothing is unknown but what was under way when its replica died, and nothing happened that nobody was told of
    assert [
        each for each in told if each.fate == "unknown" and not (each.began <= killed and killing <= each.ended)
    ] == []
    assert set(done) <= {each.intent for each in told}
    # each client was served to the end, and those with sessions have opened new ones
    assert all(client.told[-1].fate == "done" and client.told[-1].began > killed for client in load.clients)
    assert sum(client.sessions for client in load.clients) > OF_EACH_ERA

    # the journal is whole: every call that ran, those of the killed replica and those under way then too
    assert set(done) <= await asyncio.to_thread(journal, postgres_url)
