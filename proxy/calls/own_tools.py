"""The tools that the proxy itself offers on the aggregated endpoint, as raw tool objects."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from schemas.plan import Submission
from schemas.report import RepairReport, Report

RUN_WORKFLOW = "run_workflow"
FIND_TOOLS = "find_tools"
DEEPEST = 2
"""Levels of a schema whose fields are told: the items of a list are the last."""
_KEPT = ("type", "enum", "minimum", "exclusiveMinimum", "description")


@lru_cache(maxsize=1)
def _own_tools() -> tuple[dict[str, Any], ...]:
    return (
        {
            "name": RUN_WORKFLOW,
            "title": "Run a workflow",
            "description": (
                "Run several tool calls as one plan: steps that use results of earlier steps by reference "
                '({"$ref": "step", "path": "items.0.id"}), in parallel where they can. Steps that fail are repaired '
                "from what the tools really returned; every repair is listed. Returns the output, each step's result, "
                "and the final plan."
            ),
            "inputSchema": bare(Submission.model_json_schema()),
            "outputSchema": bare(Report.model_json_schema(), answer=True),
            "annotations": {"readOnlyHint": False, "destructiveHint": True, "openWorldHint": True},
        },
        {
            "name": FIND_TOOLS,
            "title": "Find tools",
            "description": "Find the tools that suit a task in words; returns them with their schemas, nearest first.",
            "inputSchema": {
                "type": "object",
                "properties": {
                    "query": {"type": "string", "description": "What the tool should do."},
                    "limit": {"type": "integer", "minimum": 1, "maximum": 50, "default": 8, "description": "How many."},
                },
                "required": ["query"],
                "additionalProperties": False,
            },
            "annotations": {"readOnlyHint": True, "openWorldHint": False},
        },
    )


def own_tools() -> list[dict[str, Any]]:
    """Fresh copies of the tool objects, for a `tools/list` reply."""
    return copy.deepcopy(list(_own_tools()))


def summary(report: Report) -> str:
    """A report in a few lines for a model: status, output, and each repair and problem in a line."""
    lines = [f"{report.status}: {report.search.stop}"]
    if report.output is not None:
        lines.append(f"output: {_json(report.output)}")
    verb = "would repair" if report.status == "suggested" else "repaired"
    lines += [f"{verb} {_edit(repair)}" for repair in report.repairs]
    for problem in report.problems:
        perhaps = f"; perhaps {', '.join(problem.candidates)}" if problem.candidates else ""
        lines.append(f"problem in {problem.step or 'the plan'}{problem.path or ''}: {problem.message}{perhaps}")
    lines += [f"not used of the goal: {text}" for text in report.uncovered]
    for other in report.alternatives:
        lines.append(f"not claimed: {_json(other.output)} ({other.why})")
    if report.output is None or report.status == "failed":
        lines.append(f"plan: {_json(report.plan)}")
    return "\n".join(lines)


def _edit(repair: RepairReport) -> str:
    changed = f"{_json(repair.before)} -> {_json(repair.after)}"
    return f"{repair.step}: {repair.op} {changed} ({repair.confidence}, {repair.rule}: {repair.evidence})"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def bare(schema: Mapping[str, Any], *, answer: bool = False) -> dict[str, Any]:
    """A schema of pydantic's without references, titles and the like, which clients drop or refuse.

    Of an `answer` null stays where it is allowed, and only what its own level always holds is required.
    """
    return _bare(schema, schema.get("$defs", {}), answer, 0)


def _bare(part: Mapping[str, Any], parts: Mapping[str, Any], answer: bool, depth: int) -> dict[str, Any]:  # noqa: FBT001
    if "$ref" in part:
        part = {**parts[part["$ref"].rpartition("/")[2]], **part}
    if "anyOf" in part:
        (of,) = (each for each in part["anyOf"] if each.get("type") != "null")
        kept = _bare(of, parts, answer, depth)
        kind = {"type": [kept["type"], "null"]} if answer else {}
        return {**kept, **kind, **{key: part[key] for key in ("description",) if key in part}}
    shown = {key: part[key] for key in _KEPT if key in part}
    if "items" in part:
        shown["items"] = _bare(part["items"], parts, answer, depth + 1)
    if "properties" in part and depth <= DEEPEST:
        shown["properties"] = {name: _bare(each, parts, answer, depth + 1) for name, each in part["properties"].items()}
        if "required" in part and not (answer and depth):
            shown["required"] = part["required"]
    return shown
