"""A journal from before there were migrations is taken over as it is, with everything in it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from proxy.store.reader import Filter, open_reader
from proxy.store.sql import Place
from tests.store.records import call, rows, run, write

FORMER = """
CREATE TABLE runs (
    number INTEGER PRIMARY KEY AUTOINCREMENT, repair_id TEXT NOT NULL UNIQUE, at REAL NOT NULL, kind TEXT NOT NULL,
    session TEXT NOT NULL, status TEXT NOT NULL, error_before TEXT, error_after TEXT, calls INTEGER NOT NULL,
    seconds REAL NOT NULL, plan_before TEXT, plan_after TEXT, report TEXT
);
CREATE TABLE calls (
    number INTEGER PRIMARY KEY AUTOINCREMENT, call_id TEXT NOT NULL UNIQUE, at REAL NOT NULL, session TEXT NOT NULL,
    server TEXT NOT NULL, tool TEXT NOT NULL, outcome TEXT NOT NULL, effect TEXT NOT NULL, ms REAL NOT NULL, step TEXT,
    repair_id TEXT REFERENCES runs (repair_id), message TEXT, arguments TEXT, reply TEXT
);
CREATE TABLE repairs (
    repair_id TEXT NOT NULL REFERENCES runs (repair_id), number INTEGER NOT NULL, op TEXT, step TEXT, rule TEXT,
    confidence TEXT, evidence TEXT, value_before TEXT, value_after TEXT, PRIMARY KEY (repair_id, number)
);
CREATE TABLE problems (
    repair_id TEXT NOT NULL REFERENCES runs (repair_id), stage TEXT NOT NULL, number INTEGER NOT NULL, kind TEXT,
    step TEXT, path TEXT, message TEXT, candidates TEXT, PRIMARY KEY (repair_id, stage, number)
);
CREATE INDEX calls_at ON calls (at);
CREATE INDEX calls_in_time ON calls (at, outcome, repair_id);
CREATE INDEX calls_by_tool ON calls (server, tool, outcome, at, ms, repair_id);
CREATE INDEX calls_server ON calls (server, at, tool, outcome, ms);
CREATE INDEX runs_status ON runs (status, at);
CREATE VIEW tool_figures AS SELECT server, tool, count(*) AS calls FROM calls GROUP BY server, tool;
INSERT INTO calls VALUES (7, 'call_old', 1000.0, 's', 'units', 'convert', 'refused', 'read', 2.5, 'a', 'run_old', NULL,
    '{"value":"1"}', NULL);
INSERT INTO runs VALUES (3, 'run_old', 1001.0, 'call', 's', 'repaired', 'no', NULL, 1, 0.5, '{"steps":[]}',
    '{"steps":[]}', NULL);
INSERT INTO repairs VALUES ('run_old', 0, 'coerce_argument', 'a', 'number_in_text', 'lossless', NULL, '"1"', '1');
PRAGMA user_version = 1;
"""
INDEXES = {"calls_over_time", "calls_by_tool", "calls_of_runs", "runs_over_time", "calls_tenant", "runs_tenant"}


@pytest.fixture
def former(tmp_path: Path) -> Place:
    with closing(sqlite3.connect(tmp_path / "journal.db")) as connection:
        connection.executescript(FORMER)
    return Place(tmp_path)


def test_a_former_journal_is_read_as_it_is(former: Place) -> None:
    with open_reader(former) as reader:
        assert [entry["kind"] for entry in reader.entries(Filter())] == ["call", "repair"]
        assert reader.run(reader.resolve("last"))["repairs"][0]["rule"] == "number_in_text"
        assert reader.figures()["saved"] == {"calls": 1, "workflows": 0}


def test_a_former_journal_is_taken_over_and_goes_on(former: Place) -> None:
    write(former, call("call_new", start_ms=1500.0, tenant="a"), run("run_new", tried=[{"at": 1}], tenant="a"))
    assert rows(former, "SELECT number, call_id, start_ms, tenant FROM calls ORDER BY number") == [
        (7, "call_old", 0.0, ""),
        (8, "call_new", 1500.0, "a"),
    ]
    assert rows(former, "SELECT number, repair_id, tenant FROM runs") == [(3, "run_old", ""), (4, "run_new", "a")]
    named = {name for (name,) in rows(former, "SELECT name FROM sqlite_master WHERE type = 'index'")}
    assert {name for name in named if not name.startswith("sqlite_")} == INDEXES
    assert rows(former, "SELECT version_num FROM journal_version") == [("0001",)]


def test_a_new_journal_has_the_same_tables_as_a_former_one(former: Place, tmp_path: Path) -> None:
    fresh = Place(tmp_path / "fresh")
    for place in (former, fresh):
        place.open("journal").close()
    for table in ("calls", "runs", "repairs", "problems"):
        columns = f"SELECT name, \"notnull\", pk FROM pragma_table_info('{table}') ORDER BY name"
        assert rows(former, columns) == rows(fresh, columns)
