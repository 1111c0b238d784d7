"""The requests of tenants while they are being answered: each ends with the token that let it in."""

from __future__ import annotations

import time
from collections.abc import Callable

import anyio
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from proxy.wire.acting import acting_for
from schemas.access import Tenant

_TENANT = "mcp-mend.tenant"


def tenant_of(scope: Scope) -> Tenant | None:
    """Whose request this is; None where it may do everything."""
    return scope.get(_TENANT)


class Tenancy:
    """What tenants have under way."""

    def __init__(self) -> None:
        self._open: dict[str, set[anyio.CancelScope]] = {}

    async def answer(
        self, tenant: Tenant, app: ASGIApp, over: Callable[[], Response], scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Have a request answered as this tenant's; where its token ends first, `over` is the answer, if none began."""
        scope[_TENANT] = tenant
        begun, whole = False, False

        async def noted(message: Message) -> None:
            nonlocal begun, whole
            begun = True
            whole = message["type"] == "http.response.body" and not message.get("more_body", False)
            await send(message)

        left = float("inf") if tenant.expires is None else tenant.expires - time.time()
        with anyio.CancelScope(deadline=anyio.current_time() + left) as own:
            under_way = self._open.setdefault(tenant.key, set())
            under_way.add(own)
            try:
                with acting_for(tenant.name):
                    await app(scope, receive, noted)
            finally:
                under_way.discard(own)
                if not under_way:
                    self._open.pop(tenant.key, None)
        if own.cancelled_caught and not begun:
            await over()(scope, receive, send)
        elif own.cancelled_caught and not whole:
            await send({"type": "http.response.body", "body": b""})

    def end(self, tenant: Tenant) -> None:
        """End everything that a tenant has under way."""
        for scope in tuple(self._open.get(tenant.key, ())):
            scope.cancel()
