"""What a person decided outside the configuration: effect classes of tools, and which servers are paused.

Two small documents that several processes share: files of the state folder, readable by their user alone, changed
under a lock, exchanged whole; or, among replicas, what `Shared` keeps. The configuration wins over them. Effects that
cannot be read are as none, so that their tools stay unknown; pauses that cannot be read pause every server.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Collection, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from errno import ETIMEDOUT
from pathlib import Path
from typing import Any, Protocol

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

_EFFECTS, _PAUSED = "effects", "paused"
Choices = Mapping[str, Mapping[str, Effect]]
"""Digest of how a server is reached, to tool name, to class."""


class Shared(Protocol):
    """Keeps the documents for all replicas, by kind. Every method raises `OSError` where it cannot."""

    @property
    def name(self) -> str:
        """Where it keeps them, as a person reads it."""
        ...

    def read(self, kind: str) -> str | None:
        """A document, None where there is none."""
        ...

    def change(self, kind: str, work: Callable[[str | None], str]) -> None:
        """Exchange a document for what `work` makes of it, while nobody else does."""
        ...


@dataclass(frozen=True)
class State:
    """Both documents as read; `all_paused` where nobody can tell which servers are paused."""

    choices: Choices = field(default_factory=dict[str, Mapping[str, Effect]])
    paused: tuple[str, ...] = ()
    all_paused: bool = False


def effects_path() -> Path:
    """Where choices of effect classes lie."""
    return _path(_EFFECTS)


def paused_path() -> Path:
    """Where the names of paused servers lie."""
    return _path(_PAUSED)


def effects_place(shared: Shared | None = None) -> str:
    """Where choices of effect classes are kept, as a person reads it."""
    return str(effects_path()) if shared is None else shared.name


def paused_place(shared: Shared | None = None) -> str:
    """Where the names of paused servers are kept, as a person reads it."""
    return str(paused_path()) if shared is None else shared.name


def read_state(shared: Shared | None = None) -> State:
    """Both documents as they are now; never raises."""
    try:
        choices = _choices(_held(_EFFECTS, shared))
    except (OSError, ValueError) as error:
        log.warning("effect classes not taken", file=effects_place(shared), reason=str(error))
        choices = {}
    try:
        return State(choices, read_paused(shared))
    except (OSError, ValueError) as error:
        log.warning("every server is paused, as its file cannot be read", file=paused_place(shared), reason=str(error))
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


def choose(upstream: Upstream, choices: Mapping[str, Effect], shared: Shared | None = None) -> None:
    """Keep these choices for a server beside what is kept of it and of others.

    Raises `OSError`, or `ValueError` where what is there is not ours to replace.
    """

    def chosen(before: str | None) -> str:
        held = _choices(_parsed(before))
        held.setdefault(way(upstream), {}).update(choices)
        return _written({"format": 1, "servers": {key: {"tools": tools} for key, tools in held.items()}})

    _change(_EFFECTS, chosen, shared)


def read_paused(shared: Shared | None = None) -> tuple[str, ...]:
    """Names of the paused servers; raises `OSError` or `ValueError`."""
    return _names(_held(_PAUSED, shared))


def _names(held: Mapping[str, Any] | None) -> tuple[str, ...]:
    names = as_list(held.get("servers")) if held is not None else []
    if names is None or not all(isinstance(name, str) for name in names):
        raise ValueError("servers is no list of names")
    return tuple(names)


def pause(names: Collection[str], *, on: bool = True, shared: Shared | None = None) -> None:
    """Add to the names of the paused servers, or take away from them; raises `OSError` or `ValueError`."""

    def paused(before: str | None) -> str:
        held = {*_names(_parsed(before))}
        return _written({"format": 1, "servers": sorted(held | {*names} if on else held - {*names})})

    _change(_PAUSED, paused, shared)


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


def _choices(held: Mapping[str, Any] | None) -> dict[str, dict[str, Effect]]:
    if held is None:
        return {}
    servers = as_object(held.get("servers"))
    if servers is None:
        raise ValueError("servers is no object")
    return {key: _classes(as_object(entry) or {}) for key, entry in servers.items()}


def _classes(entry: Mapping[str, Any]) -> dict[str, Effect]:
    tools = as_object(entry.get("tools")) or {}
    return {name: Effect(value) for name, value in tools.items()}


def _held(kind: str, shared: Shared | None) -> dict[str, Any] | None:
    return _parsed(_read(_path(kind)) if shared is None else shared.read(kind))


def _change(kind: str, work: Callable[[str | None], str], shared: Shared | None) -> None:
    if shared is not None:
        shared.change(kind, work)
        return
    with _alone(_path(kind)):
        exchange(_path(kind), work(_read(_path(kind))))


def _path(kind: str) -> Path:
    return state_folder() / f"{kind}.json"


def _read(path: Path) -> str | None:
    """The text of a file; None where there is no file."""
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except FileNotFoundError:
        return None
    if len(data) > LARGEST:
        raise ValueError(f"larger than {LARGEST} bytes")
    return data.decode()


def _parsed(text: str | None) -> dict[str, Any] | None:
    """The object in a document; None where there is none."""
    if text is None:
        return None
    try:
        held = as_object(json.loads(text))
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


def _written(value: Mapping[str, Any]) -> str:
    return json.dumps(value, indent=1, sort_keys=True)
