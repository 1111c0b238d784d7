"""The person's side of a login: open an address, and wait on loopback until the browser comes back with the answer."""

from __future__ import annotations

import asyncio
import sys
import threading
import webbrowser
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any
from urllib.parse import parse_qs, urlsplit

import click
from mcp.shared.auth import AuthorizationCodeResult

from proxy.plain import one_line
from proxy.upstreams.auth.oauth import OAuthError

ANYWHERE = "http://127.0.0.1:0/callback"
LONGEST = 16 * 1024
"""Bytes of a request's head."""

_PAGE = """HTTP/1.1 {status}\r
Content-Type: text/html; charset=utf-8\r
Content-Length: {length}\r
Cache-Control: no-store\r
Connection: close\r
\r
"""
_SEEN = "<!doctype html><title>mcp-mend</title><p>mcp-mend has the answer. You can close this page.</p>"


class Loopback:
    """Waits for the one redirect that ends a login, at `uri`; whoever sees it first, a browser or a paste, wins."""

    def __init__(self, uri: str) -> None:
        self.uri = uri
        self._answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def redirected(self) -> AuthorizationCodeResult:
        """What the authorization server said; raises `OAuthError` where it said no."""
        return read_answer(await self._answer)

    def take(self, target: str) -> bool:
        """Take the address that a browser was sent to; False where it is no answer."""
        if not {"code", "error"} & set(parse_qs(urlsplit(target).query)):
            return False
        if not self._answer.done():
            self._answer.set_result(target)
        return True

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request of a browser."""
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            words = head.split(b"\r\n")[0].decode("latin-1").split(" ")
            fits = len(words) == 3 and words[0] == "GET" and urlsplit(words[1]).path == urlsplit(self.uri).path
            status, page = ("200 OK", _SEEN) if fits and self.take(words[1]) else ("404 Not Found", "")
            writer.write((_PAGE.format(status=status, length=len(page)) + page).encode())
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            return
        finally:
            writer.close()


@asynccontextmanager
async def loopback(uri: str) -> AsyncGenerator[Loopback]:
    """Listen where a loopback address leads, at any free port for `ANYWHERE`. Raises `OSError` where it is taken."""
    waiting = Loopback(uri)
    wanted = urlsplit(uri)
    async with AsyncExitStack() as stack:
        server = await asyncio.start_server(waiting.serve, "127.0.0.1", wanted.port or 0, limit=LONGEST)
        await stack.enter_async_context(server)
        port = server.sockets[0].getsockname()[1]
        if wanted.port == 0:
            waiting.uri = wanted._replace(netloc=f"{wanted.hostname}:{port}").geturl()
        if wanted.hostname == "localhost":
            with suppress(OSError):
                await stack.enter_async_context(await asyncio.start_server(waiting.serve, "::1", port, limit=LONGEST))
        yield waiting


def read_answer(target: str) -> AuthorizationCodeResult:
    """The parameters of the redirect; raises `OAuthError` where they say no."""
    fields = {key: values[0] for key, values in parse_qs(urlsplit(target).query).items()}
    if "error" in fields:
        said = fields.get("error_description")
        raise OAuthError(f"the server says {fields['error']}" + (f": {said[:300]}" if said else ""))
    return AuthorizationCodeResult(code=fields["code"], state=fields.get("state"), iss=fields.get("iss"))


def show(address: str, *, browser: bool) -> None:
    """Print the address for a person, and open it too."""
    click.echo(f"Open this address to log in:\n\n  {one_line(address)}\n", err=True)
    if browser:
        _aside(_open, address)


def _open(address: str) -> None:
    if not webbrowser.open(address):
        click.echo("No browser could be started: open the address yourself.", err=True)


def listen_for_a_paste(waiting: Loopback) -> None:
    """Take the address that the browser ended at from stdin too: it may run on another machine than this."""
    click.echo("A browser on another machine ends at a page that does not load: paste its address here.", err=True)
    loop = asyncio.get_running_loop()

    def read() -> None:
        for line in sys.stdin:
            try:
                loop.call_soon_threadsafe(waiting.take, line.strip())
            except RuntimeError:
                return

    _aside(read)


def _aside(function: Callable[..., Any], *args: Any) -> None:
    """Run what may never return in a thread that nobody waits for."""
    threading.Thread(target=function, args=args, daemon=True).start()
