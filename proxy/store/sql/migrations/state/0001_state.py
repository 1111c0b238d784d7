"""What repairing, resuming and starting need of earlier: lessons, tool lists, ledgers, decisions, tokens of tenants.

Times are seconds since the epoch. Columns that hold JSON hold it as text.
"""

from __future__ import annotations

from alembic import op

revision = "0001"
down_revision = None

TABLES = (
    # What repairs have taught: an edit by the shape of its problem, and how guesses of a kind have come out.
    """CREATE TABLE lessons (key TEXT PRIMARY KEY, edit TEXT NOT NULL, confidence TEXT NOT NULL, rule TEXT NOT NULL,
    times INTEGER NOT NULL, at DOUBLE PRECISION NOT NULL)""",
    "CREATE INDEX lessons_at ON lessons (at)",
    "CREATE TABLE guesses (key TEXT PRIMARY KEY, worked INTEGER NOT NULL, failed INTEGER NOT NULL)",
    # The last good tool list of each upstream and way of reaching it, with what was listed at first sight.
    """CREATE TABLE snapshots (key TEXT PRIMARY KEY, server TEXT NOT NULL, at DOUBLE PRECISION NOT NULL,
    fingerprint TEXT NOT NULL, body TEXT NOT NULL, first_at DOUBLE PRECISION NOT NULL, first_tools TEXT NOT NULL)""",
    # Runs with effects that have not come to their end: who holds one until when, under which fence, and what it sent.
    """CREATE TABLE kept_runs (repair_id TEXT PRIMARY KEY, at DOUBLE PRECISION NOT NULL, holder TEXT NOT NULL,
    until DOUBLE PRECISION NOT NULL, fence INTEGER NOT NULL)""",
    """CREATE TABLE kept_lines (repair_id TEXT NOT NULL, number INTEGER NOT NULL, line TEXT NOT NULL,
    PRIMARY KEY (repair_id, number))""",
    # What a person decided outside the configuration, by kind and name.
    "CREATE TABLE decisions (kind TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (kind, name))",
    # Bearer tokens of the HTTP face, as digests.
    """CREATE TABLE access (digest TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, made DOUBLE PRECISION NOT NULL,
    expires DOUBLE PRECISION, grants TEXT NOT NULL)""",
)


def upgrade() -> None:
    """Make the tables."""
    for statement in TABLES:
        op.get_bind().exec_driver_sql(statement)
