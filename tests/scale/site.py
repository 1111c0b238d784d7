"""Replicas of the proxy as processes, each with a state folder of its own, behind the nginx of `deploy/`."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx2

from tests.scale.balancer import balancer
from tests.services.nginx import nginx
from tests.services.running import free_port

ROOT = Path(__file__).parents[2]
KEY = "a key of thirty-two bytes or more"
UP_SECONDS, END_SECONDS = 60.0, 60.0


@dataclass
class Program:
    """A program that answers at an address of this machine; it can be ended and started again."""

    command: Sequence[str]
    probe: str
    log: Path
    env: dict[str, str] = field(default_factory=dict[str, str])
    process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process as it runs now."""
        assert self.process is not None
        return self.process.pid

    async def start(self) -> None:
        """Start it, and return once its probe says yes."""
        self.process = self._begin()
        async with asyncio.timeout(UP_SECONDS), httpx2.AsyncClient() as client:
            while True:
                assert self.process.poll() is None, self.log.read_text(errors="replace")
                try:
                    if (await client.get(self.probe)).status_code == 200:
                        return
                except httpx2.TransportError:
                    pass
                await asyncio.sleep(0.05)

    def _begin(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as out:
            return subprocess.Popen(
                self.command, cwd=ROOT, env={**os.environ, **self.env}, stdin=subprocess.DEVNULL, stdout=out, stderr=out
            )

    async def end(self, number: int) -> int:
        """Send it a signal and wait until it has gone; its status."""
        assert self.process is not None
        self.process.send_signal(number)
        return await asyncio.to_thread(self.process.wait, END_SECONDS)

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[Program]:
        """Run it within the block; whatever became of it, it is not there afterwards."""
        try:
            await self.start()
            yield self
        finally:
            if self.process is not None and self.process.poll() is None:
                self.process.kill()
                self.process.wait()


@dataclass
class Site:
    """Everything at work: the address of the balancer, and what stands behind it."""

    url: str
    replicas: list[Program]
    ledger: Program

    @property
    def addresses(self) -> list[str]:
        """Where the replicas are, past the balancer."""
        return [each.probe.removesuffix("/readyz") for each in self.replicas]

    async def entries(self) -> list[str]:
        """The effects, in order."""
        async with httpx2.AsyncClient() as client:
            return (await client.get(self.ledger.probe)).json()


def ledger(folder: Path, pause: float) -> tuple[Program, str]:
    """The upstream, and its address."""
    base = f"http://127.0.0.1:{(port := free_port())}"
    command = [sys.executable, "-m", "tests.scale.ledger", str(port), "--pause", str(pause)]
    return Program(command, f"{base}/entries", folder / "ledger.log"), f"{base}/mcp"


def replica(folder: Path, port: int, upstream: str, store: str, extra: str) -> Program:
    """One replica at a port; `store` is the address of the shared database, "" for files of its own."""
    folder.mkdir()
    base = f"http://127.0.0.1:{port}"
    text = f'[http]\nsessions = 5000\ndrain_seconds = 30\n\n[upstreams.ledger]\nurl = "{upstream}"\n'
    if store:
        text += f'\n[store]\nurl = "{store}"\n\n[replicas]\naddress = "{base}"\nkey = "{KEY}"\nleave_seconds = 0\n'
    file = folder / "proxy.toml"
    file.write_text(text + extra, encoding="utf-8")
    command = [sys.executable, "-m", "proxy.cli", "serve", "--config", str(file), "--http", f"127.0.0.1:{port}"]
    return Program(command, f"{base}/readyz", folder / "log", {"MCP_MEND_HOME": str(folder / "home")})


@asynccontextmanager
async def site(
    folder: Path, count: int, store: str = "", *, pause: float = 0.0, anywhere: bool = False, extra: str = ""
) -> AsyncGenerator[Site]:
    """So many replicas behind a balancer, with `extra` in their configuration; all has ended when this is left."""
    upstream, address = ledger(folder, pause)
    ports = [free_port() for _ in range(count)]
    replicas = [replica(folder / f"replica-{port}", port, address, store, extra) for port in ports]
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(upstream.running())
        for each in replicas:
            await stack.enter_async_context(each.running())
        port = free_port()
        stack.enter_context(nginx(balancer(port, ports, anywhere=anywhere), port))
        yield Site(f"http://127.0.0.1:{port}", replicas, upstream)


async def drain(replica: Program) -> int:
    """Ask a replica to finish what it holds and end; its status."""
    return await replica.end(signal.SIGTERM)


async def kill(replica: Program) -> None:
    """End a replica without a word."""
    await replica.end(signal.SIGKILL)
