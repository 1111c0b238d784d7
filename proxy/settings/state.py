"""What a person decided outside the configuration: effect classes of tools, and which servers are paused.

Two small files of the state folder that several processes share: readable by their user alone, changed under a lock,
exchanged whole. The configuration wins over them. An effects file that cannot be read is as none, so that its tools
stay unknown; a pause file that cannot be read pauses every server.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from errno import ETIMEDOUT
from pathlib import Path
from typing import Any

import structlog
from filelock import FileLock, Timeout

from catalog_cache.home import exchange, private_folder, state_folder
from catalog_cache.merge import effect_of
from schemas.catalog import Effect, as_list, as_object, canonical
from schemas.config import Config, ToolRules, Upstream

log = structlog.get_logger("app")

LARGEST = 8_000_000
"""Bytes of a state file beyond which it is not read."""

LOCKED = 10.0
"""Seconds to wait for another process that changes a state file."""

Choices = Mapping[str, Mapping[str, Effect]]
"""Digest of how a server is reached, to tool name, to class."""


@dataclass(frozen=True)
class State:
    """Both files as read; `all_paused` where nobody can tell which servers are paused."""

    choices: Choices = field(default_factory=dict[str, Mapping[str, Effect]])
    paused: tuple[str, ...] = ()
    all_paused: bool = False


def effects_path() -> Path:
    """Where choices of effect classes lie."""
    return state_folder() / "effects.json"


def paused_path() -> Path:
    """Where the names of paused servers lie."""
    return state_folder() / "paused.json"


def read_state() -> State:
    """Both files as they are now; never raises."""
    try:
        choices = _choices()
    except (OSError, ValueError) as error:
        log.warning("effect classes not taken", file=str(effects_path()), reason=str(error))
        choices = {}
    try:
        return State(choices, read_paused())
    except (OSError, ValueError) as error:
        log.warning("every server is paused, as its file cannot be read", file=str(paused_path()), reason=str(error))
        return State(choices, all_paused=True)


def with_state(config: Config, state: State) -> Config:
    """The configuration with what a person decided beside it. Pure."""
    upstreams = {name: _decided(name, upstream, state) for name, upstream in config.upstreams.items()}
    return config if upstreams == config.upstreams else config.model_copy(update={"upstreams": upstreams})


def literally(name: str) -> str:
    """A pattern (fnmatch) that fits this name alone."""
    return re.sub(r"([*?\[])", r"[\1]", name)


def way(upstream: Upstream) -> str:
    """A digest of the command line or address by which a server is reached; what may be secret in it stays unread."""
    line = upstream.url or [upstream.command, *upstream.args]
    return hashlib.sha256(canonical(line).encode(errors="replace")).hexdigest()


def choose(upstream: Upstream, choices: Mapping[str, Effect]) -> None:
    """Keep these choices for a server beside what is kept of it and of others.

    Raises `OSError`, or `ValueError` where the file is not ours to replace.
    """
    with _alone(effects_path()):
        held = _choices()
        held.setdefault(way(upstream), {}).update(choices)
        servers = {key: {"tools": tools} for key, tools in held.items()}
        _write(effects_path(), {"format": 1, "servers": servers})


def read_paused() -> tuple[str, ...]:
    """Names of the paused servers; raises `OSError` or `ValueError`."""
    held = _read(paused_path())
    names = as_list(held.get("servers")) if held is not None else []
    if names is None or not all(isinstance(name, str) for name in names):
        raise ValueError("servers is no list of names")
    return tuple(names)


def pause(names: Collection[str], *, on: bool = True) -> None:
    """Add to the names of the paused servers, or take away from them; raises `OSError` or `ValueError`."""
    with _alone(paused_path()):
        held = {*read_paused()}
        _write(paused_path(), {"format": 1, "servers": sorted(held | {*names} if on else held - {*names})})


def _decided(name: str, upstream: Upstream, state: State) -> Upstream:
    chosen: Mapping[str, Effect] = state.choices.get(way(upstream)) or {}
    fresh = {literally(tool): effect for tool, effect in chosen.items() if effect_of(tool, upstream.tools) is None}
    changes: dict[str, Any] = {}
    if fresh:
        rules: ToolRules = upstream.tools
        changes["tools"] = rules.model_copy(update={"effects": {**rules.effects, **fresh}})
    if state.all_paused or name in state.paused:
        changes["repair"] = "off"
    return upstream.model_copy(update=changes) if changes else upstream


def _choices() -> dict[str, dict[str, Effect]]:
    held = _read(effects_path())
    if held is None:
        return {}
    servers = as_object(held.get("servers"))
    if servers is None:
        raise ValueError("servers is no object")
    return {key: _classes(as_object(entry) or {}) for key, entry in servers.items()}


def _classes(entry: Mapping[str, Any]) -> dict[str, Effect]:
    tools = as_object(entry.get("tools")) or {}
    return {name: Effect(value) for name, value in tools.items()}


def _read(path: Path) -> dict[str, Any] | None:
    """The object in a file; None where there is no file."""
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except FileNotFoundError:
        return None
    if len(data) > LARGEST:
        raise ValueError(f"larger than {LARGEST} bytes")
    try:
        held = as_object(json.loads(data))
    except RecursionError:
        held = None
    if held is None:
        raise ValueError("not an object")
    return held


@contextmanager
def _alone(path: Path) -> Generator[None]:
    """Hold a file against every other thread and process that would change it; raises `OSError`."""
    private_folder(path.parent)
    try:
        with FileLock(f"{path}.lock", timeout=LOCKED, mode=0o600):
            yield
    except Timeout as late:
        raise TimeoutError(ETIMEDOUT, "another process holds its lock", f"{path}.lock") from late


def _write(path: Path, value: Mapping[str, Any]) -> None:
    exchange(path, json.dumps(value, indent=1, sort_keys=True))
