"""The one port to an SQL database, and its two engines: SQLite for one machine, PostgreSQL for replicas that share."""

from __future__ import annotations

from proxy.store.sql.connection import Connection, Dialect, NewerError, Row, StoreError, UnfitError
from proxy.store.sql.place import Part, Place, place_of

__all__ = ["Connection", "Dialect", "NewerError", "Part", "Place", "Row", "StoreError", "UnfitError", "place_of"]
