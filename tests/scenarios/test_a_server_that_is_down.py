"""A client calls a tool of a configured server that is down: it is told so, with what the server last said."""

# pyright: basic
from __future__ import annotations

import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.frontends.rawclient import ECHO, MEND, config, started
from tests.promises import promise

DEAD = [sys.executable, "-c", "raise SystemExit('the key has expired')"]
BARE = """
import json, sys
for line in sys.stdin:
    asked = json.loads(line)
    if asked.get("method") == "initialize":
        result = {"protocolVersion": asked["params"]["protocolVersion"], "capabilities": {"tools": {}},
                  "serverInfo": {"name": "bare", "version": "1"}}
    elif asked.get("method") == "tools/list":
        result = {"tools": []}
        print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": result}), flush=True)
        sys.exit("no database")
    if "id" in asked:
        print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": result}), flush=True)
"""


def serve(folder: Path, **servers: list[str]) -> list[str]:
    return [*MEND, "serve", "--config", str(config(folder, echo=ECHO, **servers))]


@promise("every-call-is-answered", "every-call-has-a-row", "names-have-owners")
@pytest.mark.parametrize("server", ["bank", "my bank", "my__bank"])
async def test_a_tool_of_a_server_that_never_came_up_is_down_and_not_unknown(server: str, tmp_path: Path) -> None:
    names = [f"{server}__pay", f"{server}.pay", f"{server}:pay", f"{server}/pay", f"mcp__{server}__pay"]
    async with started(tmp_path, *serve(tmp_path, **{server: DEAD})) as client:
        await client.initialize()
        for name in names:
            error = (await client.call(name, "x"))["error"]
            assert error["message"].startswith(f"{server} is not available: "), error
            assert "the key has expired" in error["message"]
        strange = (await client.call("nobody__pay", "x"))["error"]["message"]
        assert "Unknown tool: nobody__pay" in strange
        assert (await client.call("echo__echo", "hi"))["result"]["content"][0]["text"] == "hi"
        assert (await client.call("echo.Echo", "hi"))["result"]["content"][0]["text"] == "hi"
        await client.close()
    assert noted(tmp_path, server) == [(name, "not_sent") for name in names]


@promise("every-call-is-answered")
async def test_a_server_that_listed_nothing_and_died_is_down_and_not_unknown(tmp_path: Path) -> None:
    async with started(tmp_path, *serve(tmp_path, bare=[sys.executable, "-c", BARE])) as client:
        await client.initialize()
        error = (await client.call("bare__pay", "x"))["error"]
        while "Unknown tool" in error["message"]:
            error = (await client.call("bare__pay", "x"))["error"]
        assert error["message"].startswith("bare is not available: ")
        assert "no database" in error["message"]


@promise("every-call-is-answered")
async def test_a_server_that_died_says_so_for_its_own_tools(tmp_path: Path) -> None:
    async with started(tmp_path, *serve(tmp_path)) as client:
        await client.initialize()
        assert "dying as asked" in (await client.call("echo__echo", "die"))["error"]["message"]
        assert "Unknown tool" in (await client.call("echo__nothing_like_it", "x"))["error"]["message"]


def noted(folder: Path, server: str) -> list[Any]:
    with closing(sqlite3.connect(folder / "journal.db")) as journal:
        return [*journal.execute("SELECT tool, outcome FROM calls WHERE server = ? ORDER BY at", (server,))]
