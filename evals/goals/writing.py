"""Whole plans as a model writes them from a goal, and the files that keep them so that no later run needs a model."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from evals.goals.model import Model, call, obj
from evals.goals.shelf import Shelf

FOLDER = Path(__file__).with_name("written")
STEPS = 4
TOKENS = 320
_PATTERN = """\
A plan lists tool calls. A later call uses what an earlier one (s1, s2, ...) returned by a reference. With other \
tools, for the goal "Send Ann the distance from Oslo to Rome in miles", the plan is:
{"steps": [{"tool": "get_distance", "arguments": {"from": "Oslo", "to": "Rome"}}, \
{"tool": "convert", "arguments": {"value": {"$ref": "s1", "path": "km"}, "to": "mile"}}, \
{"tool": "send", "arguments": {"to": "Ann", "text": {"$ref": "s2", "path": "value"}}}]}"""


def prompt(goal: Mapping[str, Any], shelf: Shelf) -> str:
    """Ask for the plan of a goal."""
    names = ", ".join(shelf.shown[goal["id"]])
    asked = f"Now choose among these tools: {names}\nThe goal: {goal['goal']}\nWrite the plan as JSON."
    return f"Tools:\n{shelf.text()}\n\n{_PATTERN}\n\n{asked}"


def schema(tools: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """A plan of at most four steps over these tools; references look back only."""
    positions: list[dict[str, Any]] = []
    for number in range(STEPS):
        earlier = [f"s{each + 1}" for each in range(number)]
        path = {"type": "string", "maxLength": 60}
        reference = obj({"$ref": {"enum": earlier}, "path": path}) if earlier else None
        positions.append({"anyOf": [call(name, tool, reference) for name, tool in tools.items()]})
    steps = {"type": "array", "prefixItems": positions, "items": False, "minItems": 1, "maxItems": STEPS}
    return obj({"steps": steps})


def write(
    name: str, model: Callable[[], Model], goals: Sequence[Mapping[str, Any]], shelf: Shelf, tell: Callable[[str], None]
) -> None:
    """Write what is still missing of the plans of a model; null stands for a plan that did not become complete."""
    plans = known(name)
    missing = [goal for goal in goals if goal["id"] not in plans]
    loaded = model() if missing else None
    for goal in missing:
        assert loaded is not None
        plan = loaded.write(prompt(goal, shelf), schema(shelf.named(goal["id"])), TOKENS)
        plans[goal["id"]] = plan and _steps(plan["steps"], shelf)
        FOLDER.mkdir(exist_ok=True)
        (FOLDER / f"{name}.json").write_text(json.dumps(plans, indent=1, ensure_ascii=False) + "\n")
        tell(f"{goal['id']}: {json.dumps(plan, ensure_ascii=False)}")


def known(name: str) -> dict[str, Any]:
    """The plans that are kept under a name."""
    path = FOLDER / f"{name}.json"
    plans: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return plans


def _steps(steps: Sequence[Mapping[str, Any]], shelf: Shelf) -> list[dict[str, Any]]:
    return [
        {"id": f"s{number}", "tool": step["tool"], "server": shelf.tools[step["tool"]]["server"],
         "arguments": step["arguments"]}
        for number, step in enumerate(steps, 1)
    ]  # fmt: skip
