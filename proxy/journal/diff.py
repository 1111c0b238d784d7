"""What a run changed: a unified text diff and an RFC 6902 patch of its plan, with the reason for each change. Pure."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from typing import Any

import jsonpatch

CHANGE = ("op", "step", "rule", "confidence", "evidence")


def diff(run: Mapping[str, Any]) -> dict[str, Any]:
    """Everything `log diff` shows of a run as the reader gives it."""
    before, after = run.get("plan_before"), run.get("plan_after")
    return {
        "repair_id": run["repair_id"],
        "kind": run["kind"],
        "status": run["status"],
        "unified": unified(before, after),
        "patch": patch(before, after),
        "changes": [
            {
                **{key: change.get(key) for key in CHANGE},
                "before": change.get("value_before"),
                "after": change.get("value_after"),
                "error_before": run.get("error_before"),
                "error_after": run.get("error_after"),
            }
            for change in run.get("repairs", [])
        ],
        "error_before": run.get("error_before"),
        "error_after": run.get("error_after"),
    }


def unified(before: Any, after: Any) -> str:
    """The plan before and after as pretty JSON, compared line by line; "" where both are equal."""
    lines = (_lines(before), _lines(after))
    return "\n".join(difflib.unified_diff(*lines, "before", "after", n=3, lineterm=""))


def patch(before: Any, after: Any) -> list[dict[str, Any]]:
    """Operations of RFC 6902 that turn the one plan into the other."""
    return list(jsonpatch.make_patch(before, after))


def _lines(plan: Any) -> list[str]:
    return json.dumps(plan, indent=2, ensure_ascii=False).splitlines()
