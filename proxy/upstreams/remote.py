"""What every connection to a server over HTTP needs: a client, tasks that end with it, and how failures are told."""

from __future__ import annotations

import ssl
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx2

from proxy.repair.view.shown import without_secrets
from proxy.upstreams.connection import UpstreamConnection
from proxy.upstreams.http_replies import AT_THE_DOOR
from proxy.wire.events import Event, Events
from proxy.wire.peer import Transport
from proxy.wire.rpc import Id
from proxy.wire.tasks import Tasks
from schemas.config import Upstream
from schemas.trial import Lost, Reply

IDLE = 16
"""Connections of one server kept for the next request, each for so long; every request looks at each of them."""
IDLE_SECONDS = 60.0

UNREACHED = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.ProxyError)
"""Failures by which nothing was sent."""


@cache
def trust() -> ssl.SSLContext:
    """Certificates of the system; made once, as it costs tens of milliseconds."""
    return httpx2.create_ssl_context()


def _no_cookies() -> CookieJar:
    return CookieJar(DefaultCookiePolicy(allowed_domains=[]))


def client_of(config: Upstream) -> httpx2.AsyncClient:
    """A client that never gives up on a quiet stream; nothing of a session is in it, cookies neither."""
    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=IDLE, keepalive_expiry=IDLE_SECONDS)
    times = httpx2.Timeout(None, connect=15, write=60)
    headers = dict(config.headers)
    return httpx2.AsyncClient(headers=headers, cookies=_no_cookies(), verify=trust(), timeout=times, limits=limits)


class Pool:
    """The TCP and TLS connections to one server, which requests of all its sessions use in turn.

    It is closed where nobody holds it. Streams that stay open are not in it: each request looks at all that is.
    """

    def __init__(self, config: Upstream) -> None:
        self._config = config
        self._client: httpx2.AsyncClient | None = None
        self._holders: set[object] = set()

    def hold(self, holder: object) -> httpx2.AsyncClient:
        """The client to send by, until `holder` leaves."""
        self._holders.add(holder)
        self._client = self._client or client_of(self._config)
        return self._client

    async def leave(self, holder: object) -> None:
        """Close what nobody holds any more."""
        self._holders.discard(holder)
        if not self._holders and self._client is not None:
            client, self._client = self._client, None
            await client.aclose()


class Remote(Transport):
    """The half of a connection's `Transport` over HTTP that does not depend on which; `ended` is told the reason.

    Its cookies are its own, and none are kept where people share it.
    """

    def __init__(
        self, connection: UpstreamConnection, config: Upstream, pool: Pool, ended: Callable[[str], None]
    ) -> None:
        self._connection = connection
        self._config = config
        self._url = config.url or ""
        self._pool = pool
        self._client = pool.hold(self)
        self._streaming: httpx2.AsyncClient | None = None
        shared = connection.access is not None and connection.access.per_user
        self._cookies = httpx2.Cookies(_no_cookies() if shared else None)
        self._ended = ended
        self._closed = False
        self._tasks = Tasks()
        connection.peer.transport, connection.stop = self, self.close

    async def drained(self) -> None:
        """Nothing queues here but the calls in flight."""

    async def close(self) -> None:
        """End every stream, and take leave of the server."""
        self._closed = True
        await self._tasks.close()
        await self._leave()
        if self._connection.access is not None:
            await self._connection.access.close()
        if self._streaming is not None:
            await self._streaming.aclose()
        await self._pool.leave(self)

    @asynccontextmanager
    async def _exchange(
        self, verb: str, url: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> AsyncGenerator[httpx2.Response]:
        """One request and its response, by this connection's login and cookies; GET opens a stream."""
        client = self._client
        if verb == "GET":
            client = self._streaming = self._streaming or client_of(self._config)
        cookies = self._cookies if self._cookies.jar else None
        request = client.build_request(verb, url, headers=headers, content=body, cookies=cookies)
        response = await client.send(request, auth=self._connection.access, stream=True)
        try:
            if "set-cookie" in response.headers:
                self._cookies.extract_cookies(response)
            yield response
        finally:
            await response.aclose()

    async def _leave(self) -> None:
        """Nothing is left behind at the server."""

    def _must_be_open(self) -> None:
        if self._closed:
            raise ConnectionError(f"the connection to {self._connection.name} was closed")

    async def _heard(self, response: httpx2.Response, events: Events) -> AsyncGenerator[list[Event]]:
        """The events of a stream as they come, unread while nobody can listen."""
        async for chunk in response.aiter_bytes():
            await self._connection.receiver.backpressure.off()
            yield list(events.feed(chunk))

    def _trouble(self, response: httpx2.Response) -> str:
        """Why there is no way past the door, where it is a login that is missing."""
        access = self._connection.access
        return access.trouble if access is not None and response.status_code in (401, 403) else ""

    def _refusal(self, response: httpx2.Response, said: str = "") -> tuple[Lost, str]:
        """What an HTTP error means for the message that it answers, and why."""
        trouble = self._trouble(response)
        status = response.status_code
        reason = trouble or f"HTTP {status} from {response.request.url}" + (f": {said}" if said else "")
        return Lost.NOT_SENT if trouble or status in AT_THE_DOOR else Lost.BROKEN, reason

    def _lost(self, ident: Id | None, how: Lost, reason: str) -> None:
        if ident is not None:
            self._connection.peer.settle(ident, Reply(lost=how, message=without_secrets(reason)))

    def _end(self, reason: str, *, final: bool = True) -> None:
        """The connection is over; where it is not `final`, the next request may succeed."""
        if not self._closed:
            self._closed = final
            self._ended(without_secrets(reason))
