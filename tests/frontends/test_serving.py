"""All servers of a client's configuration as one, on stdio and over HTTP."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from pathlib import Path
from typing import Any, cast

import httpx2
import psutil
import pytest
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

from catalog_cache.cache import Cache
from proxy.aggregate.router import Router
from proxy.frontends import streams
from proxy.frontends.sessions import KEPT_EVENTS, HttpSession
from proxy.upstreams.fleet import running
from proxy.wire.caller import Profile
from tests.frontends.httpclient import HELLO, JSON, Http, events, free_port, over_http, serve, until_up
from tests.frontends.rawclient import ECHO, MODERN, SERVERS, config, started


async def test_a_clients_own_configuration_is_served_as_one(tmp_path: Path) -> None:
    async with started(tmp_path, *serve(config(tmp_path, a=ECHO, b=[*ECHO, "--tools", "2"]))) as client:
        await client.initialize()
        for server in ("a", "b"):
            await client.call(f"{server}__echo", "a call waits until its upstream is there")
        hello = await client.initialize()
        assert hello["result"]["serverInfo"]["name"] == "mcp-mend"
        assert hello["result"]["instructions"] == "# a\nEcho.\n\n# b\nEcho."
        listed = (await client.request("tools/list"))["result"]["tools"]
        theirs = [tool for tool in listed if "__" in tool["name"]]
        assert [tool["name"] for tool in theirs] == ["a__echo", "b__echo", "b__echo_1"]
        assert theirs[0]["x-vendor"] == {"kept": None}
        reply = await client.call("b__echo", "to b")
        assert reply["result"]["content"] == [{"type": "text", "text": "to b", "x-vendor": None}]
        assert (await client.request("ping"))["result"] == {}


async def test_no_upstreams_are_valid(tmp_path: Path) -> None:
    async with started(tmp_path, *serve(config(tmp_path))) as client:
        await client.initialize()
        assert "result" in await client.request("tools/list")
        assert await client.close() == 0


async def test_the_last_good_list_answers_while_upstreams_connect(tmp_path: Path) -> None:
    file = config(tmp_path, a=ECHO)
    async with started(tmp_path, *serve(file)) as client:
        await client.initialize()
        await client.call("a__echo", "there")
        first = await client.request("tools/list")
        assert await client.close() == 0
    async with started(tmp_path, *serve(file), env={"ECHO_DEAF": "1"}) as client:
        hello = await client.initialize()
        assert hello["result"]["instructions"] == "# a\nEcho."
        assert (await client.request("tools/list"))["result"]["tools"] == first["result"]["tools"]


async def test_a_client_that_lists_once_at_the_very_first_start_hears_of_everything(tmp_path: Path) -> None:
    file = config(tmp_path, slow=[sys.executable, str(SERVERS / "extras.py"), "--slow", "1.5"])
    async with started(tmp_path, *serve(file)) as client:
        hello = await client.initialize()
        assert {"tools", "resources", "prompts"} <= hello["result"]["capabilities"].keys()
        resources = (await client.request("resources/list"))["result"]["resources"]
        tools = (await client.request("tools/list"))["result"]["tools"]
    assert [resource["uri"] for resource in resources] == ["mem://extras/1"]
    assert "slow__echo" in [tool["name"] for tool in tools]


async def test_a_list_that_grows_after_the_start_is_announced(tmp_path: Path) -> None:
    file = config(tmp_path, quick=ECHO, slow=[*ECHO, "--slow", "7"])
    async with started(tmp_path, *serve(file)) as client:
        await client.initialize()
        names = [tool["name"] for tool in (await client.request("tools/list"))["result"]["tools"]]
        assert "slow__echo" not in names
        await client.call("quick__echo", "unhurt")
        await client.heard("notifications/tools/list_changed")
        names = [tool["name"] for tool in (await client.request("tools/list"))["result"]["tools"]]
        assert "slow__echo" in names


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_the_official_client_over_stdio(tmp_path: Path, mode: str) -> None:
    file = config(tmp_path, every=[sys.executable, str(SERVERS / "everything.py")])
    command, *args = serve(file)
    server = StdioServerParameters(command=command, args=args, env={"MCP_MEND_HOME": str(tmp_path)})
    with (tmp_path / "stderr").open("w") as stderr:
        async with asyncio.timeout(30), Client(stdio_client(server, errlog=stderr), mode=mode) as client:
            result = await client.call_tool("every__test_simple_text", {})
            assert result.content[0].text == "This is a simple text response for testing."  # type: ignore[union-attr]
            assert "every__test_simple_text" in [tool.name for tool in (await client.list_tools()).tools]
            resource = await client.read_resource("test://template/7/data")
            assert json.loads(resource.contents[0].text)["id"] == "7"  # type: ignore[union-attr]
            assert "every__test_simple_prompt" in [each.name for each in (await client.list_prompts()).prompts]
            prompt = await client.get_prompt("every__test_simple_prompt")
            assert prompt.messages[0].content.text == "This is a simple prompt for testing."  # type: ignore[union-attr]


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_the_official_client_over_http(tmp_path: Path, mode: str) -> None:
    async with over_http(tmp_path, config(tmp_path, a=ECHO)) as base, asyncio.timeout(30):
        async with Client(f"{base}/mcp", mode=mode) as client:
            assert (await client.call_tool("a__echo", {"text": "all"})).content[0].text == "all"  # type: ignore[union-attr]
        async with Client(f"{base}/servers/a/mcp", mode=mode) as client:
            assert [tool.name for tool in (await client.list_tools()).tools] == ["echo"]
            assert (await client.call_tool("echo", {"text": "one"})).content[0].text == "one"  # type: ignore[union-attr]


async def test_sessions_do_not_share_a_stateful_upstream(tmp_path: Path) -> None:
    async with over_http(tmp_path, config(tmp_path, a=ECHO)) as base, httpx2.AsyncClient() as client:
        one, other = Http(client, f"{base}/servers/a/mcp"), Http(client, f"{base}/servers/a/mcp")
        await one.open()
        await other.open()
        pids = {await one.say("echo", "pid"), await one.say("echo", "pid"), await other.say("echo", "pid")}
        assert len(pids) == 2
        process = psutil.Process(int(await other.say("echo", "pid")))
        assert (await client.delete(other.url, headers=other.headers)).status_code == 200
        assert not process.is_running()
        assert (await other.post({"id": 3, "method": "ping"})).status_code == 404
        assert await one.say("echo", "still here") == "still here"


async def test_a_question_travels_on_the_stream_of_the_call_that_caused_it(tmp_path: Path) -> None:
    async with over_http(tmp_path, config(tmp_path, a=ECHO)) as base, httpx2.AsyncClient() as client:
        session = Http(client, f"{base}/servers/a/mcp")
        await session.open()
        body = {"jsonrpc": "2.0", "id": 9, "method": "tools/call"}
        params = {"name": "echo", "arguments": {"text": "ask"}}
        seen: list[dict[str, Any]] = []
        async with client.stream(
            "POST", session.url, json={**body, "params": params}, headers=session.headers
        ) as stream:
            async for line in stream.aiter_lines():
                if line.startswith("data: {"):
                    seen.append(json.loads(line[6:]))
                    if seen[-1].get("method") == "roots/list":
                        await session.post({"id": seen[-1]["id"], "result": {"roots": [{"uri": "file:///x"}]}})
        assert [message.get("method") for message in seen] == ["roots/list", None]
        assert json.loads(seen[-1]["result"]["content"][0]["text"]) == {"roots": [{"uri": "file:///x"}]}


async def test_a_broken_stream_is_resumed_after_the_last_event_heard(tmp_path: Path) -> None:
    async with over_http(tmp_path, config(tmp_path, a=ECHO)) as base, httpx2.AsyncClient() as client:
        session = Http(client, f"{base}/servers/a/mcp")
        await session.open()
        params = {"name": "echo", "arguments": {"text": "progress"}, "_meta": {"progressToken": "p"}}
        reply = await session.post({"id": 5, "method": "tools/call", "params": params})
        heard = [line[4:] for line in reply.text.splitlines() if line.startswith("id: ")]
        assert len(heard) == 5, reply.text
        again = {**session.headers, "accept": "text/event-stream", "last-event-id": heard[1]}
        resumed = await client.get(session.url, headers=again)
        assert events(resumed.text) == events(reply.text)[1:]


async def test_a_client_that_takes_no_stream_gets_plain_json(tmp_path: Path) -> None:
    async with over_http(tmp_path, config(tmp_path, a=ECHO)) as base, httpx2.AsyncClient() as client:
        session = Http(client, f"{base}/servers/a/mcp")
        await session.open()
        session.headers["accept"] = "application/json"
        params = {"name": "echo", "arguments": {"text": "progress"}, "_meta": {"progressToken": "p"}}
        reply = await session.post({"id": 5, "method": "tools/call", "params": params})
        assert reply.headers["content-type"] == "application/json"
        assert reply.json()["result"]["content"][0]["text"] == "progress"


async def test_a_cancelled_request_ends_its_stream_without_an_answer(tmp_path: Path) -> None:
    async with over_http(tmp_path, config(tmp_path, a=ECHO)) as base, httpx2.AsyncClient() as client:
        session = Http(client, f"{base}/servers/a/mcp")
        await session.open()
        await session.say("echo", "up")
        params = {"name": "echo", "arguments": {"text": "never"}}
        body = {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params}
        async with (
            asyncio.timeout(20),
            client.stream("POST", session.url, json=body, headers=session.headers, timeout=20) as stream,
        ):
            assert (await session.post({"id": 7, "method": "ping"})).status_code == 400
            await session.post({"method": "notifications/cancelled", "params": {"requestId": 7}})
            assert events("\n".join([line async for line in stream.aiter_lines()])) == []
        assert len(json.loads(await session.say("echo", "cancelled"))) == 1
        assert (await session.ask("ping"))["result"] == {}


async def test_a_session_that_ends_while_it_connects_leaves_no_process(tmp_path: Path) -> None:
    file = config(tmp_path, slow=[*ECHO, "--slow", "1.5"])
    async with over_http(tmp_path, file) as base, httpx2.AsyncClient() as client:
        shared = Http(client, f"{base}/mcp")
        await shared.open()
        await shared.say("slow__echo", "up")
        ending = Http(client, f"{base}/mcp")
        await ending.open()
        others = {process.pid for process in psutil.process_iter() if ECHO[1] in _command(process)}
        await ending.post({"method": "notifications/acme/opens"})
        async with asyncio.timeout(20):
            while not (mine := _new(others)):
                await client.get(f"{base}/healthz")
            assert (await client.delete(ending.url, headers=ending.headers, timeout=20)).status_code == 200
        assert [process for process in mine if process.is_running()] == []


def _command(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def _new(others: set[int]) -> list[psutil.Process]:
    """The slow servers that were not there before."""
    found = [each for each in psutil.process_iter() if each.pid not in others]
    return [each for each in found if f"{ECHO[1]} --slow 1.5" in _command(each)]


async def test_an_old_client_is_served_over_sse(tmp_path: Path) -> None:
    from mcp.client.sse import sse_client

    async with (
        over_http(tmp_path, config(tmp_path, a=ECHO)) as base,
        asyncio.timeout(30),
        Client(sse_client(f"{base}/servers/a/sse"), mode="legacy") as client,
    ):
        assert (await client.call_tool("echo", {"text": "old"})).content[0].text == "old"  # type: ignore[union-attr]


async def test_who_may_come_in(tmp_path: Path) -> None:
    file = tmp_path / "mend.toml"
    file.write_text('[http]\ntoken = "sesame"\n', encoding="utf-8")
    async with over_http(tmp_path, file) as base, httpx2.AsyncClient() as client:
        ping = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": HELLO}
        right = {**JSON, "authorization": "Bearer sesame"}
        statuses = [
            (await client.post(f"{base}/mcp", json=ping, headers=headers)).status_code
            for headers in (
                JSON,
                {**JSON, "authorization": "Bearer wrong"},
                {**right, "host": "evil.example"},
                {**right, "origin": "http://evil.example"},
                right,
                {**right, "origin": "http://localhost:3000"},
            )
        ]
        assert statuses == [401, 401, 421, 403, 200, 200]


async def test_an_address_that_others_reach_needs_a_token(tmp_path: Path) -> None:
    async with started(tmp_path, *serve(config(tmp_path)), "--http", f"0.0.0.0:{free_port()}") as refused:
        async with asyncio.timeout(20):
            assert await refused.process.wait() == 2
    said = (tmp_path / "stderr").read_text()
    assert "http.token" in said
    assert "Traceback" not in said


async def test_a_modern_request_with_headers_that_say_something_else_is_refused(tmp_path: Path) -> None:
    async with over_http(tmp_path, config(tmp_path, a=ECHO)) as base, httpx2.AsyncClient() as client:
        params = {"name": "echo", "arguments": {"text": "x"}, "_meta": MODERN}
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        headers = {**JSON, "mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": "other"}
        refused = await client.post(f"{base}/servers/a/mcp", json=body, headers=headers)
        assert (refused.status_code, refused.json()["error"]["code"]) == (400, -32020)
        right = await client.post(f"{base}/servers/a/mcp", json=body, headers={**headers, "mcp-name": "echo"})
        assert right.json()["result"]["content"][0]["text"] == "x"


async def test_a_changed_configuration_takes_effect_without_dropping_the_others(tmp_path: Path) -> None:
    file = config(tmp_path, stays=ECHO, goes=ECHO)
    async with started(tmp_path, *serve(file)) as client:
        await client.initialize()
        pid = (await client.call("stays__echo", "pid"))["result"]["content"][0]["text"]
        gone = int((await client.call("goes__echo", "pid"))["result"]["content"][0]["text"])
        await client.request("tools/list")
        config(tmp_path, stays=ECHO, comes=ECHO)
        await client.heard("notifications/tools/list_changed")
        assert (await client.call("comes__echo", "hello"))["result"]["content"][0]["text"] == "hello"
        assert (await client.call("stays__echo", "pid"))["result"]["content"][0]["text"] == pid
        names = [tool["name"] for tool in (await client.request("tools/list"))["result"]["tools"]]
        assert names[:2] == ["stays__echo", "comes__echo"]
        assert not psutil.pid_exists(gone)
        file.write_text("{", encoding="utf-8")
        assert (await client.call("stays__echo", "pid"))["result"]["content"][0]["text"] == pid


async def test_an_upstream_that_is_begun_anew_is_known_while_the_one_before_is_ended(tmp_path: Path) -> None:
    file = config(tmp_path, a=[*ECHO, "--child"], b=[*ECHO, "--child"])
    async with started(tmp_path, *serve(file)) as client:
        await client.initialize()
        first = (await client.call("a__echo", "pid"))["result"]["content"][0]["text"]
        await client.request("tools/list")
        config(tmp_path, a=[*ECHO, "--child", "--tools", "2"], c=ECHO)
        await client.heard("notifications/tools/list_changed")
        assert psutil.pid_exists(int(first))
        assert (await client.call("c__echo", "hello"))["result"]["content"][0]["text"] == "hello"
        assert (await client.call("a__echo", "pid"))["result"]["content"][0]["text"] != first
        assert not psutil.pid_exists(int(first))


async def test_calls_under_way_are_answered_before_it_stops(tmp_path: Path) -> None:
    file = tmp_path / "mend.json"
    every = {"command": sys.executable, "args": [str(SERVERS / "everything.py")]}
    file.write_text(json.dumps({"mcpServers": {"every": every}}), encoding="utf-8")
    address = f"127.0.0.1:{free_port()}"
    async with started(tmp_path, *serve(file), "--http", address) as proxy, httpx2.AsyncClient() as client:
        session = Http(client, f"http://{address}/servers/every/mcp")
        await until_up(client, f"http://{address}")
        await session.open()
        params = {"name": "test_tool_with_logging", "arguments": {}}
        body = {"jsonrpc": "2.0", "id": 9, "method": "tools/call", "params": params}
        async with client.stream("POST", session.url, json=body, headers=session.headers, timeout=20) as stream:
            lines = stream.aiter_lines()
            async for line in lines:
                if "Tool execution started" in line:
                    proxy.process.send_signal(signal.SIGTERM)
                    break
            rest = events("\n".join([line async for line in lines]))
        assert rest[-1]["result"]["content"][0]["text"] == "logged"
        async with asyncio.timeout(20):
            assert await proxy.process.wait() == 0


async def test_what_nobody_fetches_is_bounded(tmp_path: Path) -> None:
    async with running({}, Cache({})) as fleet:
        session = HttpSession(Router(fleet, cast("Any", None)), Profile(), "one")
        for number in range(KEPT_EVENTS * 2):
            session.standalone.tell("notifications/message", {"data": number})
        assert len(session.standalone.events) == KEPT_EVENTS
        resumed = session.resume(f"s_{KEPT_EVENTS + 7}")
        assert resumed is session.standalone
        assert len(resumed.events) == KEPT_EVENTS - 7
        await session.close()


async def test_a_client_that_does_not_read_loses_its_response_and_can_resume(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(streams, "LARGEST_BACKLOG", 1000)
    sent: list[bytes] = []
    stuck, free = asyncio.Event(), asyncio.Event()

    async def send(message: Any) -> None:
        sent.append(message.get("body", b""))
        if b'"first"' in sent[-1]:
            stuck.set()
            await free.wait()

    async def receive() -> Any:
        await asyncio.get_running_loop().create_future()

    async with running({}, Cache({})) as fleet:
        session = HttpSession(Router(fleet, cast("Any", None)), Profile(), "one")
        session.standalone.tell("notifications/message", {"data": "first"})
        going = asyncio.ensure_future(streams.stream_out(session.standalone, receive, send, {}))
        async with asyncio.timeout(10):
            await stuck.wait()
            for number in range(100):
                session.standalone.tell("notifications/message", {"data": number})
            free.set()
            assert await going is False
        assert len(b"".join(sent)) < 1000
        resumed = session.resume("s_1")
        assert resumed is session.standalone
        assert not resumed.broken
        assert len(resumed.events) == 100
        await session.close()


async def test_an_upstream_that_never_answers_holds_nobody_up(tmp_path: Path) -> None:
    """Neither an unknown name nor the proxy's own tools wait for it; a name that speaks of it does."""
    file = config(tmp_path, good=ECHO, never=[*ECHO, "--deaf"])
    async with started(tmp_path, *serve(file)) as client, asyncio.timeout(15):
        await client.initialize()
        unknown = await client.call("no_such_tool", "x")
        assert "error" in unknown or unknown["result"]["isError"]
        found = await client.request("tools/call", {"name": "find_tools", "arguments": {"query": "echo"}})
        assert "good__echo" in json.dumps(found)
        waiting = asyncio.ensure_future(client.call("never__echo", "x"))
        assert (await client.call("good__echo", "unhurt"))["result"]["content"][0]["text"] == "unhurt"
        assert not waiting.done()
        waiting.cancel()
