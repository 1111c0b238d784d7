"""Retrieval: how long a search takes in a large catalog, and how often the right tool is near the top.

The tools that are searched are those of the decisions of kind `swap`: the call that failed and its goal are the
query, the tool of the right candidate is to be found among all tools of all decisions.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from catalog_cache.nearest import index
from evals.planner.decisions import Decision
from proxy.model.client import Remote
from proxy.model.models import embedding
from proxy.model.wire import Settings
from proxy.planner.shortlist import Shortlist
from schemas.catalog import Catalog, Tool, canonical, catalog_of

SIZE = 1600


async def report(decisions: list[Decision]) -> list[str]:
    """Lines of a table, with and without meanings."""
    lines = [
        "| search by | first | among 16 | ms at 1,600 tools, median / worst | reading 1,600 tools, s |",
        "|---|---|---|---|---|",
    ]
    tools = {tool.name: tool for decision in decisions for tool in decision.question.tools}
    lines.append(await _row(decisions, list(tools.values()), words_only=True))
    if embedding():
        lines.append(await _row(decisions, list(tools.values()), words_only=False))
    return lines


async def _row(decisions: list[Decision], tools: list[Tool], *, words_only: bool) -> str:
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings("", 512, 1, 0, 4096, 300, str(Path(folder) / "vectors.npz"))
        remote = Remote(settings, Path(folder))
        shortlist = Shortlist(None if words_only else remote)
        first, among, count = await _found(shortlist, decisions, catalog_of(tools))
        times, reading = await _timed(shortlist, decisions, large(tools))
        await shortlist.close()
        await remote.close()
    name = "words" if words_only else "words and meanings"
    spent = f"{statistics.median(times):.1f} / {max(times):.1f}"
    return f"| {name} | {first} of {count} | {among} of {count} | {spent} | {reading:.1f} |"


async def _found(shortlist: Shortlist, decisions: list[Decision], catalog: Catalog) -> tuple[int, int, int]:
    swaps = [decision for decision in decisions if decision.kind == "swap"]
    await shortlist.nearest(catalog, "x")
    await shortlist.learnt()
    first = among = 0
    for decision in swaps:
        step = decision.question.plan.steps[-1]
        query = f"{canonical(step.arguments)} {decision.question.plan.goal}"
        hits = await shortlist.nearest(catalog, query, name=step.tool)
        names = [hit.tool.name for hit in hits]
        wanted = decision.candidates[decision.gold].steps[-1].tool
        first += names[:1] == [wanted]
        among += wanted in names
    return first, among, len(swaps)


async def _timed(shortlist: Shortlist, decisions: list[Decision], catalog: Catalog) -> tuple[list[float], float]:
    begun = time.perf_counter()
    await shortlist.nearest(catalog, "x")
    await shortlist.learnt()
    reading = time.perf_counter() - begun
    times: list[float] = []
    for decision in decisions:
        begun = time.perf_counter()
        await shortlist.nearest(catalog, decision.question.plan.goal, name=decision.question.plan.steps[-1].tool)
        times.append((time.perf_counter() - begun) * 1000)
    return times, reading


def large(tools: list[Tool]) -> Catalog:
    """A catalog of SIZE tools: the given ones again and again, under numbered names."""
    many = [replace(tools[n % len(tools)], name=f"{tools[n % len(tools)].name}_{n}") for n in range(SIZE)]
    assert len(index(many).tools) == SIZE
    return catalog_of(many)
