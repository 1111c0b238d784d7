"""Puts an upstream's token on its requests, renews it where it has run out, and says when a person must log in.

Costs a sound request one `stat`, or nothing where replicas share a store. Knows nothing of browsers; the protocol
itself is in `oauth`, imported when needed.
"""

from __future__ import annotations

import asyncio
import re
import shlex
from collections.abc import AsyncGenerator
from dataclasses import replace
from typing import TYPE_CHECKING

import httpx2
import structlog

from proxy.upstreams.auth.logins import Challenge, KeptLogin, Login, Logins, OAuthError
from proxy.wire import acting
from schemas.config import Upstream

if TYPE_CHECKING:
    from schemas.config import OAuth

log = structlog.get_logger("upstream")

FAREWELL = 5.0
"""Seconds that an end waits for tokens under way: a refresh token that was used and not kept costs the login."""

_PASSWORD = re.compile(r"\s*(basic|digest|negotiate|ntlm)\b(?!.*\bbearer\b)", re.IGNORECASE)
"""A challenge that no token answers."""
_FIELD = r'{}=(?:"([^"]*)"|([^\s,]+))'


def access_to(name: str, config: Upstream, logins: Logins) -> Access | None:
    """The access to one upstream; None where its configuration says itself what to send."""
    return Access(name, config, logins) if takes_logins(config) else None


def takes_logins(config: Upstream) -> bool:
    """Tell whether one can log in to an upstream: it is reached over HTTP, and is not told already who asks."""
    if config.url is None or any(key.lower() == "authorization" for key in config.headers):
        return False
    return not httpx2.URL(config.url).userinfo


class Access(httpx2.Auth):
    """The way past the door for a connection that all share: nobody's requests go out with another's login.

    It is that of whoever runs the proxy or, where it is `per_user`, that of the tenant for whom a request is made.
    """

    def __init__(self, name: str, config: Upstream, logins: Logins) -> None:
        self.per_user = config.per_user
        self._name = name
        self._config = config
        self._logins = logins
        self._ways: dict[str, Way] = {}

    @property
    def trouble(self) -> str:
        """Why the last request of this tenant was refused, empty where none was."""
        return self.way.trouble

    @property
    def waiting(self) -> bool:
        """Tell whether only a person can help."""
        return self.way.waiting

    async def async_auth_flow(self, request: httpx2.Request) -> AsyncGenerator[httpx2.Request, httpx2.Response]:
        """Send the request with the token there is, and once more where another can be had."""
        flow = self.way.async_auth_flow(request)
        try:
            response = yield await anext(flow)
            while True:
                response = yield await flow.asend(response)
        except StopAsyncIteration:
            pass
        finally:
            await flow.aclose()

    async def changed(self) -> None:
        """Wait until somebody has logged in."""
        await self.way.changed()

    async def close(self) -> None:
        """Let tokens that are under way arrive."""
        for way in self._ways.values():
            await way.close()

    @property
    def way(self) -> Way:
        """The way of whoever this is done for; a session keeps it to its end."""
        tenant = acting.tenant() if self.per_user else ""
        way = self._ways.get(tenant)
        if way is None:
            remedy = "log in at /ui/logins" if tenant else f"run `mcp-mend login {shlex.quote(self._name)}`"
            kept = self._logins.of(self._config.url or "", tenant)
            way = self._ways[tenant] = Way(self._name, kept, self._config.oauth, remedy)
        return way


