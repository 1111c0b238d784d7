"""Tool lists in the store, for replicas: one that starts answers with what another has listed."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import structlog

from catalog_cache.store import First, Kept, firsts, key_of
from proxy.store.sql import Connection, Place, StoreError
from proxy.store.state import State
from schemas.catalog import fingerprint
from schemas.config import Upstream

WAIT = 5.0
"""Seconds in which the lists of earlier are waited for at the start."""
_SAVE = """INSERT INTO snapshots (key, server, at, fingerprint, body, first_at, first_tools)
 VALUES (?, ?, ?, ?, ?, ?, ?)
 ON CONFLICT (key) DO UPDATE SET at = excluded.at, fingerprint = excluded.fingerprint, body = excluded.body"""

_log: structlog.stdlib.BoundLogger = structlog.get_logger("proxy.store")


class StoredSnapshots:
    """Implements `catalog_cache.store.Snapshots`; lists are read at once, and written in a thread."""

    def __init__(self, state: State, upstreams: Mapping[str, Upstream]) -> None:
        self._state = state
        keys = [key_of(name, upstream) for name, upstream in upstreams.items()]
        try:
            self._found = state.submit(lambda connection: _bodies(connection, keys)).result(WAIT)
        except (StoreError, TimeoutError) as error:
            _log.warning("no earlier tool lists", reason=str(error) or "the database is too slow")
            self._found = {}

    def load(self, server: str, config: Upstream) -> Kept | None:
        """The last good snapshot of an upstream reached the same way, or None; one configured later has none yet."""
        body = self._found.get(key_of(server, config))
        found = json.loads(body) if body is not None else None
        return Kept(found["tools"], found["extra"], found["hello"]) if found is not None else None

    def save(self, server: str, config: Upstream, kept: Kept) -> None:
        """Keep a snapshot; the list of the first sight stays."""

        def work(connection: Connection) -> None:
            now, tools = time.time(), list(kept.tools)
            body = json.dumps({"tools": tools, "extra": kept.extra, "hello": kept.hello}, separators=(",", ":"))
            first = json.dumps(tools, separators=(",", ":"))
            connection.run(_SAVE, [key_of(server, config), server, now, fingerprint(tools), body, now, first])

        self._state.later(f"the tools of {server}", work)


def _bodies(connection: Connection, keys: list[str]) -> dict[str, str]:
    marks = ", ".join("?" * len(keys)) or "''"
    rows = connection.rows(f"SELECT key, body FROM snapshots WHERE key IN ({marks})", keys)  # noqa: S608  only marks
    return {row["key"]: row["body"] for row in rows}


def first_lists(place: Place, folder: Path | None = None) -> list[First]:
    """Every server that was ever connected, with its first tools and those of now, wherever they are kept."""
    if not place.url:
        return firsts(folder)
    try:
        with closing(place.read("state")) as connection:
            rows = connection.rows("SELECT server, body, first_at, first_tools FROM snapshots ORDER BY at")
    except (FileNotFoundError, StoreError):
        return []
    return [
        First(row["server"], row["first_at"], json.loads(row["first_tools"]), json.loads(row["body"])["tools"])
        for row in {row["server"]: row for row in rows}.values()
    ]
