"""PostgreSQL: one database that any number of replicas share (psycopg 3)."""

from __future__ import annotations

import re
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from typing import Any, LiteralString, cast

import psycopg
from psycopg.rows import dict_row

from proxy.store.sql import address, notices
from proxy.store.sql.connection import Dialect, Row, StoreError, UnfitError, Value, holding, spellings

_UNFIT = (
    psycopg.DataError, psycopg.IntegrityError, psycopg.ProgrammingError, psycopg.errors.ProgramLimitExceeded,
    UnicodeError,
)  # fmt: skip
_CONNECT_SECONDS = 5
_STATEMENT_MS = 30_000
"""A statement that takes longer is given up."""
_SILENT_MS = 15_000
"""A server that does not acknowledge for longer is taken to be gone."""
_UNREADABLE = r"\\u(0000|[dD][89a-fA-F][0-9a-fA-F][0-9a-fA-F])"
"""Escapes in JSON that PostgreSQL refuses to read: NUL, and halves of surrogate pairs."""
_STANDS_FOR_IT = r"\\ufffd"
_SAMPLE = 200
"""Rows of a table whose width is taken for that of all."""


class PostgresDialect(Dialect):
    """SQL as PostgreSQL reads it."""

    now = "CAST(extract(epoch FROM clock_timestamp()) AS DOUBLE PRECISION)"
    held = "FOR UPDATE"
    driving = "JOIN"
    words = True
    arrival = "written"

    def fits(self, text: str) -> str:
        """A condition that a text fits the pattern that is the next value."""
        return f"{text} LIKE ?"

    def pattern(self, glob: str) -> str:
        """A pattern with `*` and `?` as `fits` reads it."""
        return re.sub(r"([\\%_])", r"\\\1", glob).replace("*", "%").replace("?", "_")

    def filtered(self, column: str) -> str:
        """The column: statistics tell how to go about it."""
        return column

    def settled(self, table: str) -> str:
        """The oldest transaction that is still going on: rows of those before it are there, whatever their numbers."""
        del table
        return "CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text) AS bigint)"

    def replace(self, table: str, columns: Sequence[str], key: str, anew: Sequence[str]) -> str:
        """Insert a row, or put it over the one that has its key."""
        changes = ", ".join(f"{name} = excluded.{name}" for name in (*columns, *anew) if name != key)
        marks = ", ".join("?" * len(columns))
        return (
            f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608
            f" ON CONFLICT ({key}) DO UPDATE SET {changes}"
        )

    def holds(self, columns: Sequence[str], word: str) -> tuple[str, list[Value]]:
        """A condition that one of these columns holds a word; all are one text, as in the index of pg_trgm."""
        text = " || ' ' || ".join(f"coalesce({column}, '')" for column in columns)
        patterns = [holding(each) for each in spellings(word)]
        return f"({' OR '.join([f'({text}) ILIKE ?'] * len(patterns))})", [*patterns]

    def floor(self, number: str) -> str:
        """The whole number at or below one."""
        return f"CAST(floor({number}) AS BIGINT)"

    def member(self, text: str, *path: str | int) -> str:
        """The text at a path of keys and places in a JSON text."""
        readable = f"regexp_replace({text}, '{_UNREADABLE}', '{_STANDS_FOR_IT}', 'g')"
        return f"(CAST({readable} AS json) #>> '{{{','.join(map(str, path))}}}')"


