"""A server reached over the old SSE transport: one stream for everything it says, one address to post to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace

import httpx2
import structlog

from proxy.repair.view.shown import without_secrets
from proxy.upstreams.connection import UpstreamConnection
from proxy.upstreams.http import client
from proxy.upstreams.http_replies import AT_THE_DOOR
from proxy.wire import rpc
from proxy.wire.events import Event, Events
from proxy.wire.rpc import Id, Message
from schemas.trial import Lost, Reply

log = structlog.get_logger("upstream")


class Sse:
    """The `Transport` of one connection; `opened` resolves once the server has named the address to post to."""

    def __init__(
        self, connection: UpstreamConnection, url: str, headers: Mapping[str, str], ended: Callable[[str], None]
    ) -> None:
        self.opened: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._connection = connection
        self._url = url
        self._client = client(headers, connection.access)
        self._ended = ended
        self._closed = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._outbox: asyncio.Queue[Message] = asyncio.Queue()

    async def open(self) -> None:
        """Connect; returns when messages can be sent. Raises `ConnectionError`."""
        for work in (self._listen(), self._deliver()):
            task = asyncio.get_running_loop().create_task(work)
            self._tasks.add(task)
        await self.opened

    def send(self, message: Message) -> None:
        """Queue one message; they are posted in order."""
        if self._closed:
            raise ConnectionError(f"the connection to {self._connection.name} was closed")
        self._outbox.put_nowait(message)

    async def drained(self) -> None:
        """The queue is bounded by the calls in flight."""

    def abandon(self, ident: Id) -> bool:
        """One stream for all: the server must be told."""
        del ident
        return False

    async def close(self) -> None:
        """End the stream."""
        self._closed = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self.opened.done() and not self.opened.cancelled():
            self.opened.exception()
        if self._connection.access is not None:
            await self._connection.access.close()
        await self._client.aclose()

    async def _listen(self) -> None:
        events = Events()
        reason = "the server closed its stream"
        try:
            async with self._client.stream("GET", self._url, headers={"accept": "text/event-stream"}) as response:
                if response.status_code != 200:
                    reason = self._refusal(response)
                else:
                    async for chunk in response.aiter_bytes():
                        await self._connection.receiver.backpressure.off()
                        for event in events.feed(chunk):
                            self._take(event)
        except (httpx2.HTTPError, ValueError) as failure:
            reason = f"the stream broke: {failure!r}"
        if not self.opened.done():
            self.opened.set_exception(ConnectionError(reason))
        if not self._closed:
            self._closed = True
            self._ended(reason)

    def _take(self, event: Event) -> None:
        if event.event == "endpoint":
            here = httpx2.URL(self._url)
            there = here.join(event.data)
            if (there.scheme, there.host, there.port) != (here.scheme, here.host, here.port):
                raise ValueError(f"the server names an address of another origin: {there}")
            if not self.opened.done():
                self.opened.set_result(str(there))
        elif event.event == "message":
            for message in rpc.decode(event.data.encode()) or []:
                self._connection.peer.receive(message)

    async def _deliver(self) -> None:
        target = await asyncio.shield(self.opened)
        while True:
            message = await self._outbox.get()
            lost = await self._post(target, message)
            ident = message.get("id")
            if lost is not None and ident is not None and "method" in message:
                self._connection.peer.settle(ident, replace(lost, message=without_secrets(lost.message)))

    async def _post(self, target: str, message: Message) -> Reply | None:
        """Post one message; returns what became of one that was not taken."""
        headers = {"content-type": "application/json"}
        try:
            response = await self._client.post(target, content=rpc.encode(message), headers=headers)
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.ProxyError) as failure:
            return Reply(lost=Lost.NOT_SENT, message=f"not delivered: {failure!r}")
        except httpx2.HTTPError as failure:
            return Reply(lost=Lost.BROKEN, message=f"broken off: {failure!r}")
        if response.is_success:
            return None
        how = Lost.NOT_SENT if response.status_code in AT_THE_DOOR else Lost.BROKEN
        return Reply(lost=how, message=self._refusal(response))

    def _refusal(self, response: httpx2.Response) -> str:
        access = self._connection.access
        trouble = access.trouble if access is not None and response.status_code in (401, 403) else ""
        return trouble or f"HTTP {response.status_code} from {response.request.url}"
