"""Send recorded calls again, as they were sent, without repair."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import anyio

from proxy.upstreams.fleet import Fleet
from schemas.catalog import Effect
from schemas.config import Config


async def sent_again(
    fleet: Fleet, config: Config, calls: Sequence[Mapping[str, Any]], *, yes: bool
) -> list[Mapping[str, Any]]:
    """Send each call to its server, one after another; the reply's result or error, or why there is none.

    Without `yes` only tools that only read, as they are listed now, get anything.
    """
    return [await _sent(fleet, config, call, yes=yes) for call in calls]


async def _sent(fleet: Fleet, config: Config, call: Mapping[str, Any], *, yes: bool) -> Mapping[str, Any]:
    server, name = call["server"], call["tool"]
    if server not in config.upstreams:
        return {"lost": f"the configuration has no upstream {server}"}
    with anyio.move_on_after(config.upstreams[server].start_timeout):
        await fleet.ready(server)
    tool = fleet.catalog.origin(server, name)
    if tool is None:
        return {"lost": f"{server} is not there, or offers no tool {name} any more"}
    if tool.effect is not Effect.READ and not yes:
        return {"lost": f"{name} is not marked read-only any more; --yes sends it all the same"}
    reply = await fleet.call(tool, {"name": name, "arguments": call["arguments"]})
    return reply.result or reply.error or {"lost": reply.message or str(reply.lost)}
