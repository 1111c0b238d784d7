"""What a client has set at its upstreams by the protocol itself, so that a new connection can be set alike.

The log level, and the resources subscribed to; an address that several listen to is given up by the last of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from proxy.eras.subscriptions import SUBSCRIBE, UNSUBSCRIBE, UPDATED
from proxy.wire import rpc
from proxy.wire.context import Connection

SET_LEVEL = "logging/setLevel"
KEPT = frozenset({SUBSCRIBE, UNSUBSCRIBE, SET_LEVEL})
"""Methods that leave something behind on their connection."""


class KeptState:
    """What the clients of shared connections have set; `level` are the parameters of the last level that was set."""

    def __init__(self) -> None:
        self.level: Mapping[str, Any] | None = None
        self._holders: dict[tuple[str, str], set[str]] = {}

    def note(self, server: str, method: str, params: Any, holder: str) -> None:
        """Take a request that succeeded."""
        if method == SET_LEVEL:
            self.level = rpc.fields(params)
            return
        uri = rpc.fields(params).get("uri")
        if not isinstance(uri, str):
            return
        if method == SUBSCRIBE:
            self._holders.setdefault((server, uri), set()).add(holder)
        else:
            self.drop(server, uri, holder)

    def drop(self, server: str, uri: str, holder: str) -> bool:
        """Let go of one address; True where that was its last holder."""
        holders = self._holders.get((server, uri), set())
        if holder not in holders:
            return False
        holders.discard(holder)
        if not holders:
            del self._holders[server, uri]
        return not holders

    async def restore(self, link: Connection) -> None:
        """Set a new connection as the one before it was; what may have changed meanwhile is announced as updated."""
        if link.era != "handshake":
            return
        if self.level is not None and "logging" in link.capabilities:
            await link.request(SET_LEVEL, self.level)
        for server, uri in list(self._holders):
            if server == link.name and (await link.request(SUBSCRIBE, {"uri": uri})).result is not None:
                link.audience.tell(server, UPDATED, {"uri": uri}, None)
