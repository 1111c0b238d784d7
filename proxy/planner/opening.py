"""Chooses the planner that the configuration asks for, and ends it with its block."""

from __future__ import annotations

import importlib.metadata
import os
import sys
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import anyio.to_thread
import structlog

from proxy.model import models
from proxy.model.client import LocalPlanner, Remote
from proxy.model.sampling import ClientModel
from proxy.model.wire import Settings
from proxy.planner.advisor import PlannerAdvisor
from proxy.planner.shortlist import Shortlist
from proxy.ports import Advisor, Client, Planner, Usage
from schemas import config

log = structlog.get_logger("planner")


class NoPlanner:
    """The backend `none`: it has no answer to anything."""

    usage = Usage()
    available = None
    likelihoods = False

    async def rank(self, context: str, options: Sequence[str]) -> Sequence[float] | None:
        """Nothing to say."""

    async def generate(self, context: str, schema: Mapping[str, Any], max_tokens: int = 256) -> Any | None:
        """Nothing to write."""


@dataclass(frozen=True)
class Opened:
    """A planner, asked in text or in nouns, and the finder of the tools that it is shown.

    `behind` makes the planner of one run, where the client's own model is asked.
    """

    planner: Planner
    advisor: Advisor
    shortlist: Shortlist
    behind: Callable[[Client], Planner] | None = None
    context: int = 4096

    def of(self, client: Client) -> Opened:
        """What a run of this client asks."""
        if self.behind is None:
            return self
        planner = self.behind(client)
        return replace(self, planner=planner, advisor=PlannerAdvisor(planner, self.context))


@asynccontextmanager
async def open_planner(
    wanted: config.Planner,
    home: Path,
    hide: Callable[[str], str] = str,
    timed: Callable[[Planner], Planner] = lambda planner: planner,
) -> AsyncGenerator[Opened]:
    """The planner of this configuration; nothing is started or loaded before its first request.

    `home` is the state folder; `hide` takes secrets out of what a client's model is asked; `timed` follows what a model
    is asked. A backend that cannot be had is reported once and answers nothing: the proxy works without it.
    """
    local = wanted.backend in ("auto", "local")
    model = await anyio.to_thread.run_sync(_local_model, wanted) if local else None
    remote = Remote(_worker_settings(wanted, model, home), home / "planner")
    shortlist = Shortlist(remote if models.embedding() else None)
    try:
        if wanted.backend == "openai":
            from proxy.model.openai import open_endpoint

            async with open_endpoint(wanted) as endpoint:
                planner = timed(endpoint)
                yield Opened(planner, PlannerAdvisor(planner, wanted.context), shortlist)
        else:
            planner = NoPlanner() if model is None else timed(LocalPlanner(remote, wanted.deadline))

            def behind(client: Client) -> Planner:
                return timed(ClientModel(wanted.deadline, hide, client))

            asks = behind if wanted.backend == "client" else None
            yield Opened(planner, PlannerAdvisor(planner, wanted.context), shortlist, asks, wanted.context)
    finally:
        await shortlist.close()
        await remote.close()


def _local_model(wanted: config.Planner) -> Path | None:
    """The model's file, None where library or model are missing: then it says what to do."""
    say = log.info if wanted.backend == "auto" else log.warning
    if sys.platform == "win32":
        say("no local planner on Windows: run a model server and set planner.backend to openai")
        return None
    if not models.library():
        say("no local planner: install mcp-mend[planner] for it; repairs go on by rules alone")
        return None
    try:
        return models.resolve(wanted.model)
    except models.ModelProblem as problem:
        say("no local planner, repairs go on by rules alone", reason=str(problem))
        return None


def _worker_settings(wanted: config.Planner, model: Path | None, home: Path) -> Settings:
    return Settings(
        model=str(model or ""),
        context=wanted.context,
        threads=wanted.threads or max(1, (os.cpu_count() or 2) - 1),
        gpu_layers=wanted.gpu_layers,
        memory_mb=wanted.memory_mb,
        idle=wanted.idle,
        vectors=str(home.absolute() / "planner" / "vectors.npz"),
        release=importlib.metadata.version("mcp-mend"),
    )
