"""The journal as the rest of the program holds it: hand over, flush, close."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import anyio
import anyio.to_thread
import structlog

from proxy.store import logs, losses
from proxy.store.ids import Ids
from proxy.store.logs import note
from proxy.store.redact import Redaction, option
from proxy.store.retention import Limits
from proxy.store.rows import Rows
from proxy.store.sql import Connection, Place, place_of
from proxy.store.sql.address import passwords
from proxy.store.writer import Record, Writer
from proxy.tracing import followed
from proxy.upstreams.auth.logins import held
from schemas.config import Config
from schemas.record import CallRecord, RunRecord

FLUSH_SECONDS = 2.0
"""A disk that takes longer than this does not hold back a call any more."""

_log: structlog.stdlib.BoundLogger = structlog.get_logger("proxy.store")


class StoredJournal:
    """Implements `proxy.ports.Journal` on one `Writer`; safe to use from any thread."""

    def __init__(self, writer: Writer, redaction: Redaction, place: Place, runs: Path | None = None) -> None:
        self.place = place
        self._runs = runs
        self._ids = Ids()
        self._redaction = redaction
        self._writer = writer
        self.new_id: Callable[[str], str] = self._ids.new

    @property
    def lost(self) -> int:
        """Records that could not be kept so far."""
        return self._writer.lost

    @property
    def trouble(self) -> str:
        """Why records cannot be written now, "" where they can."""
        return self._writer.trouble

    @property
    def waiting(self) -> int:
        """Records that are not on disk yet."""
        return self._writer.backlog

    def call(self, record: CallRecord) -> None:
        """Hand over one call."""
        self._writer.put(record)

    def run(self, record: RunRecord) -> None:
        """Hand over one repair or workflow run."""
        self._writer.put(record)
        if followed.by is not None:
            followed.by.ended(record)

    def folder(self) -> Path | None:
        """Where a run keeps what it needs to be gone on with; None where no journal is kept."""
        return self._runs

    def hide(self, text: str) -> str:
        """A text without the secrets in it."""
        return self._redaction.text(text)

    def hidden(self, value: Any) -> Any:
        """A JSON value without the secrets in it."""
        return self._redaction.value(value)

    def learn(self, config: Config) -> None:
        """Take in what a changed configuration holds secret, for the journal and for log lines."""
        for redaction in (self._redaction, logs.current()):
            redaction.learn(config.journal.redact, secrets_of(config))

    async def flush(self) -> bool:
        """Return once everything handed over was written, or given up; False where it may be missing from a journal.

        A journal that has not written a line since it was opened misses everything, which misleads nobody: True. Where
        somebody has just waited in vain, nobody waits again until it is written.
        """
        writer = self._writer
        if not writer.stalled:
            with anyio.move_on_after(FLUSH_SECONDS):
                written = await asyncio.wrap_future(writer.flush())
                return written or not writer.worked
            writer.stalled = True
            _log.warning("the journal was not written in time", seconds=FLUSH_SECONDS)
        return not writer.worked


@asynccontextmanager
async def open_journal(
    config: Config, place: Place | None = None, told: Callable[[Record], None] | None = None
) -> AsyncGenerator[StoredJournal]:
    """Keep a journal as `config.journal` says while the context lasts; on leaving, everything is written.

    `place` is where `config.store` says, unless another is given. `told` is called with every record, in the journal's
    thread.
    """

    def heard(record: Record) -> None:
        note(record)
        if told is not None:
            told(record)

    redaction = redaction_of(config)
    rows = Rows(redaction, config.journal.payloads)
    limits = Limits(config.journal.max_mb << 20, config.journal.max_days * 86400)
    where = place or place_of(config.store)
    since = time.time()

    def opened() -> Connection:
        connection = where.open("journal")
        losses.prepare(where.path("journal"))  # while there is room, which a full disk has not
        return connection

    def lost(records: int, why: str) -> None:
        losses.note(where.path("journal"), losses.Loss(os.getpid(), since, time.time(), records, why))

    writer = Writer(rows, opened if config.journal.enabled else None, heard, lost, limits)
    writer.start()
    try:
        yield StoredJournal(writer, redaction, where, where.folder / "runs" if config.journal.enabled else None)
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(writer.close)


def redaction_of(config: Config) -> Redaction:
    """What the configuration holds secret, and the tokens that come up while the program runs."""
    return Redaction(config.journal.redact, secrets_of(config), held)


def secrets_of(config: Config) -> frozenset[str]:
    """What the configuration holds secret: values of variables, and its own keys and tokens."""
    own = {config.planner.api_key, config.http.token, *passwords(config.store.url)}
    known = Redaction(config.journal.redact)
    for upstream in config.upstreams.values():
        pairs = [*upstream.env.items(), *upstream.headers.items(), *_in_args(upstream.args), *_in_url(upstream.url)]
        own |= {value for key, value in pairs if known.secret_key(key)}
    bare = {value.removeprefix("Bearer ").removeprefix("Basic ") for value in own}
    return config.secrets | own | bare


def _in_args(args: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The options of a command line with their values: `--token X`, `--token=X`, `-e TOKEN=X`."""
    for before, word in pairwise(("", *args)):
        name, equals, value = word.lstrip("-").partition("=")
        yield (name, value) if equals else (option(before), word)


def _in_url(url: str | None) -> Iterator[tuple[str, str]]:
    """What an address says besides where it leads: its password, and the parameters of its query."""
    parts = urlsplit(url or "")
    if parts.password:
        yield "password", unquote(parts.password)
    for name, value in parse_qsl(parts.query):
        yield (name if name.lower() != "key" else "api_key", value)
