"""A server reached over the old SSE transport: one stream for everything it says, one address to post to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import httpx2

from proxy.upstreams.connection import UpstreamConnection
from proxy.upstreams.http_replies import LONGEST_REFUSAL, body_of, same_origin
from proxy.upstreams.remote import UNREACHED, Pool, Remote
from proxy.wire import rpc
from proxy.wire.events import Event, Events
from proxy.wire.rpc import Id, Message
from schemas.config import Upstream
from schemas.trial import Lost


class Sse(Remote):
    """The `Transport` of one connection; `opened` resolves once the server has named the address to post to."""

    def __init__(
        self, connection: UpstreamConnection, config: Upstream, pool: Pool, ended: Callable[[str], None]
    ) -> None:
        super().__init__(connection, config, pool, ended)
        self.opened: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._outbox: asyncio.Queue[tuple[Id | None, bytes]] = asyncio.Queue()

    async def open(self) -> None:
        """Connect; returns when messages can be sent. Raises `ConnectionError`."""
        self._tasks.start(self._listen())
        self._tasks.start(self._deliver(await self.opened))

    def send(self, message: Message) -> None:
        """Queue one message; they are posted in order."""
        self._must_be_open()
        self._outbox.put_nowait((message.get("id") if "method" in message else None, rpc.encode(message)))

    def abandon(self, ident: Id) -> bool:
        """One stream for all: the server must be told."""
        del ident
        return False

    async def _listen(self) -> None:
        events = Events()
        reason = "the server closed its stream"
        try:
            async with self._exchange("GET", self._url, {"accept": "text/event-stream"}) as response:
                if response.status_code != 200:
                    _, reason = self._refusal(response)
                else:
                    async for heard in self._heard(response, events):
                        for event in heard:
                            self._take(event)
        except (httpx2.HTTPError, ValueError) as failure:
            reason = f"the stream broke: {failure!r}"
        if not self.opened.done():
            self.opened.set_exception(ConnectionError(reason))
        self._end(reason)

    def _take(self, event: Event) -> None:
        if event.event == "endpoint":
            target = same_origin(httpx2.URL(self._url), event.data)
            if target is None:
                raise ValueError(f"the server names an address of another origin: {event.data[:200]}")
            if not self.opened.done():
                self.opened.set_result(target)
        elif event.event == "message":
            for message in rpc.decode(event.data.encode()) or []:
                self._connection.peer.receive(message)

    async def _deliver(self, target: str) -> None:
        while True:
            ident, body = await self._outbox.get()
            try:
                async with self._exchange("POST", target, {"content-type": "application/json"}, body) as response:
                    await body_of(response, LONGEST_REFUSAL)
                    if not response.is_success:
                        self._lost(ident, *self._refusal(response))
            except UNREACHED as failure:
                self._lost(ident, Lost.NOT_SENT, f"not delivered: {failure!r}")
            except httpx2.HTTPError as failure:
                self._lost(ident, Lost.BROKEN, f"broken off: {failure!r}")
