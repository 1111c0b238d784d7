"""Read the journal: lists with filters, one entry by its id, figures. Opens the file read-only.

Entries come as dicts of JSON values, with `kind` call, repair or workflow and `time` in UTC.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from proxy.store.figures import figures

Kind = Literal["call", "repair", "workflow"]
Entry = dict[str, Any]

_JSON = frozenset(
    {"arguments", "reply", "plan_before", "plan_after", "report", "value_before", "value_after", "candidates", "tried"}
)
_HAS_CALL = "EXISTS (SELECT 1 FROM calls WHERE calls.repair_id = runs.repair_id AND calls.{} GLOB ?)"
_CALL_TEXT = "instr(lower(tool || coalesce(arguments, '') || coalesce(reply, '') || coalesce(message, '')), lower(?))"
_RUN_TEXT = (
    "instr(lower(coalesce(plan_before, '') || coalesce(plan_after, '') || coalesce(error_before, '')), lower(?))"
)


class NoEntryError(LookupError):
    """No entry, or more than one, fits an id that a person wrote."""


@dataclass(frozen=True)
class Filter:
    """Which entries to list: the newest `limit` of those that fit everything given (`server` and `tool` are globs)."""

    server: str | None = None
    tool: str | None = None
    status: str | None = None
    since: float | None = None
    session: str | None = None
    text: str | None = None
    kind: Kind | None = None
    tenant: str | None = None
    limit: int | None = 20


@contextmanager
def open_reader(path: Path) -> Generator[Reader]:
    """Open a journal that exists; raises `FileNotFoundError` where there is none."""
    if not path.is_file():
        raise FileNotFoundError(path)
    connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=5)
    connection.row_factory = sqlite3.Row
    try:
        yield Reader(connection)
    finally:
        connection.close()


class Reader:
    """An open journal."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def entries(self, wanted: Filter, after: tuple[int, int] = (-1, -1)) -> list[Entry]:
        """Calls and runs that fit, oldest first; `after` are the last call and run numbers already seen."""
        found: list[Entry] = []
        if wanted.kind in {None, "call"}:
            found += self._select("calls", *_calls_where(wanted, after[0]), wanted.limit)
        if wanted.kind != "call":
            found += self._select("runs", *_runs_where(wanted, after[1]), wanted.limit)
        found.sort(key=lambda entry: (entry["at"], entry["number"]))
        return found[-wanted.limit :] if wanted.limit else found

    def _select(self, table: str, where: str, values: list[Any], limit: int | None) -> list[Entry]:
        cut = f" LIMIT {int(limit)}" if limit else ""
        rows = self._connection.execute(f"SELECT * FROM {table} WHERE {where} ORDER BY number DESC{cut}", values)  # noqa: S608  table and where are ours
        return [_entry(row) for row in rows]

    def newest(self) -> tuple[int, int]:
        """The last call and run numbers."""
        row = self._connection.execute(
            "SELECT (SELECT max(number) FROM calls), (SELECT max(number) FROM runs)"
        ).fetchone()
        return row[0] or 0, row[1] or 0

    def call(self, call_id: str) -> Entry:
        """One call by its full id."""
        return _entry(self._connection.execute("SELECT * FROM calls WHERE call_id = ?", (call_id,)).fetchone())

    def run(self, repair_id: str) -> Entry:
        """One run by its full id, with its `repairs`, the problems `found` and those left, and its `sent` calls."""
        run = _entry(self._connection.execute("SELECT * FROM runs WHERE repair_id = ?", (repair_id,)).fetchone())
        for key, statement in _PARTS.items():
            run[key] = [_part(row) for row in self._connection.execute(statement, (repair_id,))]
        run["sent"] = sorted(
            self._select("calls", "repair_id = ?", [repair_id], None), key=lambda call: call["call_id"]
        )
        return run

    def resolve(self, written: str, kind: Literal["call", "run"] | None = None) -> str:
        """The full id for what a person wrote: `last`, an id, its beginning or its end; raises `NoEntryError`."""
        tables = {"call": [("calls", "call_id")], "run": [("runs", "repair_id")]}.get(kind or "")
        tables = tables or [("runs", "repair_id"), ("calls", "call_id")]
        union = " UNION ALL ".join(f"SELECT {column} AS id, at FROM {table}" for table, column in tables)  # noqa: S608  constants
        if written == "last":
            row = self._connection.execute(f"SELECT id FROM ({union}) ORDER BY at DESC LIMIT 1").fetchone()  # noqa: S608
            if row is None:
                raise NoEntryError(f"the journal holds no {kind or 'entry'} yet")
            return row[0]
        plain = _plain(written)
        for pattern in (plain, f"{plain}*", f"*_{plain}*", f"*{plain}"):
            rows = self._connection.execute(f"SELECT id FROM ({union}) WHERE id GLOB ? LIMIT 6", (pattern,)).fetchall()  # noqa: S608
            if len(rows) == 1:
                return rows[0][0]
            if rows:
                some = ", ".join(row[0] for row in rows[:5])
                raise NoEntryError(f"{written} fits several: {some}{' ...' if len(rows) > 5 else ''}")
        raise NoEntryError(f"the journal holds nothing called {written}; `mcp-mend log list` shows what it holds")

    def figures(self, since: float | None = None) -> dict[str, Any]:
        """What was called, what failed and how, what was saved, by tool, by rule and over time."""
        found = figures(self._connection, since)
        runs = [{**run, "kind": _kind(run["kind"])} for run in found["runs"]]
        first, last = found.pop("first"), found.pop("last")
        return {"since": _time(first) if first else None, "until": _time(last) if last else None, **found, "runs": runs}


