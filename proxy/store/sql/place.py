"""Where things are kept that outlast a process: two files of the state folder, or one database of a server.

The journal may be deleted, sent to somebody or kept by nobody; the state beside it holds what repairing, resuming and
letting tenants in need, secrets among it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from catalog_cache.home import state_folder
from proxy.store.sql import address
from proxy.store.sql.connection import Connection, StoreError
from proxy.store.sql.sqlite import SqliteConnection
from schemas.config import Store

Part = Literal["journal", "state"]


@dataclass(frozen=True)
class Place:
    """A folder, or the address of a PostgreSQL database."""

    folder: Path
    url: str = ""

    def path(self, part: Part) -> Path:
        """The file of a part, where the place is a folder."""
        return self.folder / f"{part}.db"

    @property
    def name(self) -> str:
        """What a person is told it is: the folder, or the address without its password."""
        return address.shown(self.url) if self.url else str(self.folder)

    def named(self, part: Part) -> str:
        """What a person is told a part of it is: the file, or the address without its password."""
        return self.name if self.url else str(self.path(part))

    def open(self, part: Part) -> Connection:
        """Open a part to read and write, after making or mending its tables; raises `StoreError`."""
        from proxy.store.sql.migrate import current

        connection = self._postgres(reading=False) if self.url else SqliteConnection(self.path(part))
        try:
            current(connection, part)
        except BaseException:
            connection.close()
            raise
        return connection

    def read(self, part: Part) -> Connection:
        """Open a part to read; raises `FileNotFoundError` where nothing is kept yet, and `StoreError`."""
        if not self.url:
            try:
                there = self.path(part).is_file()
            except OSError as error:
                raise StoreError(str(error)) from error
            if not there:
                raise FileNotFoundError(self.path(part))
            return SqliteConnection(self.path(part), reading=True)
        connection = self._postgres(reading=True)
        if connection.rows("SELECT to_regclass(?) AS found", (f"{part}_version",))[0]["found"] is None:
            connection.close()
            raise FileNotFoundError(self.name)
        return connection

    def _postgres(self, *, reading: bool) -> Connection:
        try:
            from proxy.store.sql.postgres import PostgresConnection
        except ImportError as error:
            raise StoreError(f"store.url names PostgreSQL, which needs the extra `postgres`: {error}") from error
        return PostgresConnection(self.url, reading=reading)


def place_of(store: Store, folder: Path | None = None) -> Place:
    """The place that a configuration names."""
    return Place(folder or state_folder(), store.url)
