"""What is handed over is on disk, privately, within its size, and never at the cost of a call."""

from __future__ import annotations

import json
import os
import random
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest

from proxy.store import open_journal
from proxy.store.ids import Ids
from proxy.store.redact import Redaction
from proxy.store.retention import Limits, Retention
from proxy.store.rows import LONGEST, Rows, kept_whole
from proxy.store.sql import Place, StoreError
from proxy.store.sql.sqlite import SqliteConnection
from proxy.store.tables import TABLES
from proxy.store.writer import Writer
from schemas.config import Config
from tests.promises import promise
from tests.store.records import call, plan, rows, run, write

pytestmark = pytest.mark.usefixtures("logs")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "journal.db"


@pytest.fixture
def folder(file: Path) -> Place:
    return Place(file.parent)


def config(**journal: Any) -> Config:
    return Config.model_validate({"journal": journal})


async def test_calls_and_runs_are_on_disk_after_a_flush(place: Place) -> None:
    async with open_journal(Config(), place) as journal:
        journal.call(call())
        journal.run(run())
        await journal.flush()
        assert rows(place, "SELECT call_id, outcome, arguments FROM calls") == [("call_a1", "ok", '{"value":1}')]
        assert rows(place, "SELECT repair_id, status, error_after FROM runs") == [("run_b2", "repaired", None)]
        assert rows(place, "SELECT rule, value_before, value_after FROM repairs") == [("number_in_text", '"1"', "1")]


async def test_what_was_not_flushed_is_on_disk_when_the_journal_is_closed(place: Place) -> None:
    async with open_journal(Config(), place) as journal:
        for number in range(1000):
            journal.call(call(f"call_{number}"))
    assert rows(place, "SELECT count(*) FROM calls") == [(1000,)]


async def test_the_verdict_replaces_the_note_that_a_call_was_sent(place: Place) -> None:
    async with open_journal(Config(), place) as journal:
        journal.call(call(outcome="sent", reply=None))
        await journal.flush()
        first = rows(place, "SELECT number, outcome FROM calls")
        journal.call(call(outcome="ok"))
    second = rows(place, "SELECT number, outcome FROM calls")
    assert [outcome for _, outcome in first + second] == ["sent", "ok"]
    assert second[0][0] > first[0][0]


async def test_a_run_written_again_leaves_no_repair_of_the_first_time(place: Place) -> None:
    async with open_journal(Config(), place) as journal:
        journal.run(run())
        journal.run(run(repairs=[], problems=[{"kind": "refused", "step": "s", "message": "no"}]))
    assert rows(place, "SELECT count(*) FROM repairs") == [(0,)]
    assert rows(place, "SELECT kind, message FROM problems") == [("refused", "no")]


@pytest.mark.skipif(os.name != "posix", reason="rights of POSIX")
async def test_only_the_user_may_read_the_journal(file: Path, folder: Place) -> None:
    file.parent.mkdir(mode=0o700)
    file.touch(mode=0o644)
    async with open_journal(Config(), folder) as journal:
        journal.call(call())
        await journal.flush()
        assert {path.name: path.stat().st_mode & 0o777 for path in file.parent.iterdir()} == {
            "journal.db": 0o600,
            "journal.db-wal": 0o600,
            "journal.db-shm": 0o600,
            "journal.lost": 0o600,
        }


@pytest.mark.skipif(os.name != "posix", reason="rights of POSIX")
async def test_only_the_user_may_enter_the_folder(file: Path, folder: Place) -> None:
    async with open_journal(Config(), folder) as journal:
        journal.call(call())
    assert file.parent.stat().st_mode & 0o777 == 0o700


async def test_secrets_are_not_on_disk(file: Path, folder: Place) -> None:
    settings = Config.model_validate(
        {"upstreams": {"a": {"url": "https://x", "headers": {"X-Api-Key": "from-a-header"}}}}
    )
    async with open_journal(settings.with_secrets(["from-a-variable"]), folder) as journal:
        text = "from-a-variable and from-a-header"
        journal.call(call(arguments={"password": "hunter2", "q": text}, reply={"content": [text]}, message=text))
        journal.run(run(before=plan(q=text), after=plan(api_key="hunter2"), error_before=text, report={"output": text}))
    everything = file.read_bytes()
    assert b"hunter2" not in everything
    assert b"from-a" not in everything
    assert b"redacted" in everything


