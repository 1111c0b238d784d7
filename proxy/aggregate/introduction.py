"""How an endpoint introduces itself: as its one upstream does, or for all upstreams as one server."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, cast

from proxy.aggregate.gather import capabilities
from proxy.aggregate.strict import CAPABILITIES, valid
from proxy.eras.envelope import ourselves, supported_versions
from proxy.upstreams.fleet import INTRODUCED, Fleet
from proxy.wire import rpc
from proxy.wire.protocol import HANDSHAKE_VERSIONS, SERVER_INFO_KEY

CONNECTION = ("protocolVersion", "supportedVersions", "resultType", "ttlMs", "cacheScope")
"""What an introduction says of the connection it was made on."""

NOT_YET_HEARD: Mapping[str, Any] = {"resources": {}, "prompts": {}}
"""What is offered for an upstream that has never introduced itself: clients do not ask for what is not offered."""


class Introduction:
    """Raw introductions for clients of either era."""

    def __init__(self, fleet: Fleet, server: str | None) -> None:
        self._fleet = fleet
        self._server = server

    async def initialize(self, version: str) -> Mapping[str, Any] | None:
        """The answer to `initialize`; None where the one upstream is not there."""
        if self._server is None:
            return {"protocolVersion": version, **await self._together(modern=False)}
        hello = await self._hello(self._server)
        return {"protocolVersion": version, **presented(hello)} if hello else None

    async def discover(self) -> Mapping[str, Any] | None:
        """The answer to `server/discover`; None where the one upstream is not there."""
        versions = [each for each in supported_versions() if each not in HANDSHAKE_VERSIONS]
        if self._server is None:
            shown = await self._together(modern=True)
            return {"supportedVersions": versions, **shown, "_meta": {SERVER_INFO_KEY: shown.pop("serverInfo")}}
        hello = await self._hello(self._server)
        connection = self._fleet.sessionless(self._server)
        if connection is not None:
            return {**connection.hello, "supportedVersions": versions}
        shown = presented(hello)
        kept = {key: value for key, value in rpc.fields(shown["capabilities"]).items() if key != "tasks"}
        return {"supportedVersions": versions, **shown, "capabilities": kept} if hello else None

    def identity(self) -> Mapping[str, Any]:
        """Who answers, for the results of the modern era."""
        hello: Mapping[str, Any] = self._fleet.hello(self._server) if self._server is not None else {}
        info = hello.get("serverInfo")
        return cast("Mapping[str, Any]", info) if isinstance(info, Mapping) else ourselves()

    async def _hello(self, server: str) -> Mapping[str, Any]:
        """An upstream's own introduction, waited for where none is known."""
        if not self._fleet.hello(server):
            await self._fleet.ready(server)
        return self._fleet.hello(server)

    async def _together(self, *, modern: bool) -> dict[str, Any]:
        await self._fleet.listed_once(INTRODUCED)
        names = self._fleet.names
        said = [capabilities(self._fleet, server) if self._fleet.hello(server) else NOT_YET_HEARD for server in names]
        offered = merged(said, modern=modern)
        told = {server: self._fleet.hello(server).get("instructions") for server in names}
        parts = [f"# {server}\n{text}" for server, text in told.items() if isinstance(text, str) and text]
        shown: dict[str, Any] = {"capabilities": offered, "serverInfo": ourselves()}
        return {**shown, "instructions": "\n\n".join(parts)} if parts else shown


def merged(said: Iterable[Mapping[str, Any]], *, modern: bool) -> dict[str, Any]:
    """What is valid of what all upstreams can do; tasks of the handshake era mean nothing to a modern client."""
    offered: dict[str, Any] = {"tools": {"listChanged": True}}
    for able in said:
        for name, value in (valid(CAPABILITIES, able) or {}).items():
            if name != "tools" and isinstance(value, Mapping) and not (modern and name == "tasks"):
                offered[name] = _deep(offered.get(name, {}), cast("Mapping[str, Any]", value))
    return offered


def _deep(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Both, level by level: what one of them grants is granted."""
    made = dict(one)
    for key, value in other.items():
        if isinstance(value, Mapping):
            mine = made.get(key)
            made[key] = _deep(rpc.fields(mine), cast("Mapping[str, Any]", value))
        elif value and not made.get(key):
            made[key] = value
    return made


def presented(hello: Mapping[str, Any]) -> dict[str, Any]:
    """An upstream's own introduction, without what belongs to the connection it was made on."""
    shown = {key: value for key, value in hello.items() if key not in CONNECTION}
    unknown = {"name": "unknown", "version": "0"}
    info = rpc.fields(hello.get("_meta")).get(SERVER_INFO_KEY, unknown)
    return {"capabilities": {}, "serverInfo": info, **shown}
