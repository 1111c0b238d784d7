"""SQLite: one private file that several processes may hold open at once (WAL)."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from itertools import groupby
from operator import itemgetter
from pathlib import Path

from catalog_cache.home import private_folder
from proxy.store.sql.connection import Dialect, Row, StoreError, UnfitError, Value, holding, spellings

_BUSY_SECONDS = 5.0
"""How long to wait for another process that is writing."""
_PAGES = 256
"""Free pages given back to the disk at once in the background."""
_WAL_BYTES = 4 << 20
"""The write-ahead log is cut back to this after a checkpoint."""
_UNFIT = (sqlite3.ProgrammingError, sqlite3.InterfaceError, sqlite3.IntegrityError, sqlite3.DataError, ValueError)


class SqliteDialect(Dialect):
    """SQL as SQLite reads it."""

    now = "((julianday('now') - 2440587.5) * 86400.0)"
    held = ""
    driving = "CROSS JOIN"
    words = False
    arrival = "number"

    def fits(self, text: str) -> str:
        """A condition that a text fits the pattern that is the next value."""
        return f"{text} GLOB ?"

    def pattern(self, glob: str) -> str:
        """A pattern with `*` and `?` as `fits` reads it."""
        return glob.replace("[", "[[]")

    def filtered(self, column: str) -> str:
        """A column that no index is searched by."""
        return f"+{column}"

    def settled(self, table: str) -> str:
        """A number that no row has yet; one process writes at a time, so none with a lower one will come."""
        return f"(SELECT coalesce(max(number), 0) + 1 FROM {table})"  # noqa: S608

    def replace(self, table: str, columns: Sequence[str], key: str, anew: Sequence[str]) -> str:
        """Insert a row for any that has its key."""
        del key, anew
        marks = ", ".join("?" * len(columns))
        return f"INSERT OR REPLACE INTO {table} ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608

    def holds(self, columns: Sequence[str], word: str) -> tuple[str, list[Value]]:
        """A condition that one of these columns holds a word; each is read as it is, which is the quickest."""
        patterns = [holding(each) for each in spellings(word)]
        conditions = [rf"{column} LIKE ? ESCAPE '\'" for column in columns for _ in patterns]
        return f"({' OR '.join(conditions)})", [*patterns] * len(columns)

    def floor(self, number: str) -> str:
        """The whole number at or below one that is not negative."""
        return f"CAST({number} AS INTEGER)"

    def member(self, text: str, *path: str | int) -> str:
        """The text at a path of keys and places in a JSON text."""
        steps = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
        return f"json_extract({text}, '${steps}')"


class SqliteConnection:
    """An open file; made readable by its user only. Raises `StoreError` where it cannot be opened."""

    dialect = SqliteDialect()

    def __init__(self, path: Path, *, reading: bool = False) -> None:
        self.path = path
        with _errors():
            if not reading:
                _touch(path)
            address = f"{path.resolve().as_uri()}?mode={'ro' if reading else 'rw'}"
            self._connection = sqlite3.connect(
                address, uri=True, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            if not reading:
                self._prepare()
        self._file = _identity(path)

    def _prepare(self) -> None:
        for pragma in (
            "auto_vacuum = INCREMENTAL",
            "journal_mode = WAL",
            "synchronous = NORMAL",
            f"journal_size_limit = {_WAL_BYTES}",
        ):
            self._connection.execute(f"PRAGMA {pragma}")

    @property
    def moved(self) -> bool:
        """Tell whether another file, or none, is now where this one was opened."""
        return _identity(self.path) != self._file

    def rows(self, statement: str, values: Sequence[Value] = ()) -> list[Row]:
        """What a statement finds, as dicts by column."""
        with _errors():
            cursor = self._connection.execute(statement, values)
            names = [column[0] for column in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor]

    def run(self, statement: str, values: Sequence[Value] = ()) -> int:
        """Carry out one statement; tells how many rows it touched."""
        with _errors():
            return self._connection.execute(statement, values).rowcount

    def batch(self, statements: Sequence[tuple[str, Sequence[Value]]]) -> None:
        """Carry out these statements in one transaction."""
        with self.transaction(), _errors():
            for statement, same in groupby(statements, itemgetter(0)):
                self._connection.executemany(statement, map(itemgetter(1), same))

    def claim(self, key: int) -> bool:
        """Nothing to do: whoever writes is the only one."""
        del key
        return True

    def release(self, key: int) -> None:
        """Nothing to do."""
        del key

    def announce(self, kind: str, name: str = "") -> None:
        """Nobody listens: processes that share a file look at it."""

    @contextmanager
    def transaction(self, *, reading: bool = False) -> Generator[None]:
        """All of the block, or none of it where it raises."""
        self.run("BEGIN" if reading else "BEGIN IMMEDIATE")
        try:
            yield
            self.run("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                self._connection.rollback()
            raise

    def size(self, tables: Sequence[str]) -> int:
        """Bytes of the whole file's live pages; free pages are used again before the file grows."""
        del tables
        pages, free, page = (self._pragma(name) for name in ("page_count", "freelist_count", "page_size"))
        return (pages - free) * page

    def shrink(self, *, wholly: bool) -> bool:
        """Give free pages back to the disk; tells whether there were any."""
        free = self._pragma("freelist_count") > 0
        pages, checkpoint = ("", "TRUNCATE") if wholly else (f"({_PAGES})", "PASSIVE")
        if free or wholly:
            with _errors():  # only `executescript` steps the statement until every free page is gone
                self._connection.executescript(
                    f"PRAGMA incremental_vacuum{pages}; PRAGMA wal_checkpoint({checkpoint});"
                )
        return free

    def _pragma(self, name: str) -> int:
        with _errors():
            return int(self._connection.execute(f"PRAGMA {name}").fetchone()[0])

    def close(self) -> None:
        """Close the file; the last process to do so folds the write-ahead log in."""
        with suppress(sqlite3.Error):
            self._connection.close()


@contextmanager
def _errors() -> Generator[None]:
    try:
        yield
    except _UNFIT as error:
        raise UnfitError(str(error)) from error
    except (sqlite3.Error, OSError) as error:
        raise StoreError(str(error) or type(error).__name__) from error


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
