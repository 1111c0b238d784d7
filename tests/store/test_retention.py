"""What is too old or too much goes in small pieces; a full disk or a lock costs records, and they are told."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import Future
from contextlib import closing
from pathlib import Path
from typing import Any

import anyio
import pytest
from click.testing import CliRunner

from proxy.cli import main
from proxy.store import health, losses, open_journal
from proxy.store.redact import Redaction
from proxy.store.retention import Limits, Retention
from proxy.store.rows import Rows
from proxy.store.sql import Place
from proxy.store.writer import WAITING, Writer
from schemas.config import Config, Journal
from tests.store.records import call, rows, run, write

ROOT = Path(__file__).parents[2]
DAY = 86400.0


pytestmark = pytest.mark.usefixtures("logs")


@pytest.fixture
def folder(file: Path) -> Place:
    return Place(file.parent)


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("MCP_MEND_HOME", "HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "state"))
    monkeypatch.delenv("MCP_MEND_CONFIG", raising=False)
    return tmp_path / "state" / "journal.db"


def config(**journal: Any) -> Config:
    return Config.model_validate({"journal": journal})


def told(*args: str) -> str:
    done = CliRunner().invoke(main, list(args))
    assert done.exit_code in (0, 1), done.output
    return done.output


async def until(true: Any) -> None:
    with anyio.fail_after(20):
        while not true():  # noqa: ASYNC110  another thread or process is waited for
            await anyio.sleep(0.02)


async def test_entries_beyond_their_age_go_while_the_journal_is_written(folder: Place, logs: list[Any]) -> None:
    now = time.time()
    old = [call(f"call_{number:04}", at=now - 9 * DAY - number) for number in range(350)]
    write(
        folder,
        *old,
        run("run_old", at=now - 9 * DAY),
        call("call_young", at=now - 6 * DAY),
        run("run_young", at=now),
    )
    async with open_journal(config(max_days=7), folder) as journal:
        journal.call(call("call_now", at=now))
        await until(lambda: any("were pruned" in line["event"] for line in logs))
    assert rows(folder, "SELECT call_id FROM calls ORDER BY at") == [("call_young",), ("call_now",)]
    assert (
        rows(folder, "SELECT repair_id FROM runs") == rows(folder, "SELECT repair_id FROM repairs") == [("run_young",)]
    )
    assert [line["entries"] for line in logs if "were pruned" in line["event"]] == [351]


async def test_without_an_age_old_entries_stay(folder: Place) -> None:
    write(folder, call("call_old", at=1000.0))
    async with open_journal(Config(), folder) as journal:
        journal.call(call("call_now", at=time.time()))
        await journal.flush()
    assert rows(folder, "SELECT count(*) FROM calls") == [(2,)]


async def test_the_file_is_kept_under_its_size_while_it_is_written(file: Path, folder: Place, logs: list[Any]) -> None:
    big = {"text": "x" * 4000}
    write(folder, *(call(f"call_{number:05}", at=float(number), arguments=big) for number in range(700)))
    assert file.stat().st_size > 2 << 20
    async with open_journal(config(max_mb=1), folder) as journal:
        journal.call(call("call_now", at=time.time()))
        await until(lambda: any("were pruned" in line["event"] for line in logs))
    assert file.stat().st_size <= 1 << 20
    assert rows(folder, "SELECT max(call_id) FROM calls") == [("call_now",)]
    assert rows(folder, "SELECT count(*) FROM calls")[0][0] > 100


async def test_who_waits_for_the_disk_comes_before_the_next_piece(
    folder: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is handed over while a piece is deleted is on disk before the next one is."""
    write(folder, *(call(f"call_{number:05}", at=float(number)) for number in range(1000)))
    asked: list[Future[bool]] = []
    early: list[bool] = []
    prune = Retention.some

    async with open_journal(config(max_days=1), folder) as journal:
        writer = journal._writer

        def watched(retention: Retention) -> int | None:
            early.extend(not one.done() for one in asked)
            writer.put(call(f"call_new_{len(asked)}", at=time.time()))
            asked.append(writer.flush())
            return prune(retention)

        monkeypatch.setattr(Retention, "some", watched)
        journal.call(call("call_first", at=time.time()))
        await until(lambda: len(asked) > 8)
        monkeypatch.setattr(Retention, "some", prune)
    assert not any(early)
    assert all(one.result() for one in asked)


