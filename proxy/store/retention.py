"""Keep the journal under its size and age: the oldest entries go, a few at a time, and by one process at a time."""

from __future__ import annotations

import math
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

from proxy.store.sql import Connection, StoreError
from proxy.store.tables import TABLES

_KEEP = 0.8
"""Share of the allowed size that is left after pruning, so that pruning is rare."""
_PORTION = 500
"""Entries deleted in one transaction: a long one would keep other processes waiting."""
_PIECE = 100
"""Entries deleted at once in the background, where a record that comes meanwhile waits for it."""
_PRUNING = 0x6D656E65
"""What a process claims while it prunes."""

OLDEST = (
    "SELECT max(at) AS at FROM (SELECT at FROM calls WHERE at < ? UNION ALL SELECT at FROM runs WHERE at < ?"
    " ORDER BY at LIMIT ?) AS oldest"
)
"""When the last of the oldest entries was; read from the indexes, as far as needed."""
_ENTRIES = "SELECT (SELECT count(*) FROM calls) + (SELECT count(*) FROM runs) AS entries"


@dataclass(frozen=True)
class Limits:
    """How large and how old a journal may get; 0 seconds is any age."""

    max_bytes: int = 1 << 40
    max_seconds: float = 0


class Retention:
    """Prunes over one connection. Every method may raise `StoreError`."""

    def __init__(self, connection: Connection, limits: Limits) -> None:
        self._connection, self._limits = connection, limits
        self._claimed, self._over, self._due = False, False, 0

    def some(self) -> int | None:
        """Delete a few of the entries that are too old or too many, or give back free pages.

        None: nothing is left to do, or another process is doing it.
        """
        if not self._claimed and not self._connection.claim(_PRUNING):
            return None
        self._claimed = True
        if self._limits.max_seconds and (gone := self._drop(_PIECE, time.time() - self._limits.max_seconds)):
            return gone
        if not self._due:
            self._due = self._excess(self._limits.max_bytes, _KEEP if self._over else 1)
            self._over = self._due > 0
        if self._due and (gone := self._drop(min(_PIECE, self._due))):
            self._due = max(self._due - gone, 0)
            return gone
        if self._connection.shrink(wholly=False):
            return 0
        self._connection.release(_PRUNING)
        self._claimed = False
        return None

    def to(self, max_bytes: int) -> int:
        """Delete the oldest entries where there are more bytes, until there is some room; tells how many went."""
        gone, allowed = 0, 1.0
        with self._alone():
            while due := self._excess(max_bytes, allowed):
                allowed = _KEEP
                while due > 0 and (portion := self._drop(min(_PORTION, due))):
                    gone, due = gone + portion, due - portion
        return gone

    def before(self, at: float) -> int:
        """Delete every entry older than a time; tells how many went."""
        gone = 0
        with self._alone():
            while portion := self._drop(_PORTION, at):
                gone += portion
        return gone

    @contextmanager
    def _alone(self) -> Generator[None]:
        if not self._connection.claim(_PRUNING):
            raise StoreError("another process is pruning it now")
        yield
        self._connection.shrink(wholly=True)
        self._connection.release(_PRUNING)

    def _excess(self, max_bytes: int, allowed: float) -> int:
        """How many entries must go where there is more than a share of these bytes, as if each had the same size."""
        size = self._connection.size(TABLES)
        if size <= max_bytes * allowed:
            return 0
        entries = int(self._connection.rows(_ENTRIES)[0]["entries"])
        return math.ceil(entries * (1 - max_bytes * _KEEP / size))

    def _drop(self, portion: int, before: float = math.inf) -> int:
        """Delete the oldest entries of both kinds, those before a time alone; a run goes with what hangs on it."""
        connection = self._connection
        limit = connection.rows(OLDEST, (before, before, portion))[0]["at"]
        if limit is None:
            return 0
        with connection.transaction():
            for table in ("repairs", "problems"):
                of_runs = "repair_id IN (SELECT repair_id FROM runs WHERE at <= ?)"
                connection.run(f"DELETE FROM {table} WHERE {of_runs}", (limit,))  # noqa: S608
            return sum(connection.run(f"DELETE FROM {table} WHERE at <= ?", (limit,)) for table in ("calls", "runs"))  # noqa: S608
