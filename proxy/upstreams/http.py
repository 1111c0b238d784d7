"""A server reached over Streamable HTTP, in either era.

Every request is a POST of its own, so whatever comes on its stream is known to belong to it. Handshake-era sessions
also hold a GET stream open, resume a stream that broke, and are deleted at the end.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, cast

import anyio
import httpx2
import structlog

from proxy.tracing import followed
from proxy.upstreams.connection import UpstreamConnection
from proxy.upstreams.http_replies import HARMLESS, LONGEST_REFUSAL, body_of, error_in, redirected, session_gone
from proxy.upstreams.remote import UNREACHED, Pool, Remote
from proxy.wire import rpc
from proxy.wire.events import Events
from proxy.wire.headers import ParamHeaders, modern_headers
from proxy.wire.lines import LONGEST
from proxy.wire.protocol import INITIALIZE, INITIALIZED, LAST_EVENT_HEADER, SESSION_HEADER, TOOLS_CALL, VERSION_HEADER
from proxy.wire.rpc import Id, Message
from schemas.config import Upstream
from schemas.trial import Lost, Reply

log = structlog.get_logger("upstream")

RETRY = 1.0
"""Seconds before a broken stream is resumed, where the server names no interval."""
RESUMPTIONS = 5
"""Attempts to resume one stream without hearing anything new."""
END = 1.0
"""Seconds after a reply in which its stream has to end."""
GOODBYE = 2.0
"""Seconds to take leave of the server with DELETE."""

_ACCEPT = "application/json, text/event-stream"


class Http(Remote):
    """The `Transport` of one connection over Streamable HTTP."""

    def __init__(
        self, connection: UpstreamConnection, config: Upstream, pool: Pool, ended: Callable[[str], None]
    ) -> None:
        super().__init__(connection, config, pool, ended)
        self._session: str | None = None
        self._posts: dict[Id, asyncio.Task[None]] = {}
        self._params = ParamHeaders()

    def send(self, message: Message) -> None:
        """Post one message, in a task of its own."""
        self._must_be_open()
        ident = message.get("id") if "method" in message else None
        task = self._tasks.start(self._post(message, ident, rpc.encode(message)))
        if ident is not None:
            self._posts[ident] = task
            task.add_done_callback(lambda _: self._posts.pop(ident, None))
        elif message.get("method") == INITIALIZED:
            task.add_done_callback(lambda _: self._listen())

    def abandon(self, ident: Id) -> bool:
        """Close the request's stream, which in the modern era is how it is cancelled."""
        task = self._posts.get(ident)
        if task is not None:
            task.cancel()
        return self._connection.era == "modern"

    async def _leave(self) -> None:
        """End the session."""
        if self._session is not None:
            try:
                async with asyncio.timeout(GOODBYE):
                    async with self._exchange("DELETE", self._url, self._headers(None)) as gone:
                        await body_of(gone, LONGEST_REFUSAL)
            except (httpx2.HTTPError, TimeoutError) as failure:
                log.debug("session not deleted", upstream=self._connection.name, reason=repr(failure))

    def _listen(self) -> None:
        if not self._closed and self._connection.era == "handshake":
            self._tasks.start(self._stream())

    def _headers(self, message: Message | None) -> dict[str, str]:
        headers = {"accept": _ACCEPT}
        if self._session is not None:
            headers[SESSION_HEADER] = self._session
        if message is not None:
            headers["content-type"] = "application/json"
            if followed.by is not None:
                headers |= followed.by.headers(message.get("params"))
        if self._connection.era == "modern" and message is not None:
            headers |= modern_headers(message, self._connection.version)
            headers |= self._mirrored(message)
        elif self._connection.hello:
            headers[VERSION_HEADER] = self._connection.version
        return headers

    def _mirrored(self, message: Message) -> Mapping[str, str]:
        """Arguments of a tool call that its schema wants to see in headers too."""
        params: Any = message.get("params")
        if message.get("method") != TOOLS_CALL or not isinstance(params, Mapping):
            return {}
        call = cast("Mapping[str, Any]", params)
        tool = self._connection.receiver.tool(self._connection.name, str(call.get("name")))
        return self._params.of(tool, call.get("arguments")) if tool is not None else {}

    async def _post(self, message: Message, ident: Id | None, body: bytes) -> None:
        """Send one message; a request always ends settled, by its reply or by why there is none."""
        sent = False
        try:
            headers = self._headers(message)
            again = ident is None or str(message.get("method")) in HARMLESS
            async with self._open("POST", headers, body, again=again) as response:
                sent = True
                await self._answered(response, message, ident, known=headers.get(SESSION_HEADER))
        except UNREACHED as failure:
            self._lost(ident, Lost.NOT_SENT, f"cannot connect to {self._url}: {failure}")
            self._end(f"cannot connect: {failure}", final=self._connection.era == "handshake")
        except (httpx2.HTTPError, ValueError) as failure:
            self._lost(ident, Lost.BROKEN if sent or ident is not None else Lost.NOT_SENT, f"broken off: {failure!r}")

    @asynccontextmanager
    async def _open(
        self, verb: str, headers: Mapping[str, str], body: bytes | None = None, *, again: bool = True
    ) -> AsyncGenerator[httpx2.Response]:
        """One exchange; a redirect within the same origin is remembered, and followed once where `again` does no harm.

        What answers with a redirect may have done before what it was asked, so a call never follows one.
        """
        async with self._exchange(verb, self._url, headers, body) as response:
            target = redirected(response)
            self._url = target or self._url
            if target is None or not again:
                yield response
                return
        async with self._exchange(verb, self._url, headers, body) as response:
            yield response

    async def _answered(self, response: httpx2.Response, message: Message, ident: Id | None, known: str | None) -> None:
        """Take what came back; `known` is the session that the request named."""
        if response.status_code >= 300:
            await self._rejected(response, message, ident, known)
            return
        if message.get("method") == INITIALIZE and SESSION_HEADER in response.headers:
            self._session = response.headers[SESSION_HEADER]
        if ident is None:
            return
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind == "text/event-stream":
            await self._follow(response, ident, known)
            return
        body = await body_of(response, LONGEST)
        if body is None:
            self._lost(ident, Lost.BROKEN, f"a reply came of more than {LONGEST} bytes")
            return
        self._take(body, ident, known)
        reason = f"HTTP {response.status_code} without a JSON-RPC reply ({kind or 'no content type'})"
        self._lost(ident, Lost.BROKEN, reason)

    async def _rejected(self, response: httpx2.Response, message: Message, ident: Id | None, known: str | None) -> None:
        """An HTTP error: a JSON-RPC error in its body is the reply, else the status says what it means."""
        body = await body_of(response, LONGEST_REFUSAL) or b""
        status = response.status_code
        failure = error_in(body) if not self._trouble(response) else None
        if known is not None and message.get("method") != INITIALIZE and session_gone(status, body, known):
            self._forgotten(ident, known)
        elif failure is not None and ident is not None:
            self._connection.peer.settle(ident, Reply(error=failure))
        else:
            if not self._connection.hello:
                self._connection.refused = status
            self._lost(ident, *self._refusal(response, body[:200].decode(errors="replace").strip()))
            if ident is None:
                log.info("message refused", upstream=self._connection.name, method=message.get("method"), status=status)

    def _forgotten(self, ident: Id | None, known: str | None) -> None:
        """The session that a request named, if any, is gone: it was not executed, and its session is begun anew."""
        self._lost(ident, Lost.NOT_SENT, "the server no longer knows the session")
        if known is not None and known == self._session:
            self._end("the server no longer knows the session")

    async def _follow(self, response: httpx2.Response, ident: Id, known: str | None) -> None:
        """Read the stream of one request to its reply, resuming it where it breaks off and the server can."""
        events = Events()
        await self._read(response, events, ident, known)
        tries = 0
        while ident in self._connection.peer.pending and not self._settled(ident):
            if events.last_id is None or self._connection.era == "modern" or tries >= RESUMPTIONS:
                self._lost(ident, Lost.BROKEN, "the stream ended before the reply")
                return
            self._connection.paused(ident)
            heard = events.last_id
            await asyncio.sleep(events.retry if events.retry is not None else RETRY)
            if await self._resume(events, ident) == 404:
                self._forgotten(None, self._session)
            tries = tries + 1 if events.last_id == heard else 0

    async def _resume(self, events: Events, ident: Id | None) -> int:
        """Ask for what came after the last event heard; returns the HTTP status, 0 where there was none."""
        headers = {**self._headers(None), "accept": "text/event-stream"}
        if events.last_id is not None:
            headers[LAST_EVENT_HEADER] = events.last_id
        try:
            async with self._open("GET", headers) as response:
                if response.status_code == 200:
                    await self._read(response, events, ident)
                return response.status_code
        except (httpx2.HTTPError, ValueError) as failure:
            log.debug("stream broken", upstream=self._connection.name, reason=repr(failure))
            return 0

    async def _stream(self) -> None:
        """Hold the session's own stream open: what the server says on its own account comes here.

        404 says that the session is gone only where there was a stream: a server without one may answer so too.
        """
        events = Events()
        delay = RETRY
        served = False
        while not self._closed:
            begun = asyncio.get_running_loop().time()
            status = await self._resume(events, None)
            served = served or status == 200 or events.last_id is not None
            if status == 404 and served:
                self._forgotten(None, self._session)
            if status not in (0, 200, 429, 502, 503, 504):
                return
            lasted = asyncio.get_running_loop().time() - begun > 10
            delay = RETRY if lasted or status == 200 else min(delay * 2, 60.0)
            await asyncio.sleep(events.retry if events.retry is not None else delay)

    async def _read(
        self, response: httpx2.Response, events: Events, cause: Id | None, known: str | None = None
    ) -> None:
        """Take what comes; only the first of it may say that the session is gone: after that the work was begun.

        A stream is read to its end, that its connection may serve the next request, but not for long after the reply.
        """
        events.begin()
        try:
            with anyio.CancelScope() as scope:
                async for heard in self._heard(response, events):
                    for event in heard:
                        if event.event == "message" and event.data:
                            self._take(event.data.encode(), cause, known)
                            known = None
                    if cause is not None and self._settled(cause):
                        scope.deadline = min(scope.deadline, anyio.current_time() + END)
        except httpx2.HTTPError as failure:
            log.debug("stream broken", upstream=self._connection.name, reason=repr(failure))

    def _take(self, data: bytes, cause: Id | None, known: str | None = None) -> None:
        """Hand on what came; `known` is the session that the request named to which it may be the answer."""
        for message in rpc.decode(data) or []:
            if known is not None and "error" in message and session_gone(200, data, known):
                self._forgotten(cause, known)
            else:
                self._connection.peer.receive(message, cause)

    def _settled(self, ident: Id) -> bool:
        pending = self._connection.peer.pending.get(ident)
        return pending is None or pending.future.done()
