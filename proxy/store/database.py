"""The journal's SQLite file: opening it privately, writing rows, keeping it under its size and age.

Used by one thread of one process at a time; other processes may hold the same file open (WAL).
"""

from __future__ import annotations

import math
import os
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from catalog_cache.home import private_folder, state_folder
from proxy.store.rows import Row
from proxy.store.tables import ADDED, TABLES, VERSION, VIEWS

_BUSY_MS = 5000
"""How long to wait for another process that is writing."""
_KEEP = 0.8
"""Share of the allowed size that is left after pruning, so that pruning is rare."""
_PORTION = 500
"""Entries deleted in one transaction: a long one would keep other processes waiting."""
_PIECE = 100
"""Entries deleted at once in the background, where a record that comes meanwhile waits for it."""
_PAGES = 256
"""Free pages given back to the disk at once in the background."""
_WAL_BYTES = 4 << 20
"""The write-ahead log is cut back to this after a checkpoint."""

OLDEST = (
    "SELECT max(at) FROM (SELECT at FROM calls WHERE at < ?1 UNION ALL SELECT at FROM runs WHERE at < ?1"
    " ORDER BY at LIMIT ?2)"
)
"""When the last of the oldest entries was; read from the indexes, as far as needed."""


def journal_path() -> Path:
    """Where the journal is kept."""
    return state_folder() / "journal.db"


class NewerError(Exception):
    """The file was written by a later version with other tables."""


class Database:
    """An open journal file. Every method may raise `sqlite3.Error` or `OSError`."""

    def __init__(self, path: Path, max_bytes: int, max_seconds: float = 0) -> None:
        self.path = path
        self._max, self._age = max_bytes, max_seconds
        self._over = False
        _touch(path)
        self._connection = sqlite3.connect(path, timeout=_BUSY_MS / 1000, isolation_level=None, check_same_thread=False)
        self._prepare()
        self._file = _identity(path)

    @property
    def moved(self) -> bool:
        """Tell whether another file, or none, is now where this one was opened: what is written here would be lost."""
        return _identity(self.path) != self._file

    def _prepare(self) -> None:
        run = self._connection.execute
        run(f"PRAGMA busy_timeout = {_BUSY_MS}")
        run("PRAGMA auto_vacuum = INCREMENTAL")
        run("PRAGMA journal_mode = WAL")
        run("PRAGMA synchronous = NORMAL")
        run(f"PRAGMA journal_size_limit = {_WAL_BYTES}")
        found = run("PRAGMA user_version").fetchone()[0]
        if found > VERSION:
            raise NewerError(f"{self.path} was written by a newer mcp-mend (tables {found}, known {VERSION})")
        self._connection.executescript(f"BEGIN IMMEDIATE; {TABLES} {VIEWS} PRAGMA user_version = {VERSION}; COMMIT;")
        for table, columns in ADDED.items():
            there = {row[1] for row in run(f"PRAGMA table_info({table})")}
            for name in columns.keys() - there:
                with suppress(sqlite3.OperationalError):  # another process may add it at the same time
                    run(f"ALTER TABLE {table} ADD COLUMN {name} {columns[name]}")

    def write(self, rows: Sequence[Row]) -> None:
        """Write rows in one transaction: all of them, or none where it raises."""
        run = self._connection.execute
        run("BEGIN IMMEDIATE")
        try:
            for statement, values in rows:
                run(statement, values)
        except BaseException:
            self._connection.rollback()
            raise
        run("COMMIT")

    def size(self) -> int:
        """Bytes of live pages; free pages are used again before the file grows."""
        pages, free, page = (self._pragma(name) for name in ("page_count", "freelist_count", "page_size"))
        return (pages - free) * page

    def prune(self, max_bytes: int | None = None) -> int:
        """Delete the oldest entries until the file fits; tells how many went."""
        allowed = self._max if max_bytes is None else max_bytes
        return self._prune(lambda: self.size() > allowed * _KEEP) if self.size() > allowed else 0

    def prune_before(self, at: float) -> int:
        """Delete every entry older than a time; tells how many went."""
        return self._prune(lambda: True, at)

    def prune_some(self) -> int | None:
        """Delete a few of the entries that are too old or too many, or give back free pages; None: nothing is left."""
        if self._age and (gone := self._drop_oldest(_PIECE, time.time() - self._age)):
            return gone
        self._over = self.size() > self._max * (_KEEP if self._over else 1)
        if self._over and (gone := self._drop_oldest(_PIECE, None)):
            return gone
        self._over = False
        if not self._pragma("freelist_count"):
            return None
        self._connection.executescript(f"PRAGMA incremental_vacuum({_PAGES}); PRAGMA wal_checkpoint(PASSIVE);")
        return 0

    def _prune(self, more: Callable[[], bool], before: float | None = None) -> int:
        """Delete portion after portion while there is more to delete, and shrink the file."""
        gone = 0
        while more() and (portion := self._drop_oldest(_PORTION, before)):
            gone += portion
        # Only `executescript` steps the statement until every free page is gone.
        self._connection.executescript("PRAGMA incremental_vacuum; PRAGMA wal_checkpoint(TRUNCATE);")
        return gone

    def _drop_oldest(self, portion: int, before: float | None) -> int:
        """Delete the oldest entries of both kinds, those before a time alone; a run goes with what hangs on it."""
        run = self._connection.execute
        limit = run(OLDEST, (before if before is not None else math.inf, portion)).fetchone()[0]
        if limit is None:
            return 0
        run("BEGIN IMMEDIATE")
        for table in ("repairs", "problems"):
            run(f"DELETE FROM {table} WHERE repair_id IN (SELECT repair_id FROM runs WHERE at <= ?)", (limit,))  # noqa: S608
        gone = run("DELETE FROM calls WHERE at <= ?", (limit,)).rowcount
        gone += run("DELETE FROM runs WHERE at <= ?", (limit,)).rowcount
        run("COMMIT")
        return gone

    def _pragma(self, name: str) -> int:
        return int(self._connection.execute(f"PRAGMA {name}").fetchone()[0])

    def close(self) -> None:
        """Close the file; the last process to do so folds the write-ahead log in."""
        self._connection.close()


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _touch(path: Path) -> None:
    """Create the file readable by its user only, and take others' rights from one that exists."""
    private_folder(path.parent)
    handle = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        if os.name == "posix" and os.fstat(handle).st_mode & 0o077:
            os.fchmod(handle, 0o600)
    finally:
        os.close(handle)
