"""What was decided, shared by replicas, and how they hear of it: on a real PostgreSQL, and in files."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import anyio
import pytest

from proxy.settings import state
from proxy.store.decisions import StoredDecisions, shared
from proxy.store.sql import Place, notices
from schemas.catalog import Effect
from schemas.config import Upstream

NOTES = Upstream(command="notes")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def stored(tmp_path: Path, postgres_url: str) -> Place:
    return Place(tmp_path, postgres_url)


def test_what_one_replica_decides_another_reads(stored: Place) -> None:
    kept, other = shared(stored), shared(Place(stored.folder / "other", stored.url))
    assert isinstance(kept, StoredDecisions)
    assert state.read_state(other) == state.State()
    state.pause(["b", "a"], shared=kept)
    state.pause(["b"], on=False, shared=other)
    state.choose(NOTES, {"look": Effect.READ}, kept)
    state.choose(NOTES, {"drop": Effect.WRITE}, other)
    found = state.read_state(other)
    assert found.paused == ("a",)
    assert found.choices[state.way(NOTES)] == {"look": Effect.READ, "drop": Effect.WRITE}
    assert "kept-from-every-log" not in state.paused_place(kept) + state.effects_place(kept)


def test_a_store_that_cannot_be_read_pauses_every_server(tmp_path: Path) -> None:
    gone = shared(Place(tmp_path, "postgresql://nobody@127.0.0.1:1/none"))
    assert state.read_state(gone) == state.State(all_paused=True)
    with pytest.raises(OSError, match="127"):
        state.pause(["a"], shared=gone)


def test_files_are_shared_by_their_folder(tmp_path: Path) -> None:
    assert shared(Place(tmp_path)) is None


async def test_replicas_hear_one_another_and_that_they_may_have_missed_something(stored: Place) -> None:
    heard: list[tuple[str, str]] = []

    async def until(wanted: tuple[str, str]) -> None:
        with anyio.fail_after(20):
            while wanted not in heard:  # noqa: ASYNC110  the database tells
                await anyio.sleep(0.02)

    with closing(stored.open("state")) as connection:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(notices.follow, stored, lambda kind, name: heard.append((kind, name)))
            with anyio.fail_after(20):
                while ("catalog", "ünter wegs") not in heard:
                    connection.announce("catalog", "ünter wegs")
                    await anyio.sleep(0.05)
            connection.rows("SELECT pg_notify('mcp_mend', 'no notice')")
            listening = "query LIKE 'LISTEN%' AND datname = current_database()"
            connection.rows(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {listening}")
            await until(("", ""))
            tasks.cancel_scope.cancel()


async def test_nobody_listens_where_processes_share_files(tmp_path: Path) -> None:
    with anyio.fail_after(5):
        await notices.follow(Place(tmp_path), lambda kind, name: None)