def test_a_piece_is_small(folder: Place) -> None:
    write(folder, *(call(f"call_{number:05}", at=float(number)) for number in range(1000)))
    with closing(folder.open("journal")) as connection:
        retention = Retention(connection, Limits(max_seconds=DAY))
        gone = [retention.some()]
        assert gone == [100]
        while (more := retention.some()) is not None:
            gone.append(more)
    assert sum(filter(None, gone)) == 1000
    assert max(filter(None, gone)) == 100


FULL = """
import sys, time, anyio
from pathlib import Path
from proxy.store import configure, open_journal
from proxy.store.sql import Place
from schemas.config import Config, Log
from tests.store.records import call
configure(Log(level="error"))

async def main():
    async with open_journal(Config(), Place(Path(sys.argv[1]))) as journal:
        journal.call(call("call_first", at=time.time()))
        await journal.flush()
        filler = open(Path(sys.argv[1]) / "filler", "wb", buffering=0)
        try:
            while True:
                filler.write(b"x" * 4096)
        except OSError:
            pass
        for number in range(40):
            journal.call(call(f"call_{number}", at=time.time(), arguments={"text": "y" * 20000}))
        for _ in range(2):
            await journal.flush()
        print(journal.trouble, flush=True)
anyio.run(main)
"""


def small_disk(folder: Path) -> list[str]:
    """A command that runs what follows with a disk of 512 KB at this folder."""
    return ["unshare", "-rm", "sh", "-c", f'mount -t tmpfs -o size=512k tmpfs "{folder}" && exec "$0" "$@"']


def small_disks_can_be_made(folder: Path) -> bool:
    if shutil.which("unshare") is None:
        return False
    made = subprocess.run([*small_disk(folder), "true"], capture_output=True, timeout=20, check=False)
    return made.returncode == 0


