"""What both engines promise, by one set of tests."""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from pathlib import Path

import pytest

from proxy.store.sql import Connection, NewerError, Place, StoreError, UnfitError
from proxy.store.sql.migrate import NEWEST, TABLES, written
from proxy.store.sql.sqlite import SqliteConnection
from tests.services.postgres import Postgres

CALL = ("call_id", "at", "session", "server", "tool", "outcome", "effect", "ms")


def insert(connection: Connection, call_id: str, tool: str = "look", outcome: str = "ok") -> None:
    statement = connection.dialect.upsert("calls", CALL, ["call_id"])
    connection.run(statement, [call_id, 1.5, "s", "srv", tool, outcome, "read", 1.0])


def tools(connection: Connection, pattern: str) -> list[str]:
    fits, wanted = connection.dialect.fits("tool"), connection.dialect.pattern(pattern)
    return [row["tool"] for row in connection.rows(f"SELECT tool FROM calls WHERE {fits} ORDER BY tool", [wanted])]


def test_the_same_key_is_one_row(empty_place: Place) -> None:
    with closing(empty_place.open("journal")) as connection:
        insert(connection, "call_1")
        insert(connection, "call_1", outcome="failed")
        assert [row["outcome"] for row in connection.rows("SELECT outcome FROM calls")] == ["failed"]


def test_a_pattern_means_the_same_whatever_a_name_holds(empty_place: Place) -> None:
    with closing(empty_place.open("journal")) as connection:
        for at, name in enumerate(["a%b", "a_b", "axb", "a[b", r"a\b", "A_b", "größe"]):
            insert(connection, f"call_{at}", name)
        assert tools(connection, "a%b") == ["a%b"]
        assert tools(connection, "a_b") == ["a_b"]
        assert tools(connection, "a[b") == ["a[b"]
        assert tools(connection, r"a\b") == [r"a\b"]
        assert tools(connection, "gr?ße") == ["größe"]
        assert set(tools(connection, "a*b")) == {"a%b", "a_b", "axb", "a[b", r"a\b"}


def test_what_a_text_holds_is_found(empty_place: Place) -> None:
    with closing(empty_place.open("journal")) as connection:
        dialect = connection.dialect
        condition, values = dialect.holds(["text"], "hello_%")
        found = connection.rows(
            f"SELECT 1 AS one FROM (SELECT ? AS text) AS t WHERE {condition}", ["Hello_%!", *values]
        )
        assert found == [{"one": 1}]
        member = dialect.member("text", "steps", 0, "server")
        text = '{"steps": [{"server": "notes", "arguments": {"a": 5}}]}'
        found = connection.rows(
            f"SELECT {member} AS server, {dialect.floor('5.7')} AS whole FROM (SELECT ? AS text) AS t", [text]
        )
        assert found == [{"server": "notes", "whole": 5}]
        connection.rows(f"SELECT {member} FROM (SELECT ? AS text) AS t", [text.replace("5", '"\\u0000"')])


def test_a_transaction_is_whole_or_nothing(empty_place: Place) -> None:
    with closing(empty_place.open("journal")) as connection:
        with suppress(UnfitError), connection.transaction():
            insert(connection, "call_1")
            connection.run("INSERT INTO calls (call_id) VALUES (?)", ["call_2"])
            pytest.fail("a call without a time was taken")
        assert connection.rows("SELECT * FROM calls") == []
        with connection.transaction():
            insert(connection, "call_1")
        assert connection.run("DELETE FROM calls") == 1


def test_what_could_not_be_committed_holds_nothing_up(tmp_path: Path) -> None:
    with closing(Place(tmp_path).open("state")) as connection:
        connection.run("PRAGMA foreign_keys = ON")
        connection.run("CREATE TABLE of_a_run (id TEXT REFERENCES kept_runs DEFERRABLE INITIALLY DEFERRED)")
        with pytest.raises(StoreError), connection.transaction():
            connection.run("INSERT INTO of_a_run VALUES ('of no run')")
        with connection.transaction():
            connection.run("INSERT INTO guesses VALUES ('key', 1, 0)")
        assert connection.rows("SELECT * FROM of_a_run") == []


def test_a_reading_transaction_sees_one_moment(empty_place: Place) -> None:
    with closing(empty_place.open("journal")) as writer, closing(empty_place.read("journal")) as reader:
        insert(writer, "call_1")
        with reader.transaction(reading=True):
            assert len(reader.rows("SELECT * FROM calls")) == 1
            insert(writer, "call_2")
            assert len(reader.rows("SELECT * FROM calls")) == 1
        assert len(reader.rows("SELECT * FROM calls")) == 2
        with pytest.raises(StoreError):
            insert(reader, "call_3")


def test_a_text_with_any_character_can_be_kept(empty_place: Place) -> None:
    with closing(empty_place.open("journal")) as connection:
        insert(connection, "call_1", "a\0b 🦜")
        assert [row["tool"][-3:] for row in connection.rows("SELECT tool FROM calls")] == ["b 🦜"]


def test_a_database_of_no_encoding_is_used_as_utf_8(tmp_path: Path, postgres_server: Postgres) -> None:
    with postgres_server.database("ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0") as url:
        connection = Place(tmp_path, url).open("journal")
        insert(connection, "1", "Погода")
        assert tools(connection, "Пог*") == ["Погода"]
        connection.close()


def test_tables_of_a_later_version_are_left_alone(empty_place: Place) -> None:
    with closing(empty_place.open("state")) as connection:
        connection.run("UPDATE state_version SET version_num = ?", ["9999"])
    with pytest.raises(NewerError, match="newer mcp-mend"):
        empty_place.open("state")


def test_where_nothing_is_kept_nothing_is_made(empty_place: Place) -> None:
    with pytest.raises(FileNotFoundError):
        empty_place.read("journal")


def test_a_new_file_is_what_all_migrations_come_to(tmp_path: Path) -> None:
    for part in NEWEST:
        assert (TABLES / f"{part}.sql").read_text() == written(part, tmp_path / "migrated"), (
            "python -m proxy.store.sql.migrate"
        )
        with closing(Place(tmp_path).open(part)) as new:
            made = {row["sql"] for row in new.rows("SELECT sql FROM sqlite_master")}
            migrated = sqlite3.connect(tmp_path / "migrated" / f"{part}.db")
            assert made == {row[0] for row in migrated.execute("SELECT sql FROM sqlite_master")}
            migrated.close()
            assert new.rows(f"SELECT version_num FROM {part}_version") == [{"version_num": NEWEST[part]}]


def test_a_file_that_others_could_read_is_made_private(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    path.touch(mode=0o644)
    SqliteConnection(path).close()
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_server_that_is_not_there_is_said_without_its_password() -> None:
    place = Place(Path("/nowhere"), "postgresql://mend:hunter2@127.0.0.1:1/mend")
    with pytest.raises(StoreError) as refused:
        place.open("journal")
    assert "hunter2" not in f"{refused.value} {place.name}"
    assert place.name == "postgresql://127.0.0.1:1/mend"
