"""One request of one client while it is being answered: who asks, and how to talk back meanwhile."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, cast

from proxy.upstream.caller import Caller, Profile
from schemas.trial import Reply

PROGRESS = "notifications/progress"


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


class Exchange(Caller):
    """Implements both `Caller` (for upstream connections) and `proxy.repair.ports.Client` (for repair)."""

    def __init__(self, channel: Channel, session: str, profile: Profile, params: Any, *, modern: bool) -> None:
        self.session = session
        self.profile = profile
        self.modern = modern
        self.ident: Any = None
        self._channel = channel
        self._params = params

    def tell(self, method: str, params: Any) -> None:
        """Send a notification that belongs to this request."""
        self._channel.tell(method, params)

    def pause(self) -> None:
        """Close the response for now, where the client can come back for the rest."""
        self._channel.pause()

    async def ask(self, method: str, params: Any) -> Reply:
        """Put a question to the client."""
        return await self._channel.ask(method, params)

    async def progress(self, done: float, total: float | None, message: str) -> None:
        """Send a progress notification; does nothing where the client asked for none."""
        token = self._token()
        if token is not None:
            amount = {"progress": done} if total is None else {"progress": done, "total": total}
            self.tell(PROGRESS, {"progressToken": token, **amount, "message": message})

    async def elicit(self, message: str, schema: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Ask the person behind the client; None where unsupported, declined or cancelled."""
        if "elicitation" not in self.profile.capabilities:
            return None
        reply = await self.ask("elicitation/create", {"message": message, "requestedSchema": schema})
        if reply.result is None or reply.result.get("action") != "accept":
            return None
        content = reply.result.get("content")
        return cast("Mapping[str, Any]", content) if isinstance(content, Mapping) else {}

    def _token(self) -> Any:
        params = self._params
        meta: Any = cast("Mapping[str, Any]", params).get("_meta") if isinstance(params, Mapping) else None
        return cast("Mapping[str, Any]", meta).get("progressToken") if isinstance(meta, Mapping) else None
