from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

from tests.scale.site import Program
from tests.services.running import free_port

REQUEST = b"GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n"


async def refused(port: int) -> None:
    """Wait until nobody listens at a port any more."""
    async with asyncio.timeout(20):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except ConnectionError:
                return
            writer.close()
            await asyncio.sleep(0.01)


async def test_what_was_connected_before_listening_ends_is_answered_and_then_closed(tmp_path: Path) -> None:
    """A balancer sends a request right after it has connected, and cannot tell whether one that was reset was done."""
    port = free_port()
    file = tmp_path / "proxy.toml"
    file.write_text("[http]\n")
    command = [sys.executable, "-m", "proxy.cli", "serve", "--config", str(file), "--http", f"127.0.0.1:{port}"]
    proxy = Program(command, f"http://127.0.0.1:{port}/healthz", tmp_path / "log", {"MCP_MEND_HOME": str(tmp_path)})
    async with proxy.running(), asyncio.timeout(30):
        connected = [await asyncio.open_connection("127.0.0.1", port) for _ in range(20)]
        ending = asyncio.create_task(proxy.end(signal.SIGTERM))
        await refused(port)
        for _, writer in connected:
            writer.write(REQUEST)
        heads = [await reader.read() for reader, _ in connected]
        assert [head.partition(b"\r\n")[0] for head in heads] == [b"HTTP/1.1 200 OK"] * 20
        assert await ending == 0
        for _, writer in connected:
            writer.close()
