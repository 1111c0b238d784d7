"""`subscriptions/listen` of the modern era, for endpoints whose upstreams are of either era or several.

Acknowledges first, then sends what was asked for and nothing else, every message under the subscription's id.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, cast
from uuid import uuid4

import anyio

from proxy.aggregate.gather import at_once
from proxy.eras.request import ClientRequest
from proxy.eras.subscriptions import URIS, Subscription
from proxy.upstreams.fleet import Fleet
from proxy.wire import rpc, task_ids
from proxy.wire.protocol import (
    ACKNOWLEDGED,
    PROMPTS_CHANGED,
    RESOURCES_CHANGED,
    SUBSCRIBE,
    SUBSCRIPTION_KEY,
    TOOLS_CHANGED,
    UPDATED,
)
from schemas.trial import Reply

TASK_IDS = "taskIds"
KINDS = {
    TOOLS_CHANGED: "toolsListChanged",
    PROMPTS_CHANGED: "promptsListChanged",
    RESOURCES_CHANGED: "resourcesListChanged",
}

BEGIN = 5.0
"""Seconds that upstreams get to listen before the client is told that they do; later ones still join."""

Homes = Callable[[str], Awaitable[list[str]]]
"""The upstreams that may know a resource."""


def honoured(params: Any) -> dict[str, Any]:
    """The part of the client's wish that means something."""
    asked = rpc.fields(rpc.fields(params).get("notifications"))
    kept: dict[str, Any] = {kind: True for kind in KINDS.values() if asked.get(kind) is True}
    for key in (URIS, TASK_IDS):
        named: Any = asked.get(key)
        if isinstance(named, list) and named:
            kept[key] = [each for each in cast("list[Any]", named) if isinstance(each, str)]
    return kept


class Listening:
    """One subscription of a modern client over many connections."""

    def __init__(self, fleet: Fleet, servers: tuple[str, ...], wish: Mapping[str, Any], request: ClientRequest) -> None:
        self._fleet = fleet
        self._servers = servers
        self._wish = wish
        self._request = request
        self._holder = uuid4().hex
        self._tag = {SUBSCRIPTION_KEY: request.ident}
        self._early: list[tuple[str, Any]] | None = []
        self._held: list[tuple[str, str]] = []

    async def serve(self, homes: Homes) -> Reply:
        """Listen until the client ends it."""
        silence = self._fleet.broadcast.listen(self._overheard)
        try:
            with anyio.move_on_after(BEGIN):
                parts = await self._parts(homes)
                await at_once(self._reach(server, part) for server, part in parts.items())
            self._request.tell(ACKNOWLEDGED, {"notifications": self._wish, "_meta": self._tag})
            early, self._early = self._early or [], None
            for method, params in early:
                self._request.tell(method, params)
            await anyio.sleep_forever()
        finally:
            silence()
            self._fleet.leave(self._holder)
            for server, uri in self._held:
                self._fleet.unsubscribe(server, uri, self._holder)
        return Reply(result={"resultType": "complete", "_meta": self._tag})

    async def _parts(self, homes: Homes) -> Mapping[str, dict[str, list[str]]]:
        """What each upstream is to be listened to for, besides its lists."""
        parts: dict[str, dict[str, list[str]]] = {}
        for uri in self._wish.get(URIS, ()):
            for server in await homes(uri):
                parts.setdefault(server, {}).setdefault(URIS, []).append(uri)
        for public in self._wish.get(TASK_IDS, ()):
            found = task_ids.home(public, self._servers) if self._request.together else None
            if found is not None:
                parts.setdefault(found[0], {}).setdefault(TASK_IDS, []).append(found[1])
        return parts

    async def _reach(self, server: str, part: Mapping[str, list[str]]) -> None:
        """Listen to one upstream; one that is down is listened to once it is back."""
        modern, connection = self._fleet.sessionless(server), self._fleet.connection(server)
        if modern is not None or connection is None:
            find = partial(self._fleet.sessionless, server)
            heard = partial(self._heard, server)
            subscription = Subscription(self._holder, self._request.profile, find, part, heard)
            if modern is None:
                self._fleet.subscriptions.start((self._holder, server), subscription)
            else:
                await self._fleet.subscriptions.begin((self._holder, server), subscription)
        for uri in part.get(URIS, ()) if modern is None else ():
            self._held.append((server, uri))
            reply = await self._fleet.request(server, SUBSCRIBE, {"uri": uri}) if connection is not None else None
            if reply is None or reply.result is not None:
                self._fleet.session_state.note(server, SUBSCRIBE, {"uri": uri}, self._holder)

    def _overheard(self, server: str, method: str, params: Any) -> None:
        """Take what comes over the connections that everyone shares."""
        if method == UPDATED:
            wanted = rpc.fields(params).get("uri") in self._wish.get(URIS, ())
        else:
            wanted = self._wish.get(KINDS.get(method, ""), False) is True
        if wanted and server in self._servers:
            self._heard(server, method, params)

    def _heard(self, server: str, method: str, params: Any) -> None:
        body = rpc.fields(task_ids.shown_message(server, method, params) if self._request.together else params)
        tagged = {**body, "_meta": {**rpc.fields(body.get("_meta")), **self._tag}}
        if self._early is not None:
            self._early.append((method, tagged))
        else:
            self._request.tell(method, tagged)
