"""Makes and mends the tables of a database, with Alembic: migrations by part, the same for both engines.

Alembic is slow to load, so a database whose tables are the newest is told by one query, and a new SQLite file is made
by the statements that all migrations come to: `python -m proxy.store.sql.migrate` writes them down anew.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

from proxy.store.sql.connection import Connection, NewerError, StoreError
from proxy.store.sql.sqlite import SqliteConnection

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from proxy.store.sql.place import Part

MIGRATIONS = Path(__file__).parent / "migrations"
TABLES = Path(__file__).parent / "tables"
"""For each part, the statements that make a new SQLite file of it."""
NEWEST: dict[Part, str] = {"journal": "0001", "state": "0002"}
"""The last migration of each part."""
_one_at_a_time = threading.Lock()
"""Alembic keeps what it is doing in variables of its modules; journal and state are opened by a thread each."""


def current(connection: Connection, part: Part) -> None:
    """Bring the tables of a part up to date; raises `NewerError` for those of a later version, and `StoreError`."""
    try:
        found = connection.rows(f"SELECT version_num FROM {part}_version")  # noqa: S608
    except StoreError:
        found = []
    version = found[0]["version_num"] if found else ""
    if version > NEWEST[part]:
        raise NewerError(f"its tables were made by a newer mcp-mend ({part} {version}, known {NEWEST[part]})")
    if version < NEWEST[part] and not _begun(connection, part):
        upgrade(connection, part)


def _begun(connection: Connection, part: Part) -> bool:
    """Make the tables of a new SQLite file; False where it is none."""
    if not isinstance(connection, SqliteConnection):
        return False
    with connection.transaction():
        new = not connection.rows("SELECT 1 FROM sqlite_master")
        for statement in (TABLES / f"{part}.sql").read_text(encoding="utf-8").split(";\n") if new else ():
            connection.run(statement)
    return new


def upgrade(connection: Connection, part: Part) -> None:
    """Carry out every migration of a part that has not been; raises `StoreError`."""
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError
    from sqlalchemy.exc import SQLAlchemyError

    settings = Config()
    settings.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    settings.set_main_option("path_separator", "newline")
    settings.set_main_option("version_locations", str(MIGRATIONS / part).replace("%", "%%"))
    settings.attributes["part"] = part
    engine = _engine(connection)
    try:
        with _one_at_a_time, engine.connect() as opened:
            settings.attributes["connection"] = opened
            command.upgrade(settings, "head")
    except (SQLAlchemyError, CommandError) as error:
        raise StoreError(f"its tables cannot be made: {str(error).partition(chr(10))[0]}") from error
    finally:
        engine.dispose()


def _engine(connection: Connection) -> Engine:
    """The same database as Alembic reaches it."""
    from sqlalchemy import create_engine
    from sqlalchemy.pool import NullPool

    if isinstance(connection, SqliteConnection):
        where = f"sqlite:///{connection.path}"
        return create_engine(where, connect_args={"isolation_level": None}, poolclass=NullPool)
    import psycopg

    from proxy.store.sql.postgres import PostgresConnection

    assert isinstance(connection, PostgresConnection)  # noqa: S101  there are two engines
    url = connection.url
    return create_engine(
        "postgresql+psycopg://", creator=lambda: psycopg.connect(url, client_encoding="UTF8"), poolclass=NullPool
    )


def written(part: Part, folder: Path) -> str:
    """The statements that all migrations of a part come to in SQLite; `folder` is for the file that tells."""
    connection = SqliteConnection(folder / f"{part}.db")
    upgrade(connection, part)
    made = connection.rows("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'")
    connection.close()
    version = f"INSERT INTO {part}_version VALUES ('{NEWEST[part]}')"  # noqa: S608
    return ";\n".join([*(row["sql"] for row in made), version]) + "\n"


if __name__ == "__main__":
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        for each in NEWEST:
            (TABLES / f"{each}.sql").write_text(written(each, Path(folder)), encoding="utf-8")
