"""`mcp-mend login` and `mcp-mend logout`: a remote server's tokens, got with the browser and forgotten again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from proxy.commands.options import config_option, refuse, run, settings
from proxy.repair.view.shown import one_line

if TYPE_CHECKING:
    from proxy.commands.browser import Loopback
    from proxy.upstreams.auth.access import Access
    from proxy.upstreams.auth.logins import Login
    from schemas.config import Upstream

FAILED = 1
"""Exit status where nobody was logged in."""

url_option = click.option("--url", help="Address of a server that is not configured, as given to `wrap --url`.")


@click.command()
@click.argument("name", required=False)
@url_option
@config_option
@click.option("--no-browser", is_flag=True, help="Only print the address; an answer may also be pasted.")
@click.option(
    "--timeout", type=click.FloatRange(min=1), default=300, show_default=True, help="Seconds to wait for you."
)
def login(name: str | None, url: str | None, config: Path | None, timeout: float, *, no_browser: bool) -> None:
    """Log in to the server NAME in the browser. A proxy that is running uses the login at once.

    \b
    mcp-mend login tickets
    mcp-mend login --url https://example.com/mcp
    """
    name, upstream = _chosen(name, url, config)
    run(_log_in, name, upstream, timeout, not no_browser)


@click.command()
@click.argument("name", required=False)
@url_option
@config_option
def logout(name: str | None, url: str | None, config: Path | None) -> None:
    """Forget the tokens for the server NAME, and that we were registered there.

    \b
    mcp-mend logout tickets
    """
    from proxy.upstreams.auth.logins import LoginFile

    name, upstream = _chosen(name, url, config)
    there = LoginFile(upstream.url or "").erase()
    click.echo(one_line(f"logged out of {name}" if there else f"nobody was logged in to {name}"))


def _chosen(name: str | None, url: str | None, config: Path | None) -> tuple[str, Upstream]:
    """The server that is meant: by address, by its name in the configuration, or by that of one that was refused."""
    from schemas.config import Upstream

    if (name is None) == (url is None):
        raise click.UsageError("say which server: its NAME, or --url URL")
    found = settings(config, local=True, quiet=True, upstreams=url is None).config.upstreams
    if url is None and name is not None and name not in found:
        from proxy.upstreams.auth.logins import asked_by

        url = asked_by(name)
        if url is None:
            refuse(f"no server is called {name!r}; there are: {', '.join(found) or 'none'} (or name a --config)")
    if url is not None:
        name = name or urlsplit(url).hostname or url
        return name, Upstream(url=url)
    assert name is not None  # noqa: S101 (one of the two is given)
    if found[name].url is None:
        refuse(f"{name} is a program that mcp-mend starts: only servers with a url want a login")
    return name, found[name]


async def _log_in(name: str, upstream: Upstream, patience: float, browser: bool) -> None:
    """Ask the server what it wants, let the person give it, and try whether that was enough."""
    from proxy.upstreams.auth.access import access_to
    from proxy.upstreams.auth.oauth import OAuthError

    access = access_to(name, upstream)
    if access is None:
        refuse(f"{name} is given its Authorization by the configuration: there is nothing to log in to")
    if upstream.oauth is not None and upstream.oauth.grant == "client_credentials":
        await _tried(name, upstream, access)
        return
    try:
        async with asyncio.timeout(patience):
            asked = await _authorise(name, upstream, browser=browser)
    except TimeoutError:
        refuse(f"nobody logged in to {name} within {patience:g} s", FAILED)
    except OAuthError as failure:
        refuse(f"not logged in to {name}: {failure}", FAILED)
    if asked:
        await _tried(name, upstream, access)
    else:
        click.echo(one_line(f"{name} asks for no login"))


async def _authorise(name: str, upstream: Upstream, *, browser: bool) -> bool:
    """Get tokens and keep them; False where the server wants none. Raises `OAuthError`, `TimeoutError`."""
    from proxy.upstreams.auth import oauth
    from proxy.upstreams.auth.access import Access
    from proxy.upstreams.auth.logins import LoginFile

    file = LoginFile(upstream.url or "")
    stranger = Access(name, file, upstream.oauth, anonymous=True)
    _, reason = await _examined(name, upstream, stranger)
    known = replace(file.read(), name=name)
    challenge = stranger.challenge or known.wanted
    if challenge is None:
        if reason:
            raise oauth.OAuthError(reason)
        return False
    async with _returning(known, upstream) as waiting:

        async def shown(address: str) -> None:
            from proxy.commands import browser as person

            person.show(address, browser=browser)
            if not browser:
                person.listen_for_a_paste(waiting)

        fresh = await oauth.authorised(known, upstream.oauth, challenge, waiting.uri, shown, waiting.redirected)
    async with file.alone():
        file.write(fresh)
    return True


@asynccontextmanager
async def _returning(known: Login, upstream: Upstream) -> AsyncGenerator[Loopback]:
    """Where the browser comes back to: the configured place, else that of our registration, else any."""
    from proxy.commands.browser import ANYWHERE, loopback
    from proxy.upstreams.auth.oauth import OAuthError, registered_at

    configured = upstream.oauth.redirect_uri if upstream.oauth is not None else ""
    async with AsyncExitStack() as stack:
        try:
            waiting = await stack.enter_async_context(loopback(configured or registered_at(known) or ANYWHERE))
        except OSError as taken:
            if configured:
                raise OAuthError(f"{configured} cannot be used: {taken.strerror}") from taken
            waiting = await stack.enter_async_context(loopback(ANYWHERE))
        yield waiting


async def _tried(name: str, upstream: Upstream, access: Access) -> None:
    """Connect with what there is and say what came of it."""
    count, reason = await _examined(name, upstream, access)
    if reason:
        refuse(f"{name} is still not available: {reason}", FAILED)
    click.echo(one_line(f"logged in to {name}: {count} tools"))


async def _examined(name: str, upstream: Upstream, access: Access) -> tuple[int, str]:
    """How many tools a connection by this access lists, and why none could be listed, else an empty text."""
    from catalog_cache.pages import every_page
    from proxy.upstreams.broadcast import Broadcast
    from proxy.upstreams.connect import UnreachableError, connect
    from proxy.upstreams.fleet import as_ourselves
    from proxy.upstreams.watchdog import Watchdog
    from proxy.wire.protocol import TOOLS_LIST

    nobody = Broadcast(lambda server, tool: None, lambda server: None)
    try:
        connection = await connect(name, upstream, as_ourselves, nobody, Watchdog(), access)
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
