"""Run the HTTP frontend on a socket: loopback, or any address with a token; calls under way may finish at the end."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import anyio
import structlog
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import BaseRoute
from starlette.types import ASGIApp

from proxy.aggregate.router import Router
from proxy.frontends.admission import LOOPBACK, Admission, AdmissionMiddleware
from proxy.frontends.http import HttpEndpoints
from schemas.config import Http

if TYPE_CHECKING:
    from uvicorn.protocols.http.h11_impl import H11Protocol as Connection
else:
    from uvicorn.protocols.http.auto import AutoHTTPProtocol as Connection

log = structlog.get_logger("server")

DRAIN = 5.0
"""Seconds that calls under way may still take once we are asked to stop."""


HEAD_SECONDS = 15.0
"""Seconds for the head of a request to arrive whole."""

ARRIVAL = 0.05
"""Seconds until the event loop has made connections of what it had accepted."""

FIRST = 1.0
"""Seconds for the first request of a connection that was there before we stopped listening."""

CONNECTIONS = 500
"""Connections at once: each is an open file, of which a process has about a thousand."""


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host in LOOPBACK


async def serve(
    routers: Callable[[str | None], Router],
    config: Callable[[], Http],
    listening: socket.socket,
    stop: asyncio.Event,
    further: Sequence[BaseRoute] = (),
) -> None:
    """Serve on a listening socket until `stop` is set; `further` routes stand beside the endpoints."""
    host, port = listening.getsockname()[:2]
    endpoints = HttpEndpoints(routers, Admission(config, is_loopback(host)), further)
    log.info("listening", url=f"http://{f'[{host}]' if ':' in host else host}:{port}/mcp")
    async with endpoints.open():
        await _serve(endpoints.app, listening, stop, endpoints.drain)


async def serve_alone(
    pages: Sequence[BaseRoute], config: Callable[[], Http], listening: socket.socket, stop: asyncio.Event
) -> None:
    """Serve these routes, and no MCP, on a listening socket until `stop` is set."""
    admission = Admission(config, is_loopback(listening.getsockname()[0]))
    await _serve(Starlette(routes=pages, middleware=[Middleware(AdmissionMiddleware, admission)]), listening, stop)


async def _serve(
    app: ASGIApp, listening: socket.socket, stop: asyncio.Event, drain: Callable[[], None] = lambda: None
) -> None:
    settings = uvicorn.Config(
        app,
        http=_Punctual,
        log_config=None,
        access_log=False,
        lifespan="off",
        ws="none",
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=int(DRAIN),
        timeout_keep_alive=60,
    )
    server = Server(settings)

    async def end_on_demand() -> None:
        await stop.wait()
        drain()
        server.should_exit = True

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(end_on_demand)
        await server.serve([listening])
        tasks.cancel_scope.cancel()


class Server(uvicorn.Server):
    """uvicorn that is ended by its caller alone: no signal ends it, and cancelling it closes every connection."""

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until `should_exit`; calls under way may then finish."""
        try:
            await super().serve(sockets)
        except asyncio.CancelledError:
            self.force_exit = True
            with anyio.move_on_after(1, shield=True):
                await self.shutdown(sockets)
            for task in self.server_state.tasks:
                task.cancel()
            raise

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop listening, and answer what was connected before: a reset leaves its sender unsure what was done."""
        accepted = [each for listening in sockets or () for each in _accepted(listening)]
        for server in self.servers:
            server.close()
        loop = asyncio.get_running_loop()
        for each in accepted:
            each.setblocking(False)  # noqa: FBT003 (the socket's own signature)
            await loop.connect_accepted_socket(self._connection, each)
        await asyncio.sleep(ARRIVAL)
        await super().shutdown(sockets)

    def _connection(self) -> _Punctual:
        return _Punctual(self.config, self.server_state, self.lifespan.state)

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Leave signals alone."""
        yield


def _accepted(listening: socket.socket) -> Generator[socket.socket]:
    """What the system has connected and nobody has taken yet."""
    while True:
        try:
            yield listening.accept()[0]
        except OSError:
            return


class _Punctual(Connection):
    """A connection whose requests must arrive whole in time; one too many is closed."""

    late: asyncio.TimerHandle | None = None
    leaving = False

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        if len(self.connections) > CONNECTIONS:
            log.warning("too many connections: one is closed", most=CONNECTIONS)
            transport.close()
        else:
            self._expect_head()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        cycle: Any = self.cycle
        if cycle is not None and self.leaving:
            cycle.keep_alive = False
        if cycle is not None and not cycle.response_complete:
            self._rest()
        elif self.late is None:
            self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._rest()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """Close once what was asked is answered; a connection on which nothing was yet asked has a moment for it."""
        cycle: Any = self.cycle
        if cycle is None:
            self.leaving = True
            asyncio.get_running_loop().call_later(FIRST, self._leave)
        else:
            super().shutdown()

    def _leave(self) -> None:
        cycle: Any = self.cycle
        if cycle is None:
            self.transport.close()

    def _expect_head(self) -> None:
        self.late = asyncio.get_running_loop().call_later(HEAD_SECONDS, self.transport.close)

    def _rest(self) -> None:
        if self.late is not None:
            self.late.cancel()
            self.late = None


@contextmanager
def listening(config: Http, host: str, port: int) -> Generator[socket.socket]:
    """A listening socket; its protocol is named, as asyncio turns Nagle's delay off only where it is.

    Raises `PermissionError` where others can reach the address and no token guards it, `OSError` where it is taken.
    """
    if not is_loopback(host) and not config.token:
        reason = f"{host} can be reached by others: set http.token in the configuration, or listen on 127.0.0.1"
        raise PermissionError(reason)
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP, flags=socket.AI_PASSIVE)
    family, kind, protocol, _, address = found[0]
    with socket.socket(family, kind, protocol) as made:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(address)
        made.listen(2048)
        made.setblocking(False)  # noqa: FBT003 (the socket's own signature)
        yield made
