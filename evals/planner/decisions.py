"""Quality: small repair decisions with one right candidate each, ranked as the product ranks them.

A file of decisions is a Python module with CASES: a list of dictionaries with `goal`, `broken` (one call per line,
`name({...})`, with `step = ` before and ` -> {keys}` after where it is a plan), `error`, `tools` (name, description,
args), `cands` (edits: op swap_tool, rename_arg, set_arg, rewire, add_step) and `gold`, the right one's index.
"""

from __future__ import annotations

import importlib.util
import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from proxy.model.engine import Engine
from proxy.model.requests import AbortFlag
from proxy.planner import prompt
from proxy.planner.choice import choose
from proxy.ports import Question
from schemas.catalog import Tool
from schemas.plan import Plan, Step

CALL = re.compile(r"(?:(\w+) = )?(\w+)\((\{.*?\})\)(?: -> \{(.*)\})?$")
PLAIN = frozenset({"string", "integer", "number", "boolean", "array", "object"})


@dataclass(frozen=True)
class Decision:
    """One question, its candidates and the right one."""

    kind: str
    question: Question
    candidates: tuple[Plan, ...]
    gold: int


def load(path: Path) -> list[Decision]:
    """Read a file of decisions."""
    spec = importlib.util.spec_from_file_location("decisions", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return [_decision(case) for case in module.CASES]


def _decision(case: Mapping[str, Any]) -> Decision:
    steps: list[Step] = []
    results: dict[str, Any] = {}
    for number, line in enumerate(case["broken"].split("\n"), 1):
        found = CALL.match(line)
        assert found is not None, line
        name = found[1] or f"step{number}"
        arguments = {key: _value(value) for key, value in json.loads(found[3]).items()}
        steps.append(Step(name, found[2], arguments))
        if found[4]:
            results[name] = {key.strip(): "..." for key in found[4].split(",")}
    plan = Plan(tuple(steps), goal=case["goal"])
    tools = tuple(_tool(tool) for tool in case["tools"])
    question = Question(plan, steps[-1].id, case["error"], tools, results)
    return Decision(case["kind"], question, tuple(_edited(plan, edit) for edit in case["cands"]), case["gold"])


def _value(text: Any) -> Any:
    """A reference as a plan writes it, anything else as it is."""
    if not isinstance(text, str) or not text.startswith("$"):
        return text
    step, _, path = text[1:].partition(".")
    return {"$ref": step, "path": path}


def _tool(tool: Mapping[str, Any]) -> Tool:
    properties = {name: _schema(kind) for name, kind in tool["args"].items()}
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    return Tool("s", tool["name"], tool["name"], {"description": tool["description"], "inputSchema": schema})


def _schema(kind: str) -> dict[str, Any]:
    if "|" in kind:
        return {"enum": kind.split("|")}
    return {"type": kind} if kind in PLAIN else {"type": "string", "format": kind}


def _edited(plan: Plan, edit: Mapping[str, Any]) -> Plan:
    last = plan.steps[-1]
    arguments = dict(last.arguments)
    match edit["op"]:
        case "swap_tool":
            return plan.with_step(replace(last, tool=edit["tool"]))
        case "rename_arg":
            renamed = {(edit["to"] if key == edit["from"] else key): value for key, value in arguments.items()}
            return plan.with_step(replace(last, arguments=renamed))
        case "set_arg":
            return plan.with_step(replace(last, arguments={**arguments, edit["arg"]: edit["value"]}))
        case "rewire":
            return plan.with_step(replace(last, arguments={**arguments, edit["arg"]: _value(edit["ref"])}))
        case "add_step":
            return replace(plan, steps=(Step("new", edit["tool"], {}), *plan.steps))
        case other:
            raise ValueError(f"unknown edit {other}")


def right(model: Path, decisions: list[Decision], threads: int) -> Counter[str]:
    """Decide everything; count the right ones by kind."""
    engine = Engine(model, AbortFlag(), context=4096, threads=threads, gpu_layers=-1)
    found: Counter[str] = Counter()
    for decision in decisions:
        options = [prompt.repaired(decision.question, candidate) for candidate in decision.candidates]
        scores = engine.rank(prompt.ranking(decision.question, 3500), options).value
        found[decision.kind] += choose(scores, [0.0] * len(scores)).order[0] == decision.gold
    engine.close()
    return found
