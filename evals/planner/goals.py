"""Goals alone: the task of each gold chain handed to the product without steps, and the value it answers with.

The stages are the plan as it was made, after one round of repairs, and after the whole search.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evals.cases import chains
from evals.cases.client import Connection
from evals.cases.plans import close
from evals.cases.workspace import Options, folder, served
from evals.cases.world import world

SECONDS = 600.0
"""For one goal; a model on a busy machine may need minutes."""
STAGES: Mapping[str, Mapping[str, Any]] = {
    "as made": {"mode": "off"},
    "one round of repairs": {"budget": {"generations": 1}},
    "evolved": {},
}


@dataclass(frozen=True)
class Told:
    """What came back for one goal."""

    goal: str
    stage: str
    right: bool
    claimed: bool
    output: Any
    planner_calls: int
    seconds: float


async def run(
    file: Path,
    model: Path | None,
    deadline: float,
    match: str,
    only: str,
    tell: Callable[[Told], None],
) -> list[Told]:
    """Hand over the goals of a file of chains whose id contains `match`, in the stages whose name contains `only`.

    None as the model: without one.
    """
    read = chains.load(file)
    settings = {"planner": {"model": str(model), "deadline": deadline}} if model else {}
    found: list[Told] = []
    with folder() as home:
        here = world(read, home)
        here.lay_out()
        async with served(
            Options(planner="auto" if model else "none", settings=settings), home, here.servers()
        ) as connection:
            await connection.listed(len(here.servers()))
            for case in here.filled(read["gold"]):
                if match not in case["id"]:
                    continue
                for stage, more in ((stage, more) for stage, more in STAGES.items() if only in stage):
                    here.lay_out()
                    found.append(await _asked(case, connection, stage, {"goal": case["task"], **more}))
                    tell(found[-1])
    return found


async def _asked(case: Mapping[str, Any], connection: Connection, stage: str, sent: Mapping[str, Any]) -> Told:
    patient = {**sent, "budget": {"seconds": SECONDS, **sent.get("budget", {})}}
    answer = await connection.call("run_workflow", patient, seconds=SECONDS)
    report = (answer.result or {}).get("structuredContent") or {}
    output = report.get("output")
    claimed = report.get("status") in ("succeeded", "repaired")
    right = close(output, case["expected"], case["tolerance"])
    calls = (report.get("search") or {}).get("planner_calls", 0)
    return Told(case["id"], stage, right and claimed, claimed, output, calls, answer.seconds)


def line(told: Told) -> str:
    """One goal in one line."""
    verdict = "right" if told.right else "wrong" if told.claimed else "failed"
    output = json.dumps(told.output)[:60]
    return f"{told.goal} | {told.stage} | {verdict} | {told.planner_calls} calls | {told.seconds:.1f} s | {output}"


def table(found: Sequence[Told]) -> str:
    """Right, wrong and failed goals of each stage."""
    lines = ["| stage | right | wrong | failed | s (median) |", "|---|---|---|---|---|"]
    for stage in dict.fromkeys(told.stage for told in found):
        mine = [told for told in found if told.stage == stage]
        right = sum(told.right for told in mine)
        wrong = sum(told.claimed and not told.right for told in mine)
        middle = sorted(told.seconds for told in mine)[len(mine) // 2]
        lines.append(f"| {stage} | {right} of {len(mine)} | {wrong} | {len(mine) - right - wrong} | {middle:.1f} |")
    return "\n".join(lines)
