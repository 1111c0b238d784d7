"""The background thread that puts records into the journal, in batches.

Handing over appends to a deque; reading payloads, redacting, writing JSON and SQL all happen in the thread. A disk
that fails is reported once and the records it costs are counted: no call ever fails for it. What is too old or too much
is pruned here too, a few entries at a time between two batches.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future

import structlog

from proxy.store.retention import Limits, Retention
from proxy.store.rows import Rows
from proxy.store.sql import Connection, StoreError, UnfitError
from proxy.store.tables import Row, write
from schemas.record import CallRecord, RunRecord

Record = CallRecord | RunRecord

RETRY = 1.0
"""Seconds until what the disk has refused is tried again, should nothing else come."""
GATHER = 0.05
"""Seconds from the first record to its commit: a batch costs one transaction."""
WAITING = 5000
"""Records kept while the disk refuses them; the oldest go first, and are counted."""
BATCH = 1000
"""Records written in one transaction at most."""
PRUNE_EVERY = 2000
"""Records between two looks at the file's size and age."""
PRUNE_AFTER = 3600.0
"""Seconds between two such looks at most, where records come at all."""

_log: structlog.stdlib.BoundLogger = structlog.get_logger("proxy.store")


class Writer:
    """Owns the thread and the connection.

    `opened` connects, and is called in the thread, again after a failure; None keeps nothing. `note` is called with
    every record, in the thread, before it is written. `lost` is told how many records were lost so far, and why.
    `worked` tells whether anything was ever written, `stalled` whether somebody has waited in vain since, `trouble` why
    the disk refuses records now, "" where it does not.
    """

    def __init__(
        self,
        rows: Rows,
        opened: Callable[[], Connection] | None,
        note: Callable[[Record], None],
        lost: Callable[[int, str], None] = lambda count, why: None,
        limits: Limits | None = None,
    ) -> None:
        self.lost = 0
        self.trouble = ""
        self._told = 0
        self._why = ""
        self._tell = lost
        self.stalled = False
        self.worked = False
        self._rows = rows
        self._open = opened
        self._limits = limits or Limits()
        self._note = note
        self._queue: deque[Record] = deque()
        self._waiting: deque[list[Row]] = deque()
        self._flushes: deque[Future[bool]] = deque()
        self._wake = threading.Event()
        self._hurry = threading.Event()
        self._closing = False
        self._since_pruning = PRUNE_EVERY
        self._looked = 0.0
        self._pruning = False
        self._pruned = 0
        self._connection: Connection | None = None
        self._retention: Retention | None = None
        self._thread = threading.Thread(target=self._work, name="mcp-mend journal", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def put(self, record: Record) -> None:
        """Hand over one record."""
        self._queue.append(record)
        if not self._wake.is_set():
            self._wake.set()

    @property
    def backlog(self) -> int:
        """Records handed over and not written yet."""
        return len(self._queue) + len(self._waiting)

    def flush(self) -> Future[bool]:
        """A future that tells, once that is known, whether everything handed over so far is on disk."""
        done: Future[bool] = Future()
        if self._closing:
            done.set_result(not self._waiting and not self._queue)
            return done
        self._flushes.append(done)
        self._hurry.set()
        self._wake.set()
        return done

    def close(self, timeout: float = 5) -> None:
        """Write what is left and end the thread."""
        self._closing = True
        self._hurry.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout)
        left = self.lost + (len(self._waiting) + len(self._queue) if self._open is not None else 0)
        if left:
            _log.warning("records are not in the journal", lost=left)
            self._tell(left, self._why or "the disk was too slow")

    def _work(self) -> None:
        while True:
            self._wake.wait(0 if self._pruning else RETRY if self._waiting else None)
            self._hurry.wait(GATHER)
            self._hurry.clear()
            self._wake.clear()
            closing = self._closing
            flushes = [self._flushes.popleft() for _ in range(len(self._flushes))]
            self._write_queue()
            for done in flushes:
                _settle(done, written=not self._waiting)
            self._tell_losses()
            if closing and not self._queue:
                break
            if self._pruning and not self._queue:
                self._prune()
        for done in self._flushes:
            _settle(done, written=not self._waiting)
        self._leave()

    def _write_queue(self) -> None:
        """Write what is in the queue now, batch after batch; a disk that refuses is tried once for all of it."""
        left = len(self._queue)
        while True:
            self._take(min(left, BATCH))
            left -= BATCH
            if left <= 0 or not self.trouble:
                self._store()
            if left <= 0:
                break

    def _take(self, records: int) -> None:
        """Turn so many records of the queue into rows; one that cannot be written down is counted, not raised."""
        for _ in range(records):
            record = self._queue.popleft()
            try:
                self._note(record)
                if self._open is not None:
                    self._waiting.append(self._rows.of(record))
            except Exception:  # noqa: BLE001  whatever a record holds, the thread goes on
                self.lost += 1
                self._why = "a record could not be written down"
                _log.warning("a record could not be written down", exc_info=True)
            if len(self._waiting) > WAITING:
                self._waiting.popleft()
                self.lost += 1

    def _store(self) -> None:
        if not self._waiting or self._open is None:
            return
        try:
            if self._connection is not None and self._connection.moved:
                _log.warning("the journal was deleted or replaced; a new one is begun")
                self._leave()
            held = self._connection is not None
            try:
                self._write(self._connected(self._open), list(self._waiting))
            except StoreError:
                if not held or self._connection is None or not self._connection.moved:
                    raise
                self._leave()  # the server has ended a connection that was idle
                self._write(self._connected(self._open), list(self._waiting))
        except (StoreError, OSError) as error:
            self._failed(error)
            return
        self._since_pruning += len(self._waiting)
        self._waiting.clear()
        self.worked, self.stalled = True, False
        if self.trouble:
            self.trouble = ""
            _log.warning("the journal is written again", lost=self.lost)
        now = time.monotonic()
        if self._since_pruning >= PRUNE_EVERY or now - self._looked >= PRUNE_AFTER:
            self._since_pruning, self._looked, self._pruning = 0, now, True

    def _connected(self, opened: Callable[[], Connection]) -> Connection:
        if self._connection is None:
            self._connection = opened()
            self._retention = Retention(self._connection, self._limits)
        return self._connection

    def _leave(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = self._retention = None

    def _write(self, connection: Connection, batch: list[list[Row]]) -> None:
        """Write a batch; of one that does not fit, each half, down to the record that spoils it, which is counted."""
        try:
            write(connection, (row for rows in batch for row in rows))
        except UnfitError as error:
            if len(batch) > 1:
                self._write(connection, batch[: len(batch) // 2])
                self._write(connection, batch[len(batch) // 2 :])
                return
            self.lost += 1
            self._why = f"a record did not fit the journal's tables: {error}"
            _log.warning("a record did not fit the journal's tables", reason=str(error), lost=self.lost)

    def _failed(self, error: Exception) -> None:
        if not self.trouble:
            _log.warning("the journal cannot be written; calls go on without it", reason=str(error))
        self.trouble = self._why = str(error) or type(error).__name__
        if self._connection is not None and self._connection.moved:
            self._leave()

    def _tell_losses(self) -> None:
        if self.lost > self._told:
            self._told = self.lost
            self._tell(self.lost, self._why)

    def _prune(self) -> None:
        """Delete a few entries; whoever hands over a record or waits for the disk comes before the next few."""
        try:
            gone = self._retention.some() if self._retention is not None else None
        except StoreError as error:
            self._pruning = False
            if self._connection is not None and self._connection.moved:
                self._leave()  # the next batch connects again, or says why it cannot
            else:
                self._failed(error)
            return
        self._pruned += gone or 0
        if gone is None:
            self._pruning = False
            if self._pruned:
                _log.info("the journal's oldest entries were pruned", entries=self._pruned)
            self._pruned = 0


def _settle(done: Future[bool], *, written: bool) -> None:
    """Wake whoever waits, unless it has given up waiting."""
    if done.set_running_or_notify_cancel():
        done.set_result(written)
