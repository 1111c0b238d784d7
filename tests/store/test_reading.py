"""Filters, searches and names find the same on both engines."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from proxy.store.reader import Filter, NoEntryError, open_reader
from proxy.store.sql import Place
from proxy.store.tables import SEARCHED
from proxy.ui import entries
from proxy.ui.entries import Wanted
from tests.store.many import fill
from tests.store.records import call, plan, run, write


@pytest.fixture
def filled(place: Place) -> Place:
    write(
        place,
        call("call_1", tool="get_weather", arguments={"city": "Zürich"}, tenant="north"),
        call("call_2", tool="get%weather", server="un_its", outcome="refused", repair_id="run_1", session="other-1"),
        call("call_3", at=1_700_000_009.0, tool="send", message="said [this] 100%_\\ sure"),
        run("run_1", before=plan(city="ΑΘΗΝΑ"), after=plan(city="b"), tenant="north"),
        run("run_2", kind="workflow", status="failed", at=1_700_000_009.0, error_before="Не найдено"),
    )
    return place


def ids(place: Place, **wanted: Any) -> set[str]:
    with open_reader(place) as reader:
        return {entry.get("call_id") or entry["repair_id"] for entry in reader.entries(Filter(**wanted))}


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({}, {"call_1", "call_2", "call_3", "run_1", "run_2"}),
        ({"tool": "get_*"}, {"call_1"}),
        ({"tool": "get%*"}, {"call_2", "run_1"}),
        ({"tool": "get?weather"}, {"call_1", "call_2", "run_1"}),
        ({"server": "un_its"}, {"call_2", "run_1"}),
        ({"tool": "GET_weather"}, set[str]()),
        ({"status": "refused"}, {"call_2"}),
        ({"since": 1_700_000_005.0}, {"call_3", "run_2"}),
        ({"session": "other"}, {"call_2"}),
        ({"kind": "workflow"}, {"run_2"}),
        ({"kind": "repair"}, {"run_1"}),
        ({"tenant": "north"}, {"call_1", "run_1"}),
        ({"tenant": ""}, {"call_2", "call_3", "run_2"}),
        ({"limit": 2}, {"call_3", "run_2"}),
    ],
)
def test_a_filter_finds(wanted: dict[str, Any], found: set[str], filled: Place) -> None:
    assert ids(filled, **wanted) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("SEND", {"call_3"}),
        ("100%_\\ SURE", {"call_3"}),
        ("100__", set[str]()),
        ("[this]", {"call_3"}),
        ("zürich", {"call_1"}),
        ("ZÜRICH", {"call_1"}),
        ("ΑΘΗΝΑ", {"run_1"}),
        ("αθηνα", {"run_1"}),
        ("не найдено", {"run_2"}),
        ("call_2", {"call_2"}),
    ],
)
def test_a_text_is_found_in_upper_and_lower_case(text: str, found: set[str], filled: Place) -> None:
    assert ids(filled, text=text) == found
    with closing(filled.read("journal")) as connection:
        listed = [*entries.page(connection, Wanted(text=text, kind="call"))[0]]
        listed += [
            row for kind in ("repair", "workflow") for row in entries.page(connection, Wanted(text, kind=kind))[0]
        ]
    assert {row["id"] for row in listed} >= found


def test_names_are_found_by_their_beginning_and_end(filled: Place) -> None:
    with open_reader(filled) as reader:
        assert reader.resolve("call_1") == "call_1"
        assert reader.resolve("un_2") == "run_2"
        assert reader.resolve("last", "run") == "run_2"
        with pytest.raises(NoEntryError, match="fits several: call_1, call_2, call_3"):
            reader.resolve("call_")
        with pytest.raises(NoEntryError, match="nothing called"):
            reader.resolve("nowhere")


def test_a_run_is_read_with_all_that_hangs_on_it(filled: Place) -> None:
    with open_reader(filled) as reader:
        whole = reader.run("run_1")
        assert reader.call("call_1")["arguments"] == {"city": "Zürich"}
    assert [one["rule"] for one in whole["repairs"]] == ["number_in_text"]
    assert [one["call_id"] for one in whole["sent"]] == ["call_2"]
    assert whole["plan_before"] == plan(city="ΑΘΗΝΑ")


def test_what_postgresql_cannot_hold_is_kept_without_it(place: Place) -> None:
    """NUL and halves of characters in every text, and names longer than an index takes."""
    odd = "a\0b\ud800"
    write(
        place,
        call("call_1", tool=odd.encode("utf-8", "replace").decode() + "x" * 9000, message=odd, arguments={odd: odd}),
    )
    with open_reader(place) as reader:
        found = reader.call("call_1")
    assert found["arguments"] == {odd: odd}
    assert len(found["tool"]) == 500


def test_a_search_in_postgresql_goes_by_its_index(postgres_url: str, tmp_path: Path) -> None:
    place = Place(tmp_path, postgres_url)
    fill(place, 3000, 1e9)
    with closing(place.open("journal")) as connection:
        connection.run("SET enable_seqscan = off")
        condition, values = connection.dialect.holds(SEARCHED["calls"], "call_00001234")
        plan_of = connection.rows(f"EXPLAIN SELECT call_id FROM calls WHERE {condition}", values)
        assert any("calls_words" in str(row) for row in plan_of), plan_of
        assert len(connection.rows(f"SELECT call_id FROM calls WHERE {condition}", values)) == 1


def test_a_database_that_gives_no_pg_trgm_is_searched_all_the_same(postgres_url: str, tmp_path: Path) -> None:
    place = Place(tmp_path, postgres_url)
    with closing(place.open("state")) as connection:
        connection.run("CREATE SCHEMA hidden")
        connection.run("CREATE EXTENSION pg_trgm SCHEMA hidden")
    write(place, call("call_1", message="Here it is"))
    assert ids(place, text="here IT") == {"call_1"}
    with closing(place.read("journal")) as connection:
        assert connection.rows("SELECT 1 FROM pg_indexes WHERE indexname = 'calls_words'") == []
