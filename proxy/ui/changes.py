"""Send open pages what the journal shows, anew after each change, whichever process wrote it.

One cheap question is asked of the journal, and only while a page is open; question, reading and drawing are one turn
of a thread, so that a page which follows costs the calls beside it little.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable

import anyio
from anyio import to_thread

from proxy.store.reader import Position, Reader
from proxy.store.sql import Connection, Place, StoreError

EVERY = 0.3
"""Seconds between two looks."""
PAUSE = 0.9
"""Seconds before the next look where there was a change: a page that follows many calls is renewed once in these."""
ALIVE = 15.0
"""Seconds after which a silent stream says that it is there, so that one whose reader has gone ends."""

_COMMENT = b": open\n\n"

Drawn = Callable[[Connection | None], str]
"""Draws what a page shows of the journal; None where there is none yet."""


async def events(
    place: Place, drawn: Drawn, stop: asyncio.Event, allowed: Callable[[], bool] = lambda: True
) -> AsyncGenerator[bytes]:
    """A stream of server-sent events: `journal` with what is drawn, at once and after each change.

    Ends with `stop`, or when whoever looks is not `allowed` to any more.
    """
    yield _COMMENT
    journal, silent = _Journal(place, drawn), 0.0
    try:
        while not stop.is_set() and allowed():
            event = await to_thread.run_sync(journal.look)
            if event is not None:
                silent, pause = 0.0, PAUSE
                yield event
            else:
                silent, pause = silent + EVERY, EVERY
                if silent >= ALIVE:
                    silent = 0.0
                    yield _COMMENT
            with anyio.move_on_after(pause):
                await stop.wait()
    finally:
        journal.close()


class _Journal:
    """A journal that may not be there yet, be replaced, or be out of reach; used by one thread at a time."""

    def __init__(self, place: Place, drawn: Drawn) -> None:
        self._place = place
        self._drawn = drawn
        self._connection: Connection | None = None
        self._seen: Position | None = None

    def look(self) -> bytes | None:
        """The event of what there is to see, where that has changed since the last look."""
        try:
            if self._connection is not None and self._connection.moved:
                self.close()
                self._seen = None
            if self._connection is None:
                self._connection = self._place.read("journal")
            return _event(self._drawn(self._connection)) if self._changed(Reader(self._connection)) else None
        except FileNotFoundError:
            shown, self._seen = self._seen, Position()
            return _event(self._drawn(None)) if shown is None else None
        except StoreError:
            self.close()
            return None

    def _changed(self, reader: Reader) -> bool:
        now, before = reader.position(), self._seen
        self._seen = now
        return before is None or reader.any_between(before, now)

    def close(self) -> None:
        """Let the journal go."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _event(drawn: str) -> bytes:
    lines = "\n".join(f"data: {line}" for line in drawn.splitlines())
    return f"event: journal\n{lines}\n\n".encode()
