"""The HTTP frontend: its addresses, and which era a request speaks.

`/mcp` is the aggregated endpoint, `/servers/NAME/mcp` one upstream under its own names; `/sse` beside each serves old
clients; `/healthz` says that we are alive. Further routes are for people and their tools (see `probes` and `proxy.ui`).
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager, nullcontext
from functools import partial

import anyio
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from proxy.aggregate.router import Router
from proxy.aggregate.tenants import Tenants
from proxy.frontends import handshake, metadata, sse, stateless
from proxy.frontends.admission import HEALTH, VERBS, Admission, AdmissionMiddleware
from proxy.frontends.forwarding import Replicas
from proxy.frontends.probes import alive
from proxy.frontends.requests import RefusedError, refuse
from proxy.frontends.sessions import Sessions
from proxy.frontends.tenancy import Tenancy, tenant_of
from proxy.wire.protocol import HANDSHAKE_VERSIONS, SESSION_HEADER, VERSION_HEADER
from proxy.wire.tasks import Tasks
from schemas.access import Tenant


class HttpEndpoints:
    """The endpoints over one fleet; `open` must be entered while `app` serves them."""

    def __init__(
        self,
        routers: Callable[[str | None], Router],
        admission: Admission,
        further: Sequence[BaseRoute] = (),
        replicas: Replicas | None = None,
        tenants: Tenants | None = None,
    ) -> None:
        self._replicas = replicas
        self._make = routers
        self._routers: dict[str | None, Router] = {}
        self._tenants = tenants
        self._tenancy = Tenancy()
        self._leaving = Tasks()
        if admission.access is not None:
            admission.access.leaving(self._let_go)
        new_id = {"new_id": replicas.ids.new} if replicas is not None else {}
        self._sessions = Sessions(lambda: admission.settings().sessions, **new_id)
        ways = {"/mcp": (self._mcp, VERBS), "/sse": (self._sse, ["GET"]), "/messages": (self._messages, ["POST"])}
        bases = ("", "/servers/{server:path}")
        self.app = Starlette(
            routes=[
                Route(f"{base}{path}{slash}", answer, methods=verbs)
                for path, (answer, verbs) in ways.items()
                for base in bases
                for slash in ("", "/")
            ]
            + [Route(HEALTH, alive), *metadata.routes(admission.settings), *further],
            middleware=[Middleware(AdmissionMiddleware, admission, self._tenancy)],
            exception_handlers={HTTPException: refuse, ClientDisconnect: _gone},
        )
        self.app.router.redirect_slashes = False

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[None]:
        """Serve within this; every session has ended when it is left."""
        others = self._replicas.open() if self._replicas is not None else nullcontext()
        async with others, anyio.create_task_group() as tasks:
            tasks.start_soon(self._sessions.sweep)
            try:
                yield
            finally:
                tasks.cancel_scope.cancel()
                with anyio.CancelScope(shield=True):
                    await self._sessions.close()
                    await self._leaving.finish()
                    for router in self._routers.values():
                        await router.close()
                    if self._tenants is not None:
                        await self._tenants.close()

    def leave(self) -> None:
        """Begin no more sessions."""
        self._sessions.leaving = True

    def drain(self) -> None:
        """Let every stream that waits for nothing in particular end; calls under way go on."""
        self._sessions.drain()

    async def _mcp(self, request: Request) -> ASGIApp:
        owner = await self._owner(request, request.headers.get(SESSION_HEADER))
        if owner is not None:
            return owner
        router = self._router(request)
        modern = SESSION_HEADER not in request.headers and _is_modern(request.headers.get(VERSION_HEADER))
        verb = request.method
        if verb == "POST" and not request.headers.get("content-type", "").startswith("application/json"):
            raise RefusedError(415, "Unsupported Media Type: Content-Type must be application/json")
        if verb == "POST" and modern:
            return await stateless.post(router, request, self._replicas)
        if verb == "POST":
            return await handshake.post(self._sessions, router, request)
        if verb == "GET" and not modern:
            return handshake.get(self._sessions, router, request)
        if verb == "DELETE" and not modern:
            return await handshake.delete(self._sessions, router, request)
        raise HTTPException(405, headers={"allow": "POST" if modern else ", ".join(VERBS)})

    async def _sse(self, request: Request) -> ASGIApp:
        if request.method != "GET":
            raise HTTPException(405)
        return await sse.get(self._sessions, self._router(request), request)

    async def _messages(self, request: Request) -> ASGIApp:
        owner = await self._owner(request, request.query_params.get("sessionId"))
        return owner or await sse.post(self._sessions, self._router(request), request)

    async def _owner(self, request: Request, ident: str | None) -> ASGIApp | None:
        """The answer of another replica, where it owns this session."""
        if self._replicas is None or ident is None:
            return None
        return await self._replicas.owner(request, ident)

    def _router(self, request: Request) -> Router:
        server: str | None = request.path_params.get("server")
        tenant = tenant_of(request.scope)
        if tenant is not None and self._tenants is None:
            raise HTTPException(403)
        known = self._known if tenant is None or self._tenants is None else partial(self._tenants.router, tenant)
        if server is not None and server not in known(None).names:
            raise HTTPException(404)
        return known(server)

    def _let_go(self, tenant: Tenant) -> None:
        """End all that a tenant has here: its token holds no longer."""
        self._tenancy.end(tenant)
        if self._tenants is not None:
            routers = self._tenants.routers(tenant)
            self._leaving.start(self._sessions.end_of(routers))
            self._leaving.start(self._tenants.forget(tenant))

    def _known(self, server: str | None) -> Router:
        found = self._routers.get(server)
        if found is None:
            found = self._routers[server] = self._make(server)
        return found


def _is_modern(version: str | None) -> bool:
    return version is not None and version not in HANDSHAKE_VERSIONS


async def _gone(request: Request, error: Exception) -> Response:
    """Answer a client that went away before its request was whole: nobody reads it."""
    del request, error
    return Response(status_code=400)
