"""The journal's entries page by page, newest first, with search and filters; reads only.

A page costs the rows it shows, not the rows there are: it begins where the last one ended (`Place`), not at an offset.
A filter goes along one index in time and reads on until it has a page full, as a search does along the rows: that costs
a call nothing, as an index for each would. An engine that has an index of words is asked for the newest rows first: of
a word that is everywhere it would read every row that holds it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from proxy.store.sql import Connection, Dialect, Row
from proxy.store.tables import SEARCHED

PAGE = 50
"""Entries of one page."""
NEWEST = 400
"""Rows that are looked through before an index of words is asked."""

_CALLS = "call_id AS id, 'call' AS kind, at, session, server, tool, outcome AS status, ms, message AS said, repair_id"
_RUNS = (
    "repair_id AS id, CASE kind WHEN 'call' THEN 'repair' ELSE kind END AS kind, at, session, '' AS server, '' AS tool,"
    " status, seconds * 1000 AS ms, coalesce(nullif(error_before, ''), error_after) AS said, repair_id"
)
_TENANT = "tenant <> '' AND tenant = ?"
"""One tenant's: so that the index which leaves everything else out is used."""
_OF_RUN = "SELECT repair_id, server, tool FROM calls WHERE repair_id IN ({}) ORDER BY number"
_CHANGES = "SELECT repair_id, count(*) AS changes FROM repairs WHERE repair_id IN ({}) GROUP BY repair_id"
_HAS = "EXISTS (SELECT 1 FROM calls WHERE calls.repair_id = runs.repair_id AND {} = ?)"


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


def page(connection: Connection, wanted: Wanted) -> tuple[list[Row], Place | None]:
    """The newest entries that fit, at most `PAGE`, and where the next page begins; None at the end."""
    found: list[Row] = []
    indexed = bool(wanted.text.split()) and connection.dialect.words
    for table, query in enumerate(statements(wanted, connection.dialect)):
        rows: list[Row] = []
        if indexed:
            rows = connection.rows(*statements(wanted, connection.dialect, NEWEST)[table])
        if len(rows) <= PAGE:
            rows = connection.rows(*query)
        found += rows
    found.sort(key=_order, reverse=True)
    more = found[PAGE:]
    found = found[:PAGE]
    _name_runs(connection, found)
    last = found[-1] if more else None
    return found, Place(last["at"], last["kind"] != "call", last["number"]) if last else None


def statements(wanted: Wanted, dialect: Dialect, newest: int | None = None) -> list[tuple[str, list[Any]]]:
    """The queries of one page, each with its values; for words in the `newest` rows alone where that is given."""
    made: list[tuple[str, list[Any]]] = []
    if wanted.kind in ("", "call"):
        made.append(_calls(wanted, dialect, newest))
    if wanted.kind in ("", "repair", "workflow"):
        made.append(_runs(wanted, dialect, newest))
    return made


def choices(connection: Connection, tenant: str | None = None) -> dict[str, list[str]]:
    """What the filters offer, at most 500 of each: servers, tools and statuses, read from the indexes.

    Those of one `tenant` are found by reading its entries.
    """
    own, values = (f" WHERE {_TENANT}", (tenant,)) if tenant is not None else ("", ())
    calls = connection.rows(f"SELECT DISTINCT server, tool, outcome FROM calls{own}", values)  # noqa: S608  ours
    runs = connection.rows(f"SELECT DISTINCT status FROM runs{own}", values)  # noqa: S608  ours
    found = {
        "servers": {row["server"] for row in calls},
        "tools": {row["tool"] for row in calls},
        "statuses": {row["outcome"] for row in calls} | {row["status"] for row in runs},
    }
    return {name: sorted(each - {""})[:500] for name, each in found.items()}


def _calls(wanted: Wanted, dialect: Dialect, newest: int | None) -> tuple[str, list[Any]]:
    conditions: list[tuple[str, Any]] = [
        (f"{dialect.filtered('server')} = ?", wanted.server),
        ("tool = ?", wanted.tool),
        ("outcome = ?", wanted.status),
    ]
    alone = ["repair_id IS NULL"] if wanted.kind == "" else []
    return _statement(dialect, "calls", _CALLS, wanted, conditions, alone, newest)


def _runs(wanted: Wanted, dialect: Dialect, newest: int | None) -> tuple[str, list[Any]]:
    conditions: list[tuple[str, Any]] = [
        (_HAS.format(dialect.filtered("calls.server")), wanted.server),
        (_HAS.format(dialect.filtered("calls.tool")), wanted.tool),
        ("status = ?", wanted.status),
        ("kind = ?", {"repair": "call", "workflow": "workflow"}.get(wanted.kind)),
    ]
    return _statement(dialect, "runs", _RUNS, wanted, conditions, [], newest)


def _statement(
    dialect: Dialect,
    table: str,
    columns: str,
    wanted: Wanted,
    conditions: Sequence[tuple[str, Any]],
    bare: Sequence[str],
    newest: int | None,
) -> tuple[str, list[Any]]:
    everything = [*conditions, ("session = ?", wanted.session), ("at >= ?", wanted.since), (_TENANT, wanted.tenant)]
    given = [(condition, value) for condition, value in everything if value not in ("", None)]
    texts, values = [*bare, *(condition for condition, _ in given)], [value for _, value in given]
    if wanted.before is not None:
        text, more = _before(wanted.before, runs=table == "runs")
        texts.append(text)
        values += more
    source, order = table, "ORDER BY at DESC, number DESC"
    if newest is not None:
        source = f"(SELECT * FROM {table}{_where(texts)} {order} LIMIT {newest}) AS {table}"  # noqa: S608
        texts = []
    for word in wanted.text.split()[:8]:
        text, patterns = dialect.holds(SEARCHED[table], word)
        texts.append(text)
        values += patterns
    statement = f"SELECT number, {columns} FROM {source}{_where(texts)} {order} LIMIT {PAGE + 1}"  # noqa: S608
    return statement, values


def _where(texts: Sequence[str]) -> str:
    return f" WHERE {' AND '.join(texts)}" if texts else ""


def _before(place: Place, *, runs: bool) -> tuple[str, list[Any]]:
    """What comes after a place in the order of the list: of one time runs stand above calls."""
    if runs == place.run:
        return "(at, number) < (?, ?)", [place.at, place.number]
    return ("at < ?" if runs else "at <= ?"), [place.at]


def _order(row: Row) -> tuple[float, bool, int]:
    return row["at"], row["kind"] != "call", row["number"]


def _name_runs(connection: Connection, rows: list[Row]) -> None:
    """Give each run the servers and tools of its calls, and how many changes were made."""
    runs = {row["id"]: row for row in rows if row["kind"] != "call"}
    for row in rows:
        row["changes"] = 0
    if not runs:
        return
    marks = ", ".join("?" * len(runs))
    names: dict[str, dict[str, str]] = {}
    for row in connection.rows(_OF_RUN.format(marks), list(runs)):
        names.setdefault(row["repair_id"], {})[row["tool"]] = row["server"]
    for repair_id, found in names.items():
        runs[repair_id]["tool"] = ", ".join(found)
        runs[repair_id]["server"] = ", ".join(dict.fromkeys(server for server in found.values() if server))
    for row in connection.rows(_CHANGES.format(marks), list(runs)):
        runs[row["repair_id"]]["changes"] = row["changes"]
