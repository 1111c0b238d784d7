"""Who stands behind a request: the frontends implement these, upstream connections talk back through them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from proxy.wire import task_ids
from proxy.wire.backpressure import Backpressure
from proxy.wire.protocol import HANDSHAKE_LATEST, Era
from schemas.catalog import Tool
from schemas.trial import Reply


@dataclass(frozen=True)
class Profile:
    """As whom we speak to an upstream: what a client said of itself, raw; `modern` where it has no session itself."""

    version: str = HANDSHAKE_LATEST
    info: Mapping[str, Any] = field(default_factory=lambda: {"name": "mcp-mend", "version": "0"})
    capabilities: Mapping[str, Any] = field(default_factory=dict[str, Any])
    modern: bool = False


class Caller(ABC):
    """The client behind one request, as an upstream connection sees it.

    `session` is the identity of the client's session; `own` are the connections of that session alone (None: it
    shares the main ones); `modern` tells whether the request came without a session; `ident` is the request's id;
    `log_level` what the session asked to be told, None where it never said; `outlet` the way to the client for what
    belongs to no request; `together` tells whether it asks several upstreams as one; `changed` whether a tool that may
    have an effect was called for it.
    """

    session: str
    profile: Profile
    own: OwnConnections | None = None
    modern: bool = False
    ident: Any = None
    log_level: str | None = None
    outlet: Callable[[str, Any], None] | None = None
    together: bool = False
    changed: bool = False

    def hear(self, server: str, method: str, params: Any) -> None:
        """Take an upstream's notification that belongs to this request."""
        self.tell(method, task_ids.shown_message(server, method, params) if self.together else params)

    async def question(self, server: str, method: str, params: Any) -> Reply:
        """Take an upstream's question that this request caused."""
        if not self.together:
            return await self.ask(method, params)
        reply = await self.ask(method, task_ids.shown_message(server, method, params))
        return reply if reply.result is None else Reply(result=task_ids.theirs(server, reply.result))

    def pause(self) -> None:  # noqa: B027 (most ways to a client have nothing to pause)
        """The upstream has closed this request's stream for now: close the client's too, where it can come back."""

    @abstractmethod
    def tell(self, method: str, params: Any) -> None:
        """Send a notification that belongs to this request; never blocks."""

    @abstractmethod
    async def ask(self, method: str, params: Any) -> Reply:
        """Put a question of the upstream (sampling, elicitation, roots) to the client."""


class Connection(Protocol):
    """A connection to one upstream, as those see it who send over it."""

    name: str
    era: Era
    receiver: Receiver

    @property
    def open(self) -> bool:
        """Tell whether requests can be sent."""
        ...

    @property
    def capabilities(self) -> Mapping[str, Any]:
        """What the upstream said it can do."""
        ...

    async def request(
        self, method: str, params: Mapping[str, Any] | None, caller: Caller | None = None, seconds: float | None = None
    ) -> Reply:
        """Send one request; what comes back is the upstream's own object."""
        ...


class OwnConnections(Protocol):
    """Upstream connections that belong to one client's session, so that no state of one client leaks to another.

    `changed` are the upstreams whose tools differ, or may differ, from what the shared connection lists.
    """

    changed: set[str]

    async def connection(self, server: str) -> Connection:
        """The session's own connection to an upstream, opened by the first request. Raises `UnreachableError`."""
        ...

    def notify(self, server: str, method: str, params: Any, *, opening: bool) -> None:
        """Send a notification over the session's own connection; `opening` one where there is none."""
        ...

    def has(self, server: str) -> bool:
        """Tell whether the session has an open connection of its own to an upstream."""
        ...

    def note(self, server: str, method: str, params: Any, holder: str) -> None:
        """Remember what the session has set, for connections that are opened later."""
        ...


class Receiver(Protocol):
    """Who hears an upstream that does not say for whom it speaks; `backpressure` is on while they cannot listen."""

    backpressure: Backpressure

    def tool(self, server: str, name: str) -> Tool | None:
        """A tool as its upstream lists it, where that is known."""
        ...

    def tell(self, server: str, method: str, params: Any, caller: Caller | None) -> None:
        """Take a notification from an upstream; `caller` where it belongs to one request."""
        ...

    async def ask(self, server: str, method: str, params: Any, caller: Caller | None) -> Reply:
        """Take a question from an upstream; `caller` where it belongs to one request."""
        ...
