"""In front of one server, a client sees that server and nothing of us."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import anyio
import anyio.lowlevel
import anyio.to_thread
import psutil
import pytest

from tests.frontends.rawclient import ECHO, MEND, MODERN, SERVERS, started, wrapped
from tests.promises import promise


async def test_the_upstream_introduces_itself(tmp_path: Path) -> None:
    async with started(tmp_path, *wrapped()) as client:
        reply = await client.initialize("2025-06-18", roots={"listChanged": True})
    client_info = {"name": "raw", "version": "1", "x-vendor": None}
    assert reply["result"] == {
        "protocolVersion": "2025-06-18",
        "capabilities": {"tools": {"listChanged": True}},
        "serverInfo": {"name": "echo", "version": "1", "x-vendor": [1, None], "client": client_info},
        "instructions": "Echo.",
    }


async def test_replies_are_the_upstreams_own(tmp_path: Path) -> None:
    """Direct and through us, the same requests have the same answers, byte for byte but for the order of keys."""
    requests = [
        ("tools/list", {}),
        ("tools/call", {"name": "echo", "arguments": {"text": "hé\u2028 \ud83d\ude00"}}),
        ("ping", None),
        ("vendor/params", {"a": None, "b": [1, 2.5, 10**20], "_meta": {"traceparent": "00-1"}}),
        ("no/such", {}),
    ]
    async with started(tmp_path, *ECHO) as direct, started(tmp_path, *wrapped()) as ours:
        await direct.initialize()
        await ours.initialize()
        for method, params in requests:
            assert await ours.request(method, params, f"id {method}") == await direct.request(
                method, params, f"id {method}"
            )


async def test_progress_keeps_the_clients_token(tmp_path: Path) -> None:
    async with started(tmp_path, *wrapped()) as client:
        await client.initialize()
        await client.call("echo", "progress", _meta={"progressToken": "mine"})
        told = [message["params"] for message in client.seen]
    assert told == [{"progressToken": "mine", "progress": done, "total": None, "x-vendor": 1} for done in range(3)]


async def test_a_question_of_the_upstream_reaches_the_client(tmp_path: Path) -> None:
    async with started(tmp_path, *wrapped()) as client:
        await client.initialize(roots={})
        reply = await client.call("echo", "ask")
    assert json.loads(reply["result"]["content"][0]["text"]) == {"roots": [{"uri": "file:///here"}]}


async def test_a_cancelled_call_is_cancelled_upstream_and_never_answered(tmp_path: Path) -> None:
    async with started(tmp_path, *wrapped()) as client:
        await client.initialize()
        client.send(
            {
                "jsonrpc": "2.0",
                "id": "x",
                "method": "tools/call",
                "params": {"name": "echo", "arguments": {"text": "never"}},
            }
        )
        await client.call("echo", "the one before is on its way")
        client.send({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": "x"}})
        reply = await client.call("echo", "cancelled")
        assert len(json.loads(reply["result"]["content"][0]["text"])) == 1
        assert await client.close() == 0
        assert [message for message in client.seen if message.get("id") == "x"] == []


@promise("every-call-has-a-row")
async def test_every_call_has_a_row_whatever_became_of_it(tmp_path: Path) -> None:
    async with started(tmp_path, *wrapped()) as client:
        await client.initialize()
        await client.call("echo", "change")
        params = {"name": "echo", "arguments": {"text": "never"}}
        client.send({"jsonrpc": "2.0", "id": "x", "method": "tools/call", "params": params})
        await client.call("echo", "the one before is on its way")
        client.send({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": "x"}})
        await client.call("later", "listed later")
        await client.call("unlisted", "not listed")
        await client.call("echo", "die")
        params = {"name": "echo", "arguments": {"text": "never"}}
        client.send({"jsonrpc": "2.0", "id": "y", "method": "tools/call", "params": params})
        await client.request("ping")
        assert await client.close() == 0
    with closing(sqlite3.connect(tmp_path / "journal.db")) as journal:
        rows = journal.execute("SELECT tool, outcome FROM calls ORDER BY at").fetchall()
    assert sorted(rows) == sorted(
        [
            ("echo", "ok"),
            ("echo", "cancelled"),
            ("echo", "ok"),
            ("later", "ok"),
            ("unlisted", "ok"),
            ("echo", "broken"),
            ("echo", "cancelled"),
        ]
    )


async def test_changed_tools_are_announced_and_listed(tmp_path: Path) -> None:
    async with started(tmp_path, *wrapped()) as client:
        await client.initialize()
        await client.request("tools/list")
        await client.call("echo", "change")
        await client.heard("notifications/tools/list_changed")
        reply = await client.request("tools/list")
    assert [tool["name"] for tool in reply["result"]["tools"]] == ["echo", "later"]


async def test_a_modern_client_is_served_by_an_upstream_of_the_handshake_era(tmp_path: Path) -> None:
    async with started(tmp_path, *wrapped()) as client:
        discovered = await client.request("server/discover", {"_meta": MODERN})
        assert discovered["result"]["supportedVersions"] == ["2026-07-28"]
        assert discovered["result"]["instructions"] == "Echo."
        reply = await client.call("echo", "hello", _meta=MODERN)
        assert reply["result"]["resultType"] == "complete"
        assert reply["result"]["content"] == [{"type": "text", "text": "hello", "x-vendor": None}]
        listed = await client.request("tools/list", {"_meta": MODERN})
        assert {"ttlMs", "cacheScope", "resultType"} <= listed["result"].keys()
        gone = await client.request("ping", {"_meta": MODERN})
        assert gone["error"]["code"] == -32601


async def test_a_question_becomes_a_round_for_a_modern_client(tmp_path: Path) -> None:
    async with started(tmp_path, *wrapped()) as client:
        first = (await client.call("echo", "ask", _meta=MODERN))["result"]
        assert first["resultType"] == "input_required"
        ((key, request),) = first["inputRequests"].items()
        assert request == {"method": "roots/list"}
        answers = {key: {"roots": [{"uri": "file:///there"}]}, "unasked": {}}
        again = {"_meta": MODERN, "inputResponses": answers, "requestState": first["requestState"]}
        last = (await client.call("echo", "ask", **again))["result"]
        assert json.loads(last["content"][0]["text"]) == {"roots": [{"uri": "file:///there"}]}
        replayed = await client.call("echo", "ask", **again)
        assert replayed["error"]["code"] == -32602


async def test_a_modern_client_subscribes_to_changes(tmp_path: Path) -> None:
    async with started(tmp_path, *wrapped()) as client:
        await client.request("tools/list", {"_meta": MODERN})
        wish = {"toolsListChanged": True, "nonsense": 1}
        listen = {"jsonrpc": "2.0", "id": "sub", "method": "subscriptions/listen"}
        client.send({**listen, "params": {"_meta": MODERN, "notifications": wish}})
        acknowledged = await client.heard("notifications/subscriptions/acknowledged")
        tag = {"io.modelcontextprotocol/subscriptionId": "sub"}
        assert acknowledged["params"] == {"notifications": {"toolsListChanged": True}, "_meta": tag}
        await client.call("echo", "change", _meta=MODERN)
        changed = await client.heard("notifications/tools/list_changed")
        assert changed["params"] == {"_meta": tag}


async def test_a_line_that_is_no_message_is_answered_with_a_parse_error(tmp_path: Path) -> None:
    async with started(tmp_path, *wrapped()) as client:
        client.write(b"hello?\n")
        await client.initialize()
        assert client.seen[0]["error"]["code"] == -32700


@promise("every-call-is-answered")
async def test_a_request_that_cannot_be_read_is_refused_under_its_own_id(tmp_path: Path) -> None:
    params = '{"name":"echo","arguments":{"text":%s}}'
    deep, digits = "[" * 100_000 + "]" * 100_000, "7" * 5_000
    async with started(tmp_path, *wrapped()) as client:
        await client.initialize()
        for ident, value in ((1.5, deep), ("deep", deep), ("long", digits)):
            reply = await client.request_as(ident, f'"method":"tools/call","params":{params % value}')
            assert reply["error"]["code"] == -32600
            assert "cannot be read: " in reply["error"]["message"]
        assert (await client.call("echo", "then"))["result"]["content"][0]["text"] == "then"


@promise("every-call-is-answered")
async def test_bytes_of_another_encoding_are_read_with_a_sign_in_their_place(tmp_path: Path) -> None:
    params = '{"name":"echo","arguments":{"text":"a\xe9"}}'
    async with started(tmp_path, *wrapped()) as client:
        await client.initialize()
        reply = await client.request_as("x", f'"method":"tools/call","params":{params}')
    assert reply["result"]["content"][0]["text"] == "a\ufffd"


@pytest.mark.parametrize("ident", [1.5, -7, 0, "0", "1.5", ""])
async def test_an_id_comes_back_as_it_was_sent(tmp_path: Path, ident: object) -> None:
    async with started(tmp_path, *wrapped()) as client:
        reply = await client.request("ping", ident=ident)
    assert reply["id"] == ident


@promise("nothing-piles-up")
async def test_upstreams_wait_while_the_client_reads_nothing(tmp_path: Path) -> None:
    """The backlog is measured inside the proxy; the whole flood is sixty times the most that may wait."""
    code = (
        "from proxy.frontends import pipes, stdio; from proxy.cli import main; send = pipes.Pipes.send\n"
        "def noted(self, message):\n"
        "    send(self, message); most.append(self.backlog)\n"
        "    if b'flooded' in pipes.rpc.encode(message): open('backlog', 'w').write(str(max(most)))\n"
        "most = []; pipes.Pipes.send = noted; main()"
    )
    flood = {"name": "echo", "arguments": {"text": f"flood 1000 {1 << 16}"}}
    command = [sys.executable, "-c", code, "wrap", "--", sys.executable, str(SERVERS / "wayward.py")]
    environment = {"PYTHONPATH": str(Path(__file__).parents[2]), "MCP_MEND_HOME": str(tmp_path)}
    process = await asyncio.create_subprocess_exec(
        *command, stdin=-1, stdout=-1, stderr=-3, cwd=tmp_path, limit=1 << 20, env={**os.environ, **environment}
    )
    try:
        assert process.stdin is not None
        assert process.stdout is not None
        hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "slow", "version": "1"}}
        for ident, method, params in ((1, "initialize", hello), (2, "tools/call", flood)):
            message = {"jsonrpc": "2.0", "id": ident, "method": method, "params": params}
            process.stdin.write(json.dumps(message).encode() + b"\n")
        lines = 0
        async with asyncio.timeout(60):
            while b"flooded" not in await process.stdout.readline():
                lines += 1
                await asyncio.sleep(0)
        assert lines == 1001
        process.stdin.close()
        async with asyncio.timeout(20):
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert int((tmp_path / "backlog").read_text()) < 4 << 20


@promise("calls-under-way-are-finished")
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
async def test_a_call_under_way_is_answered_after_a_signal(tmp_path: Path, how: signal.Signals) -> None:
    async with started(tmp_path, *MEND, "wrap", "--", sys.executable, str(SERVERS / "wayward.py")) as client:
        await client.initialize()
        await client.call("echo", "up")
        waiting = asyncio.ensure_future(client.call("echo", "later 2"))
        await client.request("ping")
        os.kill(client.process.pid, how)
        assert (await waiting)["result"]["content"][0]["text"] == "late"
        async with asyncio.timeout(15):
            assert await client.process.wait() == 0


@promise("calls-under-way-are-finished")
async def test_a_second_signal_ends_at_once(tmp_path: Path) -> None:
    code = "from proxy.frontends import stdio; from proxy.cli import main; stdio.DRAIN = 600; main()"
    wayward = [sys.executable, str(SERVERS / "wayward.py")]
    async with started(tmp_path, sys.executable, "-c", code, "wrap", "--", *wayward) as client:
        await client.initialize()
        call = {"name": "echo", "arguments": {"text": "later 600"}}
        client.send({"jsonrpc": "2.0", "id": "x", "method": "tools/call", "params": call})
        for _ in range(2):
            await client.request("ping")
            os.kill(client.process.pid, signal.SIGTERM)
        async with asyncio.timeout(20):
            await client.process.wait()


async def test_a_lost_call_names_reason_and_last_words(tmp_path: Path) -> None:
    async with started(tmp_path, *wrapped()) as client:
        await client.initialize()
        reply = await client.call("echo", "die")
    assert "dying as asked" in reply["error"]["message"]


async def test_an_upstream_that_cannot_start_is_told_at_once(tmp_path: Path) -> None:
    async with started(tmp_path, *wrapped()[:-2], "no-such-program-anywhere") as client:
        reply = await client.initialize()
    assert "no-such-program-anywhere" in reply["error"]["message"]


async def test_threads_carry_the_protocol_where_the_event_loop_cannot_wait_for_pipes(tmp_path: Path) -> None:
    """As on other platforms than POSIX, on both sides: the client's pipes, and the server's process without a group."""
    code = "from proxy.frontends import pipes; from proxy.upstreams import stdio; from proxy.cli import main; "
    code += "pipes.POLLED = stdio.GROUPS = False; main()"
    command = [sys.executable, "-c", code, "wrap", "--", *ECHO, "--size", str(1 << 20)]
    async with started(tmp_path, *command) as client:
        await client.initialize(roots={})
        waiting = [asyncio.ensure_future(client.call("echo", f"call {number}")) for number in range(20)]
        texts = {(await each)["result"]["content"][0]["text"] for each in waiting}
        assert texts == {"x" * (1 << 20)}
        await client.call("echo", "ask")
        assert (await client.heard("roots/list"))["method"] == "roots/list"
        family = psutil.Process(client.process.pid).children(recursive=True)
        assert await client.close() == 0
    _, alive = await anyio.to_thread.run_sync(lambda: psutil.wait_procs(family, timeout=8))
    assert alive == []


async def test_requests_from_a_file_are_answered_into_a_file(tmp_path: Path) -> None:
    hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "file", "version": "1"}}
    asked = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello}
    (tmp_path / "in").write_text(json.dumps(asked) + "\n")
    with (tmp_path / "in").open("rb") as stdin, (tmp_path / "out").open("wb") as stdout:
        process = await asyncio.create_subprocess_exec(
            *wrapped(), stdin=stdin, stdout=stdout, env={**os.environ, "MCP_MEND_HOME": str(tmp_path)}
        )
        async with asyncio.timeout(20):
            assert await process.wait() == 0
    (line,) = (tmp_path / "out").read_text().splitlines()
    assert json.loads(line)["result"]["serverInfo"]["name"] == "echo"


async def test_calls_under_way_are_answered_after_stdin_closed(tmp_path: Path) -> None:
    async with started(tmp_path, *wrapped()) as client:
        await client.initialize()
        waiting = [anyio_task(client.call("echo", f"call {number}")) for number in range(20)]
        await anyio.lowlevel.checkpoint()
        assert await client.close() == 0
        texts = [(await each)["result"]["content"][0]["text"] for each in waiting]
    assert texts == [f"call {number}" for number in range(20)]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL, None])
async def test_nothing_is_left_running_however_it_ends(tmp_path: Path, how: signal.Signals | None) -> None:
    async with started(tmp_path, *wrapped("--child")) as client:
        await client.initialize()
        await client.call("echo", "up")
        family = psutil.Process(client.process.pid).children(recursive=True)
        assert len(family) >= 3
        if how is None:
            await client.close()
        else:
            os.kill(client.process.pid, how)
            await client.process.wait()
        _, alive = await anyio.to_thread.run_sync(lambda: psutil.wait_procs(family, timeout=8))
    assert alive == []


def anyio_task(coroutine: object) -> object:
    import asyncio

    return asyncio.ensure_future(coroutine)  # type: ignore[arg-type]
