"""Servers reached over HTTP, and servers of the modern era."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from typing import Any

import anyio
import httpx2
import pytest

from proxy.upstreams import http
from proxy.upstreams.connection import UpstreamConnection
from proxy.upstreams.fleet import Fleet
from proxy.wire.caller import Profile
from schemas.config import Upstream
from schemas.trial import Lost, Reply
from tests.promises import promise
from tests.upstreams.fleets import SERVERS, Remembering, echo, fleet, said, say

Pipe = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def listening(server: str, port: int, *options: str) -> Generator[str]:
    """A server on a port, from its first answer until this is left."""
    command = [sys.executable, str(SERVERS / server), str(port), *options]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(400):
            try:
                httpx2.get(f"http://127.0.0.1:{port}/")
                break
            except httpx2.ConnectError:
                process.poll()
                assert process.returncode is None
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


async def simple(upstreams: Fleet, caller: Remembering | None = None) -> Reply:
    with anyio.fail_after(20):
        return await upstreams.request("a", "tools/call", {"name": "test_simple_text", "arguments": {}}, caller)


async def test_a_restarted_servers_dead_session_is_replaced() -> None:
    port = free_port()
    with ExitStack() as first:
        url = first.enter_context(listening("everything.py", port))
        async with fleet(a=Upstream(url=f"{url}/mcp")) as upstreams:
            assert said(await simple(upstreams)).startswith("This is a simple text")
            first.close()
            with listening("everything.py", port):
                assert said(await simple(upstreams)).startswith("This is a simple text")


async def test_a_server_of_both_eras_is_reached_in_the_clients_own() -> None:
    with listening("everything.py", free_port()) as url:
        async with fleet(a=Upstream(url=f"{url}/mcp")) as upstreams:
            assert "resultType" not in (await simple(upstreams)).result  # type: ignore[operator]
            assert (await simple(upstreams, Remembering(modern=True))).result["resultType"] == "complete"  # type: ignore[index]


async def test_sse_is_spoken_where_http_is_refused() -> None:
    with listening("old_sse.py", free_port()) as url:
        async with fleet(a=Upstream(url=f"{url}/sse")) as upstreams:
            assert said(await say(upstreams, "a", "old but alive")) == "old but alive"


NO_SESSION = (
    '{"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"No valid session ID or not an initialize request"}}'
)
TIMED_OUT = '{"jsonrpc":"2.0","id":%d,"error":{"code":-32001,"message":"the payment session timed out"}}'
LATER = '{"jsonrpc":"2.0","id":%d,"error":{"code":-32000,"message":"the browser session ended halfway"}}'
FAULT = '{"jsonrpc":"2.0","id":%d,"error":{"code":-32602,"message":"session_id is required"}}'


@promise("effects-once")
@pytest.mark.parametrize(
    "how", ["301", "302", "303", "307", "308", "400", "404 ", "409", "429", "500", "502", "503", "504"]
)
async def test_a_call_is_posted_once_whatever_http_says_after_it(how: str) -> None:
    with listening("turncoat.py", free_port(), "--sessionless") as url:
        async with fleet(a=Upstream(url=f"{url}/mcp")) as upstreams:
            reply = await say(upstreams, "a", how)
            assert reply.lost is Lost.BROKEN
            assert f"HTTP {how}" in reply.message
            assert said(await say(upstreams, "a", "count")) == "1 calls, 1 sessions"


@promise("lost-sessions-are-renewed")
@pytest.mark.parametrize(
    "how",
    [
        *("404", "400 session-1 is unknown", f"400 {NO_SESSION}", "400 Server not initialized"),
        *("410 session expired", "503 unknown session", f"503 {NO_SESSION}"),
        '200 {"jsonrpc":"2.0","id":%d,"error":{"code":-32001,"message":"Session not found"}}',
        '200 {"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"No valid session ID provided"}}',
        '200 {"jsonrpc":"2.0","id":%d,"error":{"code":-32000,"message":"session-1 has ended"}}',
    ],
)
async def test_a_session_that_is_gone_is_begun_anew_and_the_call_sent_once_more(how: str) -> None:
    with listening("turncoat.py", free_port()) as url:
        async with fleet(a=Upstream(url=f"{url}/mcp")) as upstreams:
            assert said(await say(upstreams, "a", how)) == "served"
            assert said(await say(upstreams, "a", "count")) == "2 calls, 2 sessions"


@promise("effects-once")
async def test_a_server_that_is_out_of_order_is_not_asked_twice_for_naming_a_session_of_its_own() -> None:
    with listening("turncoat.py", free_port()) as url:
        async with fleet(a=Upstream(url=f"{url}/mcp")) as upstreams:
            assert (await say(upstreams, "a", "503 the session store timed out")).lost is Lost.BROKEN
            assert said(await say(upstreams, "a", "count")) == "1 calls, 1 sessions"


@promise("lost-sessions-are-renewed")
async def test_a_session_that_is_always_gone_is_begun_anew_once_for_a_call() -> None:
    with listening("turncoat.py", free_port()) as url:
        async with fleet(a=Upstream(url=f"{url}/mcp")) as upstreams:
            lost = await say(upstreams, "a", "404 always")
            assert lost.lost is Lost.NOT_SENT
            assert said(await say(upstreams, "a", "count")).startswith("2 calls")


async def test_a_server_without_a_stream_of_its_own_may_answer_404_for_it_and_keeps_its_session() -> None:
    with listening("turncoat.py", free_port(), "--get", "404") as url:
        async with fleet(a=Upstream(url=f"{url}/mcp")) as upstreams:
            for _ in range(5):
                assert said(await say(upstreams, "a", "hello")) == "served"
                await anyio.sleep(0.1)
            assert said(await say(upstreams, "a", "count")) == "5 calls, 1 sessions"


async def test_404_for_a_stream_that_was_served_before_begins_the_session_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "RETRY", 0.05)
    with listening("turncoat.py", free_port(), "--get", "405,200,404") as url:
        async with fleet(a=Upstream(url=f"{url}/mcp")) as upstreams:
            with anyio.fail_after(10):
                while said(await say(upstreams, "a", "count")) != "0 calls, 2 sessions":  # noqa: ASYNC110  the server tells
                    await anyio.sleep(0.05)


@promise("effects-once")
@pytest.mark.parametrize(
    ("how", "error"),
    [
        (f"400 {FAULT}", {"code": -32602, "message": "session_id is required"}),
        (f"200 {LATER}", {"code": -32000, "message": "the browser session ended halfway"}),
        (f"200 {TIMED_OUT}", {"code": -32001, "message": "the payment session timed out"}),
    ],
)
async def test_a_refusal_of_the_call_itself_renews_no_session(how: str, error: dict[str, object]) -> None:
    with listening("turncoat.py", free_port()) as url:
        async with fleet(a=Upstream(url=f"{url}/mcp")) as upstreams:
            refused = await say(upstreams, "a", how)
            assert refused.error == error
            assert said(await say(upstreams, "a", "count")) == "1 calls, 1 sessions"


async def test_a_server_that_is_not_there_is_told_by_its_address() -> None:
    url = f"http://127.0.0.1:{free_port()}/mcp"
    async with fleet(a=Upstream(url=url)) as upstreams:
        lost = await say(upstreams, "a", "x")
    assert lost.lost is Lost.NOT_SENT
    assert url in lost.message


async def test_a_server_without_sessions_serves_a_client_of_the_handshake_era() -> None:
    caller = Remembering(Reply(result={"roots": [{"uri": "file:///x"}]}))
    async with fleet(a=echo("--modern")) as upstreams:
        assert said(await say(upstreams, "a", "hello", caller)) == "hello"
        answered = json.loads(said(await say(upstreams, "a", "ask", caller)))
    assert answered == [{"where": {"roots": [{"uri": "file:///x"}]}}, "state"]
    assert caller.asked == [("roots/list", None)]


async def test_calls_in_turn_go_over_one_connection() -> None:
    accepted: list[int] = []
    with listening("everything.py", port := free_port()):

        async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            accepted.append(1)
            behind, out = await asyncio.open_connection("127.0.0.1", port)
            await asyncio.gather(_pumped(reader, out), _pumped(behind, writer))

        async with await asyncio.start_server(relay, "127.0.0.1", 0) as front:
            url = f"http://127.0.0.1:{front.sockets[0].getsockname()[1]}/mcp"
            async with fleet(a=Upstream(url=url)) as upstreams:
                await simple(upstreams)
                before = len(accepted)
                for _ in range(5):
                    assert said(await simple(upstreams)).startswith("This is a simple text")
                assert len(accepted) - before <= 1


@asynccontextmanager
async def answering(answer: Callable[[dict[str, str], Any, Pipe], Awaitable[None]]) -> AsyncGenerator[str]:
    """A server that leaves each request, by its headers and its message, to `answer`; the address of its endpoint."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := (await reader.readuntil(b"\r\n\r\n")).decode().lower():
                headers = dict(line.split(": ", 1) for line in head.strip().split("\r\n")[1:])
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                await answer(headers, json.loads(body or b"{}"), (reader, writer))
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/mcp"


