"""Runs with effects that have not come to their end, so that another process can go on with one: effects once.

Whoever carries out a run holds it: its name stands with the run until a time that every note moves on. When that has
passed, another may take the run, which raises its fence; of a process of this very machine it is known whether it runs,
and that decides instead. A note under an older fence is refused, and the effect that it was to announce is not sent.
Kept apart from the journal, which leaves secrets out; deleted when the run ends.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from proxy.store.sql import Connection, StoreError
from proxy.store.state import State

LEASE = 60.0
"""Seconds after a note in which nobody else may take the run."""
DAYS = 30
"""Days after which a run that nobody went on with is forgotten."""


class HeldError(Exception):
    """Somebody else goes on with the run."""


@dataclass(frozen=True)
class Kept:
    """What is kept of a run: its notes in order, and the fence under which it is held now."""

    notes: Sequence[str]
    fence: int


class KeptRuns:
    """The runs of a place. Methods raise `StoreError` where it cannot be read or written."""

    def __init__(self, state: State) -> None:
        self._state = state
        self.shared = bool(state.place.url)
        """Whether processes of other machines may go on with a run."""

    async def begin(self, repair_id: str, notes: Sequence[str]) -> None:
        """Hold a run from now on, under the fence 1, with these notes."""

        def work(connection: Connection) -> None:
            now = connection.dialect.now
            with connection.transaction():
                old = f"SELECT repair_id FROM kept_runs WHERE at < {now} - ?"  # noqa: S608
                connection.run(f"DELETE FROM kept_lines WHERE repair_id IN ({old})", [DAYS * 86_400])  # noqa: S608
                connection.run(f"DELETE FROM kept_runs WHERE at < {now} - ?", [DAYS * 86_400])  # noqa: S608
                connection.run(
                    f"INSERT INTO kept_runs (repair_id, at, holder, until, fence) VALUES (?, {now}, ?, {now} + ?, 1)",  # noqa: S608
                    [repair_id, _holder(), LEASE],
                )
                _append(connection, repair_id, notes)

        await self._state.ask(work)

    async def note(self, repair_id: str, fence: int, note: str) -> None:
        """Add a note; raises `HeldError` where somebody else has taken the run."""
        await self._state.ask(lambda connection: _noted(connection, repair_id, fence, note))

    def note_later(self, repair_id: str, fence: int, note: str) -> None:
        """Add a note without waiting; of a run that somebody else has taken, none."""

        def work(connection: Connection) -> None:
            with suppress(HeldError):  # the next note that is waited for tells
                _noted(connection, repair_id, fence, note)

        self._state.later("a note of a run", work)

    async def settled(self) -> None:
        """Wait until everything noted so far is written, or was refused."""
        with suppress(StoreError):
            await self._state.ask(lambda connection: connection)

    def take(self, repair_id: str) -> Future[Kept | None]:
        """Hold a run that nobody holds any more; None where nothing is kept of it; raises `HeldError`."""

        def work(connection: Connection) -> Kept | None:
            now = connection.dialect.now
            found = f"SELECT holder, fence, until > {now} AS held FROM kept_runs WHERE repair_id = ? "  # noqa: S608
            with connection.transaction():
                rows = connection.rows(found + connection.dialect.held, [repair_id])
                if not rows:
                    return None
                alive = _alive(rows[0]["holder"])
                if alive or (alive is None and rows[0]["held"]):
                    raise HeldError(repair_id)
                fence = rows[0]["fence"] + 1
                connection.run(
                    f"UPDATE kept_runs SET holder = ?, fence = ?, until = {now} + ? WHERE repair_id = ?",  # noqa: S608
                    [_holder(), fence, LEASE, repair_id],
                )
                lines = connection.rows("SELECT line FROM kept_lines WHERE repair_id = ? ORDER BY number", [repair_id])
                return Kept([row["line"] for row in lines], fence)

        return self._state.submit(work)

    def end(self, repair_id: str, fence: int) -> None:
        """Forget a run that has come to its end, unless somebody else has taken it."""

        def work(connection: Connection) -> None:
            with connection.transaction():
                if connection.run("DELETE FROM kept_runs WHERE repair_id = ? AND fence = ?", [repair_id, fence]):
                    connection.run("DELETE FROM kept_lines WHERE repair_id = ?", [repair_id])

        self._state.later("the end of a run", work)


def _noted(connection: Connection, repair_id: str, fence: int, note: str) -> None:
    with connection.transaction():
        until = f"UPDATE kept_runs SET until = {connection.dialect.now} + ? WHERE repair_id = ? AND fence = ?"  # noqa: S608
        if not connection.run(until, [LEASE, repair_id, fence]):
            raise HeldError(repair_id)
        _append(connection, repair_id, [note])


def _append(connection: Connection, repair_id: str, notes: Sequence[str]) -> None:
    rows = connection.rows("SELECT coalesce(max(number), 0) AS last FROM kept_lines WHERE repair_id = ?", [repair_id])
    for number, note in enumerate(notes, rows[0]["last"] + 1):
        connection.run("INSERT INTO kept_lines (repair_id, number, line) VALUES (?, ?, ?)", [repair_id, number, note])


def _holder() -> str:
    return f"{_machine()}/{os.getpid()}/{_began(os.getpid())}"


def _alive(holder: str) -> bool | None:
    """Tell whether a holder is a process of this machine that runs; None where that cannot be told from here."""
    machine, pid, began = holder.split("/")
    found = _began(int(pid)) if machine == _machine() and os.name == "posix" else None
    return None if found is None else found == began


def _began(pid: int) -> str | None:
    """When a process of this machine began, by its kernel's clock; "" for one that has ended, None where unknown."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return ""
    except OSError:
        pass  # another user's: it is there
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    return "" if fields[0] == "Z" else fields[19]


@lru_cache(maxsize=1)
def _machine() -> str:
    """The machine since it was started last, as far as pids are its own: a container is another one."""
    try:
        space = Path("/proc/self/ns/pid").readlink()
        return f"{Path('/proc/sys/kernel/random/boot_id').read_text(encoding='ascii').strip()}.{space}"
    except OSError:
        return f"{uuid.getnode():x}"
