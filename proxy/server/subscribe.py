"""`subscriptions/listen` of the modern era, over upstreams that push in the handshake era.

Acknowledges first, then sends what was asked for and nothing else, every message under the subscription's id.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, cast

from proxy.server.exchange import Exchange
from proxy.upstream import rpc
from proxy.upstream.caller import SUBSCRIPTION_KEY
from proxy.upstream.fleet import Fleet
from schemas.trial import Reply

ACKNOWLEDGED = "notifications/subscriptions/acknowledged"
UPDATED = "notifications/resources/updated"
KINDS = {
    "notifications/tools/list_changed": "toolsListChanged",
    "notifications/prompts/list_changed": "promptsListChanged",
    "notifications/resources/list_changed": "resourcesListChanged",
}


def honoured(params: Any) -> dict[str, Any]:
    """The part of the client's wish that means something."""
    wish: Any = rpc.fields(params).get("notifications")
    asked = rpc.fields(wish)
    kept: dict[str, Any] = {kind: True for kind in KINDS.values() if asked.get(kind) is True}
    uris: Any = asked.get("resourceSubscriptions")
    if isinstance(uris, list) and uris:
        kept["resourceSubscriptions"] = cast("list[Any]", uris)
    return kept


def wanted(kept: Mapping[str, Any], method: str, params: Any) -> bool:
    """Tell whether a notification was asked for."""
    if method == UPDATED:
        uri: Any = rpc.fields(params).get("uri")
        return uri in kept.get("resourceSubscriptions", ())
    return kept.get(KINDS.get(method, ""), False) is True


async def listen(fleet: Fleet, servers: tuple[str, ...], params: Any, exchange: Exchange) -> Reply:
    """Serve one subscription until the client ends it."""
    kept = honoured(params)
    tag = {SUBSCRIPTION_KEY: exchange.ident}

    def hear(server: str, method: str, told: Any) -> None:
        if server in servers and wanted(kept, method, told):
            body = rpc.fields(told)
            meta: Any = body.get("_meta")
            own = rpc.fields(meta)
            exchange.tell(method, {**body, "_meta": {**own, **tag}})

    silence = fleet.hearing.listen(hear)
    try:
        exchange.tell(ACKNOWLEDGED, {"notifications": kept, "_meta": tag})
        for uri in kept.get("resourceSubscriptions", ()):
            for server in servers:
                await fleet.request(server, "resources/subscribe", {"uri": uri})
        await asyncio.get_running_loop().create_future()
    finally:
        silence()
    return Reply(result={"resultType": "complete", "_meta": tag})
