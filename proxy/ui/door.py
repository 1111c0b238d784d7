"""Who may open the page, and what may act: its own origin, a login where a token is configured, a form token.

Whoever may use the endpoint may look, where no token is configured. A page of another origin, also one on this machine,
gets nothing: it could read the form token and act with it.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "mcp-mend-ui"
FORM_FIELD = "form_token"
FORM_HEADER = "x-form-token"
LOGIN = "/ui/login"

_OPEN = ("/ui/static/", LOGIN)
"""What may be asked before a login."""

_HEADERS = {
    "content-security-policy": "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    "object-src 'none'",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


class Door:
    """Makes and checks the cookie of a login and the token of the page's forms; both end with the process."""

    def __init__(self, token: Callable[[], str]) -> None:
        self._token = token
        self._key = secrets.token_bytes(32)

    @property
    def guarded(self) -> bool:
        """Tell whether a login is needed."""
        return bool(self._token())

    @property
    def form_token(self) -> str:
        """What every form of the page sends along."""
        return self._sign("form")

    @property
    def cookie(self) -> str:
        """What a browser keeps after a login; another token makes it worthless."""
        return self._sign(f"login {self._token()}")

    def fits(self, given: str) -> bool:
        """Tell whether this is the configured token."""
        return self.guarded and hmac.compare_digest(given.strip().encode(), self._token().encode())

    def knows(self, cookie: str | None) -> bool:
        """Tell whether a cookie is that of a login, where one is needed."""
        return not self.guarded or hmac.compare_digest((cookie or "").encode(), self.cookie.encode())

    def meant(self, given: str) -> bool:
        """Tell whether a form carried the page's own token."""
        return hmac.compare_digest(given.encode(), self.form_token.encode())

    def _sign(self, text: str) -> str:
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()


class DoorMiddleware:
    """The middleware in front of the page: turns strangers away, and sends the headers that bind the browser."""

    def __init__(self, app: ASGIApp, door: Door) -> None:
        self._app = app
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def bound(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(_HEADERS)
                headers.setdefault("cache-control", "no-store")
            await send(message)

        await (self._refusal(scope) or self._app)(scope, receive, bound)

    def _refusal(self, scope: Scope) -> Response | None:
        headers, path = Headers(scope=scope), scope["path"]
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc.lower() != headers.get("host", "").lower():
            return PlainTextResponse("Invalid Origin header", 403)
        if headers.get("sec-fetch-site") in ("cross-site", "same-site") and headers.get("sec-fetch-mode") != "navigate":
            return PlainTextResponse("The page answers itself alone", 403)
        if path.startswith(_OPEN) or self._door.knows(_cookie(headers)):
            return None
        if scope["method"] == "GET" and "hx-request" not in headers and "text/html" in headers.get("accept", ""):
            return RedirectResponse(LOGIN, 303)
        return PlainTextResponse("Log in at /ui/login", 401, {"hx-redirect": LOGIN})


def _cookie(headers: Headers) -> str | None:
    for part in headers.get("cookie", "").split(";"):
        name, _, value = part.strip().partition("=")
        if name == COOKIE:
            return value
    return None
