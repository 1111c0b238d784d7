"""Chains of steps over real servers, whole and with faults, through one `mcp-mend serve`."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from evals.cases.client import Connection, connect
from evals.cases.outcome import Outcome
from evals.cases.plans import Ran, close
from evals.cases.reference import execute, resolved
from evals.cases.workspace import Options, folder, read_log, served
from evals.cases.world import World, world

Runner = Callable[[Mapping[str, Any]], Awaitable[list[Outcome]]]


def load(path: Path) -> dict[str, Any]:
    """The file of chains: its `gold` and `broken` cases, and what they run on."""
    file: dict[str, Any] = json.loads(path.read_text())
    return file


def cases(file: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Gold chains (fault "gold") and broken ones; each knows how many calls its gold chain needs."""
    needs = {case["id"]: len(case["steps"]) for case in file["gold"]}
    gold = [{**case, "gold": case["id"], "fault": "gold"} for case in file["gold"]]
    return [{**case, "gold_calls": needs[case["gold"]]} for case in (*gold, *file["broken"])]


@asynccontextmanager
async def running(options: Options, file: Mapping[str, Any]) -> AsyncIterator[Runner]:
    """Start the servers of a file of chains once and yield what runs one case."""
    with folder() as home:
        log = home / "calls.jsonl"
        here = world(file, home)
        here.lay_out()
        upstreams = {name: server.tapped(log) for name, server in here.servers().items()}
        async with AsyncExitStack() as stack:
            if options.direct:
                connections = {
                    name: await stack.enter_async_context(
                        connect(server.command, server.env, home / "stderr.log", options.mode)
                    )
                    for name, server in upstreams.items()
                }
                yield lambda case: _direct(_fresh(case, here), connections)
            else:
                connection = await stack.enter_async_context(served(options, home, upstreams))
                await connection.listed(len(upstreams))
                yield lambda case: _proxied(_fresh(case, here), connection, options, log)


def _fresh(case: Mapping[str, Any], here: World) -> Mapping[str, Any]:
    """The case with its places filled in; the files are as they were before any case."""
    here.lay_out()
    return here.filled(case)


async def _proxied(case: Mapping[str, Any], connection: Connection, options: Options, log: Path) -> list[Outcome]:
    seen = len(read_log(log))
    answer = await connection.call("run_workflow", options.plan(case["steps"], case["task"], output=case["final"]))
    return [grade(case, Ran(answer, read_log(log)[seen:]))]


def grade(case: Mapping[str, Any], ran: Ran) -> Outcome:
    """Compare the final value; a success with another value is wrong."""
    right = ran.claimed and close(ran.report.get("output"), case["expected"], case["tolerance"])
    return Outcome(
        id=case["id"],
        groups=_groups(case),
        verdict="right" if right else "wrong" if ran.claimed else "abstained" if ran.status else "crashed",
        feasible=ran.claimed,
        untouched=ran.untouched(case["gold_calls"]) if case["fault"] == "gold" else None,
        calls=len(ran.calls),
        gold_calls=case["gold_calls"],
        seconds=ran.answer.seconds,
        candidates=ran.candidates,
        detail={"expected": case["expected"], "silent": ran.claimed and not right and not ran.repairs, **ran.detail()},
    )


_COMBINED = ("two", "three")
"""Kinds of broken chains that have more than one fault."""


def _groups(case: Mapping[str, Any]) -> tuple[str, ...]:
    fault = case["fault"]
    if fault == "gold":
        return ("chains/gold",)
    if case.get("silent"):
        return ("chains/silent", f"chains/:silent {fault}")
    if fault in _COMBINED:
        return ("chains/combined", f"chains/fault {fault}")
    kinds = [f"chains/:{each['type']}" for each in case.get("faults", ())]
    apart = () if fault == "order" else ("chains/broken, order apart",)
    return ("chains/broken", *apart, f"chains/fault {fault}", *kinds)


async def _direct(case: Mapping[str, Any], connections: Mapping[str, Connection]) -> list[Outcome]:
    def connection_of(step: Mapping[str, Any]) -> Connection:
        return connections[step["server"]]

    run = await execute(case["steps"], connection_of)
    output: Any = None
    if not run.failure:
        try:
            output = resolved(case["final"], run.values)
        except LookupError as fault:
            run.failure = str(fault)
    right = not run.failure and close(output, case["expected"], case["tolerance"])
    return [
        Outcome(
            id=case["id"],
            groups=_groups(case),
            verdict="right" if right else "abstained" if run.failure else "wrong",
            feasible=not run.failure,
            untouched=right if case["fault"] == "gold" else None,
            calls=run.calls,
            gold_calls=case["gold_calls"],
            detail={"expected": case["expected"], "output": output, "failure": run.failure},
        )
    ]
