"""A locked server, and `mcp-mend login` run against it as a person would, with a browser that asks nobody."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2

from schemas.config import Upstream

ROOT = Path(__file__).parents[1]
BROWSER = f"{sys.executable} {ROOT / 'tests' / 'servers' / 'browser.py'} %s"


class Locked:
    """A server of `tests/servers/locked.py` at work."""

    def __init__(self, url: str) -> None:
        self.url = f"{url}/mcp"
        self._client = httpx2.Client(base_url=url)

    def well(self) -> None:
        """Behave as at the start, with every access token revoked."""
        usual = {"lifetime": 3600, "scope": "read", "token_status": None, "refuse_refresh": False}
        self.behave(**usual, deny=False, wrong_state=False, open=False, sessions=False, revoke=True)

    def behave(self, **ways: Any) -> None:
        """Change how it behaves."""
        self._client.post("/control", json=ways).raise_for_status()

    def seen(self, what: str) -> list[Any]:
        """What it was asked of one kind, in order."""
        return [each[what] for each in self._client.get("/seen").json() if what in each]

    def close(self) -> None:
        """Let go of it."""
        self._client.close()

    def upstream(self, **more: Any) -> Upstream:
        """The upstream that leads to it."""
        return Upstream.model_validate({"url": self.url, **more})


@contextmanager
def locked() -> Generator[Locked]:
    """A locked server, from its first answer until this is left."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, str(ROOT / "tests" / "servers" / "locked.py"), str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(400):
            try:
                httpx2.get(f"http://127.0.0.1:{port}/seen")
                break
            except httpx2.ConnectError:
                assert process.poll() is None
        running = Locked(f"http://127.0.0.1:{port}")
        yield running
        running.close()
    finally:
        process.kill()
        process.wait()


def mend(*words: str, browser: str = BROWSER, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run a command of `mcp-mend` to its end."""
    line = [sys.executable, "-c", "from proxy.cli import main; main()", *words]
    env = {**os.environ, "BROWSER": browser, "PYTHONPATH": str(ROOT)}
    return subprocess.run(line, env=env, input=stdin, capture_output=True, text=True, timeout=60, check=False)
