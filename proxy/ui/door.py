"""Who may open the page, and what may act: its own origin, a login where a token is configured, a form token.

Whoever may use the endpoint may look, where no token is configured; a tenant sees its own calls and acts on nothing. A
page of another origin, also one on this machine, gets nothing: it could read the form token and act with it.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from proxy.access.access import Access, Guest
from proxy.access.book import PREFIX
from schemas.access import Tenant

COOKIE = "mcp-mend-ui"
FORM_FIELD = "form_token"
LOGIN = "/ui/login"

_OPEN = (LOGIN, "/ui/logins/back")
_STATIC = "/ui/static/"
"""What may be asked before a login."""
_OWN = ("/ui/", "/ui/events", "/ui/logout", "/ui/logins", "/ui/logins/finish")
_OWN_ENTRIES = ("/ui/calls/", "/ui/runs/")
"""What a tenant may ask: its own calls and logins."""
_VISITORS = 1000
"""Logins by tokens of an identity provider that are remembered."""
_VISITOR = "mcp-mend.visitor"

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

    def __init__(self, token: Callable[[], str], access: Access | None = None) -> None:
        self._token = token
        self._access = access
        self._key = secrets.token_bytes(32)
        self._visitors: OrderedDict[str, Tenant] = OrderedDict()

    @property
    def guarded(self) -> bool:
        """Tell whether a login is needed."""
        return bool(self._token()) or (self._access is not None and self._access.guards())

    def form_token(self, cookie: str | None) -> str:
        """What every form of the page sends along, for the login with this cookie."""
        return self._sign(f"form {cookie or ''}")

    async def cookie(self, given: str) -> str | None:
        """What a browser keeps after a login with this token; another token makes it worthless. None: it is none."""
        given, token = given.strip(), self._token()
        if token and hmac.compare_digest(given.encode(), token.encode()):
            return self._sign(f"login {token}")
        guest = await self._access.judged(given) if self._access is not None else None
        if not isinstance(guest, Guest):
            return None
        if not given.startswith(PREFIX):
            self._visitors[guest.digest] = guest.tenant
            while len(self._visitors) > _VISITORS:
                self._visitors.popitem(last=False)
        return f"{guest.digest}.{self._sign(guest.digest)}"

    def knows(self, cookie: str | None) -> bool:
        """Tell whether a cookie is that of a login, where one is needed."""
        token = self._token()
        everything = bool(token) and hmac.compare_digest((cookie or "").encode(), self._sign(f"login {token}").encode())
        return not self.guarded or everything or self.tenant(cookie) is not None

    def tenant(self, cookie: str | None) -> Tenant | None:
        """The tenant who logged in; None for whoever may see everything."""
        digest, _, signed = (cookie or "").partition(".")
        right = hmac.compare_digest(signed.encode(), self._sign(digest).encode())
        if not right or self._access is None:
            return None
        visitor = self._visitors.get(digest)
        lasts = visitor is not None and (visitor.expires is None or visitor.expires > time.time())
        return visitor if lasts else self._access.of(digest)

    def meant(self, given: str, cookie: str | None) -> bool:
        """Tell whether a form carried the page's own token."""
        return hmac.compare_digest(given.encode(), self.form_token(cookie).encode())

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
        cookie = cookie_of(headers)
        scope[_VISITOR] = self._door.tenant(cookie)
        if path in _OPEN or path.startswith(_STATIC):
            return None
        if self._door.knows(cookie):
            own = scope[_VISITOR] is None or path in _OWN or path.startswith(_OWN_ENTRIES)
            return None if own else PlainTextResponse("A tenant sees its own calls alone: this needs http.token", 403)
        if scope["method"] == "GET" and "text/html" in headers.get("accept", ""):
            return RedirectResponse(LOGIN, 303)
        return PlainTextResponse("Log in at /ui/login", 401)


def visitor(scope: Scope) -> Tenant | None:
    """The tenant who looks at the page; None for whoever may see everything."""
    return scope.get(_VISITOR)


def cookie_of(headers: Headers) -> str | None:
    """The page's cookie, where there is one."""
    for part in headers.get("cookie", "").split(";"):
        name, _, value = part.strip().partition("=")
        if name == COOKIE:
            return value
    return None
