"""Chains of calculations over three real servers, whole and with one fault, through one `mcp-mend serve`."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from benchmarks.cases.client import Connection, connect
from benchmarks.cases.outcome import Outcome
from benchmarks.cases.plans import Ran, close
from benchmarks.cases.reference import execute, resolved
from benchmarks.cases.workspace import Options, Server, folder, read_log, served

Runner = Callable[[Mapping[str, Any]], Awaitable[list[Outcome]]]


def load(path: Path) -> list[dict[str, Any]]:
    """Gold chains (fault "gold") and broken ones; each knows how many calls its gold chain needs."""
    file = json.loads(path.read_text())
    needs = {case["id"]: len(case["steps"]) for case in file["gold"]}
    gold = [{**case, "gold": case["id"], "fault": "gold"} for case in file["gold"]]
    return [{**case, "gold_calls": needs[case["gold"]]} for case in (*gold, *file["broken"])]


def servers() -> dict[str, Server]:
    """The three servers of the chains, as the registry has them."""
    old_sdk = ["--with", "mcp<2"]
    converter = ["uvx", "--from", "unit-converter-mcp==0.1.2", *old_sdk, "unit-converter-mcp"]
    medcalc = ["uvx", "--python", _python312(), "--from", "medcalc==0.4.0", *old_sdk, "medcalc"]
    clock = ["uvx", "--from", "mcp-server-time==2026.10.19", "mcp-server-time", "--local-timezone", "UTC"]
    return {
        "Unit Converter": Server(converter, {}),
        "Medical Calculator": Server(medcalc, {}),
        "Time MCP": Server(clock, {}),
    }


def _python312() -> str:
    """An interpreter that uv may not find by itself: pyenv's, where there is one."""
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = sorted(versions.glob("3.12*/bin/python3.12"))
    return str(found[-1]) if found else "3.12"


@asynccontextmanager
async def running(options: Options) -> AsyncIterator[Runner]:
    """Start everything once and yield what runs one case."""
    with folder() as home:
        log = home / "calls.jsonl"
        upstreams = {name: server.tapped(log) for name, server in servers().items()}
        async with AsyncExitStack() as stack:
            if options.direct:
                connections = {
                    name: await stack.enter_async_context(
                        connect(server.command, server.env, home / "stderr.log", options.mode)
                    )
                    for name, server in upstreams.items()
                }
                yield lambda case: _direct(case, connections)
            else:
                connection = await stack.enter_async_context(served(options, home, upstreams))
                await connection.listed(len(upstreams))
                yield lambda case: _proxied(case, connection, options, log)


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


def _groups(case: Mapping[str, Any]) -> tuple[str, ...]:
    fault = case["fault"]
    if fault == "gold":
        return ("chains/gold",)
    return ("chains/broken", *(() if fault == "order" else ("chains/broken, order apart",)), f"chains/fault {fault}")


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
