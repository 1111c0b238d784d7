"""How much one tenant may ask of upstreams: so many requests a minute, and so many at once.

Counted in this process: behind N replicas each counts for itself, so a tenant gets up to N times as much.
"""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import anyio

from schemas.access import Tenant

PATIENCE = 2.0
"""Seconds that a request waits for its turn; one that would have to wait longer is refused at once."""


class Limits:
    """A token bucket that holds a minute's requests, and a count of those under way; `clock` counts seconds."""

    def __init__(self, tenant: Tenant, clock: Callable[[], float]) -> None:
        self._name = tenant.name
        self._rate, self._most = tenant.grants.rate, tenant.grants.concurrent
        self._clock = clock
        self._left = float(self._rate)
        self._at = clock()
        self._places = anyio.Semaphore(self._most) if self._most else None

    @asynccontextmanager
    async def one(self) -> AsyncGenerator[str]:
        """Have one request counted while this lasts; gives why it may not be sent, "" where it may."""
        if not await self._place():
            yield self._told(f"{_many(self._most, 'call')} at once", "until another has ended")
            return
        try:
            wait = self._turn()
            if wait > PATIENCE:
                yield self._told(f"{_many(self._rate, 'call')} a minute", _many(math.ceil(wait), "second"))
            else:
                if wait:
                    await anyio.sleep(wait)
                yield ""
        finally:
            if self._places is not None:
                self._places.release()

    async def _place(self) -> bool:
        """Take one of the places for requests under way; False where none becomes free in time."""
        if self._places is None:
            return True
        with anyio.move_on_after(PATIENCE) as scope:
            await self._places.acquire()
        return not scope.cancelled_caught

    def _turn(self) -> float:
        """Seconds until the next request may be sent; it is counted as sent where that is soon."""
        if not self._rate:
            return 0.0
        now = self._clock()
        self._left = min(self._rate, self._left + (now - self._at) * self._rate / 60)
        self._at = now
        wait = max(0.0, (1 - self._left) * 60 / self._rate)
        if wait <= PATIENCE:
            self._left -= 1
        return wait

    def _told(self, limit: str, wait: str) -> str:
        return f"the limit of {self._name} is {limit}; this one was not sent: wait {wait}, then send it again"


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
