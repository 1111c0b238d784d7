"""Everyone who hears the connections that clients share: the request that a message belongs to, else all who listen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from proxy.wire import rpc
from proxy.wire.backpressure import Backpressure
from proxy.wire.caller import Caller
from proxy.wire.protocol import TOOLS_CHANGED
from schemas.catalog import Tool
from schemas.trial import Reply

Listener = Callable[[str, str, Any], None]
"""Called with server, method and params of a notification that belongs to no single request."""


class Broadcast:
    """Implements `Receiver` for shared connections; `asker` answers questions that no request caused."""

    def __init__(self, tool: Callable[[str, str], Tool | None], changed: Callable[[str], None]) -> None:
        self.asker: Caller | None = None
        self.backpressure = Backpressure()
        self._tool = tool
        self._changed = changed
        self._listeners: list[Listener] = []

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Hear what upstreams tell everyone; returns how to stop."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def announce(self, server: str, method: str, params: Any) -> None:
        """Tell everyone who listens."""
        for listener in tuple(self._listeners):
            listener(server, method, params)

    def tool(self, server: str, name: str) -> Tool | None:
        """A tool as its upstream lists it."""
        return self._tool(server, name)

    def tell(self, server: str, method: str, params: Any, caller: Caller | None) -> None:
        """Hand on a notification: to the request it belongs to, else to everyone who listens."""
        if method == TOOLS_CHANGED:
            self._changed(server)
            if caller is None:
                return
        if caller is not None:
            caller.hear(server, method, params)
        else:
            self.announce(server, method, params)

    async def ask(self, server: str, method: str, params: Any, caller: Caller | None) -> Reply:
        """Hand on an upstream's question: to the request it belongs to, else to a session that can answer."""
        asked = caller if caller is not None else self.asker
        if asked is None:
            return Reply(error=rpc.error(rpc.METHOD_NOT_FOUND, f"no client is there to answer {method}"))
        return await asked.question(server, method, params)
