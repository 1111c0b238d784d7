"""Read the journal: lists with filters, one entry by its id, figures; and follow what is written. Opens it read-only.

Entries come as dicts of JSON values, with `kind` call, repair or workflow and `time` in UTC.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from proxy.store.figures import figures
from proxy.store.sql import Connection, Dialect, Place
from proxy.store.sql.connection import Value
from proxy.store.tables import SEARCHED

Kind = Literal["call", "repair", "workflow"]
Entry = dict[str, Any]

_JSON = frozenset(
    {"arguments", "reply", "plan_before", "plan_after", "report", "value_before", "value_after", "candidates", "tried"}
)
_OUR_OWN = frozenset({"written"})
"""Columns that say nothing of an entry."""
_HAS_CALL = "EXISTS (SELECT 1 FROM calls WHERE calls.repair_id = runs.repair_id AND {})"

Condition = tuple[str, list[Value]]
"""A condition and its values."""
Where = list[Condition]


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
    tenant: str | None = None
    text: str | None = None
    kind: Kind | None = None
    limit: int | None = 20


@dataclass(frozen=True)
class Position:
    """How far somebody has followed the journal: everything that arrived before is seen."""

    calls: int = 0
    runs: int = 0


@contextmanager
def open_reader(place: Place) -> Generator[Reader]:
    """Open a journal that exists; raises `FileNotFoundError` where there is none, and `StoreError`."""
    connection = place.read("journal")
    try:
        yield Reader(connection)
    finally:
        connection.close()


class Reader:
    """An open journal. Every method may raise `StoreError`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._dialect = connection.dialect

    def entries(self, wanted: Filter) -> list[Entry]:
        """Calls and runs that fit, oldest first."""
        found: list[Entry] = []
        if wanted.kind in {None, "call"}:
            found += self._select("calls", _calls_where(wanted, self._dialect), wanted.limit)
        if wanted.kind != "call":
            found += self._select("runs", _runs_where(wanted, self._dialect), wanted.limit)
        found.sort(key=_order)
        return found[-wanted.limit :] if wanted.limit else found

    def position(self) -> Position:
        """Where the journal is now: all that was written before is there, and none of it is to come."""
        settled = (f"{self._dialect.settled(table)} AS {table}" for table in ("calls", "runs"))
        return Position(**self._connection.rows(f"SELECT {', '.join(settled)}")[0])

    def between(self, wanted: Filter, begin: Position, end: Position) -> list[Entry]:
        """What arrived between two positions and fits, oldest first; whoever goes on from `end` misses nothing."""
        found: list[Entry] = []
        if wanted.kind in {None, "call"}:
            arrived = self._arrived(begin.calls, end.calls)
            found += self._select("calls", [*_calls_where(wanted, self._dialect), arrived], wanted.limit)
        if wanted.kind != "call":
            arrived = self._arrived(begin.runs, end.runs)
            found += self._select("runs", [*_runs_where(wanted, self._dialect), arrived], wanted.limit)
        found.sort(key=_order)
        return found

    def any_between(self, begin: Position, end: Position) -> bool:
        """Tell whether anything arrived from one position to another."""
        (of_calls, ends), (of_runs, more) = self._arrived(begin.calls, end.calls), self._arrived(begin.runs, end.runs)
        either = f"EXISTS (SELECT 1 FROM calls WHERE {of_calls}) OR EXISTS (SELECT 1 FROM runs WHERE {of_runs})"  # noqa: S608
        return begin != end and bool(self._connection.rows(f"SELECT {either} AS found", [*ends, *more])[0]["found"])

    def _arrived(self, begin: int, end: int) -> Condition:
        return f"{self._dialect.arrival} >= ? AND {self._dialect.arrival} < ?", [begin, end]

    def _select(self, table: str, where: Where, limit: int | None) -> list[Entry]:
        cut = f" LIMIT {int(limit)}" if limit else ""
        condition = " AND ".join(condition for condition, _ in where) or "1 = 1"
        values = [value for _, values in where for value in values]
        rows = self._connection.rows(f"SELECT * FROM {table} WHERE {condition} ORDER BY number DESC{cut}", values)  # noqa: S608  table and where are ours
        return [_entry(row) for row in rows]

    def call(self, call_id: str) -> Entry:
        """One call by its full id."""
        return _entry(self._connection.rows("SELECT * FROM calls WHERE call_id = ?", (call_id,))[0])

    def run(self, repair_id: str) -> Entry:
        """One run by its full id, with its `repairs`, the problems `found` and those left, and its `sent` calls."""
        run = _entry(self._connection.rows("SELECT * FROM runs WHERE repair_id = ?", (repair_id,))[0])
        for key, statement in _PARTS.items():
            run[key] = [_part(row) for row in self._connection.rows(statement, (repair_id,))]
        run["sent"] = sorted(
            self._select("calls", [("repair_id = ?", [repair_id])], None), key=lambda call: call["call_id"]
        )
        return run

    def resolve(self, written: str, kind: Literal["call", "run"] | None = None) -> str:
        """The full id for what a person wrote: `last`, an id, its beginning or its end; raises `NoEntryError`."""
        tables = {"call": [("calls", "call_id")], "run": [("runs", "repair_id")]}.get(kind or "")
        tables = tables or [("runs", "repair_id"), ("calls", "call_id")]
        union = " UNION ALL ".join(f"SELECT {column} AS id, at FROM {table}" for table, column in tables)  # noqa: S608  constants
        if written == "last":
            newest = self._connection.rows(f"SELECT id FROM ({union}) AS ids ORDER BY at DESC LIMIT 1")  # noqa: S608
            if not newest:
                raise NoEntryError(f"the journal holds no {kind or 'entry'} yet")
            return newest[0]["id"]
        plain = _plain(written)
        for pattern in (plain, f"{plain}*", f"*_{plain}*", f"*{plain}"):
            fitting = f"SELECT id FROM ({union}) AS ids WHERE {self._dialect.fits('id')} LIMIT 6"  # noqa: S608
            found = [str(row["id"]) for row in self._connection.rows(fitting, (self._dialect.pattern(pattern),))]
            if len(found) == 1:
                return found[0]
            if found:
                raise NoEntryError(f"{written} fits several: {', '.join(found[:5])}{' ...' if len(found) > 5 else ''}")
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


