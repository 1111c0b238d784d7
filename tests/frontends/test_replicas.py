"""Two replicas behind one address: a session works through either, and ends honestly with its owner."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import psutil
import pytest

from proxy.frontends.owners import Ids, name_of
from tests.frontends.httpclient import Http, events, free_port, until_up
from tests.frontends.rawclient import ECHO, MEND, Raw, started

KEY = "a key that both replicas share, long enough"


def written(folder: Path, port: int, **http: int) -> Path:
    path = folder / "mend.toml"
    path.write_text(
        f"[upstreams.a]\ncommand = {ECHO[0]!r}\nargs = {ECHO[1:]!r}\n"
        f'[replicas]\naddress = "http://127.0.0.1:{port}"\nkey = "{KEY}"\nleave_seconds = 1\n'
        f"[http]\ndrain_seconds = {http.get('drain_seconds', 5)}\n"
    )
    return path


@asynccontextmanager
async def replica(folder: Path, port: int | None = None) -> AsyncGenerator[tuple[str, Raw]]:
    """A replica with a state folder of its own; gives its address and its process."""
    folder.mkdir(exist_ok=True)
    port = port or free_port()
    base = f"http://127.0.0.1:{port}"
    command = [*MEND, "serve", "--config", str(written(folder, port)), "--http", f"127.0.0.1:{port}"]
    async with started(folder, *command) as process, httpx2.AsyncClient() as client:
        await until_up(client, base)
        yield base, process


@asynccontextmanager
async def two(folder: Path) -> AsyncGenerator[tuple[tuple[str, Raw], tuple[str, Raw]]]:
    async with replica(folder / "one") as one, replica(folder / "other") as other:
        yield one, other


async def test_a_session_works_through_the_other_replica(tmp_path: Path) -> None:
    async with two(tmp_path) as ((one, _), (other, _)), httpx2.AsyncClient() as client:
        session = Http(client, f"{one}/mcp")
        await session.open()
        session.url = f"{other}/mcp"
        assert await session.say("a__echo", "größer 🦜") == "größer 🦜"
        progress = await session.post(
            {
                "id": 9, "method": "tools/call",
                "params": {"name": "a__echo", "arguments": {"text": "progress"}, "_meta": {"progressToken": 5}},
            }
        )  # fmt: skip
        assert [each.get("method") for each in events(progress.text)] == [*["notifications/progress"] * 3, None]
        await session.ask("tools/list")
        hearing = asyncio.create_task(session.heard("notifications/tools/list_changed"))
        await asyncio.sleep(0.3)
        await session.say("a__echo", "change")
        assert (await hearing)["method"] == "notifications/tools/list_changed"
        assert (await client.delete(f"{other}/mcp", headers=session.headers)).status_code == 200
        assert (await session.post({"id": 4, "method": "ping"})).status_code == 404


async def test_a_session_ends_with_its_owner_and_a_new_one_begins(tmp_path: Path) -> None:
    async with two(tmp_path) as ((one, owner), (other, _)), httpx2.AsyncClient() as client:
        session = Http(client, f"{one}/mcp")
        await session.open()
        session.url = f"{other}/mcp"
        hanging = asyncio.create_task(
            session.post(
                {"id": 7, "method": "tools/call", "params": {"name": "a__echo", "arguments": {"text": "never"}}}
            )
        )
        await asyncio.sleep(0.1)
        for child in psutil.Process(owner.process.pid).children():
            child.kill()
        owner.process.kill()
        cut_off = await hanging
        assert (cut_off.status_code, cut_off.json()["id"]) == (502, 7)
        assert "not known" in cut_off.json()["error"]["message"]
        assert (await session.post({"id": 8, "method": "ping"})).status_code == 404
        fresh = Http(client, f"{other}/mcp")
        await fresh.open()
        assert await fresh.say("a__echo", "healed") == "healed"


async def test_a_process_that_came_after_the_owner_does_not_know_its_sessions(tmp_path: Path) -> None:
    async with replica(tmp_path / "other") as (other, _), httpx2.AsyncClient() as client:
        port = free_port()
        async with replica(tmp_path / "one", port) as (one, _):
            session = Http(client, f"{one}/mcp")
            await session.open()
        async with replica(tmp_path / "one", port):
            session.url = f"{other}/mcp"
            assert (await session.post({"id": 8, "method": "ping"})).status_code == 404


async def test_an_id_that_no_replica_has_made_reaches_nobody(tmp_path: Path) -> None:
    asked: list[bytes] = []

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.read(100))
        writer.close()

    trap = await asyncio.start_server(hear, "127.0.0.1", 0)
    trapped = f"http://127.0.0.1:{trap.sockets[0].getsockname()[1]}"
    genuine = Ids(trapped, KEY).new()
    false = [
        Ids(trapped, "another key, just as long as that one").new(),
        genuine[:-1],
        genuine[1:],
        "...",
        "a.b.c.d",
        "ü",
    ]
    async with trap, replica(tmp_path / "one") as (one, _), httpx2.AsyncClient() as client:
        session = Http(client, f"{one}/mcp")
        for ident in false:
            session.headers["mcp-session-id"] = ident.encode()
            assert (await session.post({"id": 1, "method": "ping"})).status_code == 404, ident
        session.headers["mcp-session-id"] = genuine
        handed_on_before = {**session.headers, "mcp-mend-forwarded": "once"}
        again = await client.post(
            session.url, json={"jsonrpc": "2.0", "id": 1, "method": "ping"}, headers=handed_on_before
        )
        assert again.status_code == 404
    assert asked == []


async def test_a_replica_that_leaves_says_so_and_finishes_what_it_holds(tmp_path: Path) -> None:
    async with two(tmp_path) as ((one, leaving), (other, _)), httpx2.AsyncClient() as client:
        session = Http(client, f"{one}/mcp")
        await session.open()
        slow = {"name": "a__echo", "arguments": {"text": "slowly"}}
        leaving.process.send_signal(signal.SIGTERM)
        await asyncio.sleep(0.2)
        assert (await client.get(f"{one}/readyz")).status_code == 503
        refused = await Http(client, f"{one}/mcp").post({"id": 1, "method": "initialize", "params": {}})
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        session.url = f"{other}/mcp"
        assert "result" in await session.ask("tools/call", slow)
        async with asyncio.timeout(15):
            assert await leaving.process.wait() == 0
        assert (await session.post({"id": 8, "method": "ping"})).status_code == 404


def running_of(parent: psutil.Process) -> list[psutil.Process]:
    return [child for child in parent.children() if child.status() != psutil.STATUS_ZOMBIE]


async def test_workers_share_one_address_and_are_started_anew(tmp_path: Path) -> None:
    address = f"127.0.0.1:{free_port()}"
    path = tmp_path / "mend.toml"
    path.write_text(f"[upstreams.a]\ncommand = {ECHO[0]!r}\nargs = {ECHO[1:]!r}\n")
    command = [*MEND, "serve", "--config", str(path), "--http", address, "--workers", "2"]
    async with started(tmp_path, *command) as parent:
        process = psutil.Process(parent.process.pid)
        async with httpx2.AsyncClient() as client:
            await until_up(client, f"http://{address}")
        sessions: list[Http] = []
        for _ in range(8):
            async with httpx2.AsyncClient() as client:
                sessions.append(Http(client, f"http://{address}/mcp"))
                await sessions[-1].open()
        for session in sessions:  # each on a connection of its own, which either worker takes
            async with httpx2.AsyncClient() as client:
                session.client = client
                assert await session.say("a__echo", "there") == "there"
        workers = running_of(process)
        assert len(workers) == 2
        workers[0].kill()
        async with asyncio.timeout(20):
            while workers[0] in running_of(process) or len(running_of(process)) < 2:  # noqa: ASYNC110  a process tells nobody
                await asyncio.sleep(0.1)
        parent.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(20):
            assert await parent.process.wait() == 0
        assert psutil.wait_procs(workers, timeout=10)[1] == []


async def test_workers_end_with_their_parent(tmp_path: Path) -> None:
    address = f"127.0.0.1:{free_port()}"
    path = tmp_path / "mend.toml"
    path.write_text("")
    async with started(tmp_path, *MEND, "serve", "--config", str(path), "--http", address, "--workers", "2") as parent:
        async with httpx2.AsyncClient() as client:
            await until_up(client, f"http://{address}")
        workers = psutil.Process(parent.process.pid).children()
        parent.process.kill()
        assert psutil.wait_procs(workers, timeout=20)[1] == []


def test_a_session_is_not_recorded_by_what_lets_others_use_it() -> None:
    ids = Ids("http://10.0.0.5:8080", KEY)
    ident = ids.new()
    assert name_of(ident) in ident
    assert ident.rpartition(".")[2] not in name_of(ident)
    assert ids.elsewhere(ident) is None
    assert Ids("http://10.0.0.6:8080", KEY).elsewhere(ident) == "http://10.0.0.5:8080"
    assert name_of("0123abcd") == "0123abcd"


@pytest.mark.parametrize(
    ("replicas", "said"),
    [
        ('address = "http://10.0.0.5:1"', "go together"),
        ('address = "http://10.0.0.5:1"\nkey = "short"', "needs 32"),
        ('address = "10.0.0.5"\nkey = "0123456789012345678901234567890123"', "address"),
    ],
)
async def test_half_a_configuration_is_refused(tmp_path: Path, replicas: str, said: str) -> None:
    path = tmp_path / "mend.toml"
    path.write_text(f"[replicas]\n{replicas}\n")
    options: dict[str, Any] = {"stdout": asyncio.subprocess.PIPE, "stderr": asyncio.subprocess.STDOUT}
    command = [*MEND, "serve", "--config", str(path), "--http", "127.0.0.1:0"]
    process = await asyncio.create_subprocess_exec(*command, **options)
    told = (await process.communicate())[0].decode()
    assert process.returncode == 2
    assert said in told
    assert str(path) in told.replace("\n", "")
