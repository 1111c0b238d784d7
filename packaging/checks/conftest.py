"""The wheel and the source archive, built once, and a surrounding in which nothing of the checkout is found."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

ROOT = Path(__file__).parents[2]
SHOP = ROOT / "tests" / "servers" / "shop.py"
BROKEN = {"query": "hose", "max_price": "50"}
"""Arguments of `search_products`, whose `max_price` is a number."""
_OURS = ("VIRTUAL_ENV", "PYTHONPATH", "MCP_MEND_CONFIG", "MCP_MEND_MODE")


@dataclass(frozen=True)
class Place:
    """A folder to work in, with a state folder of its own and everything installed below it."""

    folder: Path

    @property
    def env(self) -> dict[str, str]:
        ours = {
            "MCP_MEND_HOME": str(self.folder / "state"),
            "XDG_CONFIG_HOME": str(self.folder / "config"),
            "UV_TOOL_DIR": str(self.folder / "tools"),
            "UV_TOOL_BIN_DIR": str(self.folder / "bin"),
            "PIPX_HOME": str(self.folder / "pipx"),
            "PIPX_BIN_DIR": str(self.folder / "bin"),
            "UV_PYTHON": sys.executable,
        }
        return {key: value for key, value in os.environ.items() if key not in _OURS} | ours

    @property
    def shop(self) -> dict[str, Any]:
        """The shop as a client's configuration names it."""
        return {"command": sys.executable, "args": [str(SHOP), str(self.folder / "shop.jsonl")]}

    def run(self, *line: str | Path, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run a program to its end; one that fails is told with what it said."""
        words, env = [str(word) for word in line], self.env if env is None else env
        done = subprocess.run(words, cwd=self.folder, env=env, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, f"{' '.join(words)}: {done.stdout}{done.stderr}"
        return done

    def ask(
        self, line: Sequence[str], tool: str = "search_products", env: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """The result of the broken call, from a client that starts this command line."""
        command = StdioServerParameters(
            command=line[0], args=list(line[1:]), env={**self.env, **(env or {})}, cwd=self.folder
        )

        async def call() -> dict[str, Any]:
            with (self.folder / "stderr.log").open("a") as errors, anyio.fail_after(120):
                async with Client(stdio_client(command, errlog=errors), read_timeout_seconds=100) as client:
                    return (await client.call_tool(tool, BROKEN)).model_dump(by_alias=True)

        return anyio.run(call)


def is_repaired(result: Mapping[str, Any]) -> bool:
    """Tell whether the broken call came back as the shop's answer, with its repair beside it."""
    repairs = (result.get("_meta") or {}).get("mcp-mend/repair", {}).get("repairs", [])
    found = (result.get("structuredContent") or {}).get("products", [])
    return [each["op"] for each in repairs] == ["coerce_argument"] and [each["sku"] for each in found] == ["hose-30"]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with what `uv build` makes of this checkout."""
    folder = tmp_path_factory.mktemp("built")
    subprocess.run(["uv", "build", "--quiet", "--out-dir", str(folder), str(ROOT)], check=True, timeout=300)
    return folder


@pytest.fixture(scope="session")
def wheel(built: Path) -> Path:
    (found,) = built.glob("*.whl")
    return found


@pytest.fixture(scope="session")
def sdist(built: Path) -> Path:
    (found,) = built.glob("*.tar.gz")
    return found
