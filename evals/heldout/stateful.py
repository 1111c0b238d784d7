"""Sound plans over the stateful APIs of the Berkeley Function Calling Leaderboard, from the files of its package.

A plan's calls are the accepted ones; each is sent to the server of its scenario, and an argument that stands nowhere
in the goal but in an earlier result becomes a reference to it. Nothing of the package's data stands in this project.
"""

from __future__ import annotations

import ast
import json
import subprocess
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evals.cases.client import Connection, connect
from evals.cases.reference import execute, value_of
from evals.cases.workspace import folder
from evals.heldout.draft import Sound

CATEGORY = "multi_turn_base"
_CONTROLS = ("__reset", "__state")


@dataclass(frozen=True)
class Scenario:
    """One scenario: its id, the goal in words, and the accepted calls as they are written."""

    id: str
    goal: str
    calls: tuple[str, ...]
    classes: tuple[str, ...]


def data_folder(python: Path) -> Path:
    """Where the package keeps its files, asked of the interpreter that has it."""
    asked = "import importlib.util as u; print(u.find_spec('bfcl_eval').origin)"
    found = subprocess.run([str(python), "-c", asked], check=True, capture_output=True, text=True)  # noqa: S603 given
    return Path(found.stdout.strip()).parent / "data"


def scenarios(data: Path, taken: set[str]) -> list[Scenario]:
    """Every scenario that is not taken."""
    accepted = {row["id"]: row["ground_truth"] for row in _rows(data / "possible_answer" / f"BFCL_v4_{CATEGORY}.json")}
    return [
        Scenario(
            row["id"],
            "\n".join(said["content"] for turn in row["question"] for said in turn if said["role"] == "user"),
            tuple(call for turn in accepted[row["id"]] for call in turn),
            tuple(row["involved_classes"]),
        )
        for row in _rows(data / f"BFCL_v4_{CATEGORY}.json")
        if row["id"] not in taken
    ]


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    return (json.loads(line) for line in path.read_text().splitlines() if line.strip())


@asynccontextmanager
async def opened(python: Path, script: Path, scenario: Scenario) -> AsyncIterator[Connection]:
    """The server of a scenario, with its control tools."""
    with folder() as home:
        command = [str(python), str(script), "--scenario", scenario.id, "--control-tools"]
        async with connect(command, {}, home / "stderr.log") as connection:
            yield connection


async def sound_plan(scenario: Scenario, connection: Connection) -> tuple[Sound, Any] | None:
    """The scenario's plan with references, and the state that it leaves; None where an accepted call is refused."""
    schemas = {tool["name"]: tool["inputSchema"] for tool in await connection.tools() if tool["name"] not in _CONTROLS}
    steps: list[dict[str, Any]] = []
    results: dict[str, Any] = {}
    for number, written in enumerate(scenario.calls, 1):
        tool, arguments = _call(written, schemas)
        answer = await connection.call(tool, arguments)
        if answer.failed:
            return None
        linked = {name: _linked(value, results, scenario.goal) for name, value in arguments.items()}
        steps.append({"id": f"s{number}", "tool": tool, "arguments": linked})
        results[f"s{number}"] = value_of(answer)
    state = await state_of(connection)
    run = await rerun(steps, connection)
    return (Sound(steps, schemas, results, scenario.goal), state) if run == ("", state) else None


async def rerun(steps: list[dict[str, Any]], connection: Connection) -> tuple[str, Any]:
    """Run steps from the scenario's first state: what failed ("" for nothing), and the state they leave."""
    await connection.call("__reset", {})
    run = await execute(steps, lambda _: connection)
    return run.failure, await state_of(connection)


async def state_of(connection: Connection) -> Any:
    """The state of the scenario's world."""
    return value_of(await connection.call("__state", {}))


def _call(written: str, schemas: Mapping[str, Mapping[str, Any]]) -> tuple[str, dict[str, Any]]:
    call = ast.parse(written, mode="eval").body
    if not isinstance(call, ast.Call):
        raise TypeError(written)
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    declared = list(schemas[name].get("properties") or {})
    arguments = dict(zip(declared, (ast.literal_eval(value) for value in call.args), strict=False))
    arguments |= {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in call.keywords}
    return name, json.loads(json.dumps(arguments))


def _linked(value: Any, results: Mapping[str, Any], goal: str) -> Any:
    """A reference to the latest result that holds this very value, where the goal does not tell it."""
    telling = (isinstance(value, str) and len(value) > 3) or (
        isinstance(value, int | float) and not isinstance(value, bool) and (abs(value) > 12 or value % 1)
    )
    if not telling or str(value).lower() in goal.lower() or (isinstance(value, float) and f"{value:g}" in goal):
        return value
    for step in reversed(results):
        for path, found in _leaves(results[step]):
            if type(found) is type(value) and found == value and not any("." in part or " " in part for part in path):
                return {"$ref": step, "path": ".".join(path)}
    return value


def _leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, (*path, str(key)))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _leaves(inner, (*path, str(index)))
    else:
        yield path, value
