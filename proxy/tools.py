"""The tools that the proxy itself offers on the aggregated face, as raw tool objects."""

from __future__ import annotations

import copy
from functools import lru_cache
from typing import Any

from schemas.plan import Submission
from schemas.report import Report

RUN_WORKFLOW = "run_workflow"
FIND_TOOLS = "find_tools"


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
            "inputSchema": Submission.model_json_schema(),
            "outputSchema": Report.model_json_schema(),
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
