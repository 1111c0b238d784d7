"""One `tools/call` from a client: forwarded as it came, repaired when it fails."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from proxy.repair.ports import Client, Journal, Upstreams
from schemas.catalog import Tool
from schemas.config import Config
from schemas.trial import Reply

INVALID_PARAMS = -32602


class Calls:
    """The tools face: what `tools/call` does, on the aggregated face (`server` None) or for one upstream.

    The reply to a sound call is the upstream's own object.
    """

    def __init__(self, config: Config, upstreams: Upstreams, journal: Journal, server: str | None = None) -> None:
        self._config = config
        self._upstreams = upstreams
        self._journal = journal
        self._server = server

    def own_tools(self) -> list[dict[str, Any]]:
        """The tools that the proxy itself adds to `tools/list` of this face, as raw tool objects."""
        return []

    async def call(self, params: Mapping[str, Any], client: Client) -> Reply:
        """Answer one `tools/call`; `params` as the client wrote them."""
        tool = self._tool(str(params.get("name")))
        if tool is None:
            return Reply(error={"code": INVALID_PARAMS, "message": f"Unknown tool: {params.get('name')}"})
        return await self._upstreams.call(tool, {**params, "name": tool.name}, client)

    def _tool(self, name: str) -> Tool | None:
        catalog = self._upstreams.catalog
        return catalog.public(name) if self._server is None else catalog.origin(self._server, name)
