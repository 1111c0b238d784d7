"""Figures of a journal: right, over time, and read from the indexes alone however many calls there are."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from proxy.commands.log.stats import sparkline
from proxy.store import figures
from proxy.store.database import OLDEST, Database
from proxy.store.figures import MOST, SIZES
from proxy.store.reader import open_reader
from proxy.store.redact import Redaction
from proxy.store.rows import Rows
from tests.store.many import DAYS, fill
from tests.store.records import call, run

NOW = 1_900_000_000.0


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


def write(path: Path, *records: Any) -> None:
    database = Database(path, 1 << 30)
    for record in records:
        database.write(Rows(Redaction()).of(record))
    database.close()


def told(path: Path, since: float | None = None) -> dict[str, Any]:
    with open_reader(path) as reader:
        return reader.figures(since)


WRONG = [{"kind": "wrong_type", "step": "call", "message": "not a number"}]


def test_what_failed_and_what_was_saved_is_counted_as_clients_called(journal: Path) -> None:
    """A repaired call is one call of its client, whatever was sent for it; what fails in a workflow has its outcome."""
    write(
        journal,
        call("call_1", at=NOW),
        call("call_2", at=NOW + 1, outcome="refused", repair_id="run_1", step="call"),
        call("call_3", at=NOW + 2, repair_id="run_1", step="call"),
        run("run_1", at=NOW + 3, problems=WRONG),
        call("call_4", at=NOW + 4, outcome="refused", repair_id="run_2", step="call"),
        run("run_2", at=NOW + 5, status="failed", problems=WRONG),
        call("call_5", at=NOW + 6, outcome="timed_out", tool="slow"),
        run("run_3", at=NOW + 7, problems=[]),
        call("call_6", at=NOW + 8, outcome="not_executed", tool="slow", repair_id="run_4", step="a"),
        run("run_4", at=NOW + 9, kind="workflow"),
    )
    found = told(journal)
    assert (found["failed"], found["saved"]) == (4, {"calls": 2, "workflows": 1})
    assert found["failures"] == [
        {"server": "units", "tool": "convert", "kind": "wrong_type", "times": 2, "saved": 1},
        {"server": "units", "tool": "convert", "kind": "unknown_tool", "times": 1, "saved": 1},
        {"server": "units", "tool": "slow", "kind": "timed_out", "times": 1, "saved": 0},
        {"server": "units", "tool": "slow", "kind": "not_executed", "times": 1, "saved": 0},
    ]
    assert [(one["tool"], one["calls"], one["ok"], one["not_ok"]) for one in found["tools"]] == [
        ("convert", 4, 2, 2),
        ("slow", 2, 0, 2),
    ]


def test_a_time_leaves_out_what_was_before(journal: Path) -> None:
    write(journal, call("call_1", at=NOW - 10, outcome="refused"), call("call_2", at=NOW))
    found = told(journal, NOW - 5)
    assert (found["calls"], found["failed"]) == ({"ok": 1}, 0)
    assert told(journal, NOW + 5)["over_time"] is None


@pytest.mark.parametrize(
    ("seconds", "each"),
    [(300, "minute"), (7200, "hour"), (86400 * 3, "day"), (86400 * 90, "week"), (7e7, "month"), (1e9, "year")],
)
def test_the_points_in_time_are_few_and_hold_everything(seconds: float, each: str, journal: Path) -> None:
    calls = [call(f"call_{at}", at=NOW - seconds + at * seconds / 40) for at in range(41)]
    write(journal, *calls, call("call_x", at=NOW, outcome="refused"), run("run_1", at=NOW))
    over_time = told(journal)["over_time"]
    points = over_time["points"]
    assert over_time["each"] == each
    assert len(points) <= MOST
    assert [sum(point[name] for point in points) for name in ("calls", "failed", "saved")] == [42, 2, 1]
    assert {round(b["at"] - a["at"]) for a, b in pairwise(points)} <= {SIZES[each]}


def test_many_calls_are_counted_right(journal: Path) -> None:
    fill(journal, 3000, NOW)
    found = told(journal)
    assert sum(found["calls"].values()) == sum(one["calls"] for one in found["tools"]) == 3000
    assert sum(one["times"] for one in found["failures"]) == found["failed"]
    assert sum(point["calls"] for point in found["over_time"]["points"]) == 3000
    assert sum(point["failed"] for point in found["over_time"]["points"]) == found["failed"]
    assert sum(point["saved"] for point in found["over_time"]["points"]) == found["saved"]["calls"]
    assert len(found["over_time"]["points"]) in (DAYS, DAYS + 1)


@pytest.mark.parametrize("name", ["SPAN", "CALLS", "POINT", "RUNS", "MENDED", "IN_PLANS", "RULES"])
def test_no_figure_reads_the_payloads_of_every_call(name: str, journal: Path) -> None:
    """A table is searched by its key; whole it is read from an index that has all columns."""
    fill(journal, 50, NOW)
    values = {"since": 0.0, "begin": 0.0, "end": NOW, "size": 60}
    with closing(sqlite3.connect(journal)) as connection:
        steps = connection.execute(f"EXPLAIN QUERY PLAN {getattr(figures, name)}", values).fetchall()
    whole = [text for *_, text in steps if text.startswith("SCAN") and "CONSTANT" not in text and "(" not in text]
    assert all("USING COVERING INDEX" in text for text in whole), whole
    assert not any("AUTOMATIC" in text for *_, text in steps)


def test_the_oldest_entries_are_found_without_reading_or_sorting_all(journal: Path) -> None:
    fill(journal, 50, NOW)
    with closing(sqlite3.connect(journal)) as connection:
        steps = [text for *_, text in connection.execute(f"EXPLAIN QUERY PLAN {OLDEST}", (NOW, 100))]
    assert any("calls USING COVERING INDEX calls_in_time" in text for text in steps)
    assert any("runs USING" in text and "INDEX runs_" in text for text in steps)
    assert not any("TEMP B-TREE" in text for text in steps), steps


def test_a_journal_with_the_indexes_of_before_gets_those_of_now(journal: Path) -> None:
    write(journal, call())
    with closing(sqlite3.connect(journal)) as former:
        former.executescript("DROP INDEX calls_in_time; DROP INDEX calls_by_tool; CREATE INDEX calls_at ON calls (at);")
    write(journal, call("call_2"))
    with closing(sqlite3.connect(journal)) as connection:
        names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'index'")}
    assert {"calls_in_time", "calls_by_tool"} <= names
    assert "calls_at" not in names


def test_figures_can_be_read_from_a_journal_that_no_writer_has_taken_on(journal: Path) -> None:
    write(journal, call())
    with closing(sqlite3.connect(journal)) as former:
        former.executescript("DROP INDEX calls_in_time; DROP INDEX calls_by_tool; DROP INDEX runs_in_time;")
    assert told(journal)["calls"] == {"ok": 1}


@pytest.mark.parametrize(
    ("values", "bars"), [([], ""), ([0, 0], "  "), ([0, 1, 8], " ▂█"), ([5, 5], "██"), ([1, 1000], "▁█")]
)
def test_a_sparkline_shows_that_something_was_and_how_much(values: list[int], bars: str) -> None:
    assert sparkline(values) == bars


def test_figures_are_json(journal: Path) -> None:
    write(journal, call(), run())
    assert json.loads(json.dumps(told(journal)))["since"] == "2023-11-14T22:13:20.000Z"
