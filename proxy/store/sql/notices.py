"""What replicas that share a PostgreSQL tell one another, by LISTEN and NOTIFY: that something of a kind has changed.

A notice says no more than that: whoever hears it reads anew. After a lost connection everything may have changed.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

import anyio
import structlog

from proxy.store.sql.address import without_passwords

if TYPE_CHECKING:
    from proxy.store.sql.place import Place

CHANNEL = "mcp_mend"
AGAIN = 2.0
"""Seconds until a lost connection is tried again."""

Heard = Callable[[str, str], None]
"""Called on the event loop with a kind and a name; with two empty texts where anything may have changed."""

_log: structlog.stdlib.BoundLogger = structlog.get_logger("proxy.store")


def written(kind: str, name: str) -> str:
    """A notice as it is sent."""
    return json.dumps([kind, name])


def read(text: str) -> tuple[str, str] | None:
    """The kind and name of a notice; None for a text that is none."""
    try:
        kind, name = json.loads(text)
    except (ValueError, TypeError):
        return None
    return str(kind), str(name)


async def follow(place: Place, heard: Heard) -> None:
    """Hear all replicas, ourselves among them, for ever; ends at once for files, of which nobody announces anything."""
    if not place.url:
        return
    import psycopg

    lost = False
    while True:
        try:
            async with await psycopg.AsyncConnection.connect(
                place.url,
                autocommit=True,
                application_name="mcp-mend",
                client_encoding="UTF8",
                keepalives_idle=30,
                keepalives_interval=10,
                keepalives_count=3,
            ) as connection:
                await connection.execute(f"LISTEN {CHANNEL}")
                if lost:
                    heard("", "")
                lost = False
                async for notice in connection.notifies():
                    found = read(notice.payload)
                    if found is not None:
                        heard(*found)
        except (psycopg.Error, OSError) as error:
            if not lost:
                reason = without_passwords(str(error).partition("\n")[0], place.url)
                _log.warning("other replicas are not heard", reason=reason)
            lost = True
        await anyio.sleep(AGAIN)
