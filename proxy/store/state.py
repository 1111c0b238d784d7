"""The state part of the store, by one thread of this process: nothing of it is waited for on the event loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import structlog

from proxy.store.sql import Connection, Place, StoreError

_log: structlog.stdlib.BoundLogger = structlog.get_logger("proxy.store")

T = TypeVar("T")
RETRY = 1.0
"""Seconds until a database that could not be opened is tried again."""


class State:
    """Carries out work on the state, in order; the database is opened by the first of it, and anew once it is gone."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self._thread = ThreadPoolExecutor(1, "mcp-mend state")
        self._connection: Connection | None = None
        self._rests = 0.0
        self._why = ""

    def submit(self, work: Callable[[Connection], T]) -> Future[T]:
        """Have it done; the future raises `StoreError` where the database refuses."""
        return self._thread.submit(self._done, work)

    async def ask(self, work: Callable[[Connection], T]) -> T:
        """Have it done, and wait for it; raises `StoreError`."""
        return await asyncio.wrap_future(self.submit(work))

    def later(self, what: str, work: Callable[[Connection], object]) -> None:
        """Have it done without waiting; where the database refuses, a log line says so: `what` is a sentence's end."""

        def told(done: Future[object]) -> None:
            error = done.exception()
            if isinstance(error, StoreError):
                _log.warning(f"the store refused {what}", reason=str(error))
            elif error is not None:
                raise error

        self.submit(work).add_done_callback(told)

    def _done(self, work: Callable[[Connection], T]) -> T:
        if self._connection is not None and self._connection.moved:
            self._connection.close()
            self._connection = None
        if self._connection is None and time.monotonic() < self._rests:
            raise StoreError(self._why)
        try:
            self._connection = self._connection or self.place.open("state")
        except StoreError as error:
            self._why, self._rests = str(error), time.monotonic() + RETRY
            raise
        return work(self._connection)

    def close(self) -> None:
        """Do what is left, and let the database go."""
        self._thread.shutdown()
        if self._connection is not None:
            self._connection.close()


@contextmanager
def open_state(place: Place) -> Generator[State]:
    """The state while the context lasts; on leaving, everything submitted is done."""
    state = State(place)
    try:
        yield state
    finally:
        state.close()
