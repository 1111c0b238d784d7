"""Run the HTTP frontend on a socket: loopback, or any address with a token; calls under way may finish at the end."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import anyio
import structlog
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import BaseRoute
from starlette.types import ASGIApp

from proxy.access.access import Access
from proxy.aggregate.router import Router
from proxy.aggregate.tenants import Tenants
from proxy.frontends.admission import Admission, AdmissionMiddleware
from proxy.frontends.forwarding import Replicas
from proxy.frontends.http import HttpEndpoints
from proxy.frontends.listener import Listener, is_loopback
from proxy.frontends.owners import Ids
from schemas.config import Http

if TYPE_CHECKING:
    from uvicorn.protocols.http.h11_impl import H11Protocol as Connection
else:
    from uvicorn.protocols.http.auto import AutoHTTPProtocol as Connection

log = structlog.get_logger("server")


HEAD_SECONDS = 15.0
"""Seconds for the head of a request to arrive whole."""

ARRIVAL = 0.05
"""Seconds until the event loop has made connections of what it had accepted."""

FIRST = 1.0
"""Seconds for the first request of a connection that was there before we stopped listening."""

CONNECTIONS = 500
"""Connections at once: each is an open file, of which a process has about a thousand."""


async def serve(
    routers: Callable[[str | None], Router],
    config: Callable[[], Http],
    here: Listener,
    stop: asyncio.Event,
    further: Sequence[BaseRoute] = (),
    tenants: Tenants | None = None,
    access: Access | None = None,
) -> None:
    """Serve on these sockets until `stop` is set; `further` routes stand beside the endpoints.

    From then on no session begins, and after `leave_seconds` nobody is listened to any more. `access` knows the tokens
    of `tenants`.
    """
    host, port = here.sockets[0].getsockname()[:2]
    replicas = Replicas(Ids(here.replicas.address, here.replicas.key)) if here.replicas.address else None
    endpoints = HttpEndpoints(routers, Admission(config, is_loopback(host), access), further, replicas, tenants)

    async def leave() -> None:
        endpoints.leave()
        await asyncio.sleep(here.replicas.leave_seconds if replicas is not None else 0)
        endpoints.drain()

    log.info("listening", url=f"http://{f'[{host}]' if ':' in host else host}:{port}/mcp")
    async with endpoints.open():
        await _serve(endpoints.app, here.sockets, stop, config().drain_seconds, leave)


async def serve_alone(
    pages: Sequence[BaseRoute], config: Callable[[], Http], listening: socket.socket, stop: asyncio.Event
) -> None:
    """Serve these routes, and no MCP, on a listening socket until `stop` is set."""
    admission = Admission(config, is_loopback(listening.getsockname()[0]))
    app = Starlette(routes=pages, middleware=[Middleware(AdmissionMiddleware, admission)])
    await _serve(app, [listening], stop, config().drain_seconds)


async def _serve(
    app: ASGIApp,
    sockets: Sequence[socket.socket],
    stop: asyncio.Event,
    drain_seconds: int,
    leave: Callable[[], Awaitable[None]] | None = None,
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
        timeout_graceful_shutdown=drain_seconds,
        timeout_keep_alive=60,
    )
    server = Server(settings)

    async def end_on_demand() -> None:
        await stop.wait()
        if leave is not None:
            await leave()
        server.should_exit = True

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(end_on_demand)
        await server.serve(list(sockets))
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
