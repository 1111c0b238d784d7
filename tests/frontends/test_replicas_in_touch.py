"""Replicas over one PostgreSQL hear at once what was decided or seen at another."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2

from tests.frontends.httpclient import JSON, Http, free_port, until_up
from tests.frontends.rawclient import ECHO, MEND, MODERN, started


def written(folder: Path, store: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "mend.toml"
    upstream = f"[upstreams.a]\ncommand = {ECHO[0]!r}\nargs = {ECHO[1:]!r}\ntools.effects = {{ echo = 'read' }}\n"
    path.write_text(f"{upstream}[store]\nurl = {json.dumps(store)}\n")
    return path


@asynccontextmanager
async def two(folder: Path, store: str) -> AsyncGenerator[list[str]]:
    """Two replicas with nothing in common but the database; gives their addresses."""
    async with AsyncExitStack() as stack, httpx2.AsyncClient() as client:
        bases: list[str] = []
        for name in ("one", "other"):
            address = f"127.0.0.1:{free_port()}"
            command = [*MEND, "serve", "--config", str(written(folder / name, store)), "--http", address]
            await stack.enter_async_context(started(folder / name, *command))
            await until_up(client, f"http://{address}")
            bases.append(f"http://{address}")
        yield bases


async def mend(folder: Path, *words: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *MEND, *words, "--config", str(folder / "mend.toml"),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env={"MCP_MEND_HOME": str(folder / "shell"), "PATH": ""},
    )  # fmt: skip
    out, told = await process.communicate()
    assert process.returncode == 0, told.decode()
    return out.decode()


async def soon(is_so: Callable[[], Awaitable[bool]], seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while not await is_so():  # noqa: ASYNC110  another process tells nobody
            await asyncio.sleep(0.1)


async def repaired(session: Http) -> bool:
    """Tell whether a call whose name is misspelled is repaired."""
    call = {"name": "a__ecko", "arguments": {"text": "x"}}
    answer = await session.ask("tools/call", call)
    return "mcp-mend/repair" in (answer.get("result") or {}).get("_meta", {})


async def test_a_server_that_is_paused_anywhere_is_paused_everywhere(tmp_path: Path, postgres_url: str) -> None:
    async with two(tmp_path, postgres_url) as bases, httpx2.AsyncClient() as client:
        sessions = [Http(client, f"{base}/mcp") for base in bases]
        for session in sessions:
            await session.open()
            await soon(lambda session=session: repaired(session))
        await mend(tmp_path / "one", "pause", "a")
        for session in sessions:

            async def quiet(session: Http = session) -> bool:
                return not await repaired(session)

            await soon(quiet)
        assert await mend(tmp_path / "other", "pause") == "a\n"
        await mend(tmp_path / "other", "resume", "a")
        for session in sessions:
            await soon(lambda session=session: repaired(session))


async def test_a_token_that_is_revoked_is_taken_nowhere_any_more(tmp_path: Path, postgres_url: str) -> None:
    folder = tmp_path / "one"
    written(folder, postgres_url)
    token: dict[str, Any] = json.loads(await mend(folder, "token", "create", "ada", "--json"))
    async with two(tmp_path, postgres_url) as bases, httpx2.AsyncClient() as client:

        async def status(base: str) -> int:
            headers = {"authorization": f"Bearer {token['token']}", "accept": "application/json, text/event-stream"}
            ping = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {}}
            return (await client.post(f"{base}/mcp", json=ping, headers=headers)).status_code

        for base in bases:
            assert await status(base) == 200
        await mend(folder, "token", "revoke", "ada")
        for base in bases:

            async def refused(base: str = base) -> bool:
                return await status(base) == 401

            await soon(refused, 5)


async def test_a_list_that_changed_at_one_replica_is_read_anew_at_the_other(tmp_path: Path, postgres_url: str) -> None:
    async with two(tmp_path, postgres_url) as bases, httpx2.AsyncClient() as client:

        async def asked(base: str, method: str, **params: Any) -> str:
            headers = {**JSON, "mcp-protocol-version": "2026-07-28", "mcp-method": method}
            headers |= {"mcp-name": params["name"]} if "name" in params else {}
            body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**params, "_meta": MODERN}}
            return (await client.post(f"{base}/mcp", json=body, headers=headers, timeout=20)).text

        one, other = bases
        await soon(lambda: _holds(asked(one, "tools/list"), "a__echo"))
        await asked(other, "tools/call", name="a__echo", arguments={"text": "quietly"})
        assert "a__later" not in await asked(other, "tools/list")
        await asked(one, "tools/call", name="a__echo", arguments={"text": "change"})
        await soon(lambda: _holds(asked(other, "tools/list"), "a__later"))


async def _holds(text: Awaitable[str], part: str) -> bool:
    return part in await text