class PostgresConnection:
    """An open connection. Raises `StoreError` where the server cannot be reached or refuses."""

    dialect = PostgresDialect()

    def __init__(self, url: str, *, reading: bool = False) -> None:
        if (fault := address.fault(url)) is not None:
            raise StoreError(fault)
        self.url = url
        try:
            self._connection = psycopg.Connection[dict[str, Any]].connect(
                url,
                autocommit=True,
                row_factory=dict_row,
                connect_timeout=_CONNECT_SECONDS,
                application_name="mcp-mend",
                client_encoding="UTF8",
                tcp_user_timeout=_SILENT_MS,
                keepalives_idle=_SILENT_MS // 1000,
                options=f"-c statement_timeout={_STATEMENT_MS}"
                + (" -c default_transaction_read_only=on" if reading else ""),
            )
        except psycopg.ProgrammingError:
            raise StoreError(address.UNREADABLE) from None
        except (psycopg.Error, OSError) as error:
            raise StoreError(address.without_passwords(_told(error), url)) from None

    @property
    def moved(self) -> bool:
        """Tell whether the server has left this connection."""
        return self._connection.closed

    def rows(self, statement: str, values: Sequence[Value] = ()) -> list[Row]:
        """What a statement finds, as dicts by column."""
        with _errors():
            cursor = self._connection.execute(_marked(statement), [_fit(value) for value in values])
            return cursor.fetchall() if cursor.description else []

    def run(self, statement: str, values: Sequence[Value] = ()) -> int:
        """Carry out one statement; tells how many rows it touched."""
        with _errors():
            return self._connection.execute(_marked(statement), [_fit(value) for value in values]).rowcount

    def batch(self, statements: Sequence[tuple[str, Sequence[Value]]]) -> None:
        """Carry out these statements in one transaction; all are sent before the first answer is waited for."""
        with _errors(), self._connection.pipeline(), self._connection.transaction():
            for statement, same in groupby(statements, itemgetter(0)):
                rows = [[_fit(value) for value in values] for _, values in same]
                self._connection.cursor().executemany(_marked(statement), rows)

    def claim(self, key: int) -> bool:
        """Take an advisory lock of the session, unless another has it."""
        return bool(self.rows("SELECT pg_try_advisory_lock(?) AS got", (key,))[0]["got"])

    def release(self, key: int) -> None:
        """Give the advisory lock back."""
        self.rows("SELECT pg_advisory_unlock(?)", (key,))

    def announce(self, kind: str, name: str = "") -> None:
        """Notify whoever listens on the channel."""
        self.rows("SELECT pg_notify(?, ?)", (notices.CHANNEL, notices.written(kind, name)))

    @contextmanager
    def transaction(self, *, reading: bool = False) -> Generator[None]:
        """All of the block, or none of it where it raises."""
        with _errors(), self._connection.transaction():
            if reading:
                self._connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield

    def size(self, tables: Sequence[str]) -> int:
        """About how many bytes the rows of these tables hold: their number, times the width of some."""
        return sum(self._size(table) for table in tables)

    def _size(self, table: str) -> int:
        width = f"coalesce(avg(pg_column_size(t)), 0) FROM (SELECT * FROM {table} LIMIT {_SAMPLE}) AS t"  # noqa: S608
        (row,) = self.rows(f"SELECT (SELECT count(*) FROM {table}) * (SELECT {width}) AS bytes")  # noqa: S608
        return int(row["bytes"] or 0)

    def shrink(self, *, wholly: bool) -> bool:
        """Nothing to do: autovacuum does it."""
        del wholly
        return False

    def close(self) -> None:
        """Let the connection go."""
        with suppress(psycopg.Error):
            self._connection.close()


@lru_cache(maxsize=512)
def _marked(statement: str) -> LiteralString:
    return cast("LiteralString", statement.replace("%", "%%").replace("?", "%s"))


def _fit(value: Value) -> Value:
    """The value as PostgreSQL can hold it: its texts have no NUL."""
    return value.replace("\0", "\ufffd") if isinstance(value, str) and "\0" in value else value


@contextmanager
def _errors() -> Generator[None]:
    try:
        yield
    except (psycopg.errors.UndefinedTable, psycopg.errors.InsufficientPrivilege) as error:
        raise StoreError(_told(error)) from error
    except _UNFIT as error:
        raise UnfitError(_told(error)) from error
    except (psycopg.Error, OSError) as error:
        raise StoreError(_told(error)) from error


def _told(error: Exception) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__