async def test_payloads_may_be_kept_as_digests(file: Path, folder: Place) -> None:
    async with open_journal(config(payloads="hash"), folder) as journal:
        journal.call(call(arguments={"value": "private"}, message="private thing"))
        journal.run(run(before=plan(value="private"), error_before="private", report={"output": "private"}))
    assert b"private" not in file.read_bytes()
    ((arguments,),) = rows(folder, "SELECT arguments FROM calls")
    assert not kept_whole(json.loads(arguments))
    ((before, after),) = rows(folder, "SELECT plan_before, plan_after FROM runs")
    steps = [json.loads(text)["steps"][0] for text in (before, after)]
    assert [step["tool"] for step in steps] == ["convert", "convert"]
    assert steps[0]["arguments"] != steps[1]["arguments"]


async def test_payloads_may_be_left_out(place: Place) -> None:
    async with open_journal(config(payloads="none"), place) as journal:
        journal.call(call(message="private"))
        journal.run(run())
    assert rows(place, "SELECT arguments, reply, message, server, outcome FROM calls") == [
        (None, None, None, "units", "ok")
    ]
    assert rows(place, "SELECT plan_before, plan_after, error_before FROM runs") == [(None, None, None)]
    assert rows(place, "SELECT rule, value_before, evidence FROM repairs") == [("number_in_text", None, None)]


def test_a_payload_beyond_the_limit_keeps_its_beginning_and_its_digest() -> None:
    ((_, values),) = Rows(Redaction()).of(call(arguments={"text": "x" * LONGEST}))
    kept = json.loads(max((value for value in values if isinstance(value, str)), key=len))
    assert (kept["cut"], len(kept["head"])) == (True, 4096)
    assert not kept_whole(kept)


async def test_half_a_character_does_not_spoil_the_journal(place: Place) -> None:
    async with open_journal(Config(), place) as journal:
        journal.call(call(arguments={"text": "\ud800"}, message="\ud800"))
    assert json.loads(rows(place, "SELECT arguments FROM calls")[0][0]) == {"text": "\ud800"}


async def test_one_record_that_does_not_fit_costs_only_itself(place: Place, logs: list[Any]) -> None:
    async with open_journal(Config(), place) as journal:
        journal.call(call("call_1"))
        journal.call(call("call_2", step={"not": "a text"}))
        journal.call(call("call_3"))
        await journal.flush()
        assert journal.lost == 1
    assert rows(place, "SELECT call_id FROM calls ORDER BY number") == [("call_1",), ("call_3",)]
    assert [line["log_level"] for line in logs if "did not fit" in line["event"]] == ["warning"]


async def test_a_journal_that_cannot_be_written_is_reported_once_and_fails_nothing(
    file: Path, folder: Place, logs: list[Any]
) -> None:
    file.mkdir(parents=True)
    async with open_journal(Config(), folder) as journal:
        for number in range(3):
            journal.call(call(f"call_{number}"))
            await journal.flush()
    assert len([line for line in logs if "cannot be written" in line["event"]]) == 1


async def test_what_waited_for_the_disk_is_written_when_it_works_again(
    file: Path, folder: Place, logs: list[Any]
) -> None:
    file.mkdir(parents=True)
    async with open_journal(Config(), folder) as journal:
        journal.call(call("call_1"))
        await journal.flush()
        file.rmdir()
        journal.call(call("call_2"))
        await journal.flush()
        assert rows(folder, "SELECT call_id FROM calls ORDER BY number") == [("call_1",), ("call_2",)]
    assert [line["lost"] for line in logs if "written again" in line["event"]] == [0]


async def test_a_journal_that_is_switched_off_leaves_no_file(file: Path, folder: Place, logs: list[Any]) -> None:
    async with open_journal(config(enabled=False), folder) as journal:
        journal.call(call())
        await journal.flush()
    assert not file.exists()
    assert [line["call_id"] for line in logs if line["event"] == "call"] == ["call_a1"]


