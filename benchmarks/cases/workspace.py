"""The folder of one proxy process: its state, its configuration, its log, and how it is started."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.cases.client import ROOT, Connection, connect, proxy


@dataclass(frozen=True)
class Options:
    """What a run is asked to do."""

    direct: bool = False
    goal: bool = True
    planner: str = "none"
    mode: str = "auto"
    limit: int | None = None
    jobs: int = 2
    style: str = "mixed"
    match: str = ""


@dataclass(frozen=True)
class Server:
    """How one upstream is started."""

    command: Sequence[str]
    env: Mapping[str, str]

    def tapped(self, log: Path) -> Server:
        """The same server with every call written to `log`."""
        return Server([sys.executable, "-m", "benchmarks.cases.tap", str(log), *self.command], self.env)


@contextmanager
def folder() -> Iterator[Path]:
    """A temporary folder, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="mcp-mend-bench-") as name:
        yield Path(name)


def config_text(planner: str, upstreams: Mapping[str, Server]) -> str:
    """A configuration file (TOML) of these upstreams."""
    lines = [] if planner == "auto" else ["[planner]", f"backend = {json.dumps(planner)}"]
    for name, server in upstreams.items():
        lines += [
            f"[upstreams.{json.dumps(name)}]",
            f"command = {json.dumps(server.command[0])}",
            f"args = {json.dumps(list(server.command[1:]))}",
            f"cwd = {json.dumps(str(ROOT))}",
            "env = {" + ", ".join(f"{json.dumps(k)} = {json.dumps(v)}" for k, v in server.env.items()) + "}",
        ]
    return "\n".join(lines) + "\n"


@asynccontextmanager
async def wrapped(options: Options, home: Path, server: Server) -> AsyncIterator[Connection]:
    """A client of `mcp-mend wrap` in front of one server, or of the server itself in a direct run."""
    log = home / "stderr.log"
    if options.direct:
        async with connect(server.command, server.env, log, options.mode) as connection:
            yield connection
        return
    command = [proxy(), "wrap", "--", *server.command]
    async with connect(command, {**_env(options, home, {}), **server.env}, log, options.mode) as connection:
        yield connection


@asynccontextmanager
async def served(options: Options, home: Path, upstreams: Mapping[str, Server]) -> AsyncIterator[Connection]:
    """A client of `mcp-mend serve` over these upstreams."""
    env = _env(options, home, upstreams)
    async with connect([proxy(), "serve"], env, home / "stderr.log", options.mode) as connection:
        yield connection


def _env(options: Options, home: Path, upstreams: Mapping[str, Server]) -> dict[str, str]:
    config = home / "config.toml"
    config.write_text(config_text(options.planner, upstreams))
    return {"MCP_MEND_HOME": str(home / "state"), "MCP_MEND_CONFIG": str(config)}


def read_log(path: Path) -> list[dict[str, Any]]:
    """The lines of a JSON lines file, none where it does not exist."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
