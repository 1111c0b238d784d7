"""Figures of the journal: how much was called, what failed, what repairs came of it."""

from __future__ import annotations

from typing import Any

from proxy.repair.view.shown import all_shown
from proxy.store.reader import Reader
from proxy.store.sql import Connection


def figures(connection: Connection) -> dict[str, Any]:
    """The figures of `log stats`, with the totals that stand on top of the page."""
    told = Reader(connection).figures()
    calls, runs = told["calls"], told["runs"]
    repaired = sum(run["times"] for run in runs if run["status"] == "repaired")
    ended = sum(run["times"] for run in runs if run["status"] in ("repaired", "suggested", "failed"))
    total = sum(calls.values())
    return all_shown(
        {**told, "total": total, "failed": total - calls.get("ok", 0), "repaired": repaired, "needed": ended}
    )