async def test_sessions_use_tcp_connections_in_turn_and_keep_their_cookies_to_themselves() -> None:
    listed: set[object] = set()
    sessions: list[str] = []
    heard: list[tuple[str, str]] = []

    async def answer(headers: dict[str, str], message: Any, pipe: Pipe) -> None:
        reply = _whole(message)
        if message.get("method") == "initialize":
            sessions.append(f"s{len(sessions)}")
            own = f"HTTP/1.1 200 OK\r\nmcp-session-id: {sessions[-1]}\r\nset-cookie: who={sessions[-1]}"
            reply = reply.replace(b"HTTP/1.1 200 OK", own.encode(), 1)
        elif "mcp-session-id" in headers:
            heard.append((headers["mcp-session-id"], headers.get("cookie", "")))
        if message.get("method") == "tools/list":
            listed.add(pipe)
        pipe[1].write(reply)

    async with answering(answer) as url, fleet(a=Upstream(url=url)) as upstreams, AsyncExitStack() as ending:
        await upstreams.listed_all("a")
        member = upstreams.member("a")
        assert member is not None
        own: list[UpstreamConnection] = []
        for _ in range(4):
            own.append(await member.connect(Profile(), upstreams.broadcast))
            ending.push_async_callback(own[-1].close)
        for connection in own * 5:
            await connection.request("tools/list", {})
    assert len(sessions) == 5
    assert len(heard) > 20
    assert all(cookie == f"who={session}" for session, cookie in heard)
    assert len(listed) <= 2


