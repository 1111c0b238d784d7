"""The person's side of a login: open an address, and wait on loopback until the browser comes back with the answer."""

from __future__ import annotations

import asyncio
import socket
import sys
import threading
import webbrowser
from collections.abc import AsyncGenerator, Callable
from contextlib import ExitStack, asynccontextmanager, suppress
from typing import Any
from urllib.parse import parse_qs, urlsplit

import click
import uvicorn
from mcp.shared.auth import AuthorizationCodeResult
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.types import Receive, Scope, Send

from proxy.frontends.serving import Server
from proxy.repair.view.shown import one_line
from proxy.upstreams.auth.asking import read_answer

ANYWHERE = "http://127.0.0.1:0/callback"
_SEEN = "<!doctype html><title>mcp-mend</title><p>mcp-mend has the answer. You can close this page.</p>"


class Loopback:
    """Waits for the one redirect that ends a login, at `uri`; whoever sees it first, a browser or a paste, wins.

    Implements `proxy.upstreams.auth.asking.Person`; `browser` opens addresses, and does not only print them.
    """

    def __init__(self, uri: str, *, browser: bool) -> None:
        self.uri = uri
        self._browser = browser
        self._answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def redirected(self) -> AuthorizationCodeResult:
        """What the authorization server said; raises `OAuthError` where it said no."""
        return read_answer(urlsplit(await self._answer).query)

    async def show(self, address: str) -> None:
        """Print the address for a person, and open it; where no browser is, an answer may be pasted too."""
        click.echo(f"Open this address to log in:\n\n  {one_line(address)}\n", err=True)
        if self._browser:
            _aside(_open, address)
            return
        click.echo("A browser on another machine ends at a page that does not load: paste its address here.", err=True)
        _aside(self._pasted, asyncio.get_running_loop())

    def _pasted(self, loop: asyncio.AbstractEventLoop) -> None:
        for line in sys.stdin:
            try:
                loop.call_soon_threadsafe(self.take, line.strip())
            except RuntimeError:
                return

    def take(self, target: str) -> bool:
        """Take the address that a browser was sent to; False where it is no answer."""
        if not {"code", "error"} & set(parse_qs(urlsplit(target).query)):
            return False
        if not self._answer.done():
            self._answer.set_result(target)
        return True

    async def page(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request of a browser; an ASGI application."""
        request = Request(scope)
        fits = request.method == "GET" and request.url.path == (urlsplit(self.uri).path or "/")
        seen = fits and self.take(str(request.url))
        page = HTMLResponse(_SEEN if seen else "", 200 if seen else 404, {"cache-control": "no-store"})
        await page(scope, receive, send)


@asynccontextmanager
async def loopback(uri: str, *, browser: bool) -> AsyncGenerator[Loopback]:
    """Listen where a loopback address leads, at any free port for `ANYWHERE`. Raises `OSError` where it is taken."""
    waiting = Loopback(uri, browser=browser)
    wanted = urlsplit(uri)
    with ExitStack() as stack:
        listening = [stack.enter_context(socket.create_server(("127.0.0.1", wanted.port or 0)))]
        port = listening[0].getsockname()[1]
        if wanted.port == 0:
            waiting.uri = wanted._replace(netloc=f"{wanted.hostname}:{port}").geturl()
        if wanted.hostname == "localhost":
            with suppress(OSError):
                listening.append(stack.enter_context(socket.create_server(("::1", port), family=socket.AF_INET6)))
        server = Server(uvicorn.Config(waiting.page, interface="asgi3", lifespan="off", log_config=None, ws="none"))
        serving = asyncio.create_task(server.serve(listening))
        try:
            yield waiting
        finally:
            server.should_exit = True
            await serving


def _open(address: str) -> None:
    if not webbrowser.open(address):
        click.echo("No browser could be started: open the address yourself.", err=True)


def _aside(function: Callable[..., Any], *args: Any) -> None:
    """Run what may never return in a thread that nobody waits for."""
    threading.Thread(target=function, args=args, daemon=True).start()
