"""Hand a request to the replica that owns its session, and its answer back as it comes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager

import httpx2
import structlog
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from proxy.frontends.owners import Ids
from proxy.frontends.requests import RefusedError, body_of
from proxy.frontends.streams import left
from proxy.wire import rpc
from proxy.wire.protocol import UNKNOWN_SESSION

log = structlog.get_logger("server")

REACHED = 3.0
"""Seconds within which an owner that lives takes a connection."""
FORWARDED = "mcp-mend-forwarded"
"""A request with this header has been handed on once, and is not again."""

_OF_ONE_HOP = frozenset(
    {"connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "content-length"}
)
"""Headers that belong to one connection (RFC 9110, section 7.6.1), and the length, which is written anew."""


class Replicas:
    """The other replicas, reached over one pool; `open` must be entered meanwhile."""

    def __init__(self, ids: Ids) -> None:
        self.ids = ids
        self._client: httpx2.AsyncClient | None = None

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[None]:
        """Keep connections to the others within this."""
        limits = httpx2.Limits(max_connections=None, max_keepalive_connections=100)
        timeout = httpx2.Timeout(None, connect=REACHED)
        async with httpx2.AsyncClient(limits=limits, timeout=timeout, trust_env=False) as client:
            self._client = client
            yield

    async def owner(self, request: Request, ident: str | None, read: bytes | None = None) -> ASGIApp | None:
        """The answer of the replica that owns this session or held call; None where it is ours to answer.

        `read` is the body where it has been read.

        Raises `RefusedError`: with 404 where the owner cannot be reached, so that the client begins a new session, and
        with 502 where the connection broke after the request was sent, as it may have been carried out.
        """
        address = self.ids.elsewhere(ident) if ident is not None else None
        if address is None:
            return None
        if FORWARDED in request.headers:
            raise RefusedError(404, "Session not found", UNKNOWN_SESSION)
        assert self._client is not None  # noqa: S101  entered while serving
        body = await body_of(request) if read is None else read
        query = f"?{request.url.query}" if request.url.query else ""
        headers = [*_kept(request.headers.items()), (FORWARDED, self.ids.instance)]
        sent = self._client.build_request(
            request.method, f"{address}{request.url.path}{query}", headers=headers, content=body or None
        )
        try:
            answer = await self._client.send(sent, stream=True)
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout) as error:
            log.warning("the replica that owns a session is gone", owner=address, reason=str(error))
            raise RefusedError(404, "Session not found: its replica is gone", UNKNOWN_SESSION) from error
        except httpx2.HTTPError as error:
            log.warning("the replica that owns a session broke off", owner=address, reason=str(error))
            why = "The replica that owns this session broke off: whether the request was carried out is not known"
            raise RefusedError(502, why, rpc.INTERNAL_ERROR, _ident(body)) from error
        return _Passed(answer)


class _Passed:
    """The response that passes another one on, as it comes, until either side goes."""

    def __init__(self, answer: httpx2.Response) -> None:
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        del scope
        try:
            async with asyncio.TaskGroup() as tasks:
                passing = tasks.create_task(self._pass(send))
                gone = tasks.create_task(left(receive))
                gone.add_done_callback(lambda _: passing.cancel())
                passing.add_done_callback(lambda _: gone.cancel())
        finally:
            await self._answer.aclose()

    async def _pass(self, send: Send) -> None:
        headers = [
            (name.encode(), value.encode("latin-1")) for name, value in _kept(self._answer.headers.multi_items())
        ]
        await send({"type": "http.response.start", "status": self._answer.status_code, "headers": headers})
        try:
            async for part in self._answer.aiter_raw():
                await send({"type": "http.response.body", "body": part, "more_body": True})
        except httpx2.HTTPError as error:
            log.warning("the replica that owns a session broke off", reason=str(error))
        await send({"type": "http.response.body", "body": b""})


def _kept(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(name, value) for name, value in headers if name.lower() not in _OF_ONE_HOP]


def _ident(body: bytes) -> rpc.Id | None:
    messages = rpc.decode(body) or [{}]
    ident = messages[0].get("id") if "method" in messages[0] else None
    return ident if rpc.is_id(ident) else None
