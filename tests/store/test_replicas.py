"""A journal in PostgreSQL: it waits for its server, is looked into by every command, and shows its password nowhere."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from click.testing import CliRunner
from psycopg import sql
from starlette.applications import Starlette

from proxy.cli import main
from proxy.store import open_journal, redaction_of
from proxy.store.sql import Place, StoreError
from proxy.ui.behind import Behind
from proxy.ui.pages import Pages
from proxy.ui.views.settings import in_force
from schemas.catalog import Catalog
from schemas.config import Config
from tests.services.postgres import PASSWORD, Postgres
from tests.store.records import call, rows, run, write

pytestmark = pytest.mark.usefixtures("logs")


@pytest.fixture
def shared(postgres_url: str, tmp_path: Path) -> Place:
    made = Place(tmp_path, postgres_url)
    made.open("journal").close()
    return made


@pytest.fixture
def config_file(shared: Place, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MCP_MEND_HOME", str(shared.folder))
    file = shared.folder / "proxy.toml"
    file.write_text(f'[store]\nurl = "{shared.url}"\n[planner]\nbackend = "none"\n')
    return file


def log(config: Path, *words: str, code: int = 0) -> str:
    done = CliRunner().invoke(main, ["log", *words, "-c", str(config)])
    assert done.exit_code == code, done.output
    assert PASSWORD not in done.output
    return done.output


def refuse(server: Postgres, place: Place, *, everybody: bool) -> None:
    """Have a server end all connections to a database and take no new ones, or take them again."""
    name = sql.Identifier(place.url.rpartition("/")[2])
    server.run(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}").format(name, sql.Literal(not everybody)))
    if everybody:
        end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = {}"
        server.run(sql.SQL(end).format(sql.Literal(place.url.rpartition("/")[2])))


async def until(true: Any) -> None:
    with anyio.fail_after(40):
        while not true():  # noqa: ASYNC110  another thread is waited for
            await anyio.sleep(0.05)


async def test_records_wait_for_a_server_that_is_gone(
    shared: Place, postgres_server: Postgres, logs: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proxy.store.writer.WAITING", 5)
    async with open_journal(Config(), shared) as journal:
        journal.call(call("call_before"))
        assert await journal.flush() is True
        refuse(postgres_server, shared, everybody=True)
        try:
            for number in range(8):
                journal.call(call(f"call_{number}"))
            await until(lambda: journal.lost == 3 and journal.trouble)
        finally:
            refuse(postgres_server, shared, everybody=False)
        await until(lambda: journal.trouble == "")
        journal.call(call("call_after"))
        assert await journal.flush() is True
    kept = [name for (name,) in rows(shared, "SELECT call_id FROM calls ORDER BY number")]
    assert kept == ["call_before", *(f"call_{number}" for number in range(3, 8)), "call_after"]
    assert len([line for line in logs if "cannot be written" in line["event"]]) == 1
    assert PASSWORD not in json.dumps(logs, default=str)


async def test_a_server_that_was_restarted_meanwhile_costs_nothing(
    shared: Place, postgres_server: Postgres, logs: list[Any]
) -> None:
    async with open_journal(Config(), shared) as journal:
        journal.call(call("call_before"))
        assert await journal.flush() is True
        refuse(postgres_server, shared, everybody=True)
        refuse(postgres_server, shared, everybody=False)
        journal.call(call("call_after"))
        await until(lambda: journal.waiting == 0)
        assert journal.lost == 0
    assert rows(shared, "SELECT count(*) FROM calls") == [(2,)]
    assert not [line for line in logs if "cannot be written" in line["event"]]


def test_every_log_command_reads_what_the_configuration_names(shared: Place, config_file: Path) -> None:
    write(
        shared,
        call("call_1", outcome="refused", repair_id="run_1", step="s", arguments={"value": "1"}),
        call("call_2", repair_id="run_1", step="s"),
        run("run_1"),
    )
    assert "run_1" in log(config_file, "list")
    assert "call_2" in log(config_file, "show", "call_2")
    assert "number_in_text" in log(config_file, "diff", "last")
    assert "run_1" in log(config_file, "watch", "--since", "2023-01-01", "-n", "3")
    assert "nothing was sent" in log(config_file, "replay", "call_2")
    assert len(log(config_file, "export").splitlines()) == 3
    assert "written" not in log(config_file, "export")
    assert "calls: " in log(config_file, "stats")
    assert log(config_file, "path").strip() == shared.name
    assert "number_in_text" in log(config_file, "stats", "--json")
    assert log(config_file, "prune", "--max-mb", "0") == "3 entries deleted\n"


def test_doctor_and_settings_show_the_address_without_its_password(shared: Place, config_file: Path) -> None:
    done = CliRunner().invoke(main, ["doctor", "--json", "-c", str(config_file)])
    journal = next(line for line in done.output.splitlines() if line.startswith('{"about": "journal"'))
    assert shared.name in json.loads(journal)["said"]
    assert json.loads(journal)["ok"] is True
    shown = in_force(Config.model_validate({"store": {"url": shared.url}}))
    assert PASSWORD not in done.output + str(shown)


async def test_the_page_shows_the_journal_and_says_when_its_server_is_gone(
    shared: Place, postgres_server: Postgres
) -> None:
    write(shared, call("call_1"), run("run_1"))

    async def send(calls: Any, yes: bool) -> list[Any]:
        raise AssertionError((calls, yes))

    config = Config.model_validate({"store": {"url": shared.url}})
    routes = Pages(Behind(shared, lambda: config, Catalog, send), asyncio.Event()).routes
    transport = httpx2.ASGITransport(Starlette(routes=routes), raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        for address, word in (("/ui/", "call_1"), ("/ui/?q=CONVERT", "call_1"), ("/ui/runs/run_1", "number in text")):
            assert word.replace(" ", "_") in (await client.get(address)).text.replace(" ", "_"), address
        assert (await client.get("/ui/figures")).status_code == 200
        refuse(postgres_server, shared, everybody=True)
        try:
            gone = await client.get("/ui/")
        finally:
            refuse(postgres_server, shared, everybody=False)
    assert gone.status_code == 503
    assert "cannot be read" in gone.text
    assert PASSWORD not in gone.text


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:hun@ter2@127.0.0.1:1/db", "postgresql://u:hun/ter2@127.0.0.1:1/db",
        "postgresql://u:hun:ter2@127.0.0.1:1/db", "postgresql://u:hunter2@127.0.0.1:1/db",
        "postgresql://u:hunter2", "postgresql://u:hun%zzter2@h/db", "postgresql://u@127.0.0.1:1/db?password=hunter2",
        "postgresql://u@127.0.0.1:1/db?paswort=hunter2",
    ],
)  # fmt: skip
def test_no_error_holds_a_part_of_the_password(url: str, tmp_path: Path) -> None:
    with pytest.raises(StoreError) as raised:
        Place(tmp_path, url).open("journal")
    assert "hun" not in str(raised.value)
    assert "ter2" not in str(raised.value)


@pytest.mark.parametrize(
    ("url", "password"),
    [
        ("postgresql://u:hunter2@h/db", "hunter2"),
        ("postgresql://u:a%20b%40cdef@h/db", "a b@cdef"),
        ("postgresql://h/db?user=u&password=hunter2", "hunter2"),
        ("postgresql://u:hunter2@h/db?options=a@b", "hunter2"),
        ("postgresql://u@h/db?sslpassword=hunter2", "hunter2"),
    ],
)
def test_the_password_of_the_store_is_secret_everywhere(url: str, password: str) -> None:
    config = Config.model_validate({"store": {"url": url}})
    said = redaction_of(config).text(f"it was {password} or {url}")
    assert password not in said
    assert password not in Place(Path("/x"), url).name
