"""Bearer tokens as the store keeps them: a name, its grants, and a digest that the token cannot be found from.

A token is 32 random bytes. Nobody guesses one of 2^256, so a plain SHA-256 of it is as good as a slow hash, which is
there for passwords that people choose, and costs a request no time.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from dataclasses import dataclass

from pydantic import ValidationError

from proxy.store.sql import Connection
from schemas.access import Grants

CHANGED = "access"
"""What replicas are told when a token was made or revoked."""
PREFIX = "mend_"
"""What every token begins with, so that scanners and our own redaction know one."""

_COLUMNS = ("digest", "name", "made", "expires", "grants")


@dataclass(frozen=True)
class Kept:
    """One token as it is kept; times in seconds since the epoch, `expires` None: never.

    `grants` are None where this version cannot read them: a later one wrote them.
    """

    digest: str
    name: str
    made: float
    expires: float | None
    grants: Grants | None


class TakenError(Exception):
    """A token of this name is there already."""


def digest(token: str) -> str:
    """What of a token is kept."""
    return hashlib.sha256(token.encode()).hexdigest()


def create(connection: Connection, name: str, grants: Grants, expires: float | None) -> str:
    """Make a token and keep its digest; the token is nowhere but in what is returned. Raises `TakenError`."""
    token = PREFIX + secrets.token_urlsafe(32)
    values = (digest(token), name, time.time(), expires, grants.model_dump_json(exclude_defaults=True))
    with connection.transaction():
        connection.announce(CHANGED)
        if connection.rows("SELECT 1 FROM access WHERE name = ?", (name,)):
            raise TakenError(name)
        connection.run(f"INSERT INTO access ({', '.join(_COLUMNS)}) VALUES (?, ?, ?, ?, ?)", values)  # noqa: S608  ours
    return token


def tokens(connection: Connection) -> list[Kept]:
    """Every token, by name."""
    found = connection.rows(f"SELECT {', '.join(_COLUMNS)} FROM access ORDER BY name")  # noqa: S608  ours
    return [Kept(row["digest"], row["name"], row["made"], row["expires"], _grants(row["grants"])) for row in found]


def revoke(connection: Connection, name: str) -> bool:
    """Forget a token; tells whether there was one."""
    with connection.transaction():
        connection.announce(CHANGED)
        return connection.run("DELETE FROM access WHERE name = ?", (name,)) > 0


def _grants(written: str) -> Grants | None:
    try:
        return Grants.model_validate_json(written)
    except ValidationError:
        return None