class Way(httpx2.Auth):
    """The way past the door with one login; `remedy` says what a person does where it wants one.

    `trouble` says why the last request was refused (empty where none was), `waiting` whether only a person can help.
    `anonymous` sends no token and keeps what it is asked for in `challenge` alone.
    """

    per_user = False

    def __init__(
        self, name: str, kept: KeptLogin, settings: OAuth | None, remedy: str = "", *, anonymous: bool = False
    ) -> None:
        self.trouble = ""
        self.waiting = False
        self.challenge: Challenge | None = None
        self._name = name
        self._kept = kept
        self._settings = settings
        self._remedy = remedy
        self._anonymous = anonymous
        self._refused: str | None = None
        self._renewal: asyncio.Task[None] | None = None

    async def async_auth_flow(self, request: httpx2.Request) -> AsyncGenerator[httpx2.Request, httpx2.Response]:
        """Send the request with the token there is, and once more where another can be had."""
        login = await self._login()
        if login.renewable and login.over:
            await self._renewed(login.token, None)
            login = await self._login()
        response = yield _signed(request, login.token)
        challenge = challenge_in(response)
        if challenge is not None and not self._anonymous and await self._renewed(login.token, challenge):
            login = await self._login()
            response = yield _signed(request, login.token)
            challenge = challenge_in(response)
            if challenge is not None:
                await self._ask(challenge, login)
        if challenge is None:
            self.trouble, self.waiting = "", False
        elif self._anonymous:
            self.challenge, self.trouble = challenge, "it wants a login"

    async def changed(self) -> None:
        """Wait until somebody has logged in."""
        await self._kept.changed(self._refused)

    async def close(self) -> None:
        """Let tokens that are under way arrive."""
        if self._renewal is not None:
            await asyncio.wait({self._renewal}, timeout=FAREWELL)
            self._renewal.cancel()

    async def _login(self) -> Login:
        if self._anonymous:
            return Login(self._kept.url)
        try:
            return await self._kept.read()
        except OSError as error:
            raise httpx2.ConnectError(f"the login cannot be read: {error}") from error

    async def _renewed(self, used: str | None, challenge: Challenge | None) -> bool:
        """Get another token than the one used, for every request that waits for it; True where there is one.

        A caller that is cancelled leaves the exchange going: its answer may hold the only refresh token.
        """
        if self._renewal is None or self._renewal.done():
            self._renewal = asyncio.ensure_future(self._renew(used, challenge))
        await asyncio.shield(self._renewal)
        return (await self._login()).token not in (None, used)

    async def _renew(self, used: str | None, challenge: Challenge | None) -> None:
        machine = self._settings is not None and self._settings.grant == "client_credentials"
        try:
            login = await self._kept.read(anew=True)
            if login.token not in (None, used):
                return
            if not machine and (not login.renewable or (challenge is not None and challenge.more)):
                await self._ask(challenge or Challenge(), login)
                return
            async with self._kept.alone():
                login = await self._kept.read(anew=True)
                if login.token in (None, used) and (machine or login.renewable):
                    await self._exchange(login, challenge)
        except (OSError, TimeoutError) as failure:
            self._failed(str(failure))
        except Exception as bug:
            log.exception("renewing failed", upstream=self._name)
            self._failed(f"mcp-mend failed on it: {bug!r}")

    async def _exchange(self, login: Login, challenge: Challenge | None) -> None:
        from proxy.upstreams.auth import oauth

        try:
            fresh = await oauth.renewed(login, self._settings, challenge)
        except oauth.OverError as over:
            kept = replace(login, client=None) if over.unknown_client else login
            wanted = Challenge(login.scope, challenge.metadata if challenge else None, more=True)
            await self._kept.write(replace(kept.without_tokens(wanted), name=self._name))
            self._say(f"its login has ended ({over})", login)
        except OAuthError as failure:
            self._failed(str(failure))
        else:
            await self._kept.write(fresh)
            log.info("login renewed", upstream=self._name)

    async def _ask(self, challenge: Challenge, login: Login) -> None:
        """Keep what is wanted for whoever logs in, and say so; what a login that has ended allowed stays wanted."""
        ended = login.token is None and login.wanted is not None and login.wanted.more
        wanted = login.wanted if ended and not challenge.more else challenge
        if (login.wanted, login.name) != (wanted, self._name):
            try:
                await self._kept.write(replace(login, wanted=wanted, name=self._name))
            except OSError as failure:
                log.warning("wish not kept", upstream=self._name, reason=str(failure))
        more = f" ({challenge.scope})" if challenge.scope else ""
        self._say(f"it wants you to allow more{more}" if challenge.more else "it wants you to log in", login)

    def _failed(self, reason: str) -> None:
        """Say why there is no token, where another attempt may bring one."""
        self.trouble, self.waiting = f"no token for it could be had: {reason}", False
        log.warning("no token", upstream=self._name, reason=reason)

    def _say(self, what: str, login: Login) -> None:
        self._refused, self.waiting = login.token, True
        self.trouble = f"{what}: {self._remedy}"


def challenge_in(response: httpx2.Response) -> Challenge | None:
    """What a refusal asks for; None for anything but a refusal that a token could turn."""
    said = response.headers.get("www-authenticate", "")
    if response.status_code == 401 and not _PASSWORD.match(said):
        return Challenge(_field("scope", said), _field("resource_metadata", said))
    if response.status_code == 403 and _field("error", said) == "insufficient_scope":
        return Challenge(_field("scope", said), _field("resource_metadata", said), more=True)
    return None


def _field(name: str, said: str) -> str | None:
    found = re.search(r"(?<![\w-])" + _FIELD.format(name), said)
    return (found[1] or found[2] or None) if found else None


def _signed(request: httpx2.Request, token: str | None) -> httpx2.Request:
    if token is not None:
        request.headers["authorization"] = f"Bearer {token}"
    return request
