"""`mcp-mend login` and `mcp-mend logout`: a remote server's tokens, got with the browser and forgotten again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from proxy.commands.options import config_option, refuse, run, settings
from proxy.repair.view.shown import one_line

if TYPE_CHECKING:
    from proxy.upstreams.auth.access import Access
    from proxy.upstreams.auth.asking import Person
    from proxy.upstreams.auth.logins import Login, Logins
    from schemas.config import Config, Upstream

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
    run(_log_in, name, url, _configured(name, url, config), timeout, not no_browser)


@click.command()
@click.argument("name", required=False)
@url_option
@click.option("--tenant", default="", help="A tenant's own login, where each has one (oauth.per_user).")
@config_option
def logout(name: str | None, url: str | None, tenant: str, config: Path | None) -> None:
    """Forget the tokens for the server NAME, and that we were registered there.

    \b
    mcp-mend logout tickets
    """
    run(_log_out, name, url, _configured(name, url, config), tenant)


def _configured(name: str | None, url: str | None, config: Path | None) -> Config:
    if (name is None) == (url is None):
        raise click.UsageError("say which server: its NAME, or --url URL")
    return settings(config, local=True, quiet=True, upstreams=url is None).config


@contextmanager
def _logins(config: Config) -> Generator[Logins]:
    """Where logins are kept, for as long as the block lasts."""
    from proxy.running import logins_of
    from proxy.store.sql import place_of
    from proxy.store.state import open_state

    with open_state(place_of(config.store)) as state:
        yield logins_of(state)


async def _chosen(name: str | None, url: str | None, config: Config, logins: Logins) -> tuple[str, Upstream]:
    """The server that is meant: by address, by its name in the configuration, or by that of one that was refused."""
    from schemas.config import Upstream

    found = config.upstreams
    if url is None and name is not None and name not in found:
        url = await logins.asked_by(name)
        if url is None:
            refuse(f"no server is called {name!r}; there are: {', '.join(found) or 'none'} (or name a --config)")
    if url is not None:
        name = name or urlsplit(url).hostname or url
        return name, Upstream(url=url)
    assert name is not None  # noqa: S101 (one of the two is given)
    if found[name].url is None:
        refuse(f"{name} is a program that mcp-mend starts: only servers with a url want a login")
    return name, found[name]


async def _log_out(name: str | None, url: str | None, config: Config, tenant: str) -> None:
    with _logins(config) as logins:
        name, upstream = await _chosen(name, url, config, logins)
        kept = logins.of(upstream.url or "", tenant)
        try:
            async with kept.alone():
                there = await kept.erase()
        except OSError as failure:
            refuse(f"not logged out of {name}: {failure}", FAILED)
        click.echo(one_line(f"logged out of {name}" if there else f"nobody was logged in to {name}"))


async def _log_in(name: str | None, url: str | None, config: Config, patience: float, browser: bool) -> None:
    """Ask the server what it wants, let the person give it, and try whether that was enough."""
    from proxy.upstreams.auth.access import access_to
    from proxy.upstreams.auth.asking import log_in
    from proxy.upstreams.auth.logins import OAuthError

    with _logins(config) as logins:
        name, upstream = await _chosen(name, url, config, logins)
        access = access_to(name, upstream, logins)
        if access is None:
            refuse(f"{name} is given its Authorization by the configuration: there is nothing to log in to")
        if upstream.oauth is not None and upstream.oauth.grant == "client_credentials":
            await _tried(name, upstream, access)
            return
        try:
            async with asyncio.timeout(patience):
                kept = logins.of(upstream.url or "")
                asked = await log_in(name, upstream, kept, partial(_person, upstream, browser=browser))
        except TimeoutError:
            refuse(f"nobody logged in to {name} within {patience:g} s", FAILED)
        except (OAuthError, OSError) as failure:
            refuse(f"not logged in to {name}: {failure}", FAILED)
        if asked:
            await _tried(name, upstream, access)
        else:
            click.echo(one_line(f"{name} asks for no login"))


@asynccontextmanager
async def _person(upstream: Upstream, known: Login, *, browser: bool) -> AsyncGenerator[Person]:
    """Whoever runs the command; the browser comes back to the configured place, that of our registration, or any."""
    from proxy.commands.browser import ANYWHERE, loopback
    from proxy.upstreams.auth.logins import OAuthError
    from proxy.upstreams.auth.oauth import registered_at

    own = upstream.oauth.redirect_uri if upstream.oauth is not None and not upstream.per_user else ""
    async with AsyncExitStack() as stack:
        try:
            there = await stack.enter_async_context(loopback(own or registered_at(known) or ANYWHERE, browser=browser))
        except OSError as taken:
            if own:
                raise OAuthError(f"{own} cannot be used: {taken.strerror}") from taken
            there = await stack.enter_async_context(loopback(ANYWHERE, browser=browser))
        yield there


async def _tried(name: str, upstream: Upstream, access: Access) -> None:
    """Connect with what there is and say what came of it."""
    from proxy.upstreams.auth.asking import examined

    count, reason = await examined(name, upstream, access)
    if reason:
        refuse(f"{name} is still not available: {reason}", FAILED)
    click.echo(one_line(f"logged in to {name}: {count} tools"))
