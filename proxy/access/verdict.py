"""Why a token lets nobody in."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Refused:
    """An HTTP status and a sentence for the client."""

    status: int
    reason: str
