"""Chains of steps over real servers, whole and with faults, through one `mcp-mend serve`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from evals.cases.outcome import Outcome
from evals.cases.plans import Ran, close
from evals.cases.workspace import Options, folder, read_log, served
from evals.cases.world import world

Runner = Callable[[Mapping[str, Any]], Awaitable[list[Outcome]]]


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
        async with served(options, home, upstreams) as connection:
            await connection.listed(len(upstreams))

            async def run(case: Mapping[str, Any]) -> list[Outcome]:
                here.lay_out()
                case, seen = here.filled(case), len(read_log(log))
                plan = options.plan(case["steps"], case["task"], output=case["final"])
                answer = await connection.call("run_workflow", plan)
                return [grade(case, Ran(answer, read_log(log)[seen:]))]

            yield run


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