_PARTS = {
    "repairs": "SELECT * FROM repairs WHERE repair_id = ? ORDER BY number",
    "problems": "SELECT * FROM problems WHERE repair_id = ? AND stage = 'left' ORDER BY number",
    "found": "SELECT * FROM problems WHERE repair_id = ? AND stage = 'found' ORDER BY number",
}


def _calls_where(wanted: Filter, after: int) -> tuple[str, list[Any]]:
    return _where(wanted, after, "server GLOB ?", "tool GLOB ?", "outcome = ?", _CALL_TEXT)


def _runs_where(wanted: Filter, after: int) -> tuple[str, list[Any]]:
    kind = {"repair": "call", "workflow": "workflow"}.get(wanted.kind or "")
    named = (_HAS_CALL.format("server"), _HAS_CALL.format("tool"))
    return _where(wanted, after, *named, "status = ?", _RUN_TEXT, ("kind = ?", kind))


def _where(
    wanted: Filter, after: int, server: str, tool: str, status: str, text: str, *more: tuple[str, Any]
) -> tuple[str, list[Any]]:
    conditions = [
        ("number > ?", after),
        (server, wanted.server),
        (tool, wanted.tool),
        (status, wanted.status),
        ("at >= ?", wanted.since),
        ("session GLOB ?", f"{wanted.session}*" if wanted.session else None),
        (text, wanted.text),
        ("tenant = ?", wanted.tenant),
        *more,
    ]
    given = [(condition, value) for condition, value in conditions if value is not None]
    return " AND ".join(condition for condition, _ in given), [value for _, value in given]


def _entry(row: sqlite3.Row) -> Entry:
    entry = _part(row)
    kind = _kind(entry["kind"]) if "kind" in entry else "call"
    return {**entry, "kind": kind, "time": _time(entry["at"])}


def _part(row: sqlite3.Row) -> Entry:
    return {key: _read(row[key]) if key in _JSON else row[key] for key in row.keys()}  # noqa: SIM118  a Row iterates over values


def _read(text: str | None) -> Any:
    return None if text is None else json.loads(text)


def _kind(written: str) -> str:
    return "repair" if written == "call" else written


def _plain(written: str) -> str:
    """What a person wrote with nothing in it that GLOB reads as a pattern."""
    return "".join(mark for mark in written if mark.isalnum() or mark in "_-") or "-"


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def public(entry: Mapping[str, Any]) -> Entry:
    """An entry as it is exported: without its row number, empty fields left out."""
    return {key: value for key, value in entry.items() if key != "number" and value not in (None, "", [])}
