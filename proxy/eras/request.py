"""One request of one client while it is being answered: who asks, and how to talk back meanwhile."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol
from uuid import uuid4

from proxy.ports import Written
from proxy.wire import rpc
from proxy.wire.caller import Caller, Profile
from proxy.wire.protocol import ELICIT, LOG_LEVEL_KEY, MESSAGE, PROGRESS, SAMPLE
from schemas.catalog import as_list
from schemas.trial import Reply

LEVELS = ("debug", "info", "notice", "warning", "error", "critical", "alert", "emergency")


class Channel(Protocol):
    """The way back to the client that belongs to one request."""

    def tell(self, method: str, params: Any) -> None:
        """Send a notification; never blocks."""
        ...

    def pause(self) -> None:
        """Close the response for now; does nothing where it cannot be resumed."""
        ...

    async def ask(self, method: str, params: Any) -> Reply:
        """Send a request of ours (or an upstream's) and wait for the answer."""
        ...


class ClientRequest(Caller):
    """Implements both `Caller` (for upstream connections) and `proxy.ports.Client` (for repair)."""

    def __init__(self, channel: Channel, session: str, profile: Profile, params: Any, *, modern: bool) -> None:
        self.session = session
        self.profile = profile
        self.modern = modern
        self.lasts = True
        self.hold: Callable[[str, Any], Awaitable[Reply]] | None = None
        self.name_held: Callable[[], str] = lambda: uuid4().hex
        """Names this request where it is held for an answer."""
        self._channel = channel
        self._params = params
        self._moved = False

    def move(self, channel: Channel, token: Any) -> None:
        """Go on over another request of the same client, with that request's progress token."""
        self._channel = channel
        self._moved = True
        self._params = {"_meta": {"progressToken": token}} if token is not None else {}

    def tell(self, method: str, params: Any) -> None:
        """Send a notification that belongs to this request."""
        if self._moved and method == PROGRESS:
            if self.token is None:
                return
            params = {**params, "progressToken": self.token}
        if self.modern and method == MESSAGE and not self._wants(params):
            return
        self._channel.tell(method, params)

    def pause(self) -> None:
        """Close the response for now, where the client can come back for the rest."""
        self._channel.pause()

    async def ask(self, method: str, params: Any) -> Reply:
        """Put a question to the client: a request where it takes one, else by holding the call."""
        if self.hold is not None:
            return await self.hold(method, params)
        return await self._channel.ask(method, params)

    async def progress(self, done: float, total: float | None, message: str) -> None:
        """Send a progress notification; does nothing where the client asked for none."""
        token = self.token
        if token is not None:
            amount = {"progress": done} if total is None else {"progress": done, "total": total}
            self.tell(PROGRESS, {"progressToken": token, **amount, "message": message})

    async def elicit(self, message: str, schema: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Ask the person behind the client; None where unsupported, declined or cancelled."""
        if "elicitation" not in self.profile.capabilities:
            return None
        reply = await self.ask(ELICIT, {"message": message, "requestedSchema": schema})
        if reply.result is None or reply.result.get("action") != "accept":
            return None
        content = reply.result.get("content")
        return rpc.fields(content)

    async def sample(self, prompt: str, max_tokens: int) -> Written | None:
        """Ask the client's own model; None where unsupported, refused or without text.

        A modern client can refuse only by giving the whole call up, so it is not asked once anything may have changed.
        """
        if "sampling" not in self.profile.capabilities or (self.hold is not None and self.changed):
            return None
        message = {"role": "user", "content": {"type": "text", "text": prompt}}
        reply = await self.ask(SAMPLE, {"messages": [message], "maxTokens": max_tokens})
        result = reply.result or {}
        content: Any = (as_list(result.get("content")) or [result.get("content")])[0]
        text: Any = rpc.fields(content).get("text")
        return Written(text, str(result.get("model", ""))) if isinstance(text, str) else None

    @property
    def structured(self) -> bool:
        """Tell whether its version of the protocol has structured content."""
        return self.modern or self.profile.version >= "2025-06-18"

    @property
    def token(self) -> Any:
        """The client's progress token, None where it gave none."""
        return self._meta().get("progressToken")

    def _wants(self, params: Any) -> bool:
        """Tell whether a modern client asked for log messages of this level with its request."""
        wanted = self._meta().get(LOG_LEVEL_KEY)
        level: Any = rpc.fields(params).get("level")
        return wanted in LEVELS and level in LEVELS and LEVELS.index(level) >= LEVELS.index(wanted)

    def _meta(self) -> Mapping[str, Any]:
        params = self._params
        meta: Any = rpc.fields(params).get("_meta")
        return rpc.fields(meta)
