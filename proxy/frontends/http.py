"""The HTTP router: addresses, who may come in, and which era a request speaks.

`/mcp` is the aggregated router, `/servers/NAME/mcp` one upstream under its own names; `/sse` beside each serves old
clients; `/healthz` says that we are alive. Everything is a plain ASGI application.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import unquote

import anyio
import structlog
from anyio.abc import TaskGroup

from proxy.aggregate.router import Router
from proxy.frontends import handshake, sse, stateless
from proxy.frontends.sessions import SessionLimit, Sessions
from proxy.frontends.streams import (
    BODY_SECONDS,
    GoneError,
    Headers,
    Receive,
    Scope,
    Send,
    TooLargeError,
    TooSlowError,
    body_of,
    headers_of,
    pairs_of,
    refuse,
    repeated,
    respond,
)
from proxy.upstreams.fleet import Fleet
from proxy.wire import rpc
from proxy.wire.protocol import HANDSHAKE_VERSIONS, SESSION_HEADER, VERSION_HEADER
from schemas.config import Http

log = structlog.get_logger("server")

_ONE = re.compile(r"/servers/([^/]+)(/mcp|/sse|/messages)/?")
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

App = Callable[[Scope, Receive, Send], object]


@dataclass(frozen=True)
class Admission:
    """Who may come in: the addresses we answer to, the origins of browser pages, and the bearer token.

    `settings` are read anew for every request; an address that others can reach lets nobody in without a token.
    """

    settings: Callable[[], Http]
    loopback: bool

    def refusal(self, headers: Headers) -> tuple[int, str] | None:
        """Status and reason for turning a request away, None where it may come in."""
        config, host = self.settings(), headers.get("host", "").lower()
        if self.loopback and name_of(host) not in LOOPBACK and not self._allowed(host, config.allowed_hosts):
            return 421, "Invalid Host header"
        origin = headers.get("origin")
        if origin is not None and not self._welcome(origin, host, config.allowed_origins):
            return 403, "Invalid Origin header"
        if config.token or not self.loopback:
            scheme, _, given = headers.get("authorization", "").partition(" ")
            right = hmac.compare_digest(given.strip().encode(), config.token.encode())
            if scheme.lower() != "bearer" or not config.token or not right:
                return 401, "A bearer token is needed"
        return None

    def _welcome(self, origin: str, host: str, allowed: list[str]) -> bool:
        if self._allowed(origin, allowed):
            return True
        scheme, _, authority = origin.lower().partition("://")
        if scheme not in ("http", "https") or not name_of(authority):
            return False
        return name_of(authority) in LOOPBACK if self.loopback else authority == host

    def _allowed(self, value: str, patterns: list[str]) -> bool:
        name = name_of(value.rpartition("://")[2].lower())
        return any(pattern in ("*", value) or (bool(name) and pattern.lower() == name) for pattern in patterns)


class HttpApp:
    """The ASGI application over one fleet; `open` must be entered while it serves."""

    def __init__(self, fleet: Fleet, routers: Callable[[str | None], Router], admission: Admission) -> None:
        self._fleet = fleet
        self._make = routers
        self._admission = admission
        self._routers: dict[str | None, tuple[Router, Sessions]] = {}
        self._limit = SessionLimit(lambda: admission.settings().sessions)
        self._sweeping: TaskGroup | None = None
        self.pages: dict[str, App] = {}

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[None]:
        """Serve within this; every session has ended when it is left."""
        async with anyio.create_task_group() as tasks:
            self._sweeping = tasks
            try:
                yield
            finally:
                tasks.cancel_scope.cancel()
                with anyio.CancelScope(shield=True):
                    for router, sessions in self._routers.values():
                        await sessions.close()
                        await router.close()

    def drain(self) -> None:
        """Let every stream that waits for nothing in particular end; calls under way go on."""
        for _, sessions in self._routers.values():
            sessions.drain()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        if scope["type"] != "http":
            return
        headers = headers_of(scope)
        twice = repeated(scope)
        refused = self._admission.refusal(headers) if twice is None else (400, f"The header {twice} stands there twice")
        path: str = scope["path"]
        if path == "/healthz":
            await respond(send, 200, b'{"status":"ok"}')
        elif scope["method"] == "OPTIONS" and "origin" in headers and (refused is None or refused[0] == 401):
            await respond(send, 204, headers=_preflight(headers))
        elif refused is not None:
            await self._turned_away(send, *refused)
        else:
            await self._inside(path, scope, headers, receive, _with_cors(send, headers))

    async def _inside(self, path: str, scope: Scope, headers: Headers, receive: Receive, send: Send) -> None:
        found = _ONE.fullmatch(path)
        server = unquote(found.group(1)) if found is not None else None
        kind = found.group(2) if found is not None else path.rstrip("/")
        if kind not in ("/mcp", "/sse", "/messages") or (server is not None and server not in self._fleet.names):
            await respond(send, 404, b'{"error":"not found"}')
            return
        router, sessions = self._router(server)
        base = path[: -len(kind)] if path.endswith(kind) else ""
        try:
            if kind == "/mcp":
                await self._mcp(router, sessions, scope, headers, receive, send)
            elif kind == "/sse" and scope["method"] == "GET":
                await sse.open_stream(sessions, base, receive, send)
            elif kind == "/messages" and scope["method"] == "POST":
                await sse.post(sessions, scope["query_string"].decode(), await body_of(receive), send)
            else:
                await respond(send, 405)
        except TooLargeError:
            await refuse(send, 413, "The request is too large")
        except TooSlowError:
            await refuse(send, 408, f"The request was not whole within {BODY_SECONDS:g} s")
        except GoneError:
            return

    async def _mcp(
        self, router: Router, sessions: Sessions, scope: Scope, headers: Headers, receive: Receive, send: Send
    ) -> None:
        verb: str = scope["method"]
        is_modern = SESSION_HEADER not in headers and _is_modern(headers)
        if verb == "POST":
            if not headers.get("content-type", "").startswith("application/json"):
                await refuse(send, 415, "Unsupported Media Type: Content-Type must be application/json")
                return
            body = await body_of(receive)
            if is_modern:
                await stateless.post(router, pairs_of(scope), headers, body, receive, send)
            else:
                await handshake.post(sessions, headers, body, receive, send)
        elif verb == "GET" and not is_modern:
            await handshake.get(sessions, headers, receive, send)
        elif verb == "DELETE" and not is_modern:
            await handshake.delete(sessions, headers, send)
        else:
            await respond(send, 405, headers=[(b"allow", b"POST" if is_modern else b"GET, POST, DELETE")])

    def _router(self, server: str | None) -> tuple[Router, Sessions]:
        found = self._routers.get(server)
        if found is None:
            router = self._make(server)
            sessions = Sessions(router, self._fleet, self._limit)
            if self._sweeping is not None:
                self._sweeping.start_soon(sessions.sweep)
            found = self._routers[server] = (router, sessions)
        return found

    async def _turned_away(self, send: Send, status: int, reason: str) -> None:
        log.warning("request turned away", status=status, reason=reason)
        if status == 401:
            body = rpc.encode({"error": "invalid_token", "error_description": reason})
            await respond(send, 401, body, headers=[(b"www-authenticate", b"Bearer")])
        else:
            await respond(send, status, reason.encode(), b"text/plain")


def _is_modern(headers: Headers) -> bool:
    version = headers.get(VERSION_HEADER)
    return version is not None and version not in HANDSHAKE_VERSIONS


_AUTHORITY = re.compile(r"(?:\[([0-9a-f:.]+)\]|([a-z0-9_.-]*[a-z0-9_-]))(?::[0-9]{1,5})?", re.ASCII)


def name_of(authority: str) -> str:
    """The host of HOST or HOST:PORT or [IPV6]:PORT in small letters, "" for anything else."""
    found = _AUTHORITY.fullmatch(authority)
    return (found[1] or found[2]) if found is not None else ""


def _preflight(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    asked = headers.get("access-control-request-headers", "")
    return [
        (b"access-control-allow-origin", headers["origin"].encode()),
        (b"access-control-allow-methods", b"GET, POST, DELETE"),
        (b"access-control-allow-headers", asked.encode()),
        (b"access-control-max-age", b"600"),
    ]


def _with_cors(send: Send, headers: Headers) -> Send:
    """Let the page of a welcome origin read the response."""
    origin = headers.get("origin")
    if origin is None:
        return send

    async def sending(message: dict[str, object]) -> None:
        if message["type"] == "http.response.start":
            shown = [
                (b"access-control-allow-origin", origin.encode()),
                (b"access-control-expose-headers", b"mcp-session-id"),
                (b"vary", b"origin"),
            ]
            message = {**message, "headers": [*message["headers"], *shown]}  # type: ignore[misc]
        await send(message)

    return sending  # type: ignore[return-value]
