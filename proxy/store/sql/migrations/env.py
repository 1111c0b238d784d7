"""Alembic's way into the migrations: one transaction, held against every other process that would migrate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alembic import context

if TYPE_CHECKING:
    from sqlalchemy import Connection

_KEY = 0x6D656E64
"""The advisory lock of PostgreSQL under which tables are changed."""

connection: Connection = context.config.attributes["connection"]
if connection.dialect.name == "postgresql":
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_KEY})")
else:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
context.configure(connection=connection, version_table=f"{context.config.attributes['part']}_version")
with context.begin_transaction():
    context.run_migrations()
connection.commit()
