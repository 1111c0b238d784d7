"""What replaying asks of the servers: recorded calls sent again without repair, and what a plan may change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import anyio

from proxy.repair.read.dialects import accepted
from proxy.upstreams.fleet import Fleet
from schemas.catalog import Effect
from schemas.config import Config
from schemas.plan import Plan


async def sent_again(
    fleet: Fleet, config: Config, calls: Sequence[Mapping[str, Any]], *, yes: bool, remedy: str
) -> list[Mapping[str, Any]]:
    """Send each call to its server, one after another; the reply's result or error, or why there is none.

    Without `yes` only tools that only read, as they are listed now, get anything; `remedy` tells whoever asked how to
    send the others.
    """
    return [await _sent(fleet, config, call, yes=yes, remedy=remedy) for call in calls]


async def changing(fleet: Fleet, config: Config, plan: Plan) -> list[str]:
    """Which steps of a plan may change something, by their tools as they are listed now; waits for every server."""
    for name, upstream in config.upstreams.items():
        with anyio.move_on_after(upstream.start_timeout):
            await fleet.ready(name)
    tools = [(step.id, accepted(fleet.catalog, step)) for step in plan.steps]
    return [
        f"{id_}: {tool.name} is not marked read-only" for id_, tool in tools if tool and tool.effect is not Effect.READ
    ]


async def _sent(fleet: Fleet, config: Config, call: Mapping[str, Any], *, yes: bool, remedy: str) -> Mapping[str, Any]:
    server, name = call["server"], call["tool"]
    if server not in config.upstreams:
        return {"lost": f"the configuration has no upstream {server}"}
    with anyio.move_on_after(config.upstreams[server].start_timeout):
        await fleet.ready(server)
    tool = fleet.catalog.origin(server, name)
    if tool is None:
        return {"lost": f"{server} is not there, or offers no tool {name} any more"}
    if tool.effect is not Effect.READ and not yes:
        return {"lost": f"{name} is not marked read-only any more; {remedy}"}
    reply = await fleet.call(tool, {"name": name, "arguments": call["arguments"]})
    return reply.result or reply.error or {"lost": reply.message or str(reply.lost)}
