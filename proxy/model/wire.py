"""What the proxy and the planner's worker say to each other: one JSON object per line. Pure.

To the worker: `{"id", "do": "rank", "context", "options", "deadline"}`, `{"id", "do": "generate", "context",
"schema", "limit", "deadline"}`, `{"id", "do": "learn", "key", "texts", "deadline"}`, `{"id", "do": "compare", "key",
"query", "deadline"}`, `{"id", "do": "cancel"}`. From the worker: first `{"pid"}`, then for each id one
`{"id", "value", "tokens", "reused", "sampled", "forced"}` or `{"id", "error", "message"}`; `{"bye"}` when it leaves
because nobody used it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

LINE = 16 << 20
"""Longest line that either side reads."""
SOCKET = 3
"""The file descriptor on which a worker finds its socket."""


class Fault(StrEnum):
    """Why a request has no value."""

    DEADLINE = "deadline"
    CANCELLED = "cancelled"
    TOO_LONG = "too_long"
    SCHEMA = "schema"
    MODEL = "model"
    """The model cannot be loaded: no request will succeed until a person has done something."""
    UNKNOWN_KEY = "unknown_key"
    """These texts have not been learnt by this worker."""
    NATIVE = "native"
    """llama.cpp broke off: the worker ends after this."""


class Faulty(Exception):  # noqa: N818 - an answer like others
    """A request that has no value."""

    def __init__(self, fault: Fault, message: str = "") -> None:
        super().__init__(message)
        self.fault = fault


@dataclass(frozen=True)
class Settings:
    """Everything a worker is started with; two proxies whose settings are equal share one worker.

    `vectors` is the file that keeps embeddings. `listen` tells whether its socket takes connections (shared) or is
    the one connection (private).
    """

    model: str
    context: int
    threads: int
    gpu_layers: int
    memory_mb: int
    idle: float
    vectors: str = ""
    release: str = ""
    listen: bool = True

    @property
    def key(self) -> str:
        """Name of the worker in the state folder."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:12]

    def json(self) -> str:
        """As it is handed over on the command line."""
        return json.dumps(asdict(self))


def encode(message: Mapping[str, Any]) -> bytes:
    """One message as a line."""
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode(errors="replace") + b"\n"


def decode(line: bytes) -> dict[str, Any]:
    """Read a line; anything but a JSON object raises ValueError: our own two programs never write it."""
    message = json.loads(line)
    if not isinstance(message, dict):
        raise ValueError("a message is a JSON object")  # noqa: TRY004 - one error for all that is not a message
    return message  # pyright: ignore[reportUnknownVariableType]
