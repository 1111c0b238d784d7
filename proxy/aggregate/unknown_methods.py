"""Requests that the protocol does not know, where several upstreams stand behind one endpoint.

What names a thing of one upstream goes there. Else the upstreams are asked in turn: "method not found" says that
nothing was done, so the next may be asked; any other answer is the answer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from proxy.aggregate.gather import capabilities
from proxy.aggregate.resources import Resources
from proxy.upstreams.fleet import Fleet
from proxy.wire import rpc
from proxy.wire.caller import Caller
from schemas.trial import Lost, Reply

_WORD = re.compile(r"[A-Za-z0-9]+")
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:.+", re.DOTALL)
_COMMON = frozenset({"com", "org", "net", "io", "dev", "mcp", "modelcontextprotocol", "get", "list", "set"})
"""Words of names and domains that tell nobody apart."""


class UnknownMethods:
    """Finds who knows a method."""

    def __init__(self, fleet: Fleet, resources: Resources) -> None:
        self._fleet = fleet
        self._resources = resources

    async def answer(self, method: str, params: Any, caller: Caller) -> Reply:
        """Answer one request."""
        names = self._fleet.names
        home = await self._home(rpc.fields(params), caller)
        if home is not None or len(names) == 1:
            server, theirs = home or (names[0], params)
            return await self._fleet.request(server, method, theirs, caller)
        await self._fleet.listed_once()
        for server in self._order(method):
            reply = await self._fleet.request(server, method, params, caller)
            if not unknown(reply) and reply.lost is not Lost.NOT_SENT:
                return reply
        return Reply(error=rpc.error(rpc.METHOD_NOT_FOUND, f"Method not found: {method}"))

    async def _home(self, params: Mapping[str, Any], caller: Caller) -> tuple[str, Mapping[str, Any]] | None:
        """Whose tool, prompt or resource the parameters name, and the parameters as that upstream knows it."""
        name, uri = params.get("name"), params.get("uri")
        if isinstance(name, str):
            tool = self._fleet.catalog.public(name)
            found = (tool.server, tool.name) if tool is not None else self._resources.prompt_known(name)
            if found is not None:
                return found[0], {**params, "name": found[1]}
        if isinstance(uri, str) and _ADDRESS.fullmatch(uri):
            server = await self._resources.home(uri, caller)
            return None if server is None else (server, params)
        return None

    def _order(self, method: str) -> list[str]:
        """Those that are there, in their order, but first those whose capabilities speak of the method."""
        ranked = [(not self._speaks_of(server, method), server) for server in self._fleet.names]
        live = [each for each in ranked if self._fleet.connection(each[1]) is not None or not each[0]]
        return [server for _, server in sorted(live, key=lambda each: each[0])]

    def _speaks_of(self, server: str, method: str) -> bool:
        said = capabilities(self._fleet, server)
        declared = [*rpc.fields(said.get("experimental")), *rpc.fields(said.get("extensions"))]
        return any(_words(method) & _words(key) for key in declared)


def unknown(reply: Reply) -> bool:
    """Tell whether an upstream does not know the method; the first Python SDK says so with another code."""
    if reply.error is None:
        return False
    generic = (rpc.INVALID_PARAMS, "Invalid request parameters")
    said = (reply.error.get("code"), reply.error.get("message"))
    return said[0] == rpc.METHOD_NOT_FOUND or (said == generic and not reply.error.get("data"))


def _words(name: str) -> set[str]:
    return {word.lower() for word in _WORD.findall(name)} - _COMMON