async def test_each_call_and_each_run_is_one_line(place: Place, logs: list[Any]) -> None:
    async with open_journal(Config(), place) as journal:
        journal.call(call(outcome="sent"))
        journal.call(call(outcome="refused", message="an error of the upstream"))
        journal.run(run())
        journal.run(run("run_w", kind="workflow"))
    assert [(line["event"], line["log_level"]) for line in logs] == [
        ("call", "debug"),
        ("call", "info"),
        ("repair", "info"),
        ("workflow", "info"),
    ]
    assert "error" not in json.dumps(logs)
    assert logs[2]["changes"] == ["coerce_argument by number_in_text (lossless)"]


async def test_a_newer_journal_is_left_alone(place: Place, logs: list[Any]) -> None:
    with closing(place.open("journal")) as connection:
        connection.run("UPDATE journal_version SET version_num = '9999'")
    async with open_journal(Config(), place) as journal:
        journal.call(call())
        await journal.flush()
    assert rows(place, "SELECT count(*) FROM calls") == [(0,)]
    assert any("newer mcp-mend" in str(line.get("reason")) for line in logs)


def test_the_oldest_entries_go_when_the_journal_outgrows_its_size(place: Place) -> None:
    big = {"text": random.Random(1).randbytes(500).hex()}  # noqa: S311
    write(place, run("run_old", at=0.5), *(call(f"call_{at:05}", at=float(at), arguments=big) for at in range(1500)))
    with closing(place.open("journal")) as connection:
        retention = Retention(connection, Limits())
        assert connection.size(TABLES) > 1 << 20
        gone = retention.to(1 << 20)
        assert 300 < gone < 1200
        assert connection.size(TABLES) <= 1 << 20
        assert retention.to(1 << 20) == 0
    assert rows(place, "SELECT count(*), max(call_id) FROM calls") == [(1501 - gone, "call_01499")]
    assert rows(place, "SELECT count(*) FROM runs") == rows(place, "SELECT count(*) FROM repairs") == [(0,)]
    if not place.url:
        assert place.path("journal").stat().st_size <= 2 << 20


def test_entries_older_than_a_time_go_on_request(place: Place) -> None:
    write(place, *(call(f"call_{number}", at=float(number)) for number in range(10)))
    with closing(place.open("journal")) as connection:
        assert Retention(connection, Limits()).before(4.0) == 4
    assert rows(place, "SELECT min(at) FROM calls") == [(4.0,)]


def test_one_process_prunes_at_a_time_where_several_may_write(postgres_url: str, tmp_path: Path) -> None:
    place = Place(tmp_path, postgres_url)
    write(place, *(call(f"call_{number:03}", at=float(number)) for number in range(300)))
    with closing(place.open("journal")) as one, closing(place.open("journal")) as other:
        first, second = (Retention(each, Limits(max_seconds=1)) for each in (one, other))
        assert first.some() == 100
        assert second.some() is None
        with pytest.raises(StoreError, match="another process"):
            second.before(1e9)
        while first.some() is not None:
            pass
        assert second.before(1e9) == 0
    assert rows(place, "SELECT count(*) FROM calls") == [(0,)]


OTHER = """
import sys, anyio, structlog
from pathlib import Path
from proxy.store import configure, open_journal
from proxy.store.sql import Place
from schemas.config import Config, Log
from tests.store.records import call
configure(Log(level="warning"))
async def main():
    place = Place(Path(sys.argv[1]), sys.argv[3])
    place.open("journal").close()
    async with open_journal(Config(), place) as journal:
        print("open", flush=True)
        for number in range(300):
            journal.call(call(f"call_{sys.argv[2]}_{number}"))
            if number % 10 == 0:
                await journal.flush()
        assert journal.lost == 0
anyio.run(main)
"""


def test_two_processes_write_at_once(place: Place) -> None:
    root = Path(__file__).parents[2]
    line = [sys.executable, "-c", OTHER, str(place.folder)]
    others = [
        subprocess.Popen([*line, name, place.url], cwd=root, stderr=subprocess.PIPE, stdout=subprocess.PIPE)
        for name in "ab"
    ]
    try:
        complaints = [other.communicate(timeout=60)[1] for other in others]
    finally:
        for other in others:
            other.kill()
    assert complaints == [b"", b""]
    assert rows(place, "SELECT count(*) FROM calls") == [(600,)]