def test_a_full_disk_costs_records_and_says_how_many(tmp_path: Path) -> None:
    """A real file system of 512 KB; its file of losses is written although not a block is free."""
    if not small_disks_can_be_made(tmp_path):
        pytest.skip("needs user namespaces and tmpfs")
    log = "import sys; sys.argv[1:] = {}; from proxy.cli import main; main()"
    stats, doctor = (log.format(json.dumps(words)) for words in (["log", "stats"], ["doctor", "--json"]))
    script = " && ".join(f'"$0" -c "${at}" "$3"' for at in (1, 2)) + '; "$0" -c "$4"; true'
    line = [*small_disk(tmp_path), "sh", "-c", script, sys.executable, FULL, stats, str(tmp_path), doctor]
    environment = {
        **os.environ,
        "MCP_MEND_HOME": str(tmp_path),
        "HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path),
    }
    done = subprocess.run(line, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert "full" in done.stdout.splitlines()[0], done.stderr
    assert "40 records are not in the journal" in done.stdout, done.stdout + done.stderr
    assert "calls: 1 ok" in done.stdout
    journal = next(line for line in done.stdout.splitlines() if line.startswith('{"about": "journal"'))
    assert "40 records are not in the journal" in journal


async def test_a_lock_that_lasts_costs_records_that_are_counted(
    file: Path, folder: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proxy.store.sql.sqlite._BUSY_SECONDS", 0.05)
    monkeypatch.setattr("proxy.store.writer.WAITING", 5)
    async with open_journal(Config(), folder) as journal:
        journal.call(call("call_0"))
        assert await journal.flush() is True
        with closing(sqlite3.connect(file, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            for number in range(1, 13):
                journal.call(call(f"call_{number}"))
            await until(lambda: sum(loss.records for loss in losses.losses(file)) == 7)
            assert "locked" in journal.trouble
            assert journal.lost == 7
        await until(lambda: journal.trouble == "")
    assert rows(folder, "SELECT count(*) FROM calls") == [(6,)]
    (loss,) = losses.losses(file)
    assert (loss.records, loss.pid) == (7, os.getpid())
    assert "locked" in loss.reason
    assert "7 records are not in the journal" in told("log", "stats")
    assert [one["records"] for one in json.loads(told("log", "stats", "--json"))["lost"]] == [7]


async def test_a_journal_that_misses_nothing_says_so_by_silence(file: Path, folder: Place) -> None:
    async with open_journal(Config(), folder) as journal:
        journal.call(call("call_0"))
    assert losses.losses(file) == []
    assert health.lost(file) == ""
    assert "not in the journal" not in told("log", "stats")


def test_each_process_has_a_line_of_its_own_and_the_oldest_gives_way(file: Path) -> None:
    file.parent.mkdir()
    now = time.time()
    for number in range(losses.LINES + 3):
        losses.note(file, losses.Loss(number, now - 500, now - 400 + number, 1, "full"))
        losses.note(file, losses.Loss(number, now - 500, now - 400 + number, 2, "ü" * 500))
    found = losses.losses(file)
    assert {loss.pid for loss in found} == set(range(3, losses.LINES + 3))
    assert {loss.records for loss in found} == {2}
    assert losses.losses_path(file).stat().st_size == losses.LINES * losses.WIDTH


def test_a_loss_is_told_for_a_while(file: Path) -> None:
    file.parent.mkdir()
    long_ago = time.time() - (losses.DAYS + 1) * DAY
    losses.note(file, losses.Loss(1, long_ago, long_ago, 9, "full"))
    assert losses.losses(file) == []


@pytest.mark.parametrize("content", [b"", b"no json\n" * 9, b"[]".ljust(255) + b"\n", b"\xff" * 20_000])
def test_a_broken_file_of_losses_is_none_and_is_taken_on(content: bytes, file: Path) -> None:
    file.parent.mkdir()
    losses.losses_path(file).write_bytes(content)
    assert losses.losses(file) == []
    now = time.time()
    losses.note(file, losses.Loss(1, now, now, 3, "full"))
    assert [loss.records for loss in losses.losses(file)] == [3]


@pytest.mark.parametrize(
    ("payloads", "words"), [("full", "kept whole"), ("hash", "only digests are kept"), ("none", "are not kept")]
)
def test_what_is_kept_is_explained_where_it_is_looked_for(payloads: Any, words: str, file: Path, folder: Place) -> None:
    write(folder, call())
    settings = file.parent / "mcp-mend" / "proxy.toml"
    settings.parent.mkdir()
    settings.write_text(f'[journal]\npayloads = "{payloads}"\nmax_days = 30\n[planner]\nbackend = "none"\n')
    for text in (told("log", "stats"), told("doctor", "--json", "-c", str(settings))):
        assert words in text
        assert "older than 30 days (journal.max_days)" in text


def test_health_is_a_sentence_each() -> None:
    nowhere = Path("/nowhere/journal.db")
    assert health.health(Journal(enabled=False), nowhere) == ["nothing is kept (journal.enabled = false)"]
    assert len(health.health(Journal(), nowhere)) == 2


def test_pruning_by_hand_goes_by_the_configured_age_too(file: Path, folder: Place) -> None:
    write(folder, call("call_old", at=time.time() - 40 * DAY), call("call_new", at=time.time()))
    settings = file.parent / "c.toml"
    settings.write_text("[journal]\nmax_days = 30\n")
    done = CliRunner().invoke(main, ["log", "prune"], env={"MCP_MEND_CONFIG": str(settings)})
    assert done.output == "1 entries deleted\n"


def test_a_record_that_cannot_be_written_down_is_told_with_its_reason() -> None:
    lost: list[tuple[int, str]] = []
    writer = Writer(Rows(Redaction()), None, lambda record: 1 / 0, lambda count, why: lost.append((count, why)))
    writer.start()
    writer.put(call())
    writer.close()
    assert lost[0] == (1, "a record could not be written down")


async def test_a_burst_of_records_is_written_whole(file: Path, folder: Place) -> None:
    """More than are kept while a disk refuses them: this one does not."""
    async with open_journal(Config(), folder) as journal:
        for number in range(WAITING + 2500):
            journal.call(call(f"call_{number}"))
        assert journal.lost == 0
    assert rows(folder, "SELECT count(*) FROM calls") == [(WAITING + 2500,)]
    assert losses.losses(file) == []
