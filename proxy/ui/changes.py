"""Tell open pages that the journal has changed, whichever process wrote it.

One cheap question is asked of it, and only while a page is open.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import anyio
from anyio import to_thread

from proxy.store.reader import Position, Reader
from proxy.store.sql import Connection, Place, StoreError

EVERY = 0.3
"""Seconds between two looks."""
ALIVE = 15.0
"""Seconds after which a silent stream says that it is there, so that one whose reader has gone ends."""

_EVENT = b"event: journal\ndata: changed\n\n"
_COMMENT = b": open\n\n"


async def events(place: Place, stop: asyncio.Event) -> AsyncGenerator[bytes]:
    """A stream of server-sent events: `journal` after each change, until `stop`."""
    yield _COMMENT
    journal, silent = _Journal(place), 0.0
    try:
        await to_thread.run_sync(journal.changed)
        while not stop.is_set():
            with anyio.move_on_after(EVERY):
                await stop.wait()
            silent += EVERY
            if await to_thread.run_sync(journal.changed):
                silent = 0.0
                yield _EVENT
            elif silent >= ALIVE:
                silent = 0.0
                yield _COMMENT
    finally:
        journal.close()


class _Journal:
    """A journal that may not be there yet, be replaced, or be out of reach; used by one thread at a time."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._connection: Connection | None = None
        self._seen: Position | None = None

    def changed(self) -> bool:
        """Tell whether something was written since this was last asked."""
        try:
            if self._connection is not None and self._connection.moved:
                self.close()
                self._seen = Position()
            if self._connection is None:
                self._connection = self._place.read("journal")
            return self._look(Reader(self._connection))
        except FileNotFoundError:
            return False
        except StoreError:
            self.close()
            return False

    def _look(self, reader: Reader) -> bool:
        now, before = reader.position(), self._seen
        self._seen = now
        return before is None or reader.any_between(before, now)

    def close(self) -> None:
        """Let the journal go."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
