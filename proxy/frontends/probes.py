"""What those ask who look after a running proxy: is it alive, is it ready, what are its figures.

`/healthz` and `/readyz` are for everyone who reaches the port, and name nothing to those who may not come in;
`/metrics` is behind the same door as everything else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from proxy.frontends.admission import METRICS, READY, admitted

READY_STATE = "ready"


def probes(
    states: Callable[[], Mapping[str, str]],
    leaving: Callable[[], bool],
    page: Callable[[str], tuple[bytes, str]] | None,
) -> list[Route]:
    """The routes of readiness and figures.

    `states` is where each upstream stands, `leaving` tells that we are about to end, `page` the metrics in the format
    that is accepted.
    """

    async def ready(request: Request) -> Response:
        now = states()
        is_ready = not leaving() and (not now or READY_STATE in now.values())
        told: dict[str, Any] = {"status": READY_STATE if is_ready else "not ready"}
        if admitted(request.scope):
            told["upstreams"] = {name: str(state) for name, state in now.items()}
        return JSONResponse(told, 200 if is_ready else 503, {"cache-control": "no-store"})

    async def metrics(request: Request) -> Response:
        assert page is not None  # noqa: S101  routed only where there is one
        body, media_type = await anyio.to_thread.run_sync(page, request.headers.get("accept", ""))
        return Response(body, headers={"content-type": media_type, "cache-control": "no-store"})

    return [Route(READY, ready), *([] if page is None else [Route(METRICS, metrics)])]


async def alive(request: Request) -> Response:
    """Say that the program runs."""
    del request
    return JSONResponse({"status": "ok"})
