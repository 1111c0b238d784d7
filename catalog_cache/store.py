"""The last good tool list of each upstream, on disk, so that a start can answer before anything has connected.

One file per upstream and way of reaching it, written whole and swapped in: two processes may share the folder.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import structlog

from catalog_cache.home import exchange
from schemas.catalog import fingerprint
from schemas.config import Upstream

log = structlog.get_logger("catalog")

FORMAT = 1


@dataclass(frozen=True)
class Kept:
    """What is kept of one upstream: its tools, the list's other fields, and its answer to the handshake."""

    tools: Sequence[Mapping[str, Any]]
    extra: Mapping[str, Any] = field(default_factory=dict[str, Any])
    hello: Mapping[str, Any] = field(default_factory=dict[str, Any])


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
        body = {"format": FORMAT, "server": server, "tools": kept.tools, "extra": kept.extra, "hello": kept.hello}
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            exchange(path, json.dumps(body, separators=(",", ":")))
        except OSError as broken:
            log.warning("snapshot not written", path=str(path), reason=str(broken))

    def _path(self, server: str, config: Upstream) -> Path:
        way = [config.command, config.args, config.cwd, config.url]
        return self._folder / f"{re.sub(r'[^A-Za-z0-9_-]', '_', server)[:60]}-{fingerprint([server, way])}.json"
