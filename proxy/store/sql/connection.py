"""What the program asks of an SQL database; statements are written once, with `?` for each value."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, ClassVar, Protocol

Row = dict[str, Any]
Value = str | int | float | bytes | None


class StoreError(Exception):
    """The database refuses: a disk is full, a lock is held, a server is gone. Later it may not."""


class UnfitError(StoreError):
    """These values do not fit its tables, and never will."""


class NewerError(StoreError):
    """Its tables were made by a later version of the program."""


def spellings(word: str) -> list[str]:
    """A word in the cases in which it is usually written, but for those of ASCII letters, which engines overlook."""
    usual = (word, word.lower(), word.upper(), word.capitalize())
    return list({"".join(mark.lower() if mark.isascii() else mark for mark in each): each for each in usual}.values())


def holding(word: str) -> str:
    """A pattern of LIKE for all texts that hold a word; a backslash takes from a mark what it means."""
    return "%" + re.sub(r"([\\%_])", r"\\\1", word) + "%"


class Dialect(ABC):
    """Where two engines write the same thing differently. Each method but `pattern` gives SQL."""

    now: ClassVar[str]
    """Seconds since the epoch by the database's clock."""
    held: ClassVar[str]
    """What a SELECT in a transaction ends in, so that nobody else changes its rows meanwhile."""
    driving: ClassVar[str]
    """A join that reads its left side first."""
    words: ClassVar[bool]
    """Whether `holds` is looked up in an index."""
    arrival: ClassVar[str]
    """The column of a numbered table that tells what came after what: see `settled`."""

    @abstractmethod
    def fits(self, text: str) -> str:
        """A condition that a text fits the pattern that is the next value, as `pattern` wrote it."""

    @abstractmethod
    def pattern(self, glob: str) -> str:
        """A pattern with `*` and `?` as `fits` reads it."""

    @abstractmethod
    def filtered(self, column: str) -> str:
        """A column by which rows are to be filtered, not looked up: an engine without statistics would do that."""

    @abstractmethod
    def settled(self, table: str) -> str:
        """A number: every row with less `arrival` is there to be seen, and none will come any more."""

    @abstractmethod
    def replace(self, table: str, columns: Sequence[str], key: str, anew: Sequence[str]) -> str:
        """Insert a row for any that has its key; the columns `anew`, which have defaults, are given anew."""

    @abstractmethod
    def holds(self, columns: Sequence[str], word: str) -> tuple[str, list[Value]]:
        """A condition that the text of one of these columns holds a word, with its values.

        The case of ASCII letters does not matter; of others the usual spellings are looked for.
        """

    @abstractmethod
    def floor(self, number: str) -> str:
        """The whole number at or below one that is not negative."""

    @abstractmethod
    def member(self, text: str, *path: str | int) -> str:
        """The text at a path of keys and places in a JSON text."""

    def upsert(self, table: str, columns: Sequence[str], key: Sequence[str]) -> str:
        """Insert a row, or put these values over those of the row with the same key."""
        names, marks = ", ".join(columns), ", ".join("?" * len(columns))
        changes = ", ".join(f"{name} = excluded.{name}" for name in columns if name not in key)
        over = f"UPDATE SET {changes}" if changes else "NOTHING"
        return f"INSERT INTO {table} ({names}) VALUES ({marks}) ON CONFLICT ({', '.join(key)}) DO {over}"  # noqa: S608


class Connection(Protocol):
    """One connection, used by one thread at a time. Every method may raise `StoreError`."""

    @property
    def dialect(self) -> Dialect:
        """How its engine writes what engines write differently."""
        ...

    @property
    def moved(self) -> bool:
        """Tell whether this connection is of no more use: the server has left it, or the file is another one now."""
        ...

    def rows(self, statement: str, values: Sequence[Value] = ()) -> list[Row]:
        """What a statement finds, as dicts by column."""
        ...

    def run(self, statement: str, values: Sequence[Value] = ()) -> int:
        """Carry out one statement; tells how many rows it touched."""
        ...

    def batch(self, statements: Sequence[tuple[str, Sequence[Value]]]) -> None:
        """Carry out these statements, each with its values, in one transaction and few round trips."""
        ...

    def claim(self, key: int) -> bool:
        """Be the only one to do something, until `release` or the end; False where another connection is."""
        ...

    def release(self, key: int) -> None:
        """Let others claim it."""
        ...

    def announce(self, kind: str, name: str = "") -> None:
        """Tell other processes that something of this kind has changed, once the transaction is done: see `notices`."""
        ...

    def transaction(self, *, reading: bool = False) -> AbstractContextManager[None]:
        """All of the block, or none of it where it raises; `reading` sees one moment throughout and changes nothing."""
        ...

    def size(self, tables: Sequence[str]) -> int:
        """Bytes that hold live rows: of these tables, or of the whole file that they are in."""
        ...

    def shrink(self, *, wholly: bool) -> bool:
        """Give pages that deleted rows have left back to the disk, some or all; tells whether there were any."""
        ...

    def close(self) -> None:
        """Let the database go; never raises."""
        ...
