"""The journal's tables as they are written: their columns, and one statement for each kind of row.

The tables themselves are made by `proxy/store/sql/migrations/journal`. A call or run that replaces another gets a new
`number`, so whoever watches sees it again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from proxy.store.sql import Connection, Dialect

Row = tuple[str, tuple[Any, ...]]
"""What to do, by the names of `statements`, and the values for it."""

COLUMNS = {
    "calls": (
        *("call_id", "at", "session", "server", "tool", "outcome", "effect", "ms", "step", "repair_id"),
        *("message", "arguments", "reply", "start_ms", "tenant"),
    ),
    "runs": (
        *("repair_id", "at", "kind", "session", "status", "error_before", "error_after", "calls", "seconds"),
        *("plan_before", "plan_after", "report", "tried", "tenant"),
    ),
    "repairs": (
        *("repair_id", "number", "op", "step", "rule", "confidence", "evidence", "value_before", "value_after"),
    ),
    "problems": ("repair_id", "stage", "number", "kind", "step", "path", "message", "candidates"),
}
TABLES = tuple(COLUMNS)
SEARCHED = {
    "calls": ("tool", "server", "call_id", "message", "arguments", "reply"),
    "runs": ("repair_id", "plan_before", "plan_after", "error_before", "error_after"),
}
"""Columns whose text is searched; the index of PostgreSQL is made of exactly these."""


@lru_cache
def statements(dialect: Dialect) -> Mapping[str, str]:
    """A statement for each kind of row."""
    return {
        "calls": dialect.replace("calls", COLUMNS["calls"], "call_id", ("number", "written")),
        "runs": dialect.replace("runs", COLUMNS["runs"], "repair_id", ("number", "written")),
        "repairs": dialect.upsert("repairs", COLUMNS["repairs"], ("repair_id", "number")),
        "problems": dialect.upsert("problems", COLUMNS["problems"], ("repair_id", "stage", "number")),
        "forget repairs": "DELETE FROM repairs WHERE repair_id = ?",
        "forget problems": "DELETE FROM problems WHERE repair_id = ?",
    }


def write(connection: Connection, rows: Iterable[Row]) -> None:
    """Write rows in one transaction: all of them, or none where it raises `StoreError`."""
    known = statements(connection.dialect)
    connection.batch([(known[name], values) for name, values in rows])
