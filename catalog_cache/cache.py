"""The current catalog: swapped whole whenever an upstream's list changes, begun from the last good one on disk."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import structlog

from catalog_cache.merge import merge
from catalog_cache.store import Kept, Snapshots
from schemas.catalog import Catalog, fingerprint
from schemas.config import Upstream

log = structlog.get_logger("catalog")


class Cache:
    """Holds each upstream's last known list and the `Catalog` made of them all.

    A list that came from disk, or whose upstream is down, is stale: its tools stay listed and say so.
    """

    def __init__(self, upstreams: Mapping[str, Upstream], store: Snapshots | None = None) -> None:
        self._store = store
        self._upstreams: dict[str, Upstream] = {}
        self._kept: dict[str, Kept] = {}
        self._stale: set[str] = set()
        self.drifted: Callable[[str, str], None] | None = None
        """Called with an upstream and the fingerprint of its list whenever that is not the one before."""
        self.catalog = Catalog()
        for name, config in upstreams.items():
            if config.enabled:
                self._begin(name, config)
        self._swap()

    def known(self, server: str) -> bool:
        """Tell whether a list of this upstream is at hand, be it stale."""
        return server in self._kept

    def frame(self, server: str) -> Mapping[str, Any]:
        """The other fields of this upstream's tools/list result."""
        kept = self._kept.get(server)
        return kept.extra if kept is not None else {}

    def hello(self, server: str) -> Mapping[str, Any]:
        """The upstream's last answer to a handshake, {} where none is known."""
        kept = self._kept.get(server)
        return kept.hello if kept is not None else {}

    def fingerprint(self, server: str) -> str:
        """Digest of an upstream's list, "" where none is at hand."""
        return fingerprint(list(self._kept[server].tools)) if server in self._kept else ""

    def add(self, server: str, config: Upstream) -> None:
        """Take in an upstream, with what is on disk of it."""
        self._begin(server, config)
        self._swap()

    def change(self, server: str, config: Upstream) -> None:
        """Take another configuration of an upstream that stays connected: the rules of its tools."""
        self._upstreams[server] = config
        self._swap()

    def remove(self, server: str) -> None:
        """Forget an upstream."""
        self._upstreams.pop(server, None)
        self._kept.pop(server, None)
        self._stale.discard(server)
        self._swap()

    def update(
        self, server: str, tools: Sequence[Mapping[str, Any]], extra: Mapping[str, Any], hello: Mapping[str, Any]
    ) -> bool:
        """Take a fresh list; True where it differs from the one before."""
        before, fresh = self._kept.get(server), Kept(tuple(tools), extra, hello)
        changed = before is None or list(before.tools) != list(tools)
        was_stale = server in self._stale
        self._stale.discard(server)
        self._kept[server] = fresh
        if before is not None and changed:
            self._report(server, before.tools, tools)
            if self.drifted is not None:
                self.drifted(server, self.fingerprint(server))
        if changed or was_stale:
            self._swap()
        if self._store is not None and (changed or before is None or before.hello != hello):
            self._store.save(server, self._upstreams[server], fresh)
        return changed

    def lost(self, server: str) -> None:
        """Mark an upstream's tools as stale: it is down, they stay listed."""
        if server in self._kept and server not in self._stale:
            self._stale.add(server)
            self._swap()

    def _begin(self, server: str, config: Upstream) -> None:
        self._upstreams[server] = config
        kept = self._store.load(server, config) if self._store is not None else None
        if kept is not None:
            self._kept[server] = kept
            self._stale.add(server)

    def _swap(self) -> None:
        lists = {name: self._kept[name].tools if name in self._kept else () for name in self._upstreams}
        self.catalog = merge(lists, {name: config.tools for name, config in self._upstreams.items()}, self._stale)

    def _report(self, server: str, before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]) -> None:
        """Log tools whose text or schema changed: a swapped or poisoned server shows here."""
        known = {tool.get("name"): tool for tool in before}
        for tool in after:
            earlier = known.get(tool.get("name"))
            if earlier is not None and earlier != tool:
                fields = sorted(key for key in {*earlier, *tool} if earlier.get(key) != tool.get(key))
                log.warning("tool changed", upstream=server, tool=tool.get("name"), fields=fields)
