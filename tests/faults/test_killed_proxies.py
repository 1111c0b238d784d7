"""The proxy is ended in the middle of a call: nothing is left running, and nothing is sent again."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread

from tests.faults.bench import BAD, left, noted, what
from tests.frontends.rawclient import MEND, Raw, started
from tests.promises import promise


def wrapped(folder: Path) -> list[str]:

    return [*MEND, "wrap", "--", sys.executable, "-I", "-S", BAD, "slow", str(folder / "did")]


async def in_the_middle(client: Raw) -> dict[str, Any]:
    """Send a call of two seconds, and return once the server is at it."""
    await client.initialize()
    params = {"name": "act", "arguments": {"intent": "once", "bad": True}, "_meta": {"progressToken": "t"}}
    client.send({"jsonrpc": "2.0", "id": "slow", "method": "tools/call", "params": params})
    return await client.heard("notifications/progress")


def did(folder: Path) -> list[Any]:
    return [line["did"] for line in noted(folder / "did") if "did" in line]


async def still_there(folder: Path) -> list[int]:
    pids = [line["pid"] for line in noted(folder / "did") if "pid" in line]
    assert pids
    return await anyio.to_thread.run_sync(left, pids)


@promise("every-fault-is-answered")
async def test_a_call_under_way_is_answered_before_a_proxy_that_is_asked_to_end_has_gone(tmp_path: Path) -> None:
    async with started(tmp_path, *wrapped(tmp_path)) as client:
        await in_the_middle(client)
        client.process.send_signal(signal.SIGTERM)
        with anyio.fail_after(25):
            await client.process.wait()
            await client._reader
        assert [what(message) for message in client.all if message.get("id") == "slow"] == ["result"]
    assert await still_there(tmp_path) == []


@promise("effects-once")
async def test_a_call_under_way_is_not_sent_again_after_the_proxy_was_killed(tmp_path: Path) -> None:
    async with started(tmp_path, *wrapped(tmp_path)) as client:
        await in_the_middle(client)
        client.process.kill()
        await client.process.wait()
    assert await still_there(tmp_path) == []
    async with started(tmp_path, *wrapped(tmp_path)) as client:
        await client.initialize()
        reply = await client.request("tools/call", {"name": "act", "arguments": {"intent": "another"}})
        assert what(reply) == "result"
        assert await client.close() == 0
    assert did(tmp_path) == ["once", "another"]
    assert await still_there(tmp_path) == []
