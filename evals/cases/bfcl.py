"""Broken plans over stateful APIs of the Berkeley Function Calling Leaderboard, a fresh upstream and proxy per case.

The server that publishes a case's catalog is given by path; it writes its state after every call to `$STATE_FILE`.
A plan is right if it is reported as done and the state it left is the gold state.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evals.cases.client import connect
from evals.cases.outcome import Outcome
from evals.cases.plans import Ran, marked
from evals.cases.tap import digest
from evals.cases.workspace import Options, Server, folder, read_log, served

LEVELS = "DFGH"
"""Levels of difficulty, easiest first."""

_REQUIREMENTS = ["bfcl-eval==2026.3.23", "mpmath==1.3.0"]
_NEEDED_BY_SERVER = ["mcp>=2.3,<2.4", "jsonschema>=4.23"]


@dataclass(frozen=True)
class Backend:
    """How the upstream of a case is started: interpreter, server script, case file."""

    python: Path
    script: Path
    cases: Path

    def server(self, case: Mapping[str, Any], state: Path, *extra: str) -> Server:
        """The upstream of one case."""
        command = [str(self.python), str(self.script), "--case", f"{self.cases}#{case['id']}", *extra]
        return Server(command, {"STATE_FILE": str(state)})

    async def first_state(self, case: Mapping[str, Any]) -> Any:
        """The state before the first call: asked of a server of its own once per scenario, then kept."""
        kept = cache_folder() / "states" / f"{case['catalog']['scenario']}.json"
        if not kept.exists():
            with folder() as home:
                server = self.server(case, home / "state.json", "--control-tools")
                async with connect(server.command, server.env, home / "stderr.log") as connection:
                    answer = await connection.call("__state", {})
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_text(json.dumps(dict(answer.result or {})["structuredContent"]))
        return json.loads(kept.read_text())


def cache_folder() -> Path:
    """Where environments and first states are kept between runs."""
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "mcp-mend-evals"


def environment(given: Path | None) -> Path:
    """An interpreter that has the APIs: the given one, else one made in the cache folder with uv."""
    if given is not None:
        return given
    venv = cache_folder() / "bfcl"
    python = venv / "bin" / "python"
    if not (venv / "ready").exists():
        for command in (
            ["uv", "venv", "--clear", "--python", "3.11", str(venv)],
            ["uv", "pip", "install", "--python", str(python), "--no-deps", *_REQUIREMENTS],
            ["uv", "pip", "install", "--python", str(python), *_NEEDED_BY_SERVER],
        ):
            subprocess.run(command, check=True)  # noqa: S603 fixed commands
        (venv / "ready").touch()
    return python


def load(path: Path) -> list[dict[str, Any]]:
    """The cases of a JSON lines file."""
    return [json.loads(line) for line in path.read_text().splitlines() if line.strip()]


async def run(case: Mapping[str, Any], backend: Backend, options: Options) -> list[Outcome]:
    """Run the case's plan and compare the state it leaves."""
    first = await backend.first_state(case)
    with folder() as home:
        state, log = home / "state.json", home / "calls.jsonl"
        server = backend.server(case, state).tapped(log)
        async with served(options, home, {"bfcl": server}) as connection:
            await connection.listed(1)
            answer = await connection.call("run_workflow", options.plan(case["plan"]["steps"], case["goal"]))
            ran = Ran(answer, marked(read_log(log), digest(first)))
            left = json.loads(state.read_text())["state"] if state.exists() else first
            return [grade(case, ran, left)]


def grade(case: Mapping[str, Any], ran: Ran, state: Any) -> Outcome:
    """Compare the state; success with another state is wrong."""
    as_gold = digest(state) == digest(case["gold_answer"]["state"])
    gold_calls = len(case["gold_plan"]["steps"])
    verdict = "right" if ran.claimed and as_gold else "wrong" if ran.claimed else "abstained"
    return Outcome(
        id=case["id"],
        groups=groups(case),
        verdict=verdict if ran.status else "crashed",
        feasible=ran.claimed,
        untouched=ran.untouched(gold_calls) and as_gold if case["kind"] == "control" else None,
        calls=len(ran.calls),
        gold_calls=gold_calls,
        seconds=ran.answer.seconds,
        candidates=ran.candidates,
        effects_repeated=ran.effects_repeated(),
        detail={
            "corruptions": case["corruptions"],
            "state_is_gold": as_gold,
            **ran.detail(),
        },
    )


def groups(case: Mapping[str, Any]) -> tuple[str, ...]:
    """The table rows of a case: by number of corruptions, by hardest level, and (in detail) by kind of corruption."""
    if case["kind"] == "control":
        return ("bfcl/controls",)
    hardest = max(case["levels"], key=LEVELS.index)
    kinds = dict.fromkeys(corruption["type"] for corruption in case["corruptions"])
    alone = (f"bfcl/alone: {next(iter(kinds))}",) if case["n_corruptions"] == 1 else ()
    return (
        "bfcl/broken",
        f"bfcl/corruptions {case['n_corruptions']}",
        f"bfcl/hardest level {hardest}",
        *(f"bfcl/with: {kind}" for kind in kinds),
        *alone,
    )
