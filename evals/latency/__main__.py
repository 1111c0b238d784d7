"""Time repair decisions: `python -m evals.latency [--tools 1600] [--rounds 100]`.

Each figure is the processor time of a failing call or plan less that of its upstream; a sound one stands beside it.
Nothing else happens in this process, so that on an idle machine it is the time that a client waits.
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import anyio

from evals.latency.world import Upstreams
from proxy.calls.forward import Calls
from schemas.catalog import Tool
from schemas.config import Config
from schemas.trial import Reply
from tests.fakes import Book, Person

Case = tuple[str, Callable[[Tool], dict[str, Any]]]
FAULTS: tuple[Case, ...] = (
    ("sound call", lambda tool: {**sound(tool)}),
    ("number as text", lambda tool: {**sound(tool), "amount": "12"}),
    ("key in other case", lambda tool: {"amount": 12, _camel(_key(tool)): "a-1"}),
    ("arguments as JSON text", lambda tool: {"arguments": json.dumps(sound(tool))}),
    ("null and a surplus key", lambda tool: {**sound(tool), "amount": 12.0, "tool_call_id": "call_1"}),
    ("missing argument (no repair)", lambda tool: {"amount": 12}),
)
STEPS = 10


def _key(tool: Tool) -> str:
    return next(iter(tool.properties))


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


def sound(tool: Tool) -> dict[str, Any]:
    """Arguments that the tool accepts."""
    return {_key(tool): "a-1", "amount": 12}


def plan(tools: Sequence[Tool], *, broken: bool) -> dict[str, Any]:
    """A chain of ten steps over ten tools; broken ones have a typo, a wrong key, a wrong path and a number as text."""
    steps: list[dict[str, Any]] = []
    for number, tool in enumerate(tools):
        amount: Any = {"$ref": f"s{number - 1}", "path": "item.amount"} if number else 3
        steps.append({"id": f"s{number}", "tool": tool.name, "arguments": {_key(tool): "a-1", "amount": amount}})
    if broken:
        steps[2]["tool"] = steps[2]["tool"].replace("_", "_x", 1)
        steps[4]["arguments"] = {_camel(key): value for key, value in steps[4]["arguments"].items()}
        steps[6]["arguments"]["amount"]["path"] = "item.amount_value"
        steps[0]["arguments"]["amount"] = "3"
    return {"steps": steps}


async def timed(world: Upstreams, act: Callable[[], Awaitable[Reply]]) -> tuple[float, Reply]:
    """Processor milliseconds of an action less the upstream's."""
    spent, began = world.seconds, time.thread_time()
    reply = await act()
    return 1000 * (time.thread_time() - began - (world.seconds - spent)), reply


async def measure(tools: int, rounds: int) -> list[tuple[str, list[float], str]]:
    """Every case, `rounds` times over different tools: its name, its times, what became of the last one."""
    world = Upstreams(tools)
    calls = Calls(Config(), world.world, Book())
    offered = world.tools
    found: list[tuple[str, list[float], str]] = []

    async def one(number: int, name: str, arguments: dict[str, Any]) -> tuple[float, Reply]:
        params = {"name": name, "arguments": arguments}
        return await timed(world, lambda: calls.call(params, Person(f"session {number}")))

    for name, arguments in FAULTS:
        runs = [await one(n, t.public, arguments(t)) for n, t in enumerate(_spread(offered, rounds))]
        found.append((name, [ms for ms, _ in runs], _end(runs[-1][1])))
    for name, broken in (("sound plan of ten steps", False), ("broken plan of ten steps", True)):
        runs = []
        for number in range(max(10, rounds // 5)):
            steps = _spread(offered[number:], STEPS)
            runs.append(await one(number, "run_workflow", plan(steps, broken=broken)))
        found.append((name, [ms for ms, _ in runs], _end(runs[-1][1])))
    return found


def _spread(tools: Sequence[Tool], count: int) -> list[Tool]:
    return [tools[(index * 131) % len(tools)] for index in range(count)]


def _end(reply: Reply) -> str:
    result = reply.result or {}
    status = (result.get("structuredContent") or {}).get("status")
    if isinstance(status, str):
        return status
    return "failed" if reply.refused else "repaired" if "mcp-mend/repair" in result.get("_meta", {}) else "passed"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m evals.latency", description=__doc__)
    parser.add_argument("--tools", type=int, default=1600, help="size of the catalog")
    parser.add_argument("--rounds", type=int, default=100)
    asked = parser.parse_args()
    gc.freeze()
    found = anyio.run(measure, asked.tools, asked.rounds)
    print(f"| {asked.tools} tools, milliseconds | first | p50 | p95 | ends |\n| --- | ---: | ---: | ---: | --- |")
    for name, times, end in found:
        p95 = sorted(times)[int(0.95 * len(times))]
        print(f"| {name} | {times[0]:.2f} | {statistics.median(times):.2f} | {p95:.2f} | {end} |")


if __name__ == "__main__":
    main()
