"""Tangled plans through the product's own search, in this process and without a wire: one call costs no milliseconds.

The verdicts are those that `mcp-mend serve` gives on the same plans; nothing is learnt from one process for the next.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import anyio

from catalog_cache.merge import public_name
from evals.cases.outcome import Outcome
from evals.cases.plans import close
from evals.cases.workspace import Options
from evals.search import harbour, tangled
from proxy.ports import Client, Upstreams
from proxy.store.memory import Memories
from proxy.workflows.workflow import Workflow
from schemas.catalog import Catalog, Tool, catalog_of
from schemas.report import Report
from schemas.trial import Reply
from tests.fakes import Book, Person, configured


class Harbour(Upstreams):
    """The harbour's tools as an upstream; `calls` counts what was sent to it.

    `terse`, it lists the names of arguments alone, and says what it wants only where it refuses.
    """

    def __init__(self, *, terse: bool = False) -> None:
        self.calls = 0
        self._catalog = catalog_of(
            Tool(tangled.SERVER, name, public_name(tangled.SERVER, name), _terse(listed) if terse else listed)
            for name, (listed, _) in harbour.TOOLS.items()
        )

    @property
    def catalog(self) -> Catalog:
        """The tools, always the same."""
        return self._catalog

    async def ready(self, server: str) -> None:
        """It is there from the start."""

    async def call(self, tool: Tool, params: Mapping[str, Any], client: Client | None = None) -> Reply:
        """Answer as the server does."""
        self.calls += 1
        await anyio.lowlevel.checkpoint()
        return Reply(result=harbour.answer(tool.name, params.get("arguments") or {}))


def _terse(listed: Mapping[str, Any]) -> dict[str, Any]:
    properties = dict[str, Any].fromkeys(listed["inputSchema"]["properties"], {})
    return {**listed, "inputSchema": {"type": "object", "properties": properties}}


async def outcomes(cases: Sequence[Mapping[str, Any]], options: Options, terse: bool = False) -> list[Outcome]:  # noqa: FBT001, FBT002 anyio.run passes by position
    """Run the cases one after the other through one workflow, as one proxy would."""
    where = Harbour(terse=terse)
    workflow = Workflow(configured(**options.settings), where, Book(), memories=Memories(None))
    found: list[Outcome] = []
    for case in cases:
        before, began = where.calls, time.perf_counter()
        report = await workflow.run(options.plan(case["steps"], case["task"], output=case["final"]), Person())
        found.append(_graded(case, report, where.calls - before, time.perf_counter() - began))
    return found


def _graded(case: Mapping[str, Any], report: Report, calls: int, seconds: float) -> Outcome:
    claimed = report.status in ("succeeded", "repaired")
    right = claimed and close(report.output, case["expected"], case["tolerance"])
    return Outcome(
        id=case["id"],
        groups=("tangled/broken", f"tangled/{case['fault']}"),
        verdict="right" if right else "wrong" if claimed else "abstained",
        feasible=claimed,
        calls=calls,
        gold_calls=case["gold_calls"],
        seconds=seconds,
        candidates=report.search.candidates,
    )
