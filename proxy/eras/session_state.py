"""What a client has set at its upstreams by the protocol itself, so that a new connection can be set alike.

The log level, and the resources subscribed to; an address that several listen to is given up by the last of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from proxy.wire import rpc
from proxy.wire.caller import Connection
from proxy.wire.protocol import SET_LEVEL, SUBSCRIBE, UNSUBSCRIBE, UPDATED

STATEFUL = frozenset({SUBSCRIBE, UNSUBSCRIBE, SET_LEVEL})
"""Methods that leave something behind on their connection."""


class SessionState:
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

    async def restore(self, connection: Connection) -> None:
        """Set a new connection as the one before it was; what may have changed meanwhile is announced as updated."""
        if connection.era != "handshake":
            return
        if self.level is not None and "logging" in connection.capabilities:
            await connection.request(SET_LEVEL, self.level)
        for server, uri in list(self._holders):
            if server == connection.name and (await connection.request(SUBSCRIBE, {"uri": uri})).result is not None:
                connection.receiver.tell(server, UPDATED, {"uri": uri}, None)
