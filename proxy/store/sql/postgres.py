"""PostgreSQL: one database that any number of replicas share (psycopg 3)."""

from __future__ import annotations

import re
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from typing import Any, LiteralString, cast

import psycopg
from psycopg.rows import dict_row

from proxy.store.sql.connection import Dialect, Row, StoreError, UnfitError, Value

_CONNECT_SECONDS = 5
_STATEMENT_MS = 30_000
"""A statement that takes longer is given up."""
_SAMPLE = 200
"""Newest rows of a table whose width is taken for that of all."""


class PostgresDialect(Dialect):
    """SQL as PostgreSQL reads it."""

    name = "postgresql"
    now = "CAST(extract(epoch FROM clock_timestamp()) AS DOUBLE PRECISION)"
    held = "FOR UPDATE"
    driving = "JOIN"

    def fits(self, text: str) -> str:
        """A condition that a text fits the pattern that is the next value."""
        return f"{text} LIKE ?"

    def pattern(self, glob: str) -> str:
        """A pattern with `*` and `?` as `fits` reads it."""
        return re.sub(r"([\\%_])", r"\\\1", glob).replace("*", "%").replace("?", "_")

    def contains(self, text: str) -> str:
        """A condition that a text holds the text that is the next value, in upper or lower case."""
        return f"strpos(lower({text}), lower(?)) > 0"

    def floor(self, number: str) -> str:
        """The whole number at or below one."""
        return f"CAST(floor({number}) AS BIGINT)"

    def member(self, text: str, *path: str | int) -> str:
        """The text at a path of keys and places in a JSON text; NULL in one with a NUL, which cannot be read here."""
        read = f"CAST({text} AS json) #>> '{{{','.join(map(str, path))}}}'"
        return rf"(CASE WHEN strpos({text}, '\u0000') = 0 THEN {read} END)"


class PostgresConnection:
    """An open connection. Raises `StoreError` where the server cannot be reached or refuses."""

    dialect = PostgresDialect()

    def __init__(self, url: str, *, reading: bool = False) -> None:
        self.url = url
        with _errors():
            self._connection = psycopg.Connection[dict[str, Any]].connect(
                url,
                autocommit=True,
                row_factory=dict_row,
                connect_timeout=_CONNECT_SECONDS,
                application_name="mcp-mend",
                options=f"-c statement_timeout={_STATEMENT_MS}"
                + (" -c default_transaction_read_only=on" if reading else ""),
            )

    @property
    def moved(self) -> bool:
        """Tell whether the server has left this connection."""
        return self._connection.closed

    @property
    def raw(self) -> psycopg.Connection[dict[str, Any]]:
        """The connection of the driver, for notifications."""
        return self._connection

    def rows(self, statement: str, values: Sequence[Value] = ()) -> list[Row]:
        """What a statement finds, as dicts by column."""
        with _errors():
            cursor = self._connection.execute(_marked(statement), [_fit(value) for value in values])
            return cursor.fetchall() if cursor.description else []

    def run(self, statement: str, values: Sequence[Value] = ()) -> int:
        """Carry out one statement; tells how many rows it touched."""
        with _errors():
            return self._connection.execute(_marked(statement), [_fit(value) for value in values]).rowcount

    @contextmanager
    def transaction(self, *, reading: bool = False) -> Generator[None]:
        """All of the block, or none of it where it raises."""
        with _errors(), self._connection.transaction():
            if reading:
                self._connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield

    def size(self, tables: Sequence[str]) -> int:
        """About how many bytes the rows of these tables hold: their number as last counted, times a recent width."""
        return sum(self._size(table) for table in tables)

    def _size(self, table: str) -> int:
        counted = f"greatest(reltuples, 0) FROM pg_class WHERE oid = '{table}'::regclass"
        width = f"coalesce(avg(pg_column_size(t)), 0) FROM (SELECT * FROM {table} LIMIT {_SAMPLE}) AS t"  # noqa: S608
        (row,) = self.rows(f"SELECT (SELECT {counted}) * (SELECT {width}) AS bytes")
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
    except (psycopg.DataError, psycopg.IntegrityError, psycopg.ProgrammingError) as error:
        raise UnfitError(_told(error)) from error
    except (psycopg.Error, OSError) as error:
        raise StoreError(_told(error)) from error


def _told(error: Exception) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__
