"""Logins that people give at the page: begun by a form, and ended when the browser comes back from where they log in.

Each belongs to the visitor who began it, who must be the one that ends it: else somebody could have another log in for
him. All in one process; a login that was begun before its end has to be begun again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from proxy.upstreams.auth.access import takes_logins
from proxy.upstreams.auth.logins import Login, Logins, OAuthError
from proxy.wire.tasks import Tasks
from schemas.access import Tenant
from schemas.config import Config, Upstream

if TYPE_CHECKING:
    from mcp.shared.auth import AuthorizationCodeResult

BACK = "/ui/logins/back"
"""Where the browser comes back to."""
PATIENCE = 600.0
"""Seconds for a person to log in."""


class NotBegunError(Exception):
    """Nobody waits for this answer: it comes too late, twice, or from somebody else."""


def offered(config: Config, tenant: Tenant | None) -> dict[str, Upstream]:
    """The servers that this visitor can log in to: a tenant where each has a login of its own, else at every one."""
    return {
        name: upstream
        for name, upstream in config.upstreams.items()
        if upstream.enabled
        and takes_logins(upstream)
        and (tenant is None or (upstream.per_user and tenant.grants.sees(name)))
    }


class PageLogins:
    """The logins of one place, and those that are being given."""

    def __init__(self, logins: Logins) -> None:
        self._logins = logins
        self._begun: dict[tuple[str, str], Flow] = {}
        self._tasks = Tasks()

    async def told(self, upstreams: Mapping[str, Upstream], tenant: str) -> list[dict[str, Any]]:
        """How it stands with each login of a visitor. Raises `OSError`."""
        found: list[dict[str, Any]] = []
        for name, upstream in upstreams.items():
            login = await self._logins.of(upstream.url or "", tenant).read(anew=True)
            machine = upstream.oauth is not None and upstream.oauth.grant == "client_credentials"
            over = login.expires is not None and time.time() > login.expires and not login.renewable
            here = login.token is not None and not over
            state = "by_itself" if machine else "logged_in" if here else "wanted" if login.wanted else "not_logged_in"
            found.append({"name": name, "url": login.url, "state": state, "scope": login.scope or ""})
        return found

    async def begin(self, name: str, upstream: Upstream, tenant: str, uri: str) -> str:
        """The address where a person logs in, "" where the server wants none. Raises `OAuthError` and `OSError`."""
        flow, kept = Flow(uri), self._logins.of(upstream.url or "", tenant)
        former = self._begun.pop((tenant, name), None)
        if former is not None and former.task is not None:
            former.task.cancel()
        self._begun[tenant, name] = flow

        @asynccontextmanager
        async def person(known: Login) -> AsyncGenerator[Flow]:
            del known
            yield flow

        async def run() -> Exception | None:
            from proxy.upstreams.auth.asking import log_in

            try:
                async with asyncio.timeout(PATIENCE):
                    await log_in(name, upstream, kept, person)
            except (OAuthError, OSError) as failure:
                return failure
            return None

        flow.task = self._tasks.start(run())
        await asyncio.wait({flow.task, flow.address}, return_when=asyncio.FIRST_COMPLETED)
        if not flow.address.done():
            flow.ended()
            return ""
        return flow.address.result()

    async def finish(self, query: str, tenant: str) -> str:
        """Take what the browser came back with; the name of the server that is logged in to.

        Raises `NotBegunError`, `OAuthError` and `OSError`.
        """
        state = "".join(parse_qs(query).get("state", []))
        for (whose, name), flow in tuple(self._begun.items()):
            if state and whose == tenant and flow.state == state and flow.task is not None and not flow.task.done():
                del self._begun[whose, name]
                flow.answer.set_result(query)
                await asyncio.wait({flow.task})
                flow.ended()
                return name
        raise NotBegunError

    async def close(self) -> None:
        """End the logins that nobody will give any more."""
        await self._tasks.close()

    async def forget(self, upstream: Upstream, tenant: str) -> None:
        """Forget a login, after a renewal that is under way. Raises `OSError`."""
        kept = self._logins.of(upstream.url or "", tenant)
        async with kept.alone():
            await kept.erase()


class Flow:
    """One login that is being given: implements `proxy.upstreams.auth.asking.Person`."""

    def __init__(self, uri: str) -> None:
        loop = asyncio.get_running_loop()
        self.uri = uri
        self.state = ""
        self.task: asyncio.Task[Exception | None] | None = None
        self.address: asyncio.Future[str] = loop.create_future()
        self.answer: asyncio.Future[str] = loop.create_future()

    def ended(self) -> None:
        """Raise why it has failed, where it has."""
        if self.task is None or self.task.cancelled():
            raise OAuthError("it was begun anew meanwhile")
        if (failure := self.task.result()) is not None:
            raise failure

    async def show(self, address: str) -> None:
        """Have the page lead to an address; raises `OAuthError` for one that is none of the web."""
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https"):
            raise OAuthError(f"it wants a browser to open an address that is none of the web: {parts.scheme}")
        self.state = "".join(parse_qs(parts.query).get("state", []))
        self.address.set_result(address)

    async def redirected(self) -> AuthorizationCodeResult:
        """What the browser came back with."""
        from proxy.upstreams.auth.asking import read_answer

        return read_answer(await self.answer)
