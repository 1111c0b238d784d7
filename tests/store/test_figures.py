"""Figures of a journal: right, over time, and read from the indexes alone however many calls there are."""

from __future__ import annotations

import json
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from proxy.commands.log.stats import sparkline
from proxy.store.figures import MOST, SIZES, statements
from proxy.store.reader import open_reader
from proxy.store.retention import OLDEST
from proxy.store.sql import Place
from proxy.store.sql.sqlite import SqliteDialect
from tests.store.many import DAYS, fill
from tests.store.records import call, run, write

NOW = 1_900_000_000.0


def told(place: Place, since: float | None = None) -> dict[str, Any]:
    with open_reader(place) as reader:
        return reader.figures(since)


def steps(place: Place, statement: str, values: list[Any]) -> list[str]:
    """How SQLite goes about a statement."""
    with closing(place.read("journal")) as connection:
        return [row["detail"] for row in connection.rows(f"EXPLAIN QUERY PLAN {statement}", values)]


WRONG = [{"kind": "wrong_type", "step": "call", "message": "not a number"}]


def test_what_failed_and_what_was_saved_is_counted_as_clients_called(place: Place) -> None:
    """A repaired call is one call of its client, whatever was sent for it; what fails in a workflow has its outcome."""
    write(
        place,
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
    found = told(place)
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


def test_a_time_leaves_out_what_was_before(place: Place) -> None:
    write(place, call("call_1", at=NOW - 10, outcome="refused"), call("call_2", at=NOW))
    found = told(place, NOW - 5)
    assert (found["calls"], found["failed"]) == ({"ok": 1}, 0)
    assert told(place, NOW + 5)["over_time"] is None


@pytest.mark.parametrize(
    ("seconds", "each"),
    [(300, "minute"), (7200, "hour"), (86400 * 3, "day"), (86400 * 90, "week"), (7e7, "month"), (1e9, "year")],
)
def test_the_points_in_time_are_few_and_hold_everything(seconds: float, each: str, place: Place) -> None:
    calls = [call(f"call_{at}", at=NOW - seconds + at * seconds / 40) for at in range(41)]
    write(place, *calls, call("call_x", at=NOW, outcome="refused"), run("run_1", at=NOW))
    over_time = told(place)["over_time"]
    points = over_time["points"]
    assert over_time["each"] == each
    assert len(points) <= MOST
    assert [sum(point[name] for point in points) for name in ("calls", "failed", "saved")] == [42, 2, 1]
    assert {round(b["at"] - a["at"]) for a, b in pairwise(points)} <= {SIZES[each]}


def test_many_calls_are_counted_right(place: Place) -> None:
    fill(place, 3000, NOW)
    found = told(place)
    assert sum(found["calls"].values()) == sum(one["calls"] for one in found["tools"]) == 3000
    assert sum(one["times"] for one in found["failures"]) == found["failed"]
    assert sum(point["calls"] for point in found["over_time"]["points"]) == 3000
    assert sum(point["failed"] for point in found["over_time"]["points"]) == found["failed"]
    assert sum(point["saved"] for point in found["over_time"]["points"]) == found["saved"]["calls"]
    assert len(found["over_time"]["points"]) in (DAYS, DAYS + 1)


VALUES: dict[str, list[Any]] = {"span": [0.0] * 4, "point": [0.0, NOW], "runs": [0.0, 60.0, 0.0]}


@pytest.mark.parametrize("name", ["span", "calls", "point", "runs", "mended", "in plans", "rules"])
def test_no_figure_reads_the_payloads_of_every_call(name: str, tmp_path: Path) -> None:
    """A table is searched by its key; whole it is read from an index that has all columns."""
    place = Place(tmp_path)
    fill(place, 50, NOW)
    done = steps(place, statements(SqliteDialect())[name], VALUES.get(name, [0.0]))
    whole = [text for text in done if text.startswith(("SCAN calls", "SCAN runs", "SCAN re", "SCAN pr"))]
    assert all("USING COVERING INDEX" in text for text in whole), whole
    assert not any("AUTOMATIC" in text for text in done)


def test_the_oldest_entries_are_found_without_reading_or_sorting_all(tmp_path: Path) -> None:
    place = Place(tmp_path)
    fill(place, 50, NOW)
    done = steps(place, OLDEST, [NOW, NOW, 100])
    assert any("calls USING COVERING INDEX calls_over_time" in text for text in done)
    assert any("runs USING COVERING INDEX runs_over_time" in text for text in done)
    assert not any("TEMP B-TREE" in text for text in done), done


def test_a_plan_with_escapes_that_postgresql_does_not_read_is_counted(place: Place) -> None:
    odd = {
        "steps": [{"id": "call", "server": "units", "tool": "convert", "arguments": {"a": "\0", "b": "\ud800\\u0000"}}]
    }
    write(place, run("run_1", before=odd, after=odd, problems=[]))
    (failure,) = told(place)["failures"]
    assert (failure["server"], failure["tool"]) == ("units", "convert")


@pytest.mark.parametrize(
    ("values", "bars"), [([], ""), ([0, 0], "  "), ([0, 1, 8], " ▂█"), ([5, 5], "██"), ([1, 1000], "▁█")]
)
def test_a_sparkline_shows_that_something_was_and_how_much(values: list[int], bars: str) -> None:
    assert sparkline(values) == bars


def test_figures_are_json(place: Place) -> None:
    write(place, call(), run())
    assert json.loads(json.dumps(told(place)))["since"] == "2023-11-14T22:13:20.000Z"
