"""Follow the configuration file: upstreams that are added, removed or changed take effect while the others go on.

Knows nothing of TOML or of connections: it is told how to read, and whom to tell.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import anyio.to_thread
import structlog

from proxy.settings.errors import ConfigError
from schemas.config import Config, Upstream

log = structlog.get_logger("app")

EVERY = 1.0
"""Seconds between two looks at the file."""


@dataclass(frozen=True)
class Source:
    """Where a configuration came from, and how to read it anew. `read` raises `ConfigError`."""

    path: Path
    read: Callable[[], Config]


async def follow(
    source: Source, config: Config, apply: Callable[[Mapping[str, Upstream]], Awaitable[None]], every: float = EVERY
) -> None:
    """Apply each sound change of the file, for ever; a broken file is told once and changes nothing."""
    seen = _mark(source.path)
    while True:
        await asyncio.sleep(every)
        mark = _mark(source.path)
        if mark == seen or mark is None:
            continue
        seen = mark
        try:
            fresh = await anyio.to_thread.run_sync(source.read)
        except ConfigError as error:
            log.warning("configuration not taken", file=str(source.path), faults=str(error).splitlines())
            continue
        if fresh.model_copy(update={"upstreams": {}}) != config.model_copy(update={"upstreams": {}}):
            log.warning("only changed upstreams take effect at once; other settings wait for the next start")
        if fresh.upstreams != config.upstreams:
            log.info("upstreams changed", file=str(source.path), upstreams=list(fresh.upstreams))
            await apply(fresh.upstreams)
        config = fresh


def _mark(path: Path) -> tuple[int, int, int] | None:
    """What changes when a file is written or replaced; None while there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
