"""Encryption of what is kept of logins, where the environment has a key: Fernet (AES-128-CBC with HMAC-SHA256).

The key of Fernet is derived from `MCP_MEND_KEY` by HKDF-SHA256 (RFC 5869); losing the key costs the logins.
"""

from __future__ import annotations

import os
from base64 import urlsafe_b64encode
from functools import lru_cache
from typing import TYPE_CHECKING

from schemas.config import SHORTEST_KEY

if TYPE_CHECKING:
    from cryptography.fernet import Fernet

KEY = "MCP_MEND_KEY"
"""The variable of the environment."""
_MARK = "mcp-mend sealed 1\n"
"""How a sealed text begins."""


class SealedError(OSError):
    """A text that the key of the environment does not open, or a key that is none; says what to do."""


def sealed(text: str, *, always: bool = False) -> str:
    """The text encrypted, or as it is where the environment has no key, unless it is `always` to be.

    Raises `SealedError` for a key too short, or for none where one is needed.
    """
    fernet = _fernet(os.environ.get(KEY, ""))
    if fernet is None and always:
        raise SealedError(f"it is kept encrypted alone: set {KEY} for every replica (openssl rand -base64 32)")
    return text if fernet is None else _MARK + fernet.encrypt(text.encode()).decode()


def opened(text: str) -> str:
    """What was sealed, or the text as it is where it was not. Raises `SealedError`."""
    if not text.startswith(_MARK):
        return text
    from cryptography.fernet import InvalidToken

    fernet = _fernet(os.environ.get(KEY, ""))
    if fernet is None:
        raise SealedError(f"it is encrypted: set {KEY} to the key that it was written with")
    try:
        return fernet.decrypt(text.removeprefix(_MARK).encode()).decode()
    except InvalidToken as error:
        raise SealedError(f"{KEY} is not the key that it was written with") from error


@lru_cache(maxsize=4)
def _fernet(key: str) -> Fernet | None:
    if not key:
        return None
    if len(key) < SHORTEST_KEY:
        raise SealedError(f"{KEY} has {len(key)} characters and needs {SHORTEST_KEY}: openssl rand -base64 32")
    from cryptography.fernet import Fernet
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return Fernet(urlsafe_b64encode(HKDF(SHA256(), 32, None, b"mcp-mend logins").derive(key.encode())))
