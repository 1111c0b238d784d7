"""Who may come in over HTTP: the addresses we answer to, the origins of browser pages, and bearer tokens."""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import structlog
from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from proxy.access.access import Access, Guest
from proxy.frontends.metadata import METADATA, challenge
from proxy.frontends.requests import RefusedError
from proxy.frontends.tenancy import Tenancy
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
RETRY = {"retry-after": "5"}

_AUTHORITY = re.compile(r"(?:\[([0-9a-f:.]+)\]|([a-z0-9_.-]*[a-z0-9_-]))(?::[0-9]{1,5})?", re.ASCII)


@dataclass(frozen=True)
class Admission:
    """What lets a request in, and what turns it away.

    `settings` are read anew for every request; an address that others can reach lets nobody in without a token, and
    none does once there are tenants. `access` knows their tokens.
    """

    settings: Callable[[], Http]
    loopback: bool
    access: Access | None = None

    def refusal(self, headers: Mapping[str, str]) -> tuple[int, str] | None:
        """Status and reason for turning a request away, None where it may come in."""
        config, host = self.settings(), headers.get("host", "").lower()
        if self.loopback and name_of(host) not in LOOPBACK and not self._allowed(host, config.allowed_hosts):
            return 421, "Invalid Host header"
        origin = headers.get("origin")
        if origin is not None and not self._welcome(origin, host, config.allowed_origins):
            return 403, "Invalid Origin header"
        given = bearer(headers)
        if config.token or not self.loopback or (self.access is not None and self.access.guards(given)):
            right = hmac.compare_digest(given.encode(), config.token.encode())
            if not config.token or not right:
                return 401, "A bearer token is needed"
        return None

    async def guest(self, headers: Mapping[str, str]) -> Guest | tuple[int, str]:
        """Who comes in by a token that is not the configured one, or status and reason for turning it away."""
        if self.access is None:
            return 401, "A bearer token is needed"
        found = await self.access.judged(bearer(headers))
        return found if isinstance(found, Guest) else (found.status, found.reason)

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

    def __init__(self, app: ASGIApp, admission: Admission, tenancy: Tenancy | None = None) -> None:
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
        self._tenancy = tenancy or Tenancy()

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
        path, tenant = scope["path"], None
        if path in OPEN:
            scope[_ADMITTED], refused = refused is None, None
        elif refused is not None and refused[0] == 401:
            found = None if _asks_for_itself(scope, headers) else await self._admission.guest(headers)
            tenant, refused = (found.tenant, None) if isinstance(found, Guest) else (None, found)
        if tenant is not None and path == METRICS:
            refused = 403, "These are figures of everybody: http.token alone may ask for them"
        if _under(PAGE, path):
            app = self._inside
        if refused is not None:
            app = self._turned_away(*refused, scope, headers)
        elif tenant is not None:
            over = partial(self._turned_away, 401, "The token holds no longer", scope, headers)
            await self._tenancy.answer(tenant, app, over, scope, receive, send)
            return
        await app(scope, receive, send)

    def _turned_away(self, status: int, reason: str, scope: Scope, headers: Mapping[str, str]) -> Response:
        log.warning("request turned away", status=status, reason=reason)
        if status == 401:
            told = challenge(self._admission.settings(), scope, wrong=bool(bearer(headers)))
            body = {"error": "invalid_token", "error_description": reason}
            return JSONResponse(body, status, {"www-authenticate": told})
        if status in (403, 503) and bearer(headers):
            return JSONResponse(RefusedError(status, reason).body, status, RETRY if status == 503 else None)
        return PlainTextResponse(reason, status)


def _asks_for_itself(scope: Scope, headers: Mapping[str, str]) -> bool:
    """Tell whether a request needs no token: the page has a door of its own, browsers and new clients ask first."""
    asks_first = scope["method"] == "OPTIONS" and {"origin", "access-control-request-method"} <= headers.keys()
    return asks_first or any(_under(each, scope["path"]) for each in (PAGE, METADATA))


def _under(base: str, path: str) -> bool:
    return path == base or path.startswith(f"{base}/")


def bearer(headers: Mapping[str, str]) -> str:
    """The bearer token of a request, "" where it has none."""
    scheme, _, given = headers.get("authorization", "").partition(" ")
    return given.strip() if scheme.lower() == "bearer" else ""


def admitted(scope: Scope) -> bool:
    """Tell whether who asks an open address may come in anywhere else too."""
    return scope.get(_ADMITTED) is True


def _repeated(names: list[str]) -> str | None:
    """A header that must stand once and stands twice."""
    return next((name for name in names if name in ONCE and names.count(name) > 1), None)


def name_of(authority: str) -> str:
    """The host of HOST or HOST:PORT or [IPV6]:PORT in small letters, "" for anything else."""
    found = _AUTHORITY.fullmatch(authority)
    return (found[1] or found[2]) if found is not None else ""
