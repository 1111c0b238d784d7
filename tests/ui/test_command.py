"""`mcp-mend ui`: the page beside proxies that clients have started."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import httpx2

from tests.ui.proxy import MEND, ROOT


def test_the_page_stands_beside_a_proxy_and_says_what_it_does_not_know(tmp_path: Path) -> None:
    file = tmp_path / "proxy.toml"
    file.write_text('[upstreams.shop]\ncommand = "not-started"\n')
    env = {**os.environ, "MCP_MEND_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    line = [*MEND, "ui", "--config", str(file), "--no-open"]
    process = subprocess.Popen(line, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        assert address.startswith("http://127.0.0.1:")
        assert "No calls yet" in httpx2.get(address, timeout=30).text
        servers = httpx2.get(f"{address}servers", timeout=30).text
        assert "does not know their connections" in servers
        assert "shop" in servers
    finally:
        process.terminate()
        assert process.wait(30) == 0
        process.stdout.close()
