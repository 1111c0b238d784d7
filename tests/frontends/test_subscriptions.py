"""Subscriptions to resources, whatever the eras of client and upstream, reach those who made them and nobody else."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.frontends.httpclient import Http, over_http, serve
from tests.frontends.rawclient import MEND, MODERN, SERVERS, Raw, config, started

EXTRAS = [sys.executable, str(SERVERS / "extras.py")]
UPDATED = "notifications/resources/updated"
TAG = "io.modelcontextprotocol/subscriptionId"


async def said(client: Raw, tool: str, order: str, **more: Any) -> Any:
    reply = await client.call(tool, order, **more)
    return reply["result"]["content"][0]["text"]


async def forgotten(client: Raw, tool: str, **more: Any) -> None:
    """Wait until the upstream knows of no subscription."""
    async with asyncio.timeout(20):
        while json.loads(await said(client, tool, "subscribed", **more)):
            pass


@pytest.mark.parametrize("options", [["--modern"], []])
async def test_a_subscription_in_front_of_one_server(tmp_path: Path, options: list[str]) -> None:
    async with started(tmp_path, *MEND, "wrap", "--", *EXTRAS, *options) as client:
        await client.initialize()
        assert (await client.request("resources/subscribe", {"uri": "mem://extras/1"}))["result"] == {}
        assert (await client.request("resources/subscribe", {"uri": "mem://extras/1"}))["result"] == {}
        await client.call("echo", "touch mem://extras/1")
        assert (await client.heard(UPDATED))["params"] == {"uri": "mem://extras/1", "x-vendor": None}
        assert len(json.loads(await said(client, "echo", "subscribed"))) == (2 if options else 1)
        assert (await client.request("resources/unsubscribe", {"uri": "mem://extras/1"}))["result"] == {}
        await client.call("echo", "touch mem://extras/1")
        assert len([message for message in client.seen if message.get("method") == UPDATED]) == 1


async def test_a_subscription_that_the_upstream_does_not_honour_is_refused(tmp_path: Path) -> None:
    async with started(tmp_path, *MEND, "wrap", "--", *EXTRAS, "--modern") as client:
        await client.initialize()
        refused = await client.request("resources/subscribe", {"uri": "mem://refused"})
        assert refused["error"]["code"] == -32602
        assert refused["error"]["data"] == {"uri": "mem://refused"}


async def test_updates_reach_the_session_that_subscribed_alone(tmp_path: Path) -> None:
    """Over HTTP, at a modern upstream that all sessions share; the end of a session ends its listening."""
    file = config(tmp_path, new=[*EXTRAS, "--modern", "--name", "new"])
    async with over_http(tmp_path, file) as base, httpx2.AsyncClient() as client:
        for path, tool in (("/mcp", "new__echo"), ("/servers/new/mcp", "echo")):
            one, other = Http(client, base + path), Http(client, base + path)
            await one.open()
            await other.open()
            assert (await one.ask("resources/subscribe", {"uri": "mem://new/1"}))["result"] == {}
            assert (await other.ask("resources/subscribe", {"uri": "mem://new/2"}))["result"] == {}
            await other.say(tool, "touch mem://new/1")
            await other.say(tool, "touch mem://new/2")
            assert (await one.heard(UPDATED))["params"]["uri"] == "mem://new/1"
            assert (await other.heard(UPDATED))["params"]["uri"] == "mem://new/2"
            wishes = json.loads(await one.say(tool, "subscribed"))
            assert {"resourceSubscriptions": ["mem://new/2"]} in wishes
            assert (await client.delete(other.url, headers=other.headers)).status_code == 200
            async with asyncio.timeout(20):
                while {"resourceSubscriptions": ["mem://new/2"]} in json.loads(await one.say(tool, "subscribed")):
                    pass
            assert (await one.ask("resources/unsubscribe", {"uri": "mem://new/1"}))["result"] == {}


async def test_a_modern_client_listens_to_upstreams_of_both_eras(tmp_path: Path) -> None:
    file = config(tmp_path, new=[*EXTRAS, "--modern", "--name", "new"], old=[*EXTRAS, "--name", "old"])
    async with started(tmp_path, *serve(file)) as client:
        for server in ("new", "old"):
            await said(client, f"{server}__echo", "up", _meta=MODERN)
        wish = {"resourceSubscriptions": ["mem://new/1", "mem://old/1"]}
        listen = {"jsonrpc": "2.0", "id": "sub", "method": "subscriptions/listen"}
        client.send({**listen, "params": {"_meta": MODERN, "notifications": wish}})
        acknowledged = await client.heard("notifications/subscriptions/acknowledged")
        assert acknowledged["params"] == {"notifications": wish, "_meta": {TAG: "sub"}}
        for server in ("new", "old"):
            client.seen.clear()
            await client.call(f"{server}__echo", f"touch mem://{server}/1", _meta=MODERN)
            updated = await client.heard(UPDATED)
            assert updated["params"] == {"uri": f"mem://{server}/1", "x-vendor": None, "_meta": {TAG: "sub"}}
        client.send({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": "sub"}})
        await forgotten(client, "old__echo", _meta=MODERN)
        async with asyncio.timeout(20):
            while "mem://new/1" in await said(client, "new__echo", "subscribed", _meta=MODERN):
                pass


@pytest.mark.parametrize("options", [["--modern"], []])
async def test_a_subscription_outlives_its_upstreams_process(tmp_path: Path, options: list[str]) -> None:
    """What changed while nobody listened is announced as updated; the log level is set again too."""
    async with started(tmp_path, *MEND, "wrap", "--", *EXTRAS, *options) as client:
        await client.initialize()
        await client.request("resources/subscribe", {"uri": "mem://extras/1"})
        await client.request("logging/setLevel", {"level": "error"})
        os.kill(int(await said(client, "echo", "pid")), signal.SIGKILL)
        assert (await client.heard(UPDATED))["params"] == {"uri": "mem://extras/1"}
        client.seen.clear()
        await client.call("echo", "touch mem://extras/1")
        assert (await client.heard(UPDATED))["params"] == {"uri": "mem://extras/1", "x-vendor": None}
        if not options:
            assert json.loads(await said(client, "echo", "level")) == "error"


async def test_a_level_set_once_holds_for_upstreams_that_a_session_meets_later(tmp_path: Path) -> None:
    file = config(tmp_path, a=[*EXTRAS, "--name", "a"])
    async with over_http(tmp_path, file) as base, httpx2.AsyncClient() as client:
        one, other = Http(client, f"{base}/mcp"), Http(client, f"{base}/mcp")
        await one.open()
        await other.open()
        assert (await one.ask("logging/setLevel", {"level": "alert"}))["result"] == {}
        assert json.loads(await one.say("a__echo", "level")) == "alert"
        assert json.loads(await other.say("a__echo", "level")) is None
