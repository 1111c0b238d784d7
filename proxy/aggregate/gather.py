"""Ask several upstreams the same at the same time, and put what they list into one list."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable, Mapping
from typing import Any, TypeVar

import anyio
import structlog

from catalog_cache.pages import Listing, every_page
from proxy.aggregate.strict import Shape, left_out, valid
from proxy.upstreams.fleet import Fleet
from proxy.wire import rpc
from proxy.wire.caller import Caller

log = structlog.get_logger("server")

PATIENCE = 20.0
"""Seconds that a list waits for one upstream while the others have answered: clients give up after sixty."""

T = TypeVar("T")


async def at_once(asked: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """What each of them returns, in their order; one that raises ends the others."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(each) for each in asked]
    return [task.result() for task in tasks]


def capabilities(fleet: Fleet, server: str) -> Mapping[str, Any]:
    """What an upstream says it can do."""
    return rpc.fields(fleet.hello(server).get("capabilities"))


async def listed(
    fleet: Fleet, servers: Iterable[str], method: str, key: str, shape: Shape, caller: Caller
) -> list[tuple[str, Mapping[str, Any]]]:
    """What these upstreams list under `key`, with the upstream of each item, in their order.

    One that fails or takes too long is logged and left out, and so is what no strict client would take.
    """

    async def ask(server: str) -> list[tuple[str, Mapping[str, Any]]]:
        listing = Listing(failure=f"no answer in {PATIENCE:.0f} seconds")
        with anyio.move_on_after(PATIENCE):
            listing = await every_page(lambda page: fleet.request(server, method, page, caller), key)
        if listing.failure is not None:
            log.warning("list failed", upstream=server, method=method, reason=listing.failure)
        found: list[tuple[str, Mapping[str, Any]]] = []
        broken: set[str] = set()
        for item in listing.items:
            shown = valid(shape, item)
            broken.update(left_out(item, shown or {}))
            if shown is not None:
                found.append((server, shown))
        if broken:
            log.warning("listed with what is valid", upstream=server, method=method, broken=sorted(broken))
        return found

    return [each for found in await at_once(ask(server) for server in servers) for each in found]
