"""What a client may ask, and who answers: one core for every transport, the aggregated face and single upstreams.

Raw dicts in and out. Knows nothing of bytes, sessions or HTTP.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, cast

from proxy.calls import Calls
from proxy.server.eras import HANDSHAKE_VERSIONS, modern_result, of_initialize, ourselves, supported_versions
from proxy.server.exchange import Exchange
from proxy.upstream import rpc
from proxy.upstream.caller import OwnLinks
from proxy.upstream.fleet import Fleet
from schemas.trial import Reply

AGGREGATED: Mapping[str, Any] = {"tools": {"listChanged": True}}
"""What the aggregated face can do, whatever its upstreams can."""

Answer = Callable[[Any, Exchange], Awaitable[Reply]]


class Face:
    """Answers requests for all upstreams together (`server` None) or for one under its own names."""

    def __init__(self, fleet: Fleet, calls: Calls, server: str | None = None) -> None:
        self._fleet = fleet
        self._calls = calls
        self._server = server
        self._table: dict[str, Answer] = {
            "initialize": self._initialize,
            "server/discover": self._discover,
            "ping": self._ping,
            "tools/list": self._tools_list,
            "tools/call": self._tools_call,
        }

    async def answer(self, method: str, params: Any, exchange: Exchange) -> Reply:
        """Answer one request; a lost call becomes a JSON-RPC error that says what was lost and why."""
        known = self._table.get(method)
        reply = await (known(params, exchange) if known is not None else self._forward(method, params, exchange))
        if reply.lost is not None:
            return Reply(error=lost_error(reply, self._server))
        if exchange.modern and reply.result is not None:
            return Reply(result=modern_result(method, reply.result, self._identity()))
        return reply

    def hear(self, method: str, params: Any, own: OwnLinks | None = None) -> None:
        """Take a notification from the client; it goes over the session's own connection where it has one."""
        if method == "notifications/initialized":
            return
        for server in (self._server,) if self._server is not None else self._fleet.names:
            (own or self._fleet).notify(server, method, params)

    def input_schema(self, name: str) -> Mapping[str, Any] | None:
        """The input schema of a tool as this face names it, None where it has no such tool."""
        catalog = self._fleet.catalog
        tool = catalog.public(name) if self._server is None else catalog.origin(self._server, name)
        return tool.schema if tool is not None else None

    def concerns(self, server: str) -> bool:
        """Tell whether this face shows an upstream."""
        return self._server is None or self._server == server

    async def _initialize(self, params: Any, exchange: Exchange) -> Reply:
        del exchange
        agreed = of_initialize(params).version
        hello = await self._hello()
        if hello is None and self._server is not None:
            member = self._fleet.member(self._server)
            return member.lost() if member is not None else _unknown(self._server)
        return Reply(result={"protocolVersion": agreed, **_presented(hello)})

    async def _discover(self, params: Any, exchange: Exchange) -> Reply:
        del params, exchange
        hello = await self._hello()
        versions = [each for each in supported_versions() if each not in HANDSHAKE_VERSIONS]
        return Reply(result={"supportedVersions": versions, **_presented(hello)})

    async def _hello(self) -> Mapping[str, Any] | None:
        """The upstream's own introduction on a face of one upstream, waited for where none is known."""
        if self._server is None:
            return None
        hello = self._fleet.hello(self._server)
        if not hello:
            await self._fleet.ready(self._server)
            hello = self._fleet.hello(self._server)
        return hello or None

    def _identity(self) -> Mapping[str, Any]:
        hello: Mapping[str, Any] = self._fleet.hello(self._server) if self._server is not None else {}
        info = hello.get("serverInfo")
        return cast("Mapping[str, Any]", info) if isinstance(info, Mapping) else ourselves()

    async def _ping(self, params: Any, exchange: Exchange) -> Reply:
        del params, exchange
        return Reply(result={})

    async def _tools_list(self, params: Any, exchange: Exchange) -> Reply:
        server = self._server
        if server is not None and exchange.own is not None and server in exchange.own.changed:
            return await self._fleet.request(server, "tools/list", params, exchange)
        if server is None:
            await self._fleet.listed_once()
            shown = [{**tool.raw, "name": tool.public} for tool in self._fleet.catalog]
            return Reply(result={"tools": [*shown, *self._calls.own_tools()]})
        if not self._fleet.known(server):
            await self._fleet.ready(server)
        if not self._fleet.known(server):
            member = self._fleet.member(server)
            return member.lost() if member is not None else _unknown(server)
        tools = [tool.raw for tool in self._fleet.catalog.of(server)]
        return Reply(result={**self._fleet.frame(server), "tools": [*tools, *self._calls.own_tools()]})

    async def _tools_call(self, params: Any, exchange: Exchange) -> Reply:
        if not isinstance(params, Mapping) or not isinstance(cast("Mapping[str, Any]", params).get("name"), str):
            return Reply(error=rpc.error(rpc.INVALID_PARAMS, "tools/call needs an object with the name of a tool"))
        call = cast("Mapping[str, Any]", params)
        catalog, name = self._fleet.catalog, str(call["name"])
        known = catalog.public(name) if self._server is None else catalog.origin(self._server, name)
        if known is None:
            await self._fleet.listed_all(self._server)
        return await self._calls.call(call, exchange)

    async def _forward(self, method: str, params: Any, exchange: Exchange) -> Reply:
        if self._server is None:
            return Reply(error=rpc.error(rpc.METHOD_NOT_FOUND, f"Method not found: {method}"))
        return await self._fleet.request(self._server, method, params, exchange)


def lost_error(reply: Reply, server: str | None) -> dict[str, Any]:
    """The JSON-RPC error for a call without reply, with the upstream's last words."""
    lines = list(reply.stderr[-5:])
    text = reply.message or "the upstream gave no reply"
    if lines:
        text += "; its last output on stderr: " + " | ".join(lines)
    reason = {"reason": str(reply.lost), "stderr": list(reply.stderr)}
    return rpc.error(rpc.INTERNAL_ERROR, text, {"mcp-mend/lost": {**reason, **({"server": server} if server else {})}})


def _presented(hello: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """An introduction: an upstream's own, or that of all of them together."""
    if hello is None:
        return {"capabilities": AGGREGATED, "serverInfo": ourselves()}
    dropped = ("protocolVersion", "supportedVersions", "resultType", "ttlMs", "cacheScope")
    shown = {key: value for key, value in hello.items() if key not in dropped}
    return {"capabilities": {}, "serverInfo": {"name": "unknown", "version": "0"}, **shown}


def _unknown(server: str) -> Reply:
    return Reply(error=rpc.error(rpc.INVALID_PARAMS, f"no upstream is called {server!r}"))
