"""Run case files through the installed proxy: `python -m benchmarks.cases --cases FOLDER`."""

from __future__ import annotations

import argparse
import json
import logging
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import anyio

from benchmarks.cases import bad_args, bfcl, chains, recorded
from benchmarks.cases.outcome import Outcome, outcome_from
from benchmarks.cases.table import comparison, table
from benchmarks.cases.workspace import Options

Work = tuple[str, Callable[[], Awaitable[list[Outcome]]]]
"""The id of a case and what runs it."""


def _arguments(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cases", description=__doc__)
    parser.add_argument("--cases", type=Path, required=True, help="folder of the case files")
    parser.add_argument("--only", default="bad_args,chains,bfcl,recorded", help="groups to run, by comma")
    parser.add_argument("--match", default="", help="run only cases whose id contains this")
    parser.add_argument("--limit", type=int, help="at most this many cases of each group")
    parser.add_argument("--jobs", type=int, default=2, help="cases at the same time")
    parser.add_argument("--goal", action=argparse.BooleanOptionalAction, default=True, help="give plans their goal")
    parser.add_argument("--planner", choices=["none", "auto"], default="none")
    parser.add_argument("--mode", choices=["auto", "legacy"], default="auto", help="how the client connects")
    parser.add_argument("--style", default="mixed", help="whose words the strict upstream speaks")
    parser.add_argument("--direct", action="store_true", help="without the proxy: the baseline")
    parser.add_argument("--bfcl-server", type=Path, help="server that publishes the catalog of a bfcl case")
    parser.add_argument("--bfcl-python", type=Path, help="interpreter with bfcl-eval; left out, one is made")
    parser.add_argument("--json", type=Path, help="write every case here")
    parser.add_argument("--detail", action="store_true", help="show every subgroup")
    parser.add_argument("--label", default="", help="what this run is called in the file")
    parser.add_argument("--compare", type=Path, help="a file of an earlier run")
    return parser.parse_args(given)


def _options(asked: argparse.Namespace) -> Options:
    return Options(
        direct=asked.direct,
        goal=asked.goal,
        planner=asked.planner,
        mode=asked.mode,
        style=asked.style,
    )


def _chosen(cases: Sequence[Mapping[str, Any]], asked: argparse.Namespace) -> list[Mapping[str, Any]]:
    return [case for case in cases if asked.match in case["id"]][: asked.limit]


def _bad_args(asked: argparse.Namespace, options: Options) -> list[Work]:
    cases = bad_args.load(asked.cases / "bad_args.json")
    return [(case["id"], partial(bad_args.run, case, cases, options)) for case in _chosen(cases, asked)]


def _stateful(
    asked: argparse.Namespace,
    options: Options,
    file: str,
    run: Callable[[Mapping[str, Any], bfcl.Backend, Options], Awaitable[list[Outcome]]],
) -> list[Work]:
    if asked.bfcl_server is None:
        raise SystemExit("--bfcl-server: give the path of the server that publishes the catalog of a bfcl case")
    python = bfcl.environment(asked.bfcl_python)
    backend = bfcl.Backend(python, asked.bfcl_server, asked.cases / file, bfcl.cache_folder() / "states")
    cases = _chosen(bfcl.load(backend.cases), asked)
    return [(case["id"], partial(run, case, backend, options)) for case in cases]


async def _all(work: Sequence[Work], jobs: int) -> list[Outcome]:
    """Run the cases, some at the same time; the outcomes come in the order of the work."""
    done: dict[str, list[Outcome]] = {}
    waiting = iter(work)

    async def worker() -> None:
        for id_, run in waiting:
            try:
                done[id_] = await run()
            except Exception as failure:  # noqa: BLE001 one broken case must not end the run, and is counted
                done[id_] = [Outcome(id_, ("crashed",), "crashed", feasible=False, detail={"error": repr(failure)})]
            if sys.stderr.isatty():
                sys.stderr.write(f"\r{len(done)}/{len(work)} {id_:<40.40}")

    async with anyio.create_task_group() as group:
        for _ in range(jobs):
            group.start_soon(worker)
    return [outcome for id_, _ in work for outcome in done[id_]]


async def _run(asked: argparse.Namespace) -> list[Outcome]:
    options = _options(asked)
    outcomes: list[Outcome] = []
    groups = asked.only.split(",")
    if "bad_args" in groups:
        outcomes += await _all(_bad_args(asked, options), asked.jobs)
    if "chains" in groups:
        cases = _chosen(chains.load(asked.cases / "chains.json"), asked)
        async with chains.running(options) as run:
            outcomes += await _all([(case["id"], partial(run, case)) for case in cases], 1)
    if "bfcl" in groups:
        outcomes += await _all(_stateful(asked, options, "bfcl_broken.jsonl", bfcl.run), asked.jobs)
    if "recorded" in groups:
        outcomes += await _all(_stateful(asked, options, "bfcl_recorded_calls.jsonl", recorded.run), asked.jobs)
    return outcomes


def main(given: Sequence[str] | None = None) -> None:
    """Run, print, write."""
    asked = _arguments(given)
    logging.getLogger("mcp").setLevel(logging.CRITICAL)
    began = time.perf_counter()
    outcomes = anyio.run(_run, asked)
    print(table(outcomes, detail=asked.detail))
    print(f"{len(outcomes)} outcomes in {time.perf_counter() - began:.0f} s")
    if asked.json:
        written = {"label": asked.label, "at": time.time(), "outcomes": [outcome.json() for outcome in outcomes]}
        asked.json.write_text(json.dumps(written, indent=1))
    if asked.compare:
        before = [outcome_from(each) for each in json.loads(asked.compare.read_text())["outcomes"]]
        print(comparison(before, outcomes))


if __name__ == "__main__":
    main()
