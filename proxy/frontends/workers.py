"""Several processes that serve one address: a parent that keeps the socket, and workers that share it.

Each worker also listens on loopback for itself, so that the others can hand on what belongs to its sessions. A worker
that ends is started anew; one whose parent is gone ends by itself.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Sequence
from signal import SIGTERM

import anyio
import structlog

from proxy.frontends.listener import KEY, SOCKETS, listening
from schemas.config import Http

log = structlog.get_logger("server")

PAUSES = (0.1, 0.5, 2.0, 10.0, 30.0)
"""Seconds before a worker is started anew; the next longer one each time it ends within a minute."""
STEADY = 60.0
ENDS = 10.0
"""Seconds beyond `http.drain_seconds` after which a worker that was asked to end is killed."""


async def supervise(
    config: Http,
    host: str,
    port: int,
    workers: int,
    arguments: Sequence[str],
    stop: asyncio.Event,
    *,
    guarded: bool = False,
) -> None:
    """Keep so many workers running `mcp-mend serve` with these arguments until `stop` is set.

    Raises what `listening` does; no worker has been started then.
    """
    key = secrets.token_urlsafe(32)
    with listening(config, host, port, guarded=guarded) as shared:
        log.info("listening", url=f"http://{host}:{shared.getsockname()[1]}/mcp", workers=workers)
        async with anyio.create_task_group() as tasks:
            for number in range(workers):
                tasks.start_soon(_keep, number, shared, key, arguments, config.drain_seconds)
            await stop.wait()
            tasks.cancel_scope.cancel()


async def _keep(number: int, shared: socket.socket, key: str, arguments: Sequence[str], drain: int) -> None:
    """Start one worker, again and again."""
    short = 0
    with socket.create_server(("127.0.0.1", 0), backlog=2048) as own:
        while True:
            began = anyio.current_time()
            code = await _run(shared, own, key, arguments, drain)
            short = short + 1 if anyio.current_time() - began < STEADY else 0
            pause = PAUSES[min(short, len(PAUSES) - 1)]
            log.warning("a worker has ended and is started anew", worker=number, code=code, seconds=pause)
            await anyio.sleep(pause)


async def _run(shared: socket.socket, own: socket.socket, key: str, arguments: Sequence[str], drain: int) -> int:
    """Run one worker until it ends; cancelled, have it end."""
    given = {SOCKETS: f"{shared.fileno()} {own.fileno()}", KEY: key}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", "proxy.cli", "serve", *arguments,
        stdin=subprocess.PIPE, env={**os.environ, **given}, pass_fds=(shared.fileno(), own.fileno()),
    )  # fmt: skip
    try:
        return await process.wait()
    finally:
        if process.returncode is None:
            process.send_signal(SIGTERM)
            with anyio.CancelScope(shield=True):
                with anyio.move_on_after(drain + ENDS):
                    await process.wait()
                if process.returncode is None:
                    process.kill()
                    await process.wait()
