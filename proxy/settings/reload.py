"""Follow the configuration and the files of the state folder: changes take effect while everything else goes on.

Knows nothing of TOML or of connections: it is told how to read, and whom to tell.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import anyio.to_thread
import structlog

from proxy.settings.errors import ConfigError
from schemas.config import Config

log = structlog.get_logger("app")

EVERY = 1.0
"""Seconds between two looks at the file."""

SECTIONS = ("repair", "effects", "workflow", "evolution", "planner", "http", "replicas", "store", "journal", "log")

AT_START = ("planner", "replicas", "store", "journal")
"""Sections that are read once, when the program starts."""


@dataclass(frozen=True)
class OneWay:
    """A setting that a running proxy takes in one direction only."""

    told: str
    at_once: Callable[[Config, Config], bool]


ONE_WAY: Mapping[str, OneWay] = {
    "journal.redact": OneWay(
        "more names at once, fewer after a restart",
        lambda started, new: set(started.journal.redact) <= set(new.journal.redact),
    ),
    "evolution.memory": OneWay("off at once, on after a restart", lambda _, new: not new.evolution.memory),
}


@dataclass(frozen=True)
class Source:
    """Where a configuration came from, and how to read it anew. `read` raises `ConfigError`.

    `path` is None where no file can change it.
    """

    path: Path | None
    read: Callable[[], Config]


def changed(old: Config, new: Config) -> list[str]:
    """The settings that differ, as `section.key`; upstreams are not looked at."""
    before, after = old.model_dump(include={*SECTIONS}), new.model_dump(include={*SECTIONS})
    return [f"{name}.{key}" for name in SECTIONS for key in after[name] if before[name][key] != after[name][key]]


def later(started: Config, new: Config) -> list[str]:
    """The settings that differ from those the program started with, and take effect only when it starts again."""
    return [key for key in changed(started, new) if _needs_restart(key, started, new)]


def _needs_restart(key: str, started: Config, new: Config) -> bool:
    if key in ONE_WAY:
        return not ONE_WAY[key].at_once(started, new)
    return key.partition(".")[0] in AT_START


def taken(key: str) -> str:
    """When a running proxy goes by a changed setting, as a person reads it; `key` is `section.key`."""
    if key in ONE_WAY:
        return ONE_WAY[key].told
    return "after a restart" if key.partition(".")[0] in AT_START else "at once"


async def follow(
    source: Source,
    config: Config,
    take: Callable[[Config], Awaitable[None]],
    beside: Sequence[Path] = (),
    every: float = EVERY,
) -> None:
    """Hand on each sound change of the file, for ever; a broken file is told once and changes nothing.

    Where one of the files `beside` it changes, the last sound configuration is handed on again.
    """
    seen, marks = _mark(source.path), [_mark(path) for path in beside]
    started, told = config, list[str]()
    while True:
        await asyncio.sleep(every)
        mark, now = _mark(source.path), [_mark(path) for path in beside]
        if mark is not None and mark != seen:
            seen = mark
            fresh = await _read(source)
            if fresh is not None:
                waiting = later(started, fresh)
                if waiting and waiting != told:
                    log.warning("takes effect after a restart", keys=waiting)
                config, told, marks = fresh, waiting, now
                await take(config)
        if now != marks:
            marks = now
            await take(config)


async def _read(source: Source) -> Config | None:
    try:
        return await anyio.to_thread.run_sync(source.read)
    except ConfigError as error:
        log.warning("configuration not taken", file=str(source.path), faults=str(error).splitlines())
        return None


def _mark(path: Path | None) -> tuple[int, int, int] | None:
    """What changes when a file is written or replaced; None while there is none."""
    if path is None:
        return None
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
