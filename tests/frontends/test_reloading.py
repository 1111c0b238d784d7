"""Changes of the configuration file: what takes effect at once, what is said to wait, what is never written down."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import httpx2

from proxy.settings.reload import changed, later
from schemas.config import Config
from tests.frontends.httpclient import HELLO, JSON, over_http, serve
from tests.frontends.rawclient import ECHO, Raw, started

CHANGED = "notifications/tools/list_changed"


def write(file: Path, *, settings: str = "", rules: str = "", more: str = "") -> Path:
    """A configuration with one echo server `a`."""
    command, *args = ECHO
    entry = f"[upstreams.a]\ncommand = {json.dumps(command)}\nargs = {json.dumps(args)}\n{rules}\n"
    file.write_text(f"{settings}\n{entry}\n{more}\n", encoding="utf-8")
    return file


async def listed(client: Raw) -> list[str]:
    tools = (await client.request("tools/list"))["result"]["tools"]
    return [tool["name"] for tool in tools]


async def said(client: Raw, name: str, text: str) -> str:
    return (await client.call(name, text))["result"]["content"][0]["text"]


async def test_repair_mode_and_tool_rules_change_without_a_new_connection(tmp_path: Path) -> None:
    file = write(tmp_path / "mend.toml")
    async with started(tmp_path, *serve(file)) as client:
        await client.initialize()
        pid = await said(client, "a__Echo", "pid")
        assert "a__echo" in await listed(client)
        write(file, rules='repair = "off"\ntools.exclude = ["no*"]')
        await client.heard(CHANGED)
        assert "error" in await client.call("a__Echo", "pid")
        assert await said(client, "a__echo", "pid") == pid
        client.seen.clear()
        write(file, rules='tools.exclude = ["echo"]')
        await client.heard(CHANGED)
        assert "a__echo" not in await listed(client)
        client.seen.clear()
        write(file, settings="[workflow]\nexpose = false")
        await client.heard(CHANGED)
        assert await listed(client) == ["a__echo"]
        assert await said(client, "a__echo", "pid") == pid


async def test_a_variable_of_a_new_upstream_ends_no_other(tmp_path: Path) -> None:
    file = write(tmp_path / "mend.toml")
    async with started(tmp_path, *serve(file), env={"RELOADED_KEY": "k"}) as client:
        await client.initialize()
        pid = await said(client, "a__echo", "pid")
        await listed(client)
        command, *args = ECHO
        key = 'env = { KEY = "${RELOADED_KEY}" }'
        write(file, more=f"[upstreams.b]\ncommand = {json.dumps(command)}\nargs = {json.dumps(args)}\n{key}")
        await client.heard(CHANGED)
        assert await said(client, "b__echo", "env KEY") == "k"
        assert await said(client, "a__echo", "pid") == pid


async def test_a_secret_that_comes_with_a_change_is_never_written_down(tmp_path: Path) -> None:
    secret = "w0nt-be-written-down"
    file = write(tmp_path / "mend.toml", settings='[log]\nlevel = "debug"')
    async with started(tmp_path, *serve(file), env={"MEND_TEST_PLACE": secret}) as client:
        await client.initialize()
        await said(client, "a__echo", "up")
        await listed(client)
        command, *args = ECHO
        entry = f"[upstreams.b]\ncommand = {json.dumps(command)}\nargs = {json.dumps(args)}\n"
        write(
            file, settings='[log]\nlevel = "debug"', more=entry + 'env = { PLACE = "${MEND_TEST_PLACE}", X = "1234" }'
        )
        await client.heard(CHANGED)
        assert await said(client, "b__echo", "env PLACE") == secret
        assert secret in await said(client, "b__echo", f"say {secret} again")
        await client.call("b__echo", f"tell-{secret}")
        assert await client.close() == 0
    assert secret not in (tmp_path / "stderr").read_text()
    written = [path for path in tmp_path.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()]
    assert written == []
    with closing(sqlite3.connect(tmp_path / "journal.db")) as journal:
        kept = "\n".join(journal.iterdump())
    assert "[redacted] again" in kept


async def test_what_waits_for_a_restart_is_said_once_by_name(tmp_path: Path) -> None:
    file = write(tmp_path / "mend.toml")
    async with started(tmp_path, *serve(file)) as client:
        await client.initialize()
        await said(client, "a__echo", "up")
        await listed(client)
        for seconds in (3, 4):
            client.seen.clear()
            write(file, settings=f"[planner]\ndeadline = {seconds}", rules=f'tools.exclude = ["no{seconds}"]')
            await client.heard(CHANGED)
        assert await client.close() == 0
    lines = [json.loads(line) for line in (tmp_path / "stderr").read_text().splitlines() if line.startswith("{")]
    assert [line["keys"] for line in lines if line["event"] == "takes effect after a restart"] == [["planner.deadline"]]


async def test_a_token_that_is_set_closes_the_door_at_once(tmp_path: Path) -> None:
    file = write(tmp_path / "mend.toml")
    async with over_http(tmp_path, file) as base, httpx2.AsyncClient() as client:
        hello = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": HELLO}
        assert (await client.post(f"{base}/mcp", json=hello, headers=JSON)).status_code == 200
        write(file, settings='[http]\ntoken = "sesame"')
        async with asyncio.timeout(20):
            while (await client.post(f"{base}/mcp", json=hello, headers=JSON)).status_code == 200:
                pass
        right = {**JSON, "authorization": "Bearer sesame"}
        assert (await client.post(f"{base}/mcp", json=hello, headers=right)).status_code == 200


def test_settings_that_wait() -> None:
    old = Config.model_validate({"journal": {"redact": ["ssn"]}, "evolution": {"memory": False}})
    new = Config.model_validate({"journal": {"redact": ["iban"], "max_mb": 9}, "repair": {"mode": "off"}})
    assert changed(old, new) == ["repair.mode", "evolution.memory", "journal.max_mb", "journal.redact"]
    assert later(old, new) == ["evolution.memory", "journal.max_mb", "journal.redact"]
    assert later(new, old.model_copy(update={"journal": new.journal})) == []
    assert later(old, old.with_secrets({"a secret"})) == []
