"""What the store of some replicas was asked: a PostgreSQL by its own count (pg_stat_statements), or nobody knows."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import astuple, dataclass
from typing import LiteralString

import psutil
import psycopg

from tests.services.postgres import Postgres, postgres


@dataclass(frozen=True)
class Asked:
    """Statements, transactions and new rows so far, and the bytes that the database takes."""

    statements: int = 0
    commits: int = 0
    rows: int = 0
    bytes: int = 0

    def since(self, before: Asked) -> Asked:
        """What came after."""
        return Asked(*(now - was for now, was in zip(astuple(self), astuple(before), strict=True)))

    def plus(self, more: Asked) -> Asked:
        """Both together."""
        return Asked(*(one + other for one, other in zip(astuple(self), astuple(more), strict=True)))


COUNTED: LiteralString = """
SELECT coalesce(sum(calls), 0), coalesce(sum(calls) FILTER (WHERE query ILIKE 'commit%%'), 0),
    coalesce(sum(rows) FILTER (WHERE query ILIKE 'insert%%'), 0), pg_database_size(%(name)s)
FROM pg_stat_statements WHERE dbid = (SELECT oid FROM pg_database WHERE datname = %(name)s)
"""


@dataclass(frozen=True)
class Store:
    """Where replicas keep what they share; without a server, files of their own. `counter` reads another database."""

    server: Postgres | None = None
    url: str = ""
    counter: psycopg.Connection | None = None

    @property
    def name(self) -> str:
        """The engine."""
        return "SQLite" if self.server is None else "PostgreSQL"

    def asked(self) -> Asked:
        """What it was asked so far."""
        if self.counter is None:
            return Asked()
        row = self.counter.execute(COUNTED, {"name": self.url.rpartition("/")[2]}).fetchone()
        assert row is not None
        return Asked(*(int(value) for value in row))

    def busy(self) -> float:
        """Milliseconds of processor time of the server and all that it has started, ended ones too."""
        if self.server is None:
            return 0.0
        first, spent = psutil.Process(self.server.process.pid), 0.0
        for child in first.children():
            with suppress(psutil.NoSuchProcess):  # it has ended, and is in the sum of those
                spent += busy(child)
        times = first.cpu_times()
        return spent + (times.user + times.system + times.children_user + times.children_system) * 1000


def busy(process: psutil.Process) -> float:
    """Milliseconds of processor time of one process so far."""
    times = process.cpu_times()
    return (times.user + times.system) * 1000


@contextmanager
def counting() -> Generator[Postgres]:
    """A PostgreSQL that counts statements, with its usual care for the disk."""
    settings = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
    with postgres(**settings, shared_preload_libraries="pg_stat_statements") as server:
        server.run("CREATE EXTENSION pg_stat_statements")
        yield server
