"""The groups of cases and how each is run; shared by every command that measures with them."""

from __future__ import annotations

import json
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import anyio

from evals.cases import bad_args, bfcl, chains
from evals.cases.outcome import Outcome
from evals.cases.workspace import Options

GROUPS = ("bad_args", "chains", "bfcl")

Work = tuple[str, Callable[[], Awaitable[list[Outcome]]]]
"""The id of a case and what runs it."""


@dataclass(frozen=True)
class Source:
    """Where the cases are, which of them to run, and how many at the same time."""

    folder: Path
    bfcl_server: Path | None = None
    bfcl_python: Path | None = None
    match: str = ""
    limit: int | None = None
    every: int = 1
    jobs: int = 2

    def chosen(self, cases: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        """The cases to run."""
        return [case for case in cases if self.match in case["id"]][:: self.every][: self.limit]

    def backend(self) -> bfcl.Backend:
        """What starts the upstreams of the stateful cases."""
        if self.bfcl_server is None:
            raise SystemExit("--bfcl-server: give the path of the server that publishes the catalog of a bfcl case")
        return bfcl.Backend(bfcl.environment(self.bfcl_python), self.bfcl_server, self.folder / "bfcl_broken.jsonl")


async def run_group(group: str, source: Source, options: Options) -> list[Outcome]:
    """Run one group."""
    match group:
        case "bad_args":
            cases = json.loads((source.folder / "bad_args.json").read_text())
            work = [(case["id"], partial(bad_args.run, case, cases, options)) for case in source.chosen(cases)]
            return await _all(work, source)
        case "chains":
            file = json.loads((source.folder / "chains.json").read_text())
            chosen = source.chosen(chains.cases(file))
            async with chains.running(options, file) as run:
                return await _all([(c["id"], partial(run, c)) for c in chosen], source, jobs=1)
        case "bfcl":
            backend = source.backend()
            chosen = source.chosen(bfcl.load(backend.cases))
            return await _all([(c["id"], partial(bfcl.run, c, backend, options)) for c in chosen], source)
        case _:
            raise SystemExit(f"--only: {group!r} is none of {', '.join(GROUPS)}")


async def _all(work: Sequence[Work], source: Source, jobs: int | None = None) -> list[Outcome]:
    """Run the cases, some at the same time; the outcomes come in the order of the work."""
    done: dict[str, list[Outcome]] = {}
    waiting = iter(work)

    async def worker() -> None:
        for id_, run in waiting:
            done[id_] = await _one(id_, run)
            if sys.stderr.isatty():
                sys.stderr.write(f"\r{len(done)}/{len(work)} {id_:<40.40}")

    async with anyio.create_task_group() as group:
        for _ in range(jobs or source.jobs):
            group.start_soon(worker)
    return [outcome for id_, _ in work for outcome in done[id_]]


async def _one(id_: str, run: Callable[[], Awaitable[list[Outcome]]]) -> list[Outcome]:
    """Run a case; one that breaks is counted and does not end the run."""
    try:
        with anyio.fail_after(180):
            return await run()
    except Exception as failure:  # noqa: BLE001 see above
        detail = {"error": "; ".join(repr(each) for each in _leaves(failure))}
        return [Outcome(id_, ("crashed",), "crashed", feasible=False, detail=detail)]


def _leaves(failure: BaseException) -> list[BaseException]:
    if isinstance(failure, BaseExceptionGroup):
        return [leaf for each in failure.exceptions for leaf in _leaves(each)]
    return [failure]
