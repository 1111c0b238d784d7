"""Ask an upstream what login it wants, and have a person give it: what the command and the page have in common."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import Protocol
from urllib.parse import parse_qs

from mcp.shared.auth import AuthorizationCodeResult

from catalog_cache.pages import every_page
from proxy.upstreams.auth import oauth
from proxy.upstreams.auth.access import Access, Way
from proxy.upstreams.auth.logins import KeptLogin, Login, OAuthError
from proxy.upstreams.broadcast import Broadcast
from proxy.upstreams.connect import UnreachableError, connect
from proxy.upstreams.fleet import as_ourselves
from proxy.upstreams.remote import Pool
from proxy.upstreams.watchdog import Watchdog
from proxy.wire.protocol import TOOLS_LIST
from schemas.config import Upstream


class Person(Protocol):
    """Somebody with a browser, which comes back to `uri`."""

    uri: str

    async def show(self, address: str) -> None:
        """Have the person open an address."""
        ...

    async def redirected(self) -> AuthorizationCodeResult:
        """What the authorization server sent the browser back with; raises `OAuthError` where it said no."""
        ...


async def log_in(
    name: str, upstream: Upstream, kept: KeptLogin, person: Callable[[Login], AbstractAsyncContextManager[Person]]
) -> bool:
    """Get tokens and keep them; False where the server wants none. Raises `OAuthError` and `OSError`."""
    stranger = Way(name, kept, upstream.oauth, anonymous=True)
    _, reason = await examined(name, upstream, stranger)
    known = replace(await kept.read(anew=True), name=name)
    challenge = stranger.challenge or known.wanted
    if challenge is None:
        if reason:
            raise OAuthError(reason)
        return False
    async with person(known) as there:
        fresh = await oauth.authorised(known, upstream.oauth, challenge, there.uri, there.show, there.redirected)
    async with kept.alone():
        await kept.write(fresh)
    return True


async def examined(name: str, upstream: Upstream, access: Access | Way) -> tuple[int, str]:
    """How many tools a connection by this access lists, and why none could be listed, else an empty text."""
    nobody = Broadcast(lambda server, tool: None, lambda server: None)
    try:
        connection = await connect(
            name, upstream, as_ourselves, nobody, Watchdog(), lambda: access, lambda: Pool(upstream)
        )
    except UnreachableError as failure:
        return 0, str(failure)
    try:
        if "tools" not in connection.capabilities:
            return 0, ""
        listing = await every_page(
            lambda params: connection.request(TOOLS_LIST, params, seconds=upstream.start_timeout)
        )
        return len(listing.items), listing.failure or ""
    finally:
        await connection.close()


def read_answer(query: str) -> AuthorizationCodeResult:
    """The parameters of the redirect; raises `OAuthError` where they say no, or say nothing."""
    fields = {key: values[0] for key, values in parse_qs(query).items()}
    if "error" in fields:
        said = fields.get("error_description")
        raise OAuthError(f"the server says {fields['error']}" + (f": {said[:300]}" if said else ""))
    if "code" not in fields:
        raise OAuthError("the browser came back without an answer")
    return AuthorizationCodeResult(code=fields["code"], state=fields.get("state"), iss=fields.get("iss"))