def test_identifiers_increase_and_never_repeat() -> None:
    ids = Ids()
    made: list[list[str]] = [[] for _ in range(4)]

    def make(into: list[str]) -> None:
        into.extend(ids.new("call") for _ in range(2000))

    threads = [threading.Thread(target=make, args=(into,)) for into in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(one == sorted(one) for one in made)
    assert len({one for into in made for one in into}) == 8000
    assert made[0][0].startswith("call_")
    assert len(made[0][0]) == len("call_") + 16


def test_every_view_can_be_read(folder: Place) -> None:
    write(folder, call(repair_id="run_b2"), call("call_2", outcome="unknown"), run())
    views = [name for (name,) in rows(folder, "SELECT name FROM sqlite_master WHERE type = 'view'")]
    assert {view: len(rows(folder, f"SELECT * FROM {view}")) for view in views} == {
        "recent_calls": 2,
        "recent_runs": 1,
        "tool_figures": 1,
        "rule_figures": 1,
        "outcome_unknown": 1,
    }
    assert rows(folder, "SELECT changes, time FROM recent_runs") == [
        ("coerce_argument (lossless)", "2023-11-14 22:13:21.000")
    ]


async def test_a_flush_does_not_wait_for_ever(folder: Place, monkeypatch: pytest.MonkeyPatch, logs: list[Any]) -> None:
    monkeypatch.setattr("proxy.store.book.FLUSH_SECONDS", 0.05)
    hold = threading.Event()

    def held_up(*_: object) -> None:
        hold.wait(5)

    monkeypatch.setattr(SqliteConnection, "batch", held_up)
    with anyio.fail_after(5):
        async with open_journal(Config(), folder) as journal:
            journal.call(call())
            assert await journal.flush() is True
            hold.set()
    assert any("not written in time" in line["event"] for line in logs)


@promise("journal-holds-nobody-up")
async def test_a_journal_that_another_process_locks_is_waited_for_once_and_misses_nothing(
    file: Path, folder: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proxy.store.book.FLUSH_SECONDS", 0.2)
    waits = 0
    real = Writer.flush

    def counted(writer: Writer) -> Any:
        nonlocal waits
        waits += 1
        return real(writer)

    async with open_journal(Config(), folder) as journal:
        journal.call(call("call_0"))
        assert await journal.flush() is True
        monkeypatch.setattr(Writer, "flush", counted)
        with closing(sqlite3.connect(file, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with anyio.fail_after(4):
                for number in range(1, 10):
                    journal.call(call(f"call_{number}"))
                    assert await journal.flush() is False
            assert waits == 1
        journal.call(call("call_10"))
    assert rows(folder, "SELECT count(*) FROM calls") == [(11,)]


@promise("journal-holds-nobody-up")
async def test_a_journal_that_is_deleted_while_it_is_written_is_begun_anew_and_said_so(
    file: Path, folder: Place, logs: list[Any]
) -> None:
    async with open_journal(Config(), folder) as journal:
        journal.call(call("call_1"))
        await journal.flush()
        file.unlink()
        journal.call(call("call_2"))
        assert await journal.flush() is True
        journal.call(call("call_3"))
        assert await journal.flush() is True
        assert rows(folder, "SELECT call_id FROM calls ORDER BY number") == [("call_2",), ("call_3",)]
    assert len([line for line in logs if "deleted or replaced" in line["event"]]) == 1


async def test_what_could_not_be_written_by_the_end_is_counted(file: Path, folder: Place, logs: list[Any]) -> None:
    file.mkdir(parents=True)
    async with open_journal(Config(), folder) as journal:
        journal.call(call("call_1"))
        journal.call(call("call_2"))
    assert [line["lost"] for line in logs if "are not in the journal" in line["event"]] == [2]


async def test_a_payload_nested_too_deep_to_be_written_costs_only_itself(place: Place) -> None:
    deep: Any = []
    for _ in range(5000):
        deep = [deep]
    async with open_journal(Config(), place) as journal:
        journal.call(replace(call("call_1"), reply=deep))
        await journal.flush()
    ((reply, outcome),) = rows(place, "SELECT reply, outcome FROM calls")
    assert json.loads(reply) == {"cut": True, "why": "nested too deep to be written down"}
    assert outcome == "ok"
