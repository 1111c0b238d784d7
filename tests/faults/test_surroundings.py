"""The disk, the journal and the clock fail, and calls are answered all the same."""

from __future__ import annotations

import json
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.faults.bench import BAD, ended, noted, what
from tests.frontends.rawclient import MEND, Raw, started
from tests.promises import promise

pytestmark = [promise("every-fault-is-answered"), pytest.mark.usefixtures("uncounted")]

SMALL_FILES = (
    "import os, resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (16384, 16384)); "
    "os.execv(sys.argv[1], sys.argv[1:])"
)
JUMPING_CLOCK = (
    "import itertools, time; now, jumps = time.time, itertools.cycle([0, 86400, -86400, 4e9]); "
    "time.time = lambda: now() + next(jumps); from proxy.cli import main; main()"
)


def configured(folder: Path) -> Path:
    """One sound server; what it did stands in `did`."""
    path = folder / "proxy.toml"
    args = json.dumps(["-I", "-S", BAD, "none", str(folder / "did")])
    path.write_text(
        f'[planner]\nbackend = "none"\n[upstreams.desk]\ncommand = {json.dumps(sys.executable)}\nargs = {args}\n'
    )
    return path


async def calls_work(client: Raw, first: int, *, noted: bool = True) -> None:
    """Twelve calls and a plan of three steps that may each change something; what cannot be noted is not sent."""
    for number in range(first, first + 12):
        params = {"name": "desk__act", "arguments": {"intent": f"call {number}"}}
        assert what(await client.request("tools/call", params)) == "result"
    steps = [{"id": f"s{n}", "tool": "desk__act", "arguments": {"intent": f"step {first + n}"}} for n in range(3)]
    reply = await client.request("tools/call", {"name": "run_workflow", "arguments": {"steps": steps}})
    assert reply["result"]["structuredContent"]["status"] == ("succeeded" if noted else "failed"), reply


def did(folder: Path) -> list[Any]:
    return [line["did"] for line in noted(folder / "did") if "did" in line]


def garbage(home: Path) -> None:
    (home / "journal.db").write_bytes(b"no database at all " * 500)


def a_folder(home: Path) -> None:
    (home / "journal.db").mkdir()


def cut_short(home: Path) -> None:
    with closing(sqlite3.connect(home / "journal.db")) as database:
        database.executescript("create table calls (x); insert into calls values (zeroblob(100000));")
    with (home / "journal.db").open("r+b") as file:
        file.truncate(5000)


@pytest.mark.parametrize("trouble", [garbage, a_folder, cut_short])
async def test_a_journal_that_cannot_be_opened_costs_no_call(tmp_path: Path, trouble: Callable[[Path], None]) -> None:
    trouble(tmp_path)
    async with started(tmp_path, *MEND, "serve", "--config", str(configured(tmp_path))) as client:
        await client.initialize()
        await calls_work(client, 0)
        await ended(client)
    assert len(did(tmp_path)) == len(set(did(tmp_path))) == 15


@contextmanager
def locked(home: Path) -> Iterator[None]:
    with closing(sqlite3.connect(home / "journal.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield


@contextmanager
def deleted(home: Path) -> Iterator[None]:
    for file in home.glob("journal.db*"):
        file.unlink()
    yield


@contextmanager
def without_folder(home: Path) -> Iterator[None]:
    for inner in home.iterdir():
        if inner.name not in ("did", "proxy.toml", "stderr"):
            shutil.rmtree(inner) if inner.is_dir() else inner.unlink()
    yield


@pytest.mark.parametrize("trouble", [locked, deleted, without_folder])
async def test_a_journal_that_goes_away_costs_no_call_and_is_told(tmp_path: Path, trouble: Any) -> None:
    """Where it cannot be written again, the log says so: nothing is lost silently."""
    async with started(tmp_path, *MEND, "serve", "--config", str(configured(tmp_path))) as client:
        await client.initialize()
        await calls_work(client, 0)
        with trouble(tmp_path):
            await calls_work(client, 100, noted=trouble is not locked)
            await ended(client)
    assert len(did(tmp_path)) == len(set(did(tmp_path))) == (27 if trouble is locked else 30)
    assert rows(tmp_path) >= 12 or "journal" in (tmp_path / "stderr").read_text()


def rows(home: Path) -> int:
    if not (home / "journal.db").exists():
        return 0
    with closing(sqlite3.connect(home / "journal.db")) as database:
        return database.execute("select count(*) from calls").fetchone()[0]


async def test_a_full_disk_costs_no_call(tmp_path: Path) -> None:
    """No file may grow beyond 16 kB: neither journal, nor catalog, nor the log."""
    small = [sys.executable, "-c", SMALL_FILES, *MEND]
    async with started(tmp_path, *small, "serve", "--config", str(configured(tmp_path))) as client:
        await client.initialize()
        await calls_work(client, 0)
        await calls_work(client, 100)
        await ended(client)
    assert len(did(tmp_path)) == len(set(did(tmp_path))) == 30


@pytest.mark.parametrize("where", ["home", "home/below"])
async def test_a_state_folder_that_is_a_file_costs_records_and_is_told(tmp_path: Path, where: str) -> None:
    (tmp_path / "home").write_text("I am a file")
    command = [*MEND, "serve", "--config", str(configured(tmp_path))]
    async with started(tmp_path, *command, env={"MCP_MEND_HOME": str(tmp_path / where)}) as client:
        await client.initialize()
        await calls_work(client, 0)
        await ended(client)
    told = (tmp_path / "stderr").read_text()
    assert "Traceback" not in told
    assert "nothing is kept: the state folder cannot be used" in told
    assert str(tmp_path / where) in told
    assert len(did(tmp_path)) == 15


async def test_a_clock_that_jumps_costs_no_call(tmp_path: Path) -> None:
    command = [sys.executable, "-c", JUMPING_CLOCK, "serve", "--config", str(configured(tmp_path))]
    async with started(tmp_path, *command) as client:
        await client.initialize()
        await calls_work(client, 0)
        await ended(client)
    assert len(did(tmp_path)) == len(set(did(tmp_path))) == 15
