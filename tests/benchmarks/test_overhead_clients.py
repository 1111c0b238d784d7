"""What the overhead benchmark says when a process that it measures is gone."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable
from typing import Any

import pytest

from evals.overhead.__main__ import free_port
from evals.overhead.clients import EndedError, Http, Stdio

ECHO = [sys.executable, "-m", "evals.overhead.echo"]
LAST_WORDS = "import sys; sys.exit('no such licence')"


def over_stdio(*command: str) -> Stdio:
    return Stdio(command, {})


def over_http(*command: str) -> Http:
    port = free_port()
    return Http(f"http://127.0.0.1:{port}/mcp", [*command, "--http", str(port)], {}, modern=False)


FACES = pytest.mark.parametrize("client_of", [over_stdio, over_http], ids=["stdio", "http"])


@FACES
async def test_a_server_that_dies_at_its_start_is_named_with_its_last_words(client_of: Callable[..., Any]) -> None:
    client = client_of(sys.executable, "-c", LAST_WORDS)
    async with asyncio.timeout(20):
        with pytest.raises(EndedError, match=f"(?s){sys.executable} -c.*ended with status 1.*no such licence"):
            await client.open()
        await client.close()


@FACES
async def test_a_server_that_dies_in_a_call_ends_every_call_with_an_error(client_of: Callable[..., Any]) -> None:
    client = client_of(*ECHO)
    async with asyncio.timeout(20):
        await client.open()
        server = client.processes()[0]
        server.send_signal(signal.SIGSTOP)
        calls = [asyncio.create_task(client.request("tools/list", {})) for _ in range(3)]
        await asyncio.sleep(0.2)
        server.kill()
        ended = await asyncio.gather(*calls, return_exceptions=True)
        with pytest.raises(EndedError):
            await client.request("tools/list", {})
        await client.close()
    assert [type(each) for each in ended] == [EndedError] * 3
    assert "evals.overhead.echo" in str(ended[0])
    assert "ended with status -9" in str(ended[0])
