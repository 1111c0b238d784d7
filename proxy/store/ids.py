"""Identifiers that sort by time: a kind, ten digits of milliseconds, six that are random or one more than the last."""

from __future__ import annotations

import secrets
import threading
import time

_DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"
_TIME_DIGITS, _CHANCE_DIGITS = 10, 6
_CHANCE = 32**_CHANCE_DIGITS


class Ids:
    """A source of identifiers, increasing within this process and unique beyond it; usable from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = 0

    def new(self, kind: str) -> str:
        """A fresh identifier: `call_01k9yq2m3x7h4t9w`."""
        with self._lock:
            now = time.time_ns() // 1_000_000 * _CHANCE
            # Half the range is left free, so that many within a millisecond stay inside it.
            self._last = max(self._last + 1, now + secrets.randbelow(_CHANCE // 2))
            number = self._last
        return f"{kind}_{_written(number)}"


def _written(number: int) -> str:
    digits: list[str] = []
    for _ in range(_TIME_DIGITS + _CHANCE_DIGITS):
        number, digit = divmod(number, 32)
        digits.append(_DIGITS[digit])
    return "".join(reversed(digits))
