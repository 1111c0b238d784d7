"""What the protocol does not know passes too: requests and notifications, both ways, with one upstream and several."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import httpx2

from tests.frontends.httpclient import JSON, Http, over_http, serve
from tests.frontends.rawclient import ECHO, MODERN, SERVERS, Raw, config, started

EXTRAS = [sys.executable, str(SERVERS / "extras.py")]


def vendors(folder: Path) -> Path:
    """Two servers with methods of their own, and one that has none."""
    acme = [*EXTRAS, "--name", "acme", "--vendor", "acme"]
    return config(folder, plain=ECHO, other=[*EXTRAS, "--name", "other", "--vendor", "vendor"], acme=acme)


async def up(client: Raw) -> None:
    await client.initialize()
    for server in ("plain", "other", "acme"):
        await client.call(f"{server}__echo", "up")


async def test_a_request_is_answered_by_the_first_that_knows_it(tmp_path: Path) -> None:
    async with started(tmp_path, *serve(vendors(tmp_path))) as client:
        await up(client)
        answered = await client.request("acme/search", {"q": None, "x": [1.5]})
        assert answered["result"] == {"by": "acme", "given": {"q": None, "x": [1.5]}}
        assert (await client.request("vendor/params", {"a": None}))["result"] == {"given": {"a": None}}
        assert (await client.request("nobody/knows", {}))["error"]["code"] == -32601


async def test_a_request_that_names_a_thing_goes_to_its_upstream(tmp_path: Path) -> None:
    async with started(tmp_path, *serve(vendors(tmp_path))) as client:
        await up(client)
        by_tool = await client.request("vendor/params", {"name": "plain__echo"})
        assert by_tool["result"] == {"given": {"name": "echo"}}
        by_uri = await client.request("vendor/watch", {"uri": "mem://other/1"})
        assert by_uri["result"] == {"by": "other", "given": {"uri": "mem://other/1"}}
        stranger = await client.request("acme/read", {"uri": "mem://other/1"})
        assert stranger["error"] == {"code": -32601, "message": "Method not found", "data": {"x": None}}


async def test_capabilities_of_all_upstreams_are_offered(tmp_path: Path) -> None:
    async with started(tmp_path, *serve(vendors(tmp_path))) as client:
        await up(client)
        offered = (await client.initialize())["result"]["capabilities"]
        assert offered == {
            "tools": {"listChanged": True},
            "resources": {"subscribe": True},
            "logging": {},
            "experimental": {"vendor": {}, "acme": {}},
            "tasks": {"list": {}, "cancel": {}, "requests": {"tools": {"call": {}}}},
        }


async def test_notifications_pass_both_ways(tmp_path: Path) -> None:
    async with started(tmp_path, *serve(vendors(tmp_path))) as client:
        await up(client)
        note = {"jsonrpc": "2.0", "method": "notifications/acme/note", "params": {"x": None}}
        client.send(note)
        for server in ("other", "acme"):
            heard = await client.call(f"{server}__echo", "heard")
            assert {"method": note["method"], "params": note["params"]} in json.loads(text(heard))
        await client.call("acme__echo", "tell notifications/acme/told")
        assert (await client.heard("notifications/acme/told"))["params"] == {"from": "acme", "x": None}


async def test_a_request_of_an_upstream_reaches_the_client(tmp_path: Path) -> None:
    """Progress on it comes back to the upstream that put it, under its own token."""
    async with started(tmp_path, *serve(vendors(tmp_path))) as client:
        await up(client)
        call = asyncio.ensure_future(client.call("acme__echo", "put acme/question"))
        question = await client.heard("acme/question")
        progress = {"progressToken": question["params"]["_meta"]["progressToken"], "progress": 1}
        client.send({"jsonrpc": "2.0", "method": "notifications/progress", "params": progress})
        client.send({"jsonrpc": "2.0", "id": question["id"], "result": {"answer": None}})
        assert json.loads(text(await call)) == {"answer": None}
        sent = {"method": "notifications/progress", "params": {"progressToken": "theirs", "progress": 1}}
        assert sent in json.loads(text(await client.call("acme__echo", "heard")))
        assert sent["method"] not in text(await client.call("other__echo", "heard"))


async def test_over_http_notifications_reach_upstreams_the_session_has_not_used(tmp_path: Path) -> None:
    file = config(tmp_path, old=[*EXTRAS, "--name", "old"], new=[*EXTRAS, "--name", "new", "--modern"])
    note = {"method": "notifications/acme/note", "params": {"x": None}}
    async with over_http(tmp_path, file) as base, httpx2.AsyncClient() as client:
        session = Http(client, f"{base}/mcp")
        await session.open()
        await session.post(note)
        for server in ("old", "new"):
            heard = json.loads(await session.say(f"{server}__echo", "heard"))
            assert [each["method"] for each in heard if "acme" in each["method"]] == [note["method"]]
        headers = {**JSON, "mcp-protocol-version": "2026-07-28", "mcp-method": note["method"]}
        body = {"jsonrpc": "2.0", **note, "params": {"x": 2, "_meta": MODERN}}
        assert (await client.post(f"{base}/mcp", json=body, headers=headers)).status_code == 202
        heard = json.loads(await session.say("new__echo", "heard"))
        assert [each["params"]["x"] for each in heard if "acme" in each["method"]] == [None, 2]


def text(reply: dict[str, Any]) -> str:
    return reply["result"]["content"][0]["text"]
