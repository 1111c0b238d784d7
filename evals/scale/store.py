"""What a PostgreSQL was asked, by its own count (pg_stat_statements)."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import LiteralString

import psycopg

from tests.services.postgres import Postgres, postgres


@dataclass(frozen=True)
class Asked:
    """Statements, transactions and rows so far, and the bytes that the database takes."""

    statements: int = 0
    commits: int = 0
    rows: int = 0
    bytes: int = 0

    def since(self, before: Asked) -> Asked:
        """What came after."""
        return Asked(
            self.statements - before.statements,
            self.commits - before.commits,
            self.rows - before.rows,
            self.bytes - before.bytes,
        )


COUNTED: LiteralString = """
SELECT coalesce(sum(calls), 0), coalesce(sum(calls) FILTER (WHERE query ILIKE 'commit%%'), 0),
    coalesce(sum(rows) FILTER (WHERE query ILIKE 'insert%%'), 0), pg_database_size(%(name)s)
FROM pg_stat_statements WHERE dbid = (SELECT oid FROM pg_database WHERE datname = %(name)s)
"""


@contextmanager
def counting() -> Generator[Postgres]:
    """A PostgreSQL that counts statements, with its usual care for the disk."""
    settings = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
    with postgres(**settings, shared_preload_libraries="pg_stat_statements") as server:
        server.run("CREATE EXTENSION pg_stat_statements")
        yield server


def asked(server: Postgres, database: str) -> Asked:
    """What a database was asked so far, asked from another one."""
    with psycopg.connect(server.url(), autocommit=True) as connection:
        row = connection.execute(COUNTED, {"name": database}).fetchone()
    assert row is not None
    return Asked(*(int(value) for value in row))
