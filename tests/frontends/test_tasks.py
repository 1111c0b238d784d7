"""Tasks of both eras, in front of one server and of several whose ids are alike."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import httpx2

from tests.frontends.httpclient import JSON, Http, over_http, serve
from tests.frontends.rawclient import MEND, MODERN, SERVERS, Raw, config, started

EXTRAS = [sys.executable, str(SERVERS / "extras.py")]
RELATED = "io.modelcontextprotocol/related-task"
EXTENSION = "io.modelcontextprotocol/tasks"
ABLE = {**MODERN, "io.modelcontextprotocol/clientCapabilities": {"extensions": {EXTENSION: {}}}}


async def test_tasks_of_one_server_pass_as_they_are(tmp_path: Path) -> None:
    """Direct and through us, the same requests have the same answers and the same notifications."""
    create = {"name": "echo", "arguments": {"text": "later done"}, "task": {"ttl": 1000, "x": None}}
    known = {"taskId": "task-1"}
    requests = [
        ("tools/call", create),
        ("tasks/get", known),
        ("tasks/list", {}),
        ("tasks/result", known),
        ("tasks/cancel", known),
        ("tasks/get", {"taskId": "task-9"}),
    ]
    async with (
        started(tmp_path, *EXTRAS) as direct,
        started(tmp_path, *MEND, "wrap", "--", *EXTRAS) as ours,
    ):
        shown = [(await each.initialize())["result"]["capabilities"] for each in (direct, ours)]
        assert shown[0] == shown[1]
        for method, params in requests:
            assert await ours.request(method, params) == await direct.request(method, params)
        for method in ("notifications/tasks/status", "notifications/message"):
            assert await ours.heard(method) == await direct.heard(method)


async def test_tasks_of_several_servers_lead_back_to_their_own(tmp_path: Path) -> None:
    async with started(tmp_path, *serve(config(tmp_path, a=EXTRAS, b=EXTRAS))) as client:
        await client.initialize()
        for server in ("a", "b"):
            made = await client.call(f"{server}__echo", f"later from {server}", task={"ttl": None})
            assert made["result"]["task"]["taskId"] == f"{server}__task-1"
            assert made["result"]["x-vendor"] is None
            status = await client.heard("notifications/tasks/status")
            assert status["params"]["taskId"] == f"{server}__task-1"
            assert client.all.index(made) < client.all.index(status)
            client.seen.clear()
        await client.call("b__echo", "later another", task={})
        assert (await get(client, "a__task-1"))["status"] == "working"
        for server in ("a", "b"):
            result = (await client.request("tasks/result", {"taskId": f"{server}__task-1"}))["result"]
            assert result["content"][0]["text"] == f"from {server}"
            assert result["_meta"][RELATED] == {"taskId": f"{server}__task-1"}
            assert (await client.heard("notifications/message"))["params"]["_meta"][RELATED] == {
                "taskId": f"{server}__task-1"
            }
            client.seen.clear()
        listed = (await client.request("tasks/list", {}))["result"]["tasks"]
        assert [task["taskId"] for task in listed] == ["a__task-1", "b__task-1", "b__task-2"]
        await client.request("tasks/cancel", {"taskId": "b__task-2"})
        assert (await get(client, "b__task-2"))["status"] == "cancelled"
        assert (await client.request("tasks/get", {"taskId": "b__task-9"}))["error"]["data"] == {"x": None}
        assert (await client.request("tasks/get", {"taskId": "task-1"}))["error"]["code"] == -32602


async def test_a_failed_call_that_asked_for_a_task_stays_what_it_is(tmp_path: Path) -> None:
    async with started(tmp_path, *serve(config(tmp_path, a=EXTRAS))) as client:
        await client.initialize()
        failed = (await client.call("a__echo", "wrong", task={}))["result"]
        assert failed["isError"] is True
        assert failed["content"][0]["text"] == "'text' must be one of: right"
        spelled = {"name": "a__Echo", "arguments": {"text": "later x"}, "task": {}}
        assert (await client.request("tools/call", spelled))["result"]["task"]["taskId"] == "a__task-1"


async def test_a_task_stays_with_the_session_that_made_it(tmp_path: Path) -> None:
    async with over_http(tmp_path, config(tmp_path, a=EXTRAS)) as base, httpx2.AsyncClient() as client:
        one, other = Http(client, f"{base}/mcp"), Http(client, f"{base}/mcp")
        await one.open()
        await other.open()
        call = {"name": "a__echo", "arguments": {"text": "later mine"}, "task": {}}
        assert (await one.ask("tools/call", call))["result"]["task"]["taskId"] == "a__task-1"
        assert (await one.heard("notifications/tasks/status"))["params"]["taskId"] == "a__task-1"
        assert (await one.ask("tasks/result", {"taskId": "a__task-1"}))["result"]["content"][0]["text"] == "mine"
        assert (await other.ask("tasks/get", {"taskId": "a__task-1"}))["error"]["code"] == -32602
        assert (await other.ask("tasks/list", {}))["result"]["tasks"] == []


async def test_tasks_of_the_modern_era_on_both_faces(tmp_path: Path) -> None:
    server = [*EXTRAS, "--modern"]
    async with started(tmp_path, *serve(config(tmp_path, a=server, b=server))) as client:
        await life(client, "b__echo", "b__task-1")
        gone = await client.request("tasks/result", {"taskId": "b__task-1", "_meta": ABLE})
        assert gone["error"]["code"] == -32601
    async with started(tmp_path, *MEND, "wrap", "--", *server) as client:
        await life(client, "echo", "task-1")


async def life(client: Raw, tool: str, ident: str) -> None:
    """Make a task, listen for it, give it what it waits for, fetch its result."""
    await client.call(tool, "up", _meta=ABLE)
    offered = (await client.request("server/discover", {"_meta": ABLE}))["result"]["capabilities"]
    assert offered["extensions"] == {EXTENSION: {}}
    assert "tasks" not in offered
    made = (await client.call(tool, "later x", _meta=ABLE))["result"]
    assert (made["resultType"], made["taskId"], made["ttlMs"]) == ("task", ident, None)
    listen = {"jsonrpc": "2.0", "id": "sub", "method": "subscriptions/listen"}
    client.send({**listen, "params": {"_meta": ABLE, "notifications": {"taskIds": [ident]}}})
    acknowledged = await client.heard("notifications/subscriptions/acknowledged")
    assert acknowledged["params"]["notifications"] == {"taskIds": [ident]}
    given = {"taskId": ident, "inputResponses": {"a": None}, "_meta": ABLE}
    assert (await client.request("tasks/update", given))["result"]["resultType"] == "complete"
    told = (await client.heard("notifications/tasks"))["params"]
    assert (told["taskId"], told["_meta"]) == (ident, {"io.modelcontextprotocol/subscriptionId": "sub"})
    got = (await client.request("tasks/get", {"taskId": ident, "_meta": ABLE}))["result"]
    assert json.loads(got["result"]["content"][0]["text"]) == {"a": None}


async def test_a_task_header_that_says_something_else_is_refused(tmp_path: Path) -> None:
    file = config(tmp_path, a=[*EXTRAS, "--modern"])
    async with over_http(tmp_path, file) as base, httpx2.AsyncClient() as client:
        body = {"jsonrpc": "2.0", "id": 1, "method": "tasks/get", "params": {"taskId": "a__task-1", "_meta": ABLE}}
        headers = {**JSON, "mcp-protocol-version": "2026-07-28", "mcp-method": "tasks/get", "mcp-name": "other"}
        refused = await client.post(f"{base}/mcp", json=body, headers=headers)
        assert (refused.status_code, refused.json()["error"]["code"]) == (400, -32020)
        right = await client.post(f"{base}/mcp", json=body, headers={**headers, "mcp-name": "a__task-1"})
        assert right.json()["error"]["code"] == -32602


async def get(client: Raw, ident: str) -> dict[str, Any]:
    return (await client.request("tasks/get", {"taskId": ident}))["result"]
