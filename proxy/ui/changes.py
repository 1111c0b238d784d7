"""Tell open pages that the journal has changed, whichever process wrote it.

SQLite counts what other connections commit (`PRAGMA data_version`), which is read in some microseconds; it is looked at
only while a page is open.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncGenerator
from pathlib import Path

import anyio
from anyio import to_thread

EVERY = 0.3
"""Seconds between two looks."""
PAUSE = 0.9
"""Seconds before the next look where there was a change: a page that follows many calls is renewed once in these."""
ALIVE = 15.0
"""Seconds after which a silent stream says that it is there, so that one whose reader has gone ends."""

_EVENT = b"event: journal\ndata: changed\n\n"
_COMMENT = b": open\n\n"


async def events(path: Path, stop: asyncio.Event) -> AsyncGenerator[bytes]:
    """A stream of server-sent events: `journal` after each change, until `stop`."""
    yield _COMMENT
    journal, silent = _Journal(path), 0.0
    try:
        await to_thread.run_sync(journal.changed)
        pause = EVERY
        while not stop.is_set():
            with anyio.move_on_after(pause):
                await stop.wait()
            silent, pause = silent + pause, EVERY
            if await to_thread.run_sync(journal.changed):
                silent, pause = 0.0, PAUSE
                yield _EVENT
            elif silent >= ALIVE:
                silent = 0.0
                yield _COMMENT
    finally:
        journal.close()


class _Journal:
    """The journal's file, which may not be there yet, or be replaced; used by one thread at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._seen: tuple[int, int] | None = None

    def changed(self) -> bool:
        """Tell whether something was written since this was last asked."""
        try:
            file = self._path.stat().st_ino
        except FileNotFoundError:
            return False
        if self._connection is None or (self._seen is not None and self._seen[1] != file):
            self.close()
            uri = f"{self._path.resolve().as_uri()}?mode=ro"
            self._connection = sqlite3.connect(uri, uri=True, timeout=1, check_same_thread=False)
        before = self._seen
        self._seen = int(self._connection.execute("PRAGMA data_version").fetchone()[0]), file
        return before != self._seen

    def close(self) -> None:
        """Close the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
