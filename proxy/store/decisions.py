"""What a person decided, kept in the store for all replicas. Implements `proxy.settings.state.Shared`."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

from proxy.store.sql import Place, StoreError

CHANGED = "decisions"
"""What the other replicas are told when something was decided."""
_EMPTY = "INSERT INTO decisions (kind, name, value) VALUES (?, '', '') ON CONFLICT (kind, name) DO NOTHING"
_HELD = "SELECT value FROM decisions WHERE kind = ? AND name = ''"


@dataclass(frozen=True)
class StoredDecisions:
    """The documents in a database that replicas share."""

    place: Place

    @property
    def name(self) -> str:
        """The address of the database."""
        return self.place.name

    def read(self, kind: str) -> str | None:
        """A document, None where there is none; raises `OSError`."""
        try:
            with closing(self.place.read("state")) as connection:
                rows = connection.rows(_HELD, [kind])
        except FileNotFoundError:
            return None
        except StoreError as error:
            raise OSError(str(error)) from error
        return rows[0]["value"] or None if rows else None

    def change(self, kind: str, work: Callable[[str | None], str]) -> None:
        """Exchange a document for what `work` makes of it, while nobody else does; raises `OSError`."""
        try:
            with closing(self.place.open("state")) as connection, connection.transaction():
                connection.run(_EMPTY, [kind])
                (row,) = connection.rows(f"{_HELD} {connection.dialect.held}", [kind])
                connection.run(
                    "UPDATE decisions SET value = ? WHERE kind = ? AND name = ''", [work(row["value"] or None), kind]
                )
                connection.announce(CHANGED)
        except StoreError as error:
            raise OSError(str(error)) from error


def shared(place: Place) -> StoredDecisions | None:
    """Where replicas that share a database keep decisions; None where they are files of the state folder."""
    return StoredDecisions(place) if place.url else None
