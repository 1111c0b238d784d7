"""Logins at upstreams, for replicas: encrypted, with who renews one now and until when."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the table."""
    op.get_bind().exec_driver_sql(
        """CREATE TABLE logins (address TEXT NOT NULL, tenant TEXT NOT NULL, name TEXT NOT NULL, sealed TEXT NOT NULL,
    at DOUBLE PRECISION NOT NULL, holder TEXT NOT NULL, until DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (address, tenant))"""
    )
