"""Tells which tenant a bearer token is of, from memory.

Tokens of the store are read anew in the background, at once where somebody says that they have changed, and at once but
seldom where a token is unknown. While the store cannot be read, those that are known go on and nobody else comes in.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import anyio.to_thread
import structlog

from proxy.access import book
from proxy.access.issuer import Issuer
from proxy.access.verdict import Refused
from proxy.store.sql import Connection, Place, StoreError
from schemas.access import Tenant
from schemas.config import Config, Http

log = structlog.get_logger("access")

EVERY = 3.0
"""Seconds between two looks into the store: how long a revoked token may still be taken."""
SOON = 1.0
"""Seconds between two looks for the sake of unknown tokens, which wait for that: guessing costs the store nothing."""
LONGEST = 16_384
"""Characters of a token that is looked at."""


@dataclass(frozen=True)
class Guest:
    """Somebody that a token let in: the tenant, and what of the token may be kept."""

    tenant: Tenant
    digest: str


class Access:
    """The tokens of one store, and of the identity provider that is configured."""

    def __init__(self, place: Place, http: Http) -> None:
        self.trouble = ""
        self._place = place
        self._oidc = http.oidc
        self._known: Mapping[str, Tenant] = {}
        self._ever = False
        self._issuer: Issuer | None = None
        self._connection: Connection | None = None
        self._following = False
        self._changed = asyncio.Event()
        self._reading = asyncio.Lock()
        self._looking = asyncio.Lock()
        self._began = float("-inf")
        self._left: list[Callable[[Tenant], None]] = []

    def guards(self, given: str = "") -> bool:
        """Tell whether there are tenants, were, or may be: then nobody comes in without a token.

        Who gives a token of the store is held by it in any case, so that the last one that is revoked lets nobody in.
        """
        return bool(self._known or self._ever or self.trouble or self._oidc.issuer or given.startswith(book.PREFIX))

    def take(self, config: Config) -> None:
        """Go by another configuration from the next request on."""
        self._oidc = config.http.oidc

    def leaving(self, told: Callable[[Tenant], None]) -> None:
        """Have this called with each tenant whose token was revoked."""
        self._left.append(told)

    def notice(self) -> None:
        """Read the store at once: somebody says that tokens have changed."""
        self._changed.set()

    def of(self, digest: str) -> Tenant | None:
        """The tenant whose token has this digest, None where it is none of the store, or no longer."""
        tenant = self._known.get(digest)
        return None if tenant is None or _over(tenant) else tenant

    async def judged(self, token: str) -> Guest | Refused:
        """The tenant of a token, or why there is none."""
        if not token or len(token) > LONGEST:
            return Refused(401, "A bearer token is needed")
        digest = book.digest(token)
        tenant = self.of(digest)
        if tenant is None and not token.startswith(book.PREFIX) and token.count(".") == 2:
            found = await self._of_issuer(token, digest)
            return found if isinstance(found, Refused) else Guest(found, digest)
        if tenant is None and digest not in self._known:
            await self._look()
            tenant = self.of(digest)
        if tenant is not None:
            return Guest(tenant, digest)
        if self.trouble:
            return Refused(503, f"Nobody new is let in: the tokens in the store cannot be read ({self.trouble})")
        return Refused(401, "This bearer token is unknown, revoked or has expired")

    async def follow(self) -> None:
        """Keep up with store and provider, for ever."""
        self._following = True
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._follow_issuer)
                while True:
                    with anyio.move_on_after(EVERY):
                        await self._changed.wait()
                    self._changed.clear()
                    await self.refresh()
        finally:
            self._following = False
            self._close()

    async def refresh(self) -> None:
        """Read the tokens of the store as they are now; several who ask at once have them read once or twice."""
        asked = time.monotonic()
        async with self._reading:
            if self._began >= asked:
                return
            self._began = time.monotonic()
            try:
                found = await anyio.to_thread.run_sync(self._tokens)
            except StoreError as error:
                self._told(str(error))
            else:
                self._told("")
                self._take(found)

    async def _look(self) -> None:
        """Read the store for the sake of an unknown token, which may have been made just now."""
        asked = time.monotonic()
        async with self._looking:
            if self._began < asked:
                await anyio.sleep(max(0.0, self._began + SOON - time.monotonic()))
                await self.refresh()

    def _tokens(self) -> dict[str, Tenant]:
        if self._connection is not None and self._connection.moved:
            self._close()
        kept = self._connection is not None
        try:
            self._connection = self._connection or self._place.read("state")
            found = book.tokens(self._connection)
        except FileNotFoundError:
            return {}
        except StoreError:
            self._close()
            if not kept:
                raise
            return self._tokens()
        finally:
            if not self._following:
                self._close()
        return {kept.digest: Tenant(kept.name, kept.grants, kept.expires) for kept in found if kept.grants is not None}

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _take(self, found: Mapping[str, Tenant]) -> None:
        before, self._known = self._known, found
        self._ever = self._ever or bool(found)
        for digest, tenant in before.items():
            if found.get(digest) != tenant:
                log.info("a token holds no longer", tenant=tenant.name)
                for told in self._left:
                    told(tenant)

    def _told(self, trouble: str) -> None:
        if trouble and not self.trouble:
            log.error("tokens cannot be read: nobody new is let in", store=self._place.name, reason=trouble)
        elif self.trouble and not trouble:
            log.info("tokens can be read again", store=self._place.name)
        self.trouble = trouble

    async def _of_issuer(self, token: str, digest: str) -> Tenant | Refused:
        issuer = self._current()
        if issuer is None:
            return Refused(401, "This bearer token is unknown: no identity provider is configured (http.oidc)")
        return await issuer.judged(token, digest)

    def _current(self) -> Issuer | None:
        """The provider as it is configured now; another configuration begins without keys."""
        if not self._oidc.issuer:
            self._issuer = None
        elif self._issuer is None or self._issuer.settings != self._oidc:
            self._issuer = Issuer(self._oidc)
        return self._issuer

    async def _follow_issuer(self) -> None:
        """Have the keys of the provider at hand before they are needed."""
        while True:
            issuer = self._current()
            if issuer is not None:
                await issuer.keys.keep_fresh()
            await anyio.sleep(EVERY)


def _over(tenant: Tenant) -> bool:
    return tenant.expires is not None and time.time() >= tenant.expires
