"""The journal's entries page by page, newest first, with search and filters; reads only.

A page costs the rows it shows, not the rows there are: every filter has an index, and a page begins where the last
one ended (`Place`), not at an offset. Only a search reads on until it has a page full: 100,000 calls take about 0.1 s,
which costs a call nothing, as an index of their words would.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Generator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Row = dict[str, Any]
PAGE = 50
"""Entries of one page."""

_CALLS = "call_id AS id, 'call' AS kind, at, session, server, tool, outcome AS status, ms, message AS said, repair_id"
_RUNS = (
    "repair_id AS id, CASE kind WHEN 'call' THEN 'repair' ELSE kind END AS kind, at, session, '' AS server, '' AS tool,"
    " status, seconds * 1000 AS ms, coalesce(nullif(error_before, ''), error_after) AS said, repair_id"
)
_SEARCHED = {
    "calls": ("tool", "server", "message", "arguments", "reply", "call_id"),
    "runs": ("plan_before", "plan_after", "error_before", "error_after", "repair_id"),
}
"""Columns whose text is searched: a word of the search must stand in one of them, in letters of either size."""
_TENANT = "tenant <> '' AND tenant = ?"
"""One tenant's: so that the index which leaves everything else out is used."""
_OF_RUN = "SELECT repair_id, server, tool FROM calls WHERE repair_id IN ({}) ORDER BY number"
_CHANGES = "SELECT repair_id, count(*) FROM repairs WHERE repair_id IN ({}) GROUP BY repair_id"
_HAS = "EXISTS (SELECT 1 FROM calls WHERE calls.repair_id = runs.repair_id AND +calls.{} = ?)"
"""`+` keeps SQLite from reading every call of a server for every run: it reads the few calls of the run."""


@dataclass(frozen=True)
class Place:
    """Where a page ended: the time of its last entry, whether that was a run, and its number."""

    at: float
    run: bool
    number: int

    @classmethod
    def read(cls, text: str) -> Place | None:
        """A place from an address; None for anything that is none."""
        found = re.fullmatch(r"(\d{1,12}(?:\.\d{1,9})?)([rc])(\d{1,15})", text)
        return cls(float(found[1]), found[2] == "r", int(found[3])) if found else None

    def __str__(self) -> str:
        return f"{self.at!r}{'r' if self.run else 'c'}{self.number}"


@dataclass(frozen=True)
class Wanted:
    """What to list; "" leaves a filter open. `kind` "" shows runs, and the calls that belong to none."""

    text: str = ""
    server: str = ""
    tool: str = ""
    status: str = ""
    session: str = ""
    kind: str = ""
    tenant: str | None = None
    """Whose entries: one tenant's alone; None: everybody's."""
    since: float | None = None
    before: Place | None = None


@contextmanager
def connected(path: Path) -> Generator[sqlite3.Connection]:
    """The journal, opened to be read; raises `FileNotFoundError` where there is none yet."""
    if not path.is_file():
        raise FileNotFoundError(path)
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=5)) as connection:
        connection.row_factory = sqlite3.Row
        yield connection


def page(connection: sqlite3.Connection, wanted: Wanted) -> tuple[list[Row], Place | None]:
    """The newest entries that fit, at most `PAGE`, and where the next page begins; None at the end."""
    found: list[Row] = []
    for statement, values in statements(wanted):
        found += [dict(row) for row in connection.execute(statement, values)]
    found.sort(key=_order, reverse=True)
    more = found[PAGE:]
    found = found[:PAGE]
    _name_runs(connection, found)
    last = found[-1] if more else None
    return found, Place(last["at"], last["kind"] != "call", last["number"]) if last else None


def statements(wanted: Wanted) -> list[tuple[str, list[Any]]]:
    """The queries of one page, each with its values."""
    made: list[tuple[str, list[Any]]] = []
    if wanted.kind in ("", "call"):
        made.append(_calls(wanted))
    if wanted.kind in ("", "repair", "workflow"):
        made.append(_runs(wanted))
    return made


def choices(connection: sqlite3.Connection, tenant: str | None = None) -> dict[str, list[str]]:
    """What the filters offer: servers, tools and statuses of the journal, each found by skipping along its index.

    Those of one `tenant` are found by reading its entries.
    """
    if tenant is not None:
        return {
            "servers": _own(connection, tenant, "server", "calls"),
            "tools": _own(connection, tenant, "tool", "calls"),
            "statuses": sorted(
                {*_own(connection, tenant, "outcome", "calls"), *_own(connection, tenant, "status", "runs")}
            ),
        }
    return {
        "servers": _distinct(connection, "calls", "server"),
        "tools": _distinct(connection, "calls", "tool"),
        "statuses": sorted({*_distinct(connection, "calls", "outcome"), *_distinct(connection, "runs", "status")}),
    }


