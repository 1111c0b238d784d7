"""Session ids that name the replica which owns the session, signed so that nobody else can make one. Pure.

An id is `address.instance.chance.signature` in URL-safe base64: where other replicas reach the owner, which process it
was at that address, 128 bits of chance, and the first 128 bits of an HMAC-SHA256 (RFC 2104) over all before it.
"""

from __future__ import annotations

import hmac
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field

LONGEST = 1024
"""Characters of an id beyond which it is none of ours."""
_BYTES = 16


@dataclass(frozen=True)
class Ids:
    """Makes ids for the sessions of one replica, and reads those of all that share its key.

    `address` is where the others reach it (`http://10.0.0.5:8080`).
    """

    address: str
    key: str = field(repr=False)
    instance: str = field(default_factory=lambda: secrets.token_hex(8))

    def new(self) -> str:
        """A fresh id of this replica's."""
        body = f"{_written(self.address.encode())}.{self.instance}.{_written(secrets.token_bytes(_BYTES))}"
        return f"{body}.{self._signature(body)}"

    def elsewhere(self, ident: str) -> str | None:
        """The address of the other replica that owns a session; None for our own, and for an id that is not genuine."""
        body, _, signature = ident.rpartition(".")
        parts = body.split(".")
        if len(ident) > LONGEST or len(parts) != 3 or not ident.isascii():
            return None
        if not hmac.compare_digest(signature, self._signature(body)):
            return None
        address = urlsafe_b64decode(parts[0] + "=" * (-len(parts[0]) % 4)).decode()
        return None if address == self.address else address

    def _signature(self, body: str) -> str:
        return _written(hmac.digest(self.key.encode(), body.encode(), "sha256")[:_BYTES])


def name_of(ident: str) -> str:
    """What a session is called in records: its id without the signature, which would let others use it."""
    return ident.split(".")[2] if ident.count(".") == 3 else ident


def _written(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")
