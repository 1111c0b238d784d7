"""Who follows the journal misses nothing and sees nothing twice, whichever of several writers ends first."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from proxy.store.reader import Filter, Position, Reader
from proxy.store.redact import Redaction
from proxy.store.rows import Rows
from proxy.store.sql import Connection, Place
from proxy.store.tables import statements, write
from tests.store.records import call, run

ALL = Filter(limit=None)


@dataclass
class Follower:
    """Somebody who looks again and again, as `log watch` does."""

    reader: Reader
    seen: list[str] = field(default_factory=list[str])
    at: Position = field(default_factory=Position)

    def look(self) -> list[str]:
        until = self.reader.position()
        came = [entry.get("call_id") or entry["repair_id"] for entry in self.reader.between(ALL, self.at, until)]
        self.at = until
        self.seen += came
        return came


@pytest.fixture
def opened() -> Generator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def put(connection: Connection, name: str) -> int:
    """Write one call in the transaction that is going on; gives its number."""
    ((table, values),) = Rows(Redaction()).of(call(name))
    connection.run(statements(connection.dialect)[table], values)
    return int(connection.rows("SELECT number FROM calls WHERE call_id = ?", (name,))[0]["number"])


def test_a_follower_sees_each_entry_once_and_one_that_is_replaced_again(place: Place, opened: ExitStack) -> None:
    writer = opened.enter_context(closing(place.open("journal")))
    follower = Follower(Reader(opened.enter_context(closing(place.read("journal")))))
    rows = Rows(Redaction())
    assert follower.look() == []
    write(writer, rows.of(call("call_1", outcome="sent")))
    write(writer, rows.of(run("run_1")))
    assert follower.look() == ["call_1", "run_1"]
    assert follower.look() == []
    before = follower.at
    write(writer, rows.of(call("call_1", outcome="ok")))
    assert follower.reader.any_between(before, follower.reader.position())
    assert follower.look() == ["call_1"]
    assert not follower.reader.any_between(follower.at, follower.reader.position())


def test_an_entry_with_a_lower_number_that_is_committed_later_is_seen(
    postgres_url: str, tmp_path: Path, opened: ExitStack
) -> None:
    place = Place(tmp_path, postgres_url)
    slow, quick = (opened.enter_context(closing(place.open("journal"))) for _ in range(2))
    follower = Follower(Reader(opened.enter_context(closing(place.read("journal")))))
    with slow.transaction():
        first = put(slow, "call_slow")
        with quick.transaction():
            assert put(quick, "call_quick") > first
        early = follower.look()
    assert sorted([*early, *follower.look()]) == ["call_quick", "call_slow"]
    assert follower.look() == []


def test_an_entry_with_a_lower_number_of_a_later_transaction_is_seen(
    postgres_url: str, tmp_path: Path, opened: ExitStack
) -> None:
    """The number is given when the row is written, not when its transaction begins."""
    place = Place(tmp_path, postgres_url)
    early, late = (opened.enter_context(closing(place.open("journal"))) for _ in range(2))
    follower = Follower(Reader(opened.enter_context(closing(place.read("journal")))))
    with late.transaction():
        with early.transaction():
            early.rows("SELECT pg_current_xact_id()")
            lower = put(late, "call_late")
            assert put(early, "call_early") > lower
        assert follower.look() == ["call_early"]
    assert follower.look() == ["call_late"]


def test_two_writers_and_a_follower_at_once(place: Place, opened: ExitStack) -> None:
    """400 batches of two writers, each replacing a call of its last; the follower sees all, the last state last."""
    place.open("journal").close()
    follower = Follower(Reader(opened.enter_context(closing(place.read("journal")))))

    def work(name: str) -> None:
        rows = Rows(Redaction())
        with closing(place.open("journal")) as connection:
            for number in range(200):
                again = [call(f"call_{name}_{number - 1}", outcome="ok")] if number else []
                fresh = call(f"call_{name}_{number}", outcome="sent")
                write(connection, [row for record in (*again, fresh) for row in rows.of(record)])

    writers = [threading.Thread(target=work, args=(name,)) for name in "ab"]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        follower.look()
    for writer in writers:
        writer.join()
    follower.look()
    assert set(follower.seen) == {f"call_{name}_{number}" for name in "ab" for number in range(200)}
    assert all(follower.seen.count(name) <= 2 for name in set(follower.seen))