def _calls_where(wanted: Filter, dialect: Dialect) -> Where:
    named = [_fits(dialect, "server", wanted.server), _fits(dialect, "tool", wanted.tool)]
    return _where(wanted, dialect, "calls", named, "outcome")


def _runs_where(wanted: Filter, dialect: Dialect) -> Where:
    named = [_fits(dialect, "calls.server", wanted.server), _fits(dialect, "calls.tool", wanted.tool)]
    named = [one and (_HAS_CALL.format(one[0]), one[1]) for one in named]
    kind = {"repair": "call", "workflow": "workflow"}.get(wanted.kind or "")
    return [*_where(wanted, dialect, "runs", named, "status"), *([("kind = ?", [kind])] if kind else [])]


def _where(wanted: Filter, dialect: Dialect, table: str, named: list[Condition | None], status: str) -> Where:
    plain = {f"{status} = ?": wanted.status, "at >= ?": wanted.since, "tenant = ?": wanted.tenant}
    session = _fits(dialect, "session", f"{wanted.session}*" if wanted.session else None)
    text = None if wanted.text is None else dialect.holds(SEARCHED[table], wanted.text)
    given: Where = [(condition, [value]) for condition, value in plain.items() if value is not None]
    return [*given, *(one for one in (*named, session, text) if one is not None)]


def _fits(dialect: Dialect, column: str, glob: str | None) -> Condition | None:
    return None if glob is None else (dialect.fits(column), [dialect.pattern(glob)])


def _order(entry: Entry) -> tuple[float, int]:
    return entry["at"], entry["number"]


def _entry(row: Mapping[str, Any]) -> Entry:
    entry = _part(row)
    kind = _kind(entry["kind"]) if "kind" in entry else "call"
    return {**entry, "kind": kind, "time": _time(entry["at"])}


def _part(row: Mapping[str, Any]) -> Entry:
    return {key: _read(value) if key in _JSON else value for key, value in row.items() if key not in _OUR_OWN}


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
