"""Run case files through the installed proxy: `python -m evals.cases --cases FOLDER`."""

from __future__ import annotations

import argparse
import json
import logging
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import anyio

from evals.cases.groups import GROUPS, Source, run_group
from evals.cases.outcome import Outcome, outcome_from
from evals.cases.table import comparison, table
from evals.cases.workspace import Options


def _arguments(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m evals.cases", description=__doc__)
    parser.add_argument("--cases", type=Path, required=True, help="folder of the case files")
    parser.add_argument("--match", default="", help="run only cases whose id contains this")
    parser.add_argument("--limit", type=int, help="at most this many cases of each group")
    parser.add_argument("--every", type=int, default=1, help="only every n-th case of each group")
    parser.add_argument("--jobs", type=int, default=2, help="cases at the same time")
    parser.add_argument("--bfcl-server", type=Path, help="server that publishes the catalog of a bfcl case")
    parser.add_argument("--bfcl-python", type=Path, help="interpreter with bfcl-eval; left out, one is made")
    parser.add_argument("--only", default=",".join(GROUPS), help=f"of {', '.join(GROUPS)}, by comma")
    parser.add_argument("--goal", action=argparse.BooleanOptionalAction, default=True, help="give plans their goal")
    parser.add_argument("--planner", choices=["none", "auto"], default="none")
    parser.add_argument(
        "--effects", choices=["found", "written"], default="found", help="written: after `effects --write --yes`"
    )
    parser.add_argument("--set", action="append", default=[], metavar="SECTION.KEY=JSON", help="a setting of the proxy")
    parser.add_argument("--budget", action="append", default=[], metavar="KEY=NUMBER", help="of each plan")
    parser.add_argument("--json", type=Path, help="write every case here")
    parser.add_argument("--detail", action="store_true", help="show every subgroup")
    parser.add_argument("--compare", type=Path, help="a file of an earlier run")
    return parser.parse_args(given)


def _options(asked: argparse.Namespace) -> Options:
    settings: dict[str, dict[str, Any]] = {}
    for written in asked.set:
        place, _, value = written.partition("=")
        section, _, key = place.partition(".")
        settings.setdefault(section, {})[key] = json.loads(value)
    budget: Mapping[str, float] = {key: json.loads(value) for key, _, value in (b.partition("=") for b in asked.budget)}
    return Options(asked.goal, asked.planner, asked.effects, settings, budget)


async def _run(asked: argparse.Namespace) -> list[Outcome]:
    source = Source(
        asked.cases, asked.bfcl_server, asked.bfcl_python, asked.match, asked.limit, asked.every, asked.jobs
    )
    options, outcomes = _options(asked), list[Outcome]()
    for group in asked.only.split(","):
        outcomes += await run_group(group, source, options)
    return outcomes


def main(given: Sequence[str] | None = None) -> None:
    """Run, print, write."""
    asked = _arguments(given)
    logging.getLogger("mcp").setLevel(logging.CRITICAL)
    began = time.perf_counter()
    outcomes = anyio.run(_run, asked)
    print(f"effects as {asked.effects}")
    print(table(outcomes, detail=asked.detail))
    print(f"{len(outcomes)} outcomes in {time.perf_counter() - began:.0f} s")
    if asked.json:
        written = [outcome.json() for outcome in outcomes]
        asked.json.write_text(json.dumps({"effects": asked.effects, "at": time.time(), "outcomes": written}, indent=1))
    if asked.compare:
        before = [outcome_from(each) for each in json.loads(asked.compare.read_text())["outcomes"]]
        print(comparison(before, outcomes, detail=asked.detail))


if __name__ == "__main__":
    main()
