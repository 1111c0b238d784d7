"""The tools that a question is about: for the planner's prompts and for `find_tools`.

Words are searched here, in a millisecond; meanings in the worker process, where the embedding model is installed,
and only once the worker has read the catalog: until then, and whenever it does not answer in time, words alone
decide.
"""

from __future__ import annotations

import asyncio

import anyio
import anyio.to_thread
import structlog

from catalog_cache.nearest import Hit, Index, describe, index, nearest
from proxy.model.client import Remote
from proxy.model.wire import Fault
from schemas.catalog import Catalog, fingerprint

log = structlog.get_logger("planner")

SOON = 0.2
"""Seconds that a search waits for meanings."""
PATIENCE = 300.0
"""Seconds for reading a new catalog: about 10 ms per tool that was never seen before."""


class Shortlist:
    """Finds tools in catalogs; one index at a time, made again when the catalog is another."""

    def __init__(self, remote: Remote | None) -> None:
        self._remote = remote
        self._catalog: Catalog | None = None
        self._index = Index((), {})
        self._key = ""
        self._learning: asyncio.Task[None] | None = None
        self._making = asyncio.Lock()

    async def nearest(self, catalog: Catalog, query: str, limit: int = 16, *, name: str = "") -> tuple[Hit, ...]:
        """The tools that fit a query best; `name` is a tool's name that no tool has, as it was written."""
        known = await self._index_of(catalog)
        meanings = await self._compare(f"{name.replace('_', ' ')} {query}".strip()) if self._learnt else None
        if meanings is not None and len(meanings) != len(known.tools):
            meanings = None
        return nearest(known, query, limit, name=name, meanings=meanings)

    async def learnt(self) -> None:
        """Return once the meanings of the present catalog are there, or known not to come."""
        if self._learning:
            await asyncio.wait([self._learning])

    async def close(self) -> None:
        """Stop reading."""
        if self._learning:
            self._learning.cancel()
            await asyncio.gather(self._learning, return_exceptions=True)

    @property
    def _learnt(self) -> bool:
        return self._remote is not None and self._learning is not None and self._learning.done()

    async def _index_of(self, catalog: Catalog) -> Index:
        async with self._making:
            if catalog is not self._catalog:
                self._index = await anyio.to_thread.run_sync(index, catalog)
                self._catalog = catalog
                await self.close()
                self._learn()
            return self._index

    def _learn(self) -> None:
        self._learning = asyncio.create_task(self._read(self._index)) if self._remote and self._index.tools else None

    async def _read(self, index: Index) -> None:
        """Let the worker read the catalog; where it cannot, do without meanings from now on."""
        assert self._remote is not None  # noqa: S101 - only started with one
        texts = [describe(tool) for tool in index.tools]
        self._key = fingerprint(texts)
        answer = await self._remote.ask({"do": "learn", "key": self._key, "texts": texts}, PATIENCE)
        if answer is not None and answer.get("error") == Fault.MODEL:
            log.info("tools are searched by words alone", reason=answer["message"])
            self._remote = None

    async def _compare(self, query: str) -> list[float] | None:
        if self._remote is None:
            return None
        answer = await self._remote.ask({"do": "compare", "key": self._key, "query": query}, SOON)
        if answer is not None and answer.get("error") == Fault.UNKNOWN_KEY:
            self._learn()  # a new worker: it reads the vectors that the old one left on disk
        return answer.get("value") if answer else None