async def _pumped(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
    writer.close()


async def test_a_stream_that_does_not_end_with_its_reply_holds_nothing_up() -> None:
    opened = ended = 0

    async def answer(headers: dict[str, str], message: Any, pipe: Pipe) -> None:
        nonlocal opened, ended
        del headers
        reader, writer = pipe
        if message.get("method") != "tools/call":
            writer.write(_whole(message))
            return
        opened += 1
        result = {"content": [{"type": "text", "text": "hello"}]}
        event = json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result})
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n")
        writer.write(f"data: {event}\n\n".encode())
        assert await reader.read(1) == b""
        ended += 1

    async with answering(answer) as url, fleet(a=Upstream(url=url)) as upstreams:
        with anyio.fail_after(0.9):
            for _ in range(3):
                assert said(await say(upstreams, "a", "hello")) == "hello"
        with anyio.fail_after(5):
            while ended < opened:  # noqa: ASYNC110  the other side closes
                await anyio.sleep(0.05)
    assert opened == 3


def _whole(message: dict[str, Any]) -> bytes:
    """A plain answer to anything but a call."""
    if "id" not in message:
        return b"HTTP/1.1 405 Method Not Allowed\r\ncontent-length: 0\r\n\r\n"
    results: dict[str, Any] = {
        "initialize": {
            "protocolVersion": "2025-11-25",
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "s", "version": "1"},
        },
        "tools/list": {"tools": [{"name": "echo", "inputSchema": {"type": "object"}}]},
    }
    told = {"result": results[message["method"]]} if message["method"] in results else {"error": {"code": -32601}}
    body = json.dumps({"jsonrpc": "2.0", "id": message["id"], **told}).encode()
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body
