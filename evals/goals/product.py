"""Goals and plans through `mcp-mend serve`: the gold plans, goals without steps, and plans that a model wrote."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evals.cases.client import Connection
from evals.cases.plans import Ran
from evals.cases.workspace import Options, folder, read_log, served
from evals.goals import checks
from evals.goals.setting import Setting, setting
from evals.goals.told import Book, Told

Submission = Callable[[Mapping[str, Any]], Mapping[str, Any] | None]
"""What is handed to `run_workflow` for a goal, None where there is nothing to run."""

WRITTEN = Path(__file__).with_name("written")
SECONDS = 300.0
"""For one goal; a model on a busy machine may need minutes."""


@dataclass(frozen=True)
class Pass:
    """One run over all goals: its name in the table, what is submitted, and the planner's model ("" for none)."""

    run: str
    submission: Submission
    model: str = ""


def gold(goal: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The gold plan of a goal, as it is; nothing for a goal that cannot be reached."""
    if not goal["steps"]:
        return None
    output = {"output": goal["output"]} if "output" in goal else {}
    return {"goal": goal["goal"], "steps": goal["steps"], "mode": "off", **output}


def bare(goal: Mapping[str, Any]) -> Mapping[str, Any]:
    """The goal alone."""
    return {"goal": goal["goal"]}


def written(name: str) -> dict[str, Any]:
    """The plans that a model wrote, kept under a name; None where it did not complete one."""
    plans: dict[str, Any] = json.loads((WRITTEN / f"{name}.json").read_text())
    return plans


def planned(plans: Mapping[str, Any], more: Mapping[str, Any], goal: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """A plan that a model wrote for the goal, None where it wrote none."""
    steps = plans.get(goal["id"])
    return {"goal": goal["goal"], "steps": steps, **more} if steps else None


async def run(one: Pass, file: Mapping[str, Any], goals: Sequence[Mapping[str, Any]], book: Book) -> None:
    """Run what is still missing of a pass."""
    missing = [goal for goal in goals if not book.known(one.run, goal["id"])]
    if not missing:
        return
    async with serving(file, one.model) as (connection, here, log):
        for goal in missing:
            here.lay_out()
            before = len(read_log(log))
            sent = one.submission(goal)
            if sent is not None:
                sent = {**sent, "budget": {"seconds": SECONDS}}
                answer = await connection.call("run_workflow", sent, seconds=2 * SECONDS)
                book.add(_told(one.run, goal, Ran(answer, read_log(log)[before:]), here.place))
            else:
                impossible = not goal["steps"]
                book.add(Told(one.run, goal["id"], goal["kind"], right=impossible, claimed=False, executed=False))


@asynccontextmanager
async def serving(file: Mapping[str, Any], model: str = "") -> AsyncGenerator[tuple[Connection, Setting, Path]]:
    """The product over all servers, the world that they run in, and the log of the calls that reach them.

    Effects are those that servers tell, and for the others what `mcp-mend effects --write --yes` proposes. Nothing
    is learnt from one goal for the next.
    """
    settings: dict[str, Mapping[str, Any]] = {"evolution": {"memory": False}}
    if model:
        settings["planner"] = {"model": model, "deadline": SECONDS}
    options = Options(planner="auto" if model else "none", effects="written", settings=settings)
    with folder() as home:
        here = setting(file, home)
        here.lay_out()
        log = home / "calls.jsonl"
        servers = {name: server.tapped(log) for name, server in here.world.servers().items()}
        async with served(options, home, servers) as connection:
            await connection.listed(len(servers))
            yield connection, here, log


def _told(run: str, goal: Mapping[str, Any], ran: Ran, place: Path) -> Told:
    steps = list(ran.report.get("steps") or [])
    output = ran.report.get("output")
    return Told(
        run=run,
        goal=goal["id"],
        kind=goal["kind"],
        right=checks.right(goal, output, place, claimed=ran.claimed),
        claimed=ran.claimed,
        executed=bool(steps) and all(step.get("ok") for step in steps),
        repaired=bool(ran.repairs),
        calls=len(ran.calls),
        seconds=round(ran.answer.seconds, 2),
        output=output,
        detail={**ran.detail(), "plan": ran.report.get("plan")},
    )
