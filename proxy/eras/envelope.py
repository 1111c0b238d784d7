"""What tells the protocol's two eras apart on our side, as pure functions over raw messages."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from typing import Any

from proxy.wire import rpc
from proxy.wire.caller import Profile
from proxy.wire.protocol import (
    CAPABILITIES_KEY,
    DISCOVER,
    HANDSHAKE_LATEST,
    HANDSHAKE_VERSIONS,
    INFO_KEY,
    INITIALIZE,
    MODERN_VERSIONS,
    PING,
    PROMPTS_LIST,
    RESOURCES_LIST,
    RESOURCES_READ,
    SERVER_INFO_KEY,
    SET_LEVEL,
    SUBSCRIBE,
    TEMPLATES_LIST,
    TOOLS_LIST,
    UNSUBSCRIBE,
    VERSION_KEY,
)

GONE = frozenset({INITIALIZE, PING, SET_LEVEL, SUBSCRIBE, UNSUBSCRIBE})
"""Methods that the modern era no longer has."""

CACHEABLE = frozenset({DISCOVER, TOOLS_LIST, PROMPTS_LIST, RESOURCES_LIST, TEMPLATES_LIST, RESOURCES_READ})
"""Methods whose modern results must say how long they keep."""


@cache
def ourselves() -> Mapping[str, Any]:
    """How the proxy introduces itself."""
    return {"name": "mcp-mend", "title": "mcp-mend", "version": version("mcp-mend")}


def envelope(params: Any) -> Mapping[str, Any] | None:
    """The `_meta` of a modern request, None where the request is not one."""
    meta = rpc.fields(rpc.fields(params).get("_meta"))
    return meta if VERSION_KEY in meta else None


def of_envelope(meta: Mapping[str, Any]) -> Profile:
    """As whom to speak upstream for a modern client; a handshake there offers the latest version of that era."""
    info, capabilities = rpc.fields(meta.get(INFO_KEY)), rpc.fields(meta.get(CAPABILITIES_KEY))
    return Profile(HANDSHAKE_LATEST, info, capabilities, modern=True)


def of_initialize(params: Any) -> Profile:
    """As whom to speak upstream for a client that shakes hands: in its own words."""
    said = rpc.fields(params)
    asked = said.get("protocolVersion")
    agreed = str(asked) if asked in HANDSHAKE_VERSIONS else HANDSHAKE_LATEST
    return Profile(agreed, rpc.fields(said.get("clientInfo")), rpc.fields(said.get("capabilities")))


def modern_result(method: str, result: Mapping[str, Any], server: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """Give a result what the modern era requires of it; one that has it all is returned as the same object."""
    missing: dict[str, Any] = {}
    if "resultType" not in result:
        missing["resultType"] = "complete"
    if method in CACHEABLE:
        missing |= {key: value for key, value in (("ttlMs", 0), ("cacheScope", "private")) if key not in result}
    meta = rpc.fields(result.get("_meta"))
    if server and SERVER_INFO_KEY not in meta:
        missing["_meta"] = {**meta, SERVER_INFO_KEY: server}
    return rpc.extended(result, missing) if missing else result


def level_of(params: Any) -> str | None:
    """The log level that a client asks for."""
    level = rpc.fields(params).get("level")
    return level if isinstance(level, str) else None


def supported_versions() -> list[str]:
    """Every protocol version that a client may ask for."""
    return [*HANDSHAKE_VERSIONS, *MODERN_VERSIONS]
