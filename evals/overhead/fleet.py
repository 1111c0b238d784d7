"""Start many real servers directly, one by one, and all at once behind the proxy: who starts, and with which tools.

    FLEET_DIR=FOLDER python -m evals.overhead.fleet SERVERS.json [--limit N] [--json FILE]

SERVERS.json is any client's `mcpServers` file. Exits with 1 where a server that starts directly is worse behind us.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from catalog_cache.merge import public_name
from evals.overhead.clients import Stdio

START = 120.0
"""Seconds that a server gets: the first start may have to fetch it."""


async def alone(name: str, entry: dict[str, Any]) -> dict[str, Any]:
    """Start one server directly, and name its tools."""
    command = [os.path.expandvars(part) for part in [entry["command"], *entry.get("args", [])]]
    client = Stdio(command, {key: os.path.expandvars(value) for key, value in entry.get("env", {}).items()})
    begun = time.perf_counter()
    try:
        async with asyncio.timeout(START):
            await client.open()
            tools = await every_tool(client)
    except (TimeoutError, OSError, AssertionError, KeyError) as failure:
        return {"server": name, "direct": f"no: {type(failure).__name__}", "tools": None}
    finally:
        await client.kill()
    return {"server": name, "direct": f"{time.perf_counter() - begun:.1f} s", "tools": tools}


async def together(file: Path, home: str, wanted: dict[str, list[str]]) -> dict[str, str]:
    """Start all behind the proxy; server to the seconds until its tools were listed."""
    client = Stdio([sys.executable, "-m", "proxy.cli", "serve", "--config", str(file)], {"MCP_MEND_HOME": home})
    found: dict[str, str] = {}
    begun = time.perf_counter()
    await client.open()
    try:
        while len(found) < len(wanted) and time.perf_counter() - begun < START:
            listed = set(await every_tool(client))
            for name, tools in wanted.items():
                if name not in found and {public_name(name, tool) for tool in tools} <= listed:
                    found[name] = f"{time.perf_counter() - begun:.1f} s"
            await asyncio.sleep(0.25)
    finally:
        await client.close()
    return found


async def every_tool(client: Stdio) -> list[str]:
    """The names of all tools, page by page."""
    names: list[str] = []
    cursor: dict[str, Any] = {}
    while True:
        result = (await client.request("tools/list", cursor))["result"]
        names += [tool["name"] for tool in result["tools"]]
        if not result.get("nextCursor"):
            return names
        cursor = {"cursor": result["nextCursor"]}


async def run(options: argparse.Namespace) -> list[dict[str, Any]]:
    """A row for each server."""
    servers: dict[str, Any] = json.loads(options.servers.read_text(encoding="utf-8"))["mcpServers"]
    chosen = dict(list(servers.items())[: options.limit])
    rows = [await alone(name, entry) for name, entry in chosen.items()]
    wanted = {row["server"]: row["tools"] for row in rows if row["tools"] is not None}
    with tempfile.TemporaryDirectory() as home:
        file = Path(home) / "servers.json"
        file.write_text(json.dumps({"mcpServers": chosen}), encoding="utf-8")
        found = await together(file, home, wanted)
    for row in rows:
        row["behind mcp-mend"] = found.get(row["server"], "no")
        row["tools"] = len(row["tools"]) if row["tools"] is not None else 0
    return rows


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m evals.overhead.fleet")
    parser.add_argument("servers", type=Path)
    parser.add_argument("--limit", type=int, default=20)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    rows = asyncio.run(run(options))
    print("| server | tools | direct | behind mcp-mend |\n| --- | --- | --- | --- |")
    for row in rows:
        print(f"| {row['server']} | {row['tools']} | {row['direct']} | {row['behind mcp-mend']} |")
    if options.json is not None:
        options.json.write_text(json.dumps(rows, indent=2), encoding="utf-8")
    sys.exit(any(row["behind mcp-mend"] == "no" and not row["direct"].startswith("no") for row in rows))


if __name__ == "__main__":
    main()
