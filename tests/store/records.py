"""Records as the program hands them over, for the tests of journal and `log` commands."""

from __future__ import annotations

from contextlib import closing
from typing import Any

from proxy.store import redaction_of, tables
from proxy.store.rows import Rows
from proxy.store.sql import Place
from schemas.config import Config
from schemas.record import CallRecord, RunRecord


def call(call_id: str = "call_a1", **fields: Any) -> CallRecord:
    given: dict[str, Any] = {
        "at": 1_700_000_000.0,
        "session": "session-1",
        "server": "units",
        "tool": "convert",
        "arguments": {"value": 1},
        "outcome": "ok",
        "ms": 2.5,
        "effect": "read",
        "reply": {"content": [{"type": "text", "text": "done"}]},
    }
    return CallRecord(call_id, **{**given, **fields})


def plan(**arguments: Any) -> dict[str, Any]:
    return {"steps": [{"id": "s", "tool": "convert", "server": "units", "arguments": arguments}]}


def run(repair_id: str = "run_b2", **fields: Any) -> RunRecord:
    given: dict[str, Any] = {
        "at": 1_700_000_001.0,
        "kind": "call",
        "session": "session-1",
        "status": "repaired",
        "before": plan(value="1"),
        "after": plan(value=1),
        "repairs": [
            {
                "op": "coerce_argument",
                "step": "s",
                "before": "1",
                "after": 1,
                "rule": "number_in_text",
                "evidence": "the schema wants a number",
                "confidence": "lossless",
            }
        ],
        "problems": [],
        "error_before": "value: not a number",
        "calls": 2,
        "seconds": 0.25,
    }
    return RunRecord(repair_id, **{**given, **fields})


def write(place: Place, *records: CallRecord | RunRecord, config: Config | None = None) -> None:
    """Write records into the journal of a place at once."""
    kept = Rows(redaction_of(config or Config()))
    with closing(place.open("journal")) as connection:
        tables.write(connection, [row for record in records for row in kept.of(record)])


def rows(place: Place, statement: str) -> list[tuple[Any, ...]]:
    """What a statement finds in the journal of a place."""
    with closing(place.read("journal")) as connection:
        return [tuple(row.values()) for row in connection.rows(statement)]
