"""Who may come in over HTTP: the addresses we answer to, the origins of browser pages, and the bearer token."""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import structlog
from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from proxy.tracing import followed
from proxy.wire.protocol import SESSION_HEADER, VERSION_HEADER
from schemas.config import Http

log = structlog.get_logger("server")

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
VERBS = ("GET", "POST", "DELETE")
HEALTH, READY, METRICS = "/healthz", "/readyz", "/metrics"
OPEN = frozenset({HEALTH, READY})
"""The addresses that everyone may ask."""
PAGE = "/ui"
"""Where the page is: a browser has no bearer token, so that it asks for a login itself (see `proxy.ui.door`)."""

ONCE = frozenset({"host", "origin", "authorization", "content-type", SESSION_HEADER, VERSION_HEADER})
"""Headers that decide who may come in and what is meant: two of one kind would let each reader choose another."""

_ADMITTED = "mcp-mend.admitted"

_AUTHORITY = re.compile(r"(?:\[([0-9a-f:.]+)\]|([a-z0-9_.-]*[a-z0-9_-]))(?::[0-9]{1,5})?", re.ASCII)


@dataclass(frozen=True)
class Admission:
    """What lets a request in, and what turns it away.

    `settings` are read anew for every request; an address that others can reach lets nobody in without a token.
    """

    settings: Callable[[], Http]
    loopback: bool

    def refusal(self, headers: Mapping[str, str]) -> tuple[int, str] | None:
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


class AdmissionMiddleware:
    """The middleware that admits requests, and lets the pages of welcome origins read the responses.

    Inside, no header value has spaces around it.
    """

    def __init__(self, app: ASGIApp, admission: Admission) -> None:
        self._admission = admission
        self._inside = app
        self._inside_for_pages = CORSMiddleware(
            app,
            allow_origin_regex=".*",  # any other origin has been turned away
            allow_methods=VERBS,
            allow_headers=["*"],
            allow_private_network=True,
            expose_headers=[SESSION_HEADER],
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or turn it away."""
        scope["headers"] = [(name, value.strip(b" \t")) for name, value in scope["headers"]]
        lines = Headers(scope=scope).items()
        headers = dict(lines)
        if followed.by is not None:
            followed.by.arrived(headers)
        app = self._inside_for_pages if "origin" in headers else self._inside
        twice = _repeated([name for name, _ in lines])
        refused = self._admission.refusal(headers) if twice is None else (400, f"The header {twice} stands there twice")
        if scope["path"] in OPEN:
            scope[_ADMITTED] = refused is None
        else:
            page = scope["path"] == PAGE or scope["path"].startswith(f"{PAGE}/")
            if page:
                app = self._inside
                refused = refused if refused is not None and refused[0] != 401 else None
            asks_first = scope["method"] == "OPTIONS" and {"origin", "access-control-request-method"} <= headers.keys()
            if refused is not None and not (asks_first and refused[0] == 401):
                app = _turned_away(*refused)
        await app(scope, receive, send)


def admitted(scope: Scope) -> bool:
    """Tell whether who asks an open address may come in anywhere else too."""
    return scope.get(_ADMITTED) is True


def _repeated(names: list[str]) -> str | None:
    """A header that must stand once and stands twice."""
    return next((name for name in names if name in ONCE and names.count(name) > 1), None)


def _turned_away(status: int, reason: str) -> Response:
    log.warning("request turned away", status=status, reason=reason)
    if status == 401:
        body = {"error": "invalid_token", "error_description": reason}
        return JSONResponse(body, status, {"www-authenticate": "Bearer"})
    return PlainTextResponse(reason, status)


def name_of(authority: str) -> str:
    """The host of HOST or HOST:PORT or [IPV6]:PORT in small letters, "" for anything else."""
    found = _AUTHORITY.fullmatch(authority)
    return (found[1] or found[2]) if found is not None else ""
