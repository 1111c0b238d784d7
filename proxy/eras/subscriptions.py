"""Listenings of ours at modern upstreams, for clients that cannot listen there themselves.

Each is opened anew whenever its connection ends; what may have been missed meanwhile is announced as updated.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, cast

from proxy.wire import rpc
from proxy.wire.caller import Caller, Connection, Profile
from proxy.wire.protocol import ACKNOWLEDGED, LISTEN, SUBSCRIPTION_KEY, UPDATED
from proxy.wire.tasks import Tasks
from schemas.trial import Lost, Reply

URIS = "resourceSubscriptions"

RETRY = 1.0
"""Seconds between two looks for a connection to listen on."""

PATIENCE = 30.0
"""Seconds that an upstream may take to acknowledge."""

Key = tuple[str, ...]
"""Whom a listening is for, first the session, then what tells its listenings apart."""


class Subscription(Caller):
    """One listening; `begun` resolves with what the upstream first acknowledged, or with why it refused."""

    def __init__(
        self,
        session: str,
        profile: Profile,
        find: Callable[[], Connection | None],
        wish: Mapping[str, Any],
        heard: Callable[[str, Any], None],
    ) -> None:
        self.session = session
        self.profile = profile
        self.modern = True
        self.begun: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._find = find
        self._wish = wish
        self._heard = heard

    async def run(self) -> None:
        """Listen until cancelled, or until the first attempt is refused."""
        try:
            while True:
                connection = self._find()
                if connection is not None and connection.open:
                    reply = await connection.request(LISTEN, {"notifications": self._wish}, self)
                    if not self.begun.done():
                        self.begun.set_result(reply)
                        return
                await asyncio.sleep(RETRY)
        finally:
            if not self.begun.done():
                self.begun.set_result(Reply(lost=Lost.BROKEN, message="the subscription was given up"))

    def tell(self, method: str, params: Any) -> None:
        """Take what comes on the stream, and hand it on without the id that only we know."""
        body = rpc.fields(params)
        if method == ACKNOWLEDGED:
            self._acknowledged(rpc.fields(body.get("notifications")))
            return
        meta = {key: value for key, value in rpc.fields(body.get("_meta")).items() if key != SUBSCRIPTION_KEY}
        rest = {key: value for key, value in body.items() if key != "_meta"}
        self._heard(method, {**rest, "_meta": meta} if meta else rest)

    async def ask(self, method: str, params: Any) -> Reply:
        """A listening has nobody to ask."""
        del params
        return Reply(error=rpc.error(rpc.METHOD_NOT_FOUND, f"{method} cannot be asked on a subscription"))

    def _acknowledged(self, honoured: Mapping[str, Any]) -> None:
        if not self.begun.done():
            self.begun.set_result(Reply(result=honoured))
            return
        for uri in cast("list[Any]", honoured.get(URIS) or []):
            self._heard(UPDATED, {"uri": uri})


class Subscriptions:
    """Every listening under way, by whom it is for."""

    def __init__(self) -> None:
        self._kept: dict[Key, tuple[Subscription, asyncio.Task[None]]] = {}
        self._tasks = Tasks()

    async def begin(self, key: Key, subscription: Subscription) -> Reply:
        """Listen; returns the upstream's acknowledgement or refusal. A listening of the same key goes on instead."""
        kept = self._kept.get(key)
        if kept is None:
            self.start(key, subscription)
        else:
            subscription = kept[0]
        try:
            async with asyncio.timeout(PATIENCE):
                return await asyncio.shield(subscription.begun)
        except TimeoutError:
            self.end(key)
            return Reply(lost=Lost.TIMED_OUT, message=f"no acknowledgement within {PATIENCE:g} s")
        except asyncio.CancelledError:
            if kept is None:
                self.end(key)
            raise

    def start(self, key: Key, subscription: Subscription) -> None:
        """Listen, without waiting for the acknowledgement."""
        task = self._tasks.start(subscription.run())
        self._kept[key] = (subscription, task)
        task.add_done_callback(lambda _: self._ended(key, subscription))

    def end(self, key: Key) -> None:
        """End one listening; nothing happens where it has ended."""
        kept = self._kept.pop(key, None)
        if kept is not None:
            kept[1].cancel()

    def leave(self, session: str) -> None:
        """End every listening of one session."""
        for key in [each for each in self._kept if each[0] == session]:
            self.end(key)

    async def close(self) -> None:
        """End every listening and wait for it."""
        self._kept.clear()
        await self._tasks.close()

    def _ended(self, key: Key, subscription: Subscription) -> None:
        kept = self._kept.get(key)
        if kept is not None and kept[0] is subscription:
            del self._kept[key]
