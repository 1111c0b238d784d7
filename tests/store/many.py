"""A journal of many calls, as weeks of use leave it: `python -m tests.store.many FOLDER [CALLS]`."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from proxy.store.redact import Redaction
from proxy.store.rows import Rows
from proxy.store.sql import Place
from proxy.store.tables import Row, write
from schemas.record import CallRecord, RunRecord
from tests.store.records import call, plan, run

KINDS = ("wrong_type", "unknown_tool", "missing_argument", "value_not_allowed", "refused")
DAYS = 30


def records(calls: int, last: float) -> Iterator[CallRecord | RunRecord]:
    """So many calls up to a time: one in twelve failed, of those three in five repaired."""
    chance = random.Random(7)  # noqa: S311  the same journal every time
    number = 0
    while number < calls:
        number += 1
        at = last - (calls - number) * DAYS * 86400 / calls
        where: dict[str, Any] = {"server": f"server-{number % 6}", "tool": f"tool_{number % 41}", "at": at}
        where |= {"session": f"session-{number // 200}", "ms": chance.random() * 300}
        text = {"type": "text", "text": "word " * chance.randrange(20, 200)}
        if chance.random() > 1 / 12:
            yield call(f"call_{number:08}", **where, reply={"content": [text]})
            continue
        ident, mended = f"run_{number:08}", chance.random() < 0.6
        refusal = {"isError": True, "content": [{"type": "text", "text": "not of type integer"}]}
        yield call(f"call_{number:08}", **where, outcome="refused", reply=refusal, repair_id=ident, step="call")
        if mended:
            number += 1
            yield call(f"call_{number:08}", **where, reply={"content": [text]}, repair_id=ident, step="call")
        problem = {"kind": chance.choice(KINDS), "step": "call", "message": "wrong"}
        status = "repaired" if mended else "failed"
        yield run(ident, at=at, status=status, problems=[problem], before=plan(v="1"), after=plan(v=1))


def fill(place: Place, calls: int, last: float) -> None:
    """Write such a journal."""
    rows = Rows(Redaction())
    with closing(place.open("journal")) as connection:
        batch: list[Row] = []
        for record in records(calls, last):
            batch += rows.of(record)
            if len(batch) > 5000:
                write(connection, batch)
                batch.clear()
        write(connection, batch)


if __name__ == "__main__":
    import time

    fill(Place(Path(sys.argv[1])), int(sys.argv[2]) if len(sys.argv) > 2 else 100_000, time.time())
