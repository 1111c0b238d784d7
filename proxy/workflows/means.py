"""What calls and workflows are carried out with, and what both ask of it."""

from __future__ import annotations

from proxy.planner.opening import Opened
from proxy.ports import Client, Journal, Upstreams
from proxy.repair.view.step import Evidence
from proxy.store.kept import KeptRuns
from proxy.store.memory import Memories
from proxy.workflows.asking import Reads
from schemas.catalog import Tool
from schemas.config import Config


class Means:
    """What calls and workflows build on: a configuration, upstreams, the journal, a planner, memory, kept runs."""

    def __init__(
        self,
        config: Config,
        upstreams: Upstreams,
        journal: Journal,
        planner: Opened | None = None,
        memories: Memories | None = None,
        asked: Reads | None = None,
        kept: KeptRuns | None = None,
    ) -> None:
        self._config = config
        self._upstreams = upstreams
        self._journal = journal
        self._planner = planner
        self._memories = memories or Memories(None)
        self._asked = asked or Reads()
        self._kept = kept

    def _known(self) -> Evidence:
        """Evidence from the catalog, the settings and the memory, before anything is known of one run."""
        evolution = self._config.evolution
        return Evidence(
            self._upstreams.catalog,
            policy=self._config.effects.policy,
            feedback=evolution.feedback,
            memory=self._memories.lessons if evolution.memory else {},
        )

    async def _reads(self, client: Client, tool: Tool) -> bool:
        """Ask the person whether a tool only reads."""
        return await self._asked(client, tool, self._config.upstreams.get(tool.server))
