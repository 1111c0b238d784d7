"""The last good tool list of each upstream, on disk, so that a start can answer before anything has connected.

One file per upstream and way of reaching it, written whole and swapped in: two processes may share the folder.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, cast

import structlog

from catalog_cache.home import exchange, state_folder
from schemas.catalog import as_list, as_object, fingerprint
from schemas.config import Upstream

log = structlog.get_logger("catalog")

FORMAT = 1


@dataclass(frozen=True)
class First:
    """The tools of one server as they are kept now, and as they were when they were first seen, at that time."""

    server: str
    at: float
    tools: Sequence[Mapping[str, Any]]
    now: Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Kept:
    """What is kept of one upstream: its tools, the list's other fields, and its answer to the handshake."""

    tools: Sequence[Mapping[str, Any]]
    extra: Mapping[str, Any] = field(default_factory=dict[str, Any])
    hello: Mapping[str, Any] = field(default_factory=dict[str, Any])


class Snapshots(Protocol):
    """Keeps the last good list of each upstream; neither method raises or waits for long."""

    def load(self, server: str, config: Upstream) -> Kept | None:
        """The last good snapshot of an upstream reached the same way, or None."""
        ...

    def save(self, server: str, config: Upstream, kept: Kept) -> None:
        """Keep a snapshot."""
        ...


class Store:
    """Reads and writes the snapshots in one folder; a snapshot that cannot be read is as none."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(self, server: str, config: Upstream) -> Kept | None:
        """The last good snapshot of an upstream reached the same way, or None."""
        path = self._path(server, config)
        try:
            value = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as broken:
            log.warning("snapshot unreadable", path=str(path), reason=str(broken))
            return None
        if not isinstance(value, dict) or cast("dict[str, Any]", value).get("format") != FORMAT:
            return None
        found = cast("dict[str, Any]", value)
        return Kept(found["tools"], found["extra"], found["hello"])

    def save(self, server: str, config: Upstream, kept: Kept) -> None:
        """Write a snapshot; a full or read-only disk is logged and costs the warm start only."""
        path = self._path(server, config)
        body = {
            "format": FORMAT, "server": server, "tools": kept.tools, "extra": kept.extra, "hello": kept.hello,
            "first": _first(path) or {"at": time.time(), "tools": kept.tools},
        }  # fmt: skip
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            exchange(path, json.dumps(body, separators=(",", ":")))
        except OSError as broken:
            log.warning("snapshot not written", path=str(path), reason=str(broken))

    def _path(self, server: str, config: Upstream) -> Path:
        return self._folder / f"{key_of(server, config)}.json"


def key_of(server: str, config: Upstream) -> str:
    """What the snapshot of an upstream and the way of reaching it is kept under."""
    way = [config.command, config.args, config.cwd, config.url]
    return f"{re.sub(r'[^A-Za-z0-9_-]', '_', server)[:60]}-{fingerprint([server, way])}"


def firsts(folder: Path | None = None) -> list[First]:
    """Every server that was ever connected and is kept, with its first tools; a file that cannot be read is as none.

    Of several ways to one server the one that was kept last.
    """
    found: dict[str, First] = {}
    paths = sorted((folder or state_folder() / "catalog").glob("*.json"), key=lambda path: path.stat().st_mtime)
    for path in paths:
        body = _body(path)
        first = as_object(body.get("first")) or {"at": path.stat().st_mtime, "tools": body.get("tools")}
        server, tools, now = body.get("server"), as_list(first.get("tools")), as_list(body.get("tools"))
        if isinstance(server, str) and tools is not None and now is not None:
            found[server] = First(server, float(first.get("at") or 0.0), tools, now)
    return [found[server] for server in sorted(found)]


def _first(path: Path) -> dict[str, Any] | None:
    body = _body(path)
    return as_object(body.get("first")) or ({"at": path.stat().st_mtime, "tools": body["tools"]} if body else None)


def _body(path: Path) -> dict[str, Any]:
    try:
        body = as_object(json.loads(path.read_text(encoding="utf-8"))) or {}
    except (OSError, ValueError, RecursionError):
        return {}
    return body if body.get("format") == FORMAT and as_list(body.get("tools")) is not None else {}