def _distinct(connection: sqlite3.Connection, table: str, column: str) -> list[str]:
    """Every value of a column, at most 500, with one look into its index for each."""
    statement = (
        f"WITH RECURSIVE each(value) AS (SELECT min({column}) FROM {table} UNION ALL "  # noqa: S608  names are ours
        f"SELECT (SELECT min({column}) FROM {table} WHERE {column} > value) FROM each WHERE value IS NOT NULL) "
        "SELECT value FROM each WHERE value IS NOT NULL AND value <> '' LIMIT 500"
    )
    return [row[0] for row in connection.execute(statement)]


def _own(connection: sqlite3.Connection, tenant: str, column: str, table: str) -> list[str]:
    statement = f"SELECT DISTINCT {column} FROM {table} WHERE {_TENANT} ORDER BY {column} LIMIT 500"  # noqa: S608  ours
    return [row[0] for row in connection.execute(statement, (tenant,))]


def _calls(wanted: Wanted) -> tuple[str, list[Any]]:
    conditions: list[tuple[str, Any]] = [
        ("server = ?", wanted.server),
        ("tool = ?", wanted.tool),
        ("outcome = ?", wanted.status),
    ]
    alone = ["repair_id IS NULL"] if wanted.kind == "" else []
    return _statement("calls", _CALLS, wanted, conditions, alone)


def _runs(wanted: Wanted) -> tuple[str, list[Any]]:
    conditions: list[tuple[str, Any]] = [
        (_HAS.format("server"), wanted.server),
        (_HAS.format("tool"), wanted.tool),
        ("status = ?", wanted.status),
        ("kind = ?", {"repair": "call", "workflow": "workflow"}.get(wanted.kind)),
    ]
    return _statement("runs", _RUNS, wanted, conditions, [])


def _statement(
    table: str, columns: str, wanted: Wanted, conditions: Sequence[tuple[str, Any]], bare: Sequence[str]
) -> tuple[str, list[Any]]:
    everything = [*conditions, ("session = ?", wanted.session), ("at >= ?", wanted.since), (_TENANT, wanted.tenant)]
    given = [(condition, value) for condition, value in everything if value not in ("", None)]
    texts, values = [*bare, *(condition for condition, _ in given)], [value for _, value in given]
    for word in wanted.text.split()[:8]:
        pattern = "%" + re.sub("([~%_])", r"~\1", word) + "%"
        texts.append("(" + " OR ".join(f"{column} LIKE ? ESCAPE '~'" for column in _SEARCHED[table]) + ")")
        values += [pattern] * len(_SEARCHED[table])
    if wanted.before is not None:
        text, more = _before(wanted.before, runs=table == "runs")
        texts.append(text)
        values += more
    where = f" WHERE {' AND '.join(texts)}" if texts else ""
    statement = f"SELECT number, {columns} FROM {table}{where} ORDER BY at DESC, number DESC LIMIT {PAGE + 1}"  # noqa: S608
    return statement, values


def _before(place: Place, *, runs: bool) -> tuple[str, list[Any]]:
    """What comes after a place in the order of the list: of one time runs stand above calls."""
    if runs == place.run:
        return "(at, number) < (?, ?)", [place.at, place.number]
    return ("at < ?" if runs else "at <= ?"), [place.at]


def _order(row: Row) -> tuple[float, bool, int]:
    return row["at"], row["kind"] != "call", row["number"]


def _name_runs(connection: sqlite3.Connection, rows: list[Row]) -> None:
    """Give each run the servers and tools of its calls, and how many changes were made."""
    runs = {row["id"]: row for row in rows if row["kind"] != "call"}
    for row in rows:
        row["changes"] = 0
    if not runs:
        return
    marks = ", ".join("?" * len(runs))
    names: dict[str, dict[str, str]] = {}
    for repair_id, server, tool in connection.execute(_OF_RUN.format(marks), list(runs)):
        names.setdefault(repair_id, {})[tool] = server
    for repair_id, found in names.items():
        runs[repair_id]["tool"] = ", ".join(found)
        runs[repair_id]["server"] = ", ".join(dict.fromkeys(server for server in found.values() if server))
    for repair_id, count in connection.execute(_CHANGES.format(marks), list(runs)):
        runs[repair_id]["changes"] = count
