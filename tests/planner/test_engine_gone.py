"""A real proxy whose planner's server hangs, is gone or refuses: rules go on, and nothing of it reaches a client."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import anyio
import pytest

from tests.frontends.rawclient import MEND, SERVERS, Raw, started
from tests.planner.engines import Engine, running

KEY = "sk-9f2a41c7d8e3"
PLAN = {
    "goal": "Where is the newest parcel?",
    "steps": [
        {"id": "newest", "tool": "newest_parcel", "arguments": {}},
        {"id": "found", "tool": "find_parcel", "arguments": {"code": {"$ref": "newest", "path": "newest.number"}}},
    ],
}
"""The reference is wrong, and three values may be meant: the planner is asked first, then each is tried."""


def command(home: Path, engine: Engine) -> list[str]:
    lines = [
        "[upstreams.desk]",
        f"command = {json.dumps(sys.executable)}",
        f"args = [{json.dumps(str(SERVERS / 'desk.py'))}]",
        "[planner]",
        'backend = "openai"',
        'model = "m"',
        f'base_url = "{engine.url}"',
        'api_key = "${PLANNER_KEY}"',
        "deadline = 0.5",
    ]
    (home / "mend.toml").write_text("\n".join(lines), encoding="utf-8")
    return [*MEND, "serve", "--config", str(home / "mend.toml")]


async def mended(client: Raw) -> dict[str, Any]:
    reply = await client.request("tools/call", {"name": "run_workflow", "arguments": PLAN})
    report = reply["result"]["structuredContent"]
    assert (report["status"], report["output"]) == ("repaired", {"where": "on its way"})
    assert [repair["rule"] for repair in report["repairs"]] == ["repath_reference"]
    return report


async def test_a_hanging_server_costs_a_few_deadlines_and_no_result(tmp_path: Path) -> None:
    engine = Engine()
    async with running(engine), started(tmp_path, *command(tmp_path, engine), env={"PLANNER_KEY": KEY}) as client:
        engine.hang()
        await client.initialize()
        for _ in range(6):
            await mended(client)
        assert len(engine.asked) == 2, "two time-outs, then it is left alone"
        await client.close()
    told = (tmp_path / "stderr").read_text(encoding="utf-8")
    assert told.count("the planner is not available, repairs go on by rules alone") == 1


@pytest.mark.parametrize("gone", [True, False])
async def test_nothing_of_a_server_that_fails_is_seen(tmp_path: Path, gone: bool) -> None:
    words = "zebra words of the engine"
    engine = Engine(status=401, error={"error": {"message": f"{words}: {KEY}", "code": "invalid_api_key"}})
    async with running(engine):
        if gone:
            engine.port = 9
        async with started(tmp_path, *command(tmp_path, engine), env={"PLANNER_KEY": KEY}) as client:
            await client.initialize()
            for _ in range(3):
                await mended(client)
            await client.close()
        assert gone or len(engine.asked) == 2
    kept = [path for path in tmp_path.rglob("*") if path.is_file()]
    held = await anyio.to_thread.run_sync(lambda: b"".join(path.read_bytes() for path in kept))
    seen = held + json.dumps(client.all).encode()
    assert b"repath_reference" in held, "the journal is among them"
    assert KEY.encode() not in seen
    assert words.encode() not in seen
    assert (b"ConnectError" if gone else b"status 401 invalid_api_key") in seen
