"""Replay every recorded repair of a file of chains: `python -m evals.replay --cases FOLDER`.

The chains run through one `mcp-mend serve` that keeps a journal. Then each repaired plan is read from the journal and
run anew by a second proxy, as `mcp-mend log replay RUN --plan --live` does, and both reports are compared.
"""

from __future__ import annotations

import argparse
import json
import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anyio

from evals.cases import chains
from evals.cases.plans import Ran
from evals.cases.workspace import Options, Server, folder, served
from evals.cases.world import World, world
from proxy import app
from proxy.commands.options import start_logging
from proxy.commands.run import terminal
from proxy.settings import load
from proxy.store.reader import open_reader
from proxy.store.replay import COMPARED, as_then, differing, submission, unfit_plan
from proxy.store.sql import place_of

Seen = dict[str, Any]


async def record(home: Path, here: World, servers: Mapping[str, Server], cases: list[Any]) -> dict[str, str]:
    """Run the cases; the run and the case of each that was repaired."""
    found: dict[str, str] = {}
    async with served(Options(), home, servers) as connection:
        await connection.listed(len(servers))
        for case in map(here.filled, cases):
            here.lay_out()
            plan = Options().plan(case["steps"], case["task"], output=case["final"])
            ran = Ran(await connection.call("run_workflow", plan), ())
            if ran.status == "repaired":
                found[ran.report["repair_id"]] = case["id"]
    return found


async def replay(home: Path, here: World, repaired: Mapping[str, str]) -> list[Seen]:
    """Run each recorded plan anew; both reports and the keys by which they differ."""
    os.environ["MCP_MEND_HOME"] = str(home / "state")
    config, seen = load(home / "config.toml").config, list[Seen]()
    start_logging(config, quiet=True)
    async with app.running(config) as proxy:
        for name in config.upstreams:
            await proxy.fleet.ready(name)
        with terminal() as client:
            for run, case in repaired.items():
                here.lay_out()
                with open_reader(place_of(config.store)) as reader:
                    found = reader.run(run)
                assert not unfit_plan(found), unfit_plan(found)
                proxy.calls.take(as_then(config, found))
                now = (await proxy.calls.run_workflow(submission(found), client)).written()
                differs = differing(found["report"], now)
                seen.append({"case": case, "differs": differs, "recorded": found["report"], "now": now})
    return seen


async def measure(file: Mapping[str, Any], every: int) -> list[Seen]:
    """Run, replay, print."""
    with folder() as home:
        here = world(file, home)
        cases = chains.cases(file)[::every]
        repaired = await record(home, here, here.servers(), cases)
        seen = await replay(home, here, repaired)
    for one in seen:
        if one["differs"]:
            print(f"{one['case']}: another {', '.join(one['differs'])}")
    differs = Counter(key for one in seen for key in one["differs"])
    print(f"{len(cases)} chains, {len(seen)} repaired, the same report: {sum(not one['differs'] for one in seen)}")
    print(", ".join(f"another {key}: {differs[key]}" for key in COMPARED))
    return seen


def main() -> None:
    """Read the arguments and measure."""
    parser = argparse.ArgumentParser(prog="python -m evals.replay", description=__doc__)
    parser.add_argument("--cases", type=Path, required=True, help="folder of chains.json")
    parser.add_argument("--every", type=int, default=1, help="only every n-th chain")
    parser.add_argument("--json", type=Path, help="write every replay here")
    asked = parser.parse_args()
    seen = anyio.run(measure, json.loads((asked.cases / "chains.json").read_text()), asked.every)
    if asked.json:
        asked.json.write_text(json.dumps(seen, indent=1))


if __name__ == "__main__":
    main()
