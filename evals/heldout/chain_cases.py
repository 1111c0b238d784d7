"""Break the gold chains by a seed: `python -m evals.heldout.chain_cases FOLDER` writes FOLDER/chains.json.

The servers are started once, to learn the tools' schemas and the results of each sound chain, and to see what a plain
executor makes of every broken one. One that every upstream accepts and that ends in another value is marked `silent`:
no reply tells that anything is wrong with it.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio

from evals.cases.client import Connection, connect
from evals.cases.plans import close
from evals.cases.reference import execute, resolved
from evals.cases.workspace import folder
from evals.cases.world import World, world
from evals.heldout.chain_faults import KINDS
from evals.heldout.draft import Draft, Fault, Sound

GOLD = Path(__file__).with_name("gold.json")
PLACES = 3
"""Variants of one chain and kind of fault."""
WANTED: Mapping[str, tuple[int, int]] = {**dict.fromkeys(KINDS, (PLACES, 1)), "two": (3, 2), "three": (2, 3)}
"""Kind of variants to how many of them a chain has, and the faults of each."""


def broken(case: Mapping[str, Any], sound: Sound, seed: int) -> Iterator[dict[str, Any]]:
    """Every variant of one gold chain, no two alike."""
    seen = {json.dumps(case["steps"])}
    for kind, (count, faults) in WANTED.items():
        made = 0
        for attempt in range(4 * count):
            rng = random.Random(f"{seed}/{case['id']}/{kind}/{attempt}")  # noqa: S311 repeatable, not secret
            draft, done = _broken(sound, kind, faults, attempt, rng)
            key = json.dumps(draft.steps)
            if len(done) < faults or key in seen:
                continue
            seen.add(key)
            made += 1
            named = {"id": f"{case['id']}__{kind}_{made}", "gold": case["id"], "fault": kind, "faults": done}
            yield {**named, **{k: case[k] for k in ("task", "final", "expected", "tolerance")}, "steps": draft.steps}
            if made == count:
                break


def _broken(sound: Sound, kind: str, faults: int, attempt: int, rng: random.Random) -> tuple[Draft, list[Fault]]:
    draft = Draft.of(sound)
    done: list[Fault] = []
    kinds = [kind] if kind in KINDS else rng.sample([each for each in KINDS if each != "order"], len(KINDS) - 1)
    for each in kinds:
        breakers = KINDS[each]
        first = attempt if kind in KINDS else rng.randrange(len(breakers))
        for shift in range(len(breakers)):
            fault = breakers[(first + shift) % len(breakers)](draft, rng)
            if fault is not None:
                done.append(fault)
                break
        if len(done) == faults:
            break
    return draft, done


@dataclass(frozen=True)
class Bench:
    """The running servers, and every tool that they offer as (server, name) to its schema."""

    here: World
    connections: Mapping[str, Connection]
    schemas: Mapping[tuple[str, str], Mapping[str, Any]]

    async def run(self, case: Mapping[str, Any]) -> tuple[dict[str, Any], bool, Any]:
        """What a plain executor makes of a case: the values, whether all was accepted, and then the final value."""
        self.here.lay_out()
        filled = self.here.filled(case)
        values, failure = await execute(filled["steps"], lambda step: self.connections[step["server"]])
        try:
            return (values, False, None) if failure else (values, True, resolved(filled["final"], values))
        except LookupError:
            return values, False, None

    async def sound(self, case: Mapping[str, Any]) -> Sound:
        """The chain with what it needs to be broken; the plan's own tools win over namesakes elsewhere."""
        values, _, _ = await self.run(case)
        every = {name: schema for (_, name), schema in self.schemas.items()}
        own = {step["tool"]: self.schemas[step["server"], step["tool"]] for step in case["steps"]}
        return Sound(case["steps"], every | own, values, case["task"])


async def variants_of(file: Mapping[str, Any], seed: int) -> list[dict[str, Any]]:
    """Every variant of every gold chain of a file."""
    variants: list[dict[str, Any]] = []
    with folder() as home:
        here = world(file, home)
        here.lay_out()
        async with AsyncExitStack() as stack:
            connections = {
                name: await stack.enter_async_context(connect(server.command, server.env, home / "stderr.log"))
                for name, server in here.servers().items()
            }
            schemas = {
                (name, tool["name"]): tool["inputSchema"]
                for name, connection in connections.items()
                for tool in await connection.tools()
            }
            bench = Bench(here, connections, schemas)
            for case in file["gold"]:
                for variant in broken(case, await bench.sound(case), seed):
                    _, accepted, value = await bench.run(variant)
                    same = accepted and close(value, here.filled(case["expected"]), case["tolerance"])
                    variants.append({**variant, "harmless": same, "silent": accepted and not same})
    return variants


def main() -> None:
    """Write the cases and say how many there are."""
    parser = argparse.ArgumentParser(prog="python -m evals.heldout.chain_cases", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    file = json.loads(GOLD.read_text())
    variants = anyio.run(variants_of, file, asked.seed)
    asked.folder.mkdir(parents=True, exist_ok=True)
    (asked.folder / "chains.json").write_text(json.dumps({**file, "broken": variants}, indent=1))
    kinds = [variant["fault"] + (" (silent)" if variant["silent"] else "") for variant in variants]
    print("\n".join(f"{kinds.count(kind):4} {kind}" for kind in sorted(set(kinds))))


if __name__ == "__main__":
    main()
