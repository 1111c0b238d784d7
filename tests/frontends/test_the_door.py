"""Who comes in over HTTP, in what form, how many at once, and how long they may take."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import anyio
import httpx2
import psutil
import pytest

from catalog_cache.cache import Cache
from proxy.aggregate.router import Router
from proxy.frontends import listener, requests, serving
from proxy.frontends.admission import Admission
from proxy.upstreams.fleet import running
from schemas import config as settings
from tests.frontends.httpclient import HELLO, JSON, Http, over_http
from tests.frontends.rawclient import SERVERS, config
from tests.promises import promise

WAYWARD = [sys.executable, str(SERVERS / "wayward.py")]


@promise("door-is-strict")
@pytest.mark.parametrize(
    ("host", "lets_in"),
    [
        ("127.0.0.1:80", True),
        ("localhost", True),
        ("LocalHost:8765", True),
        ("[::1]:80", True),
        ("[::1]", True),
        ("", False),
        ("localhost.", False),
        ("localhost:", False),
        ("localhost:80:80", False),
        ("127.0.0.1:80@evil.example", False),
        ("evil@127.0.0.1", False),
        ("localhost/evil", False),
        ("localhost#evil", False),
        ("localhost?", False),
        ("::1", False),
        ("[::1", False),
        ("127.0.0.1 evil", False),
        ("localhost,evil.example", False),
        ("127.1", False),
        ("localhost\u0661", False),
        ("mend.internal:80", True),
        ("MEND.internal", True),
        ("x@mend.internal", False),
    ],
)
def test_a_host_is_taken_at_its_word_and_in_no_other_form(host: str, lets_in: bool) -> None:
    door = Admission(lambda: settings.Http(allowed_hosts=["mend.internal"]), loopback=True)
    assert (door.refusal({"host": host}) is None) is lets_in


@promise("door-is-strict")
@pytest.mark.parametrize(
    ("origin", "lets_in"),
    [
        ("http://localhost:3000", True),
        ("https://127.0.0.1", True),
        ("HTTP://LOCALHOST", True),
        ("http://[::1]:1", True),
        ("null", False),
        ("", False),
        ("localhost", False),
        ("http://", False),
        ("http://localhost.", False),
        ("http://localhost@evil.example", False),
        ("http://evil.example@localhost", False),
        ("http://localhost/", False),
        ("file://localhost", False),
        ("http://localhost http://evil.example", False),
        ("https://page.example", True),
        ("https://page.example.evil", False),
    ],
)
def test_an_origin_is_taken_at_its_word_and_in_no_other_form(origin: str, lets_in: bool) -> None:
    door = Admission(lambda: settings.Http(allowed_origins=["https://page.example"]), loopback=True)
    assert (door.refusal({"host": "localhost", "origin": origin}) is None) is lets_in


@promise("door-is-strict")
@pytest.mark.parametrize("name", ["authorization", "origin", "mcp-session-id"])
async def test_a_header_that_decides_stands_once(tmp_path: Path, name: str) -> None:
    async with over_http(tmp_path, config(tmp_path)) as base, httpx2.AsyncClient() as client:
        once = {**JSON, "authorization": "Bearer x", "host": base[7:], "origin": base, "mcp-session-id": "x"}
        headers = [*once.items(), (name, once[name])]
        ping = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
        assert (await client.post(f"{base}/mcp", json=ping, headers=headers)).status_code == 400
        assert (await client.post(f"{base}/mcp", json=ping, headers=once)).status_code == 404


IDS = {
    **dict.fromkeys(("1.5", "-3", '""'), 200),
    **dict.fromkeys(("[]", "{}", "true", "null", "1e999"), 400),
}


@promise("every-call-is-answered")
async def test_every_id_is_answered_as_it_was_sent_or_refused(tmp_path: Path) -> None:
    async with over_http(tmp_path, config(tmp_path)) as base, httpx2.AsyncClient() as client:
        session = Http(client, f"{base}/mcp")
        await session.open()
        modern = {**JSON, "mcp-protocol-version": "2026-07-28"}
        for ident, status in IDS.items():
            body = f'{{"jsonrpc":"2.0","id":{ident},"method":"ping"}}'
            reply = await client.post(session.url, content=body, headers=session.headers, timeout=20)
            assert reply.status_code == status
            assert (f'"id":{ident},"result"' in reply.text) is (status == 200)
            assert (await client.post(session.url, content=body, headers=modern, timeout=20)).status_code == 400


@promise("every-call-is-answered")
async def test_a_body_that_is_no_message_is_refused(tmp_path: Path) -> None:
    async with over_http(tmp_path, config(tmp_path)) as base, httpx2.AsyncClient() as client:
        session = Http(client, f"{base}/mcp")
        await session.open()
        for headers in (session.headers, {**JSON, "mcp-protocol-version": "2026-07-28"}):
            for body in ("[]", "[1]", "7", "nothing", '{"jsonrpc":"2.0","id":7,"method":"ping"', "\0", ""):
                reply = await client.post(session.url, content=body, headers=headers, timeout=20)
                assert reply.status_code == 400
                assert json.loads(reply.content)["error"]["code"] in (-32700, -32600)


@promise("sessions-are-counted")
async def test_one_session_too_many_is_refused_with_the_reason_and_leaves_no_process(tmp_path: Path) -> None:
    file = tmp_path / "mend.toml"
    file.write_text(
        f"[http]\nsessions = 2\n[upstreams.a]\ncommand = {json.dumps(WAYWARD[0])}\nargs = {json.dumps(WAYWARD[1:])}\n",
        encoding="utf-8",
    )
    async with over_http(tmp_path, file) as base, httpx2.AsyncClient() as client:
        used = [Http(client, f"{base}{path}") for path in ("/mcp", "/servers/a/mcp")]
        pids: set[str] = set()
        for session, tool in zip(used, ("a__echo", "echo"), strict=True):
            await session.open()
            pids.add(await session.say(tool, "pid"))
        refused = await Http(client, f"{base}/mcp").post({"id": 1, "method": "initialize", "params": HELLO})
        assert refused.status_code == 503
        assert "http.sessions" in json.loads(refused.content)["error"]["message"]
        assert all(psutil.pid_exists(int(pid)) for pid in pids)
        await client.delete(used[0].url, headers=used[0].headers)
        await Http(client, f"{base}/mcp").open()


@promise("sessions-are-counted")
async def test_a_session_without_connections_makes_room(tmp_path: Path) -> None:
    file = tmp_path / "mend.toml"
    file.write_text("[http]\nsessions = 2\n", encoding="utf-8")
    async with over_http(tmp_path, file) as base, httpx2.AsyncClient() as client:
        sessions = [Http(client, f"{base}/mcp") for _ in range(3)]
        for session in sessions:
            await session.open()
        statuses = [(await session.post({"id": 5, "method": "ping"})).status_code for session in sessions]
    assert statuses == [404, 200, 200]


@asynccontextmanager
async def served(config: settings.Http | None = None) -> AsyncGenerator[tuple[str, int]]:
    """The HTTP frontend of no upstreams, in this process."""
    http = config or settings.Http()
    stop = asyncio.Event()
    with listener.listening(settings.Http(), "127.0.0.1", 0) as socket:
        async with running({}, Cache({})) as fleet:
            router = Router(fleet, cast("Any", None))
            work = asyncio.ensure_future(
                serving.serve(lambda _: router, lambda: http, listener.Listener([socket], settings.Replicas()), stop)
            )
            try:
                yield socket.getsockname()[:2]
            finally:
                stop.set()
                await work


@promise("door-is-strict")
async def test_a_page_may_ask_first_and_read_the_answer_where_its_origin_is_welcome() -> None:
    first = {"access-control-request-method": "POST", "access-control-request-headers": "authorization, mcp-session-id"}
    welcome, other = {"origin": "http://localhost:3000"}, {"origin": "http://evil.example"}
    right = {"authorization": "Bearer sesame"}
    async with (
        served(settings.Http.model_validate({"token": "sesame"})) as (host, port),
        httpx2.AsyncClient() as client,
    ):
        url = f"http://{host}:{port}/mcp"
        asked = await client.options(url, headers={**welcome, **first})
        assert asked.is_success
        assert asked.headers["access-control-allow-origin"] == welcome["origin"]
        assert asked.headers["access-control-allow-headers"] == first["access-control-request-headers"]
        assert "DELETE" in asked.headers["access-control-allow-methods"]
        answered = await client.get(url, headers={**welcome, **right})
        assert answered.headers["access-control-allow-origin"] == welcome["origin"]
        assert answered.headers["access-control-expose-headers"] == "mcp-session-id"
        assert "origin" in answered.headers["vary"].lower()
        for headers in ({**other, **first}, {**other, **right}):
            refused = await client.request("OPTIONS" if headers.keys() & first else "GET", url, headers=headers)
            assert refused.status_code == 403
            assert "access-control-allow-origin" not in refused.headers
        assert (await client.options(url, headers=welcome)).status_code == 401


@promise("slow-clients-go")
@pytest.mark.parametrize("head", [b"", b"GET / HTTP/1.1\r\nhost: localhost\r\n"])
async def test_a_request_whose_head_never_ends_is_cut_off(head: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "HEAD_SECONDS", 0.2)
    async with served() as address:
        with anyio.fail_after(10):
            stream = await anyio.connect_tcp(*address)
            await stream.send(head)
            with pytest.raises(anyio.EndOfStream):
                await stream.receive()
            await stream.aclose()


@promise("slow-clients-go")
async def test_the_second_request_of_a_connection_must_come_in_time_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "HEAD_SECONDS", 0.5)
    async with served() as address:
        with anyio.fail_after(10):
            stream = await anyio.connect_tcp(*address)
            await stream.send(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n")
            assert (await stream.receive()).startswith(b"HTTP/1.1 200")
            await stream.send(b"GET /healthz HTTP/1.1\r\n")
            with pytest.raises(anyio.EndOfStream):
                await stream.receive()
            await stream.aclose()


@promise("slow-clients-go")
async def test_a_request_whose_body_never_ends_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests, "BODY_SECONDS", 0.2)
    head = b"POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n"
    async with served() as address:
        with anyio.fail_after(10):
            stream = await anyio.connect_tcp(*address)
            await stream.send(head + b"{")
            assert (await stream.receive()).startswith(b"HTTP/1.1 408")
            await stream.aclose()


@promise("slow-clients-go")
async def test_one_connection_too_many_is_closed_and_the_others_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "CONNECTIONS", 2)
    async with served() as address:
        with anyio.fail_after(10):
            first, second, third = [await anyio.connect_tcp(*address) for _ in range(3)]
            with pytest.raises(anyio.EndOfStream):
                await third.receive()
            await first.send(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n")
            assert (await first.receive()).startswith(b"HTTP/1.1 200")
            for each in (first, second, third):
                await each.aclose()
