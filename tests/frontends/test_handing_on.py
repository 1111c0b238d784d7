"""Requests handed on between two replicas in this process, and workers kept by a parent in this process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import httpx2
import pytest

from catalog_cache.cache import Cache
from proxy.aggregate.router import Router
from proxy.frontends import listener, serving, workers
from proxy.upstreams.fleet import running
from schemas import config as settings
from tests.frontends.guests import CALL, Guest, house, until
from tests.frontends.httpclient import HELLO, JSON, Http, free_port, until_up

KEY = "a key that both replicas share, long enough"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@asynccontextmanager
async def replica() -> AsyncGenerator[tuple[str, asyncio.Event]]:
    """A replica of no upstreams; gives its address and what ends it."""
    http, stop = settings.Http(drain_seconds=1), asyncio.Event()
    with listener.listening(http, "127.0.0.1", 0) as socket:
        address = f"http://127.0.0.1:{socket.getsockname()[1]}"
        here = listener.Listener([socket], settings.Replicas(address=address, key=KEY, leave_seconds=0))
        async with running({}, Cache({})) as fleet, asyncio.TaskGroup() as tasks:
            router = Router(fleet, cast("Any", None))
            tasks.create_task(serving.serve(lambda _: router, lambda: http, here, stop))
            try:
                yield address, stop
            finally:
                stop.set()


async def test_each_verb_of_a_session_is_handed_on_to_its_owner() -> None:
    async with replica() as (one, _), replica() as (other, _), httpx2.AsyncClient() as client:
        session = Http(client, f"{one}/mcp")
        await session.open()
        session.url = f"{other}/mcp"
        assert (await session.ask("ping"))["result"] == {}
        headers = {**session.headers, "accept": "text/event-stream"}
        async with client.stream("GET", session.url, headers=headers) as stream:
            assert stream.status_code == 200
            assert (await client.get(session.url, headers=headers)).status_code == 409
        assert (await client.delete(session.url, headers=session.headers)).status_code == 200
        assert (await session.post({"id": 1, "method": "ping"})).status_code == 404


async def test_an_old_clients_messages_reach_its_stream_through_the_other_replica() -> None:
    async with replica() as (one, _), replica() as (other, _), httpx2.AsyncClient() as client:
        opening = client.stream("GET", f"{one}/sse", headers={"accept": "text/event-stream"})
        async with opening as stream:
            lines = stream.aiter_lines()
            where = [await anext(lines) for _ in range(2)][1].removeprefix("data: ")
            hello = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": HELLO}
            assert (await client.post(other + where, json=hello, headers=JSON)).status_code == 202
            async with asyncio.timeout(10):
                assert any(["serverInfo" in line async for line in _until(lines, "serverInfo")])


async def _until(lines: Any, part: str) -> AsyncGenerator[str]:
    async for line in lines:
        yield line
        if part in line:
            return


async def test_a_session_whose_owner_has_left_is_not_found() -> None:
    async with replica() as (other, _), httpx2.AsyncClient() as client:
        async with replica() as (one, _):
            session = Http(client, f"{one}/mcp")
            await session.open()
        session.url = f"{other}/mcp"
        assert (await session.post({"id": 1, "method": "ping"})).status_code == 404


async def test_an_owner_that_breaks_off_leaves_the_outcome_open() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    from proxy.frontends.owners import Ids

    ident = Ids(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", KEY).new()
    async with server, replica() as (other, _), httpx2.AsyncClient() as client:
        session = Http(client, f"{other}/mcp")
        session.headers["mcp-session-id"] = ident
        answer = await session.post({"id": "x", "method": "tools/call", "params": {"name": "a"}})
    assert (answer.status_code, answer.json()["id"]) == (502, "x")
    assert "not known" in answer.json()["error"]["message"]


async def test_a_parent_keeps_its_workers_until_it_is_asked_to_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MCP_MEND_HOME", str(tmp_path))
    file = tmp_path / "mend.toml"
    file.write_text("")
    stop, port = asyncio.Event(), free_port()
    arguments = ["--config", str(file), "--http", f"127.0.0.1:{port}"]
    async with asyncio.TaskGroup() as tasks, httpx2.AsyncClient() as client:
        tasks.create_task(workers.supervise(settings.Http(), "127.0.0.1", port, 1, arguments, stop))
        await until_up(client, f"http://127.0.0.1:{port}")
        stop.set()
    with pytest.raises(httpx2.ConnectError):
        httpx2.get(f"http://127.0.0.1:{port}/healthz")


async def test_a_worker_that_cannot_start_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "PAUSES", (0.01,))
    started: list[int] = []

    async def run(*_: Any) -> int:
        started.append(1)
        if len(started) == 3:
            stop.set()
        return 1

    stop = asyncio.Event()
    monkeypatch.setattr(workers, "_run", run)
    await workers.supervise(settings.Http(), "127.0.0.1", free_port(), 1, [str(tmp_path)], stop)
    assert len(started) >= 3


def test_a_call_that_was_held_for_an_answer_is_gone_on_with_by_the_replica_that_holds_it(tmp_path: Path) -> None:
    more = f'[replicas]\naddress = "http://127.0.0.1:@PORT"\nkey = "{KEY}"\nleave_seconds = 0\n'
    folders = [tmp_path / name for name in ("one", "other")]
    for folder in folders:
        folder.mkdir()
    with house(folders[1], more) as other:
        through = Guest(other.base)
        with house(folders[0], more) as one:
            again = _answered(Guest(one.base))
            assert "result" in through.ask(CALL, again)
            assert through.ask(CALL, again)["error"]["message"] == "this requestState is unknown or was given up"
            late = _answered(Guest(one.base))
        assert through.ask(CALL, late)["error"]["message"] == "this requestState is unknown or was given up"
        forged = {**late, "requestState": late["requestState"][:-1] + "x"}
        assert through.ask(CALL, forged)["error"]["message"] == "this requestState is unknown or was given up"


def _answered(guest: Guest) -> dict[str, Any]:
    """A call that its server holds up with a question, as it is sent again with the answer."""
    call = {"name": "one__echo", "arguments": {"text": "ask"}}
    until(lambda: "one__echo" in guest.tools())
    asked = guest.ask(CALL, call)["result"]
    given = {key: {"roots": []} for key in asked["inputRequests"]}
    return {**call, "requestState": asked["requestState"], "inputResponses": given}
