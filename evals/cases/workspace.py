"""The folder of one proxy process: its state, its configuration, its log, and how it is started."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import tomlkit

from evals.cases.client import ROOT, Connection, connect, proxy


@dataclass(frozen=True)
class Options:
    """What a run is asked to do."""

    goal: bool = True
    planner: str = "none"
    effects: str = "found"
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])
    budget: Mapping[str, float] = field(default_factory=dict[str, float])

    def plan(self, steps: Any, goal: str, **more: Any) -> dict[str, Any]:
        """The input of `run_workflow` for these steps; a budget of `calls_per_step` grows with the plan."""
        budget = dict(self.budget)
        if "calls_per_step" in budget:
            budget["calls"] = max(1, round(budget.pop("calls_per_step") * len(steps)))
        plan: dict[str, Any] = {"steps": steps, **more}
        return plan | ({"goal": goal} if self.goal else {}) | ({"budget": budget} if budget else {})


@dataclass(frozen=True)
class Server:
    """How one upstream is started."""

    command: Sequence[str]
    env: Mapping[str, str]

    def tapped(self, log: Path) -> Server:
        """The same server with every call written to `log`."""
        return Server([sys.executable, "-m", "evals.cases.tap", str(log), *self.command], self.env)


@contextmanager
def folder() -> Iterator[Path]:
    """A temporary folder, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="mcp-mend-bench-") as name:
        yield Path(name)


def config_text(options: Options, upstreams: Mapping[str, Server]) -> str:
    """A configuration file (TOML) of these upstreams and the settings that the options name."""
    planner = {"backend": options.planner, **options.settings.get("planner", {})}
    servers = {
        name: {"command": each.command[0], "args": list(each.command[1:]), "cwd": str(ROOT), "env": dict(each.env)}
        for name, each in upstreams.items()
    }
    return tomlkit.dumps({**options.settings, "planner": planner, "upstreams": servers})


def wrapped(options: Options, home: Path, server: Server) -> AbstractAsyncContextManager[Connection]:
    """A client of `mcp-mend wrap` in front of one server."""
    return _opened(options, home, {}, ["wrap", "--", *server.command], server.env)


def served(options: Options, home: Path, upstreams: Mapping[str, Server]) -> AbstractAsyncContextManager[Connection]:
    """A client of `mcp-mend serve` over these upstreams."""
    return _opened(options, home, upstreams, ["serve"], {})


@asynccontextmanager
async def _opened(
    options: Options, home: Path, upstreams: Mapping[str, Server], line: list[str], more: Mapping[str, str]
) -> AsyncIterator[Connection]:
    config = home / "config.toml"
    config.write_text(config_text(options, upstreams))
    env = {"MCP_MEND_HOME": str(home / "state"), "MCP_MEND_CONFIG": str(config), **more}
    if options.effects == "written":
        effects = [proxy(), "effects", "--write", "--yes", *line[1:]]
        await anyio.run_process(effects, env={**os.environ, **env}, cwd=ROOT)
    async with connect([proxy(), *line], env, home / "stderr.log") as connection:
        yield connection


def read_log(path: Path) -> list[dict[str, Any]]:
    """The lines of a JSON lines file, none where it does not exist."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
