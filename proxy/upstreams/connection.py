"""One live connection to one upstream: handshake in whichever era it speaks, then requests both ways.

Rewrites progress tokens (the upstream sees ours, the client its own), stamps or strips the modern envelope, and finds
the client that an upstream's notification or question belongs to. Does not know how the bytes travel.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import structlog

from proxy.wire import rpc
from proxy.wire.caller import Caller, Profile, Receiver
from proxy.wire.peer import Incoming, NotConnected, Peer
from proxy.wire.protocol import (
    ACKNOWLEDGED,
    CAPABILITIES_KEY,
    DISCOVER,
    ENVELOPE,
    INFO_KEY,
    INITIALIZE,
    INITIALIZED,
    LISTEN,
    LISTS_CHANGED,
    LOG_LEVEL_KEY,
    MODERN_LATEST,
    MODERN_VERSIONS,
    PING,
    PROGRESS,
    SUBSCRIPTION_KEY,
    TASKS_RESULT,
    UNSUPPORTED_VERSION,
    UPDATED,
    VERSION_KEY,
    Era,
)
from schemas.trial import Reply

if TYPE_CHECKING:
    from proxy.upstreams.auth.access import Access, Way

log = structlog.get_logger("upstream")

FOR_EVERYONE = LISTS_CHANGED | {UPDATED}
"""Notifications that belong to no request, whichever stream they come on."""

PATIENT = frozenset({LISTEN, TASKS_RESULT})
"""Requests whose answer may take as long as it takes."""


class HandshakeError(ConnectionError):
    """The upstream is there but no handshake succeeded."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What a pending request remembers: who asked, and the client's own progress token."""

    caller: Caller
    token: Any = None


