"""What one replica has learnt, another knows soon."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from proxy.store import memory
from proxy.store.memory import Memories
from proxy.store.sql import Place
from proxy.store.state import open_state

LEARN = "INSERT INTO lessons (key, edit, confidence, rule, times, at) VALUES (?, ?, ?, ?, 1, ?)"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_a_lesson_of_another_replica_is_taken_in(empty_place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "EVERY", 0.05)
    with open_state(empty_place) as one, open_state(empty_place) as other:
        memories = Memories(one)
        await memories.begin()
        assert memories.lessons == {}
        other.submit(lambda connection: connection.run(LEARN, ["k", '{"op": "drop_argument"}', "guess", "r", 1.0]))
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(memories.follow)
            with anyio.fail_after(20):
                while "k" not in memories.lessons:  # noqa: ASYNC110  a thread fills it
                    await anyio.sleep(0.02)
            tasks.cancel_scope.cancel()


async def test_a_store_that_refuses_costs_the_memory_alone(empty_place: Place) -> None:
    gone = Place(empty_place.folder, "postgresql://nobody@127.0.0.1:1/none")
    with open_state(gone) as state:
        memories = Memories(state)
        await memories.begin()
        assert memories.lessons == {}


async def test_what_the_store_refuses_later_is_said(empty_place: Place, logs: list[Any]) -> None:
    with open_state(empty_place) as state:
        state.later("a lesson", lambda connection: connection.run("INSERT INTO nowhere VALUES (1)"))
        state.later("another", lambda connection: connection.rows("SELECT 1"))
    assert [line["event"] for line in logs] == ["the store refused a lesson"]