class UpstreamConnection:
    """A connection after (or during) its handshake.

    `hello` is the upstream's raw answer to the handshake; `access` brings the tokens, where the upstream is reached
    over HTTP and may want some; `refused` is the HTTP status that turned the handshake down, 0 where none did.
    """

    def __init__(
        self, name: str, receiver: Receiver, profile: Profile, timeout: float, access: Access | Way | None = None
    ) -> None:
        self.name = name
        self.profile = profile
        self.era: Era = "handshake"
        self.version = profile.version
        self.hello: Mapping[str, Any] = {}
        self.peer = Peer(NotConnected(), self._serve, self._hear)
        self.ended = asyncio.Event()
        self.stop: Callable[[], Awaitable[None]] = _nothing
        self.stderr: Callable[[], tuple[str, ...]] = tuple
        self.spoken: Callable[[], Awaitable[None]] = _nothing
        self.access = access
        self.refused = 0
        self.receiver = receiver
        self._timeout = timeout
        self._asked: dict[int, Any] = {}

    @property
    def open(self) -> bool:
        """Tell whether requests can be sent."""
        return self.peer.closed is None and not self.peer.unwritable

    @property
    def capabilities(self) -> Mapping[str, Any]:
        """What the upstream said it can do."""
        return rpc.fields(self.hello.get("capabilities"))

    def over(self, reason: str) -> None:
        """Take the news that nothing will come any more."""
        self.peer.close(reason, self.stderr())
        self.ended.set()

    async def close(self) -> None:
        """End the connection and everything behind it."""
        self.peer.close(f"the connection to {self.name} was closed")
        self.ended.set()
        await self.stop()
        await self.peer.finish()

    async def handshake(self, *, per_request: bool = False) -> None:
        """Agree on an era: `initialize` first, which no server misunderstands, then `server/discover`.

        Where the era is chosen `per_request` (HTTP), a modern client's own comes first. Raises `HandshakeError` where
        the upstream refuses both.
        """
        if per_request and self.profile.modern and (await self.discover()).result is not None:
            return
        reply = await self.initialize()
        if reply.result is None and reply.error is not None:
            modern = await self.discover()
            reply = modern if modern.result is not None else reply
        if reply.result is None:
            message = reply.error.get("message") if reply.error is not None else reply.message
            raise HandshakeError(f"the handshake failed: {message}")

    async def initialize(self) -> Reply:
        """Open a session in the handshake era."""
        version = self.profile.version
        params = {
            "protocolVersion": version,
            "capabilities": self.profile.capabilities,
            "clientInfo": self.profile.info,
        }
        reply = await self.peer.request(INITIALIZE, params)
        if reply.result is not None:
            self.era, self.hello = "handshake", reply.result
            self.version = str(reply.result.get("protocolVersion", version))
            self.peer.notify(INITIALIZED)
        return reply

    async def discover(self) -> Reply:
        """Ask a sessionless server what it offers, once more in a version that it names where it refuses ours."""
        reply = await self._discover(MODERN_LATEST)
        named = _supported(reply)
        if named is not None:
            reply = await self._discover(named)
        return reply

    async def _discover(self, version: str) -> Reply:
        self.era, self.version = "modern", version
        reply = await self.peer.request(DISCOVER, self._outgoing({}, None))
        offered = reply.result.get("supportedVersions") if reply.result is not None else None
        if isinstance(offered, list) and any(each in MODERN_VERSIONS for each in cast("list[Any]", offered)):
            self.hello = cast("Mapping[str, Any]", reply.result)
            return reply
        self.era, self.version = "handshake", self.profile.version
        return reply if reply.result is None else Reply(error=rpc.error(rpc.INTERNAL_ERROR, "no common version"))

    async def follow(self) -> bool:
        """Subscribe to every change of lists, where the upstream tells only those who subscribe.

        Ends with the subscription, which is to be renewed where this is True.
        """
        if self.era == "handshake":
            return False
        wish = {"toolsListChanged": True, "promptsListChanged": True, "resourcesListChanged": True}
        return (await self.request(LISTEN, {"notifications": wish})).error is None

    async def request(
        self, method: str, params: Mapping[str, Any] | None, caller: Caller | None = None, seconds: float | None = None
    ) -> Reply:
        """Send one request; what comes back is the upstream's own object."""
        if method in PATIENT:
            seconds = None
        elif seconds is None:
            seconds = self._timeout
        ident, owner = rpc.next_id(), None
        if caller is not None:
            token, params = _own_token(params, ident)
            owner = Sent(caller, token)
        return await self.peer.request(
            method, self._outgoing(params, caller), ident=ident, seconds=seconds, owner=owner
        )

    def notify(self, method: str, params: Mapping[str, Any] | None) -> None:
        """Send one notification; progress on a question goes to the upstream that put it, under its own token."""
        if method == PROGRESS:
            token = rpc.fields(params).get("progressToken")
            if not isinstance(token, int) or token not in self._asked:
                return
            params = {**(params or {}), "progressToken": self._asked[token]}
        self.peer.notify(method, self._outgoing(params, None))

    def paused(self, ident: rpc.Id) -> None:
        """Take the news that the upstream closed a request's stream and will go on with it later."""
        sent = self._sent(ident)
        if sent is not None:
            sent.caller.pause()

    def _outgoing(self, params: Mapping[str, Any] | None, caller: Caller | None) -> Mapping[str, Any] | None:
        """Fit the envelope to this connection's era; in the handshake era a call without envelope stays itself."""
        meta = rpc.fields((params or {}).get("_meta"))
        if self.era == "handshake":
            if not any(key in meta for key in ENVELOPE):
                return params
            bare = {key: value for key, value in meta.items() if key not in ENVELOPE}
            rest = {key: value for key, value in (params or {}).items() if key != "_meta"}
            return {**rest, "_meta": bare} if bare else rest
        profile = caller.profile if caller is not None else self.profile
        stamped = dict(meta)
        stamped[VERSION_KEY] = self.version
        stamped.setdefault(INFO_KEY, profile.info)
        stamped.setdefault(CAPABILITIES_KEY, profile.capabilities)
        if caller is not None and not caller.modern and caller.log_level is not None:
            stamped.setdefault(LOG_LEVEL_KEY, caller.log_level)
        return {**(params or {}), "_meta": stamped}

    async def _serve(self, incoming: Incoming) -> Reply:
        if incoming.method == PING:
            return Reply(result={})
        ours = rpc.next_id()
        token, params = _own_token(incoming.params, ours)
        if token is not None:
            self._asked[ours] = token
        try:
            return await self.receiver.ask(self.name, incoming.method, params, self._asker(incoming))
        finally:
            self._asked.pop(ours, None)

    def _hear(self, incoming: Incoming) -> None:
        if incoming.method == PROGRESS:
            self._progress(incoming.params)
            return
        if self._subscribed(incoming):
            return
        caller = None if incoming.method in FOR_EVERYONE else self._asker(incoming)
        if caller is None and incoming.method not in FOR_EVERYONE and self._crowded():
            log.debug("notification of nobody in particular", upstream=self.name, method=incoming.method)
            return
        self.receiver.tell(self.name, incoming.method, incoming.params, caller)

    def _subscribed(self, incoming: Incoming) -> bool:
        """Hand a notification of a subscription to its subscriber, under the id that it knows."""
        params = rpc.fields(incoming.params)
        told = rpc.fields(params.get("_meta"))
        if SUBSCRIPTION_KEY not in told:
            return False
        caller = self._caller(told[SUBSCRIPTION_KEY])
        if caller is not None:
            params = {**params, "_meta": {**told, SUBSCRIPTION_KEY: caller.ident}}
        elif incoming.method == ACKNOWLEDGED:
            return True
        else:
            params = {**params, "_meta": {key: value for key, value in told.items() if key != SUBSCRIPTION_KEY}}
        self.receiver.tell(self.name, incoming.method, params, caller)
        return True

    def _progress(self, said: Any) -> None:
        params = rpc.fields(said)
        ident = self.peer.waiting(params.get("progressToken"))
        sent = self._sent(ident)
        if ident is None or sent is None:
            return
        self.peer.alive(ident)
        if sent.token is not None:
            sent.caller.tell(PROGRESS, {**params, "progressToken": sent.token})

    def _sent(self, ident: Any) -> Sent | None:
        """What is remembered of a request that waits for its reply."""
        pending = self.peer.pending.get(ident)
        return pending.owner if pending is not None else None

    def _caller(self, ident: Any) -> Caller | None:
        sent = self._sent(ident)
        return sent.caller if sent is not None else None

    def _asker(self, incoming: Incoming) -> Caller | None:
        """The caller on whose stream a message came, or the only one there is."""
        if incoming.cause is not None:
            return self._caller(incoming.cause)
        callers = self._callers()
        return callers[0] if len(callers) == 1 else None

    def _callers(self) -> list[Caller]:
        return [each.owner.caller for each in self.peer.pending.values() if each.owner is not None]

    def _crowded(self) -> bool:
        """Tell whether several clients wait here: what belongs to one of them must not reach another."""
        return len({caller.session for caller in self._callers()}) > 1


def _own_token(params: Mapping[str, Any] | None, ident: int) -> tuple[Any, Mapping[str, Any] | None]:
    """The client's progress token (None: none), and the parameters with ours in its place."""
    meta = rpc.fields((params or {}).get("_meta"))
    token = meta.get("progressToken")
    if token is None:
        return None, params
    return token, {**(params or {}), "_meta": {**meta, "progressToken": ident}}


def _supported(reply: Reply) -> str | None:
    """A version of the modern era that we speak too, where the refusal of another names it."""
    if reply.error is None or reply.error.get("code") != UNSUPPORTED_VERSION:
        return None
    named: Any = rpc.fields(reply.error.get("data")).get("supported")
    offered = cast("list[Any]", named) if isinstance(named, list) else []
    return next((version for version in MODERN_VERSIONS if version in offered), None)


async def _nothing() -> None:
    return
