"""What a run changed: a unified text diff and an RFC 6902 patch of its plan, with the reason for each change. Pure."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from typing import Any, cast

import jsonpatch


def diff(run: Mapping[str, Any]) -> dict[str, Any]:
    """Everything `log diff` shows of a run as the reader gives it."""
    before, after = run.get("plan_before"), run.get("plan_after")
    return {
        **{key: run[key] for key in ("repair_id", "kind", "status")},
        "unified": unified(before, after),
        "patch": patch(before, after),
        "changes": changes(run),
        "error_before": run.get("error_before"),
        "error_after": run.get("error_after"),
    }


def changes(run: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every repair of a run, each with the error of its step before and after, None where there was none."""
    return [
        {
            **{key: change.get(key) for key in ("op", "step", "rule", "confidence", "evidence")},
            "before": change.get("value_before"),
            "after": change.get("value_after"),
            **_around(run, change.get("step")),
        }
        for change in run["repairs"]
    ]


def _around(run: Mapping[str, Any], step: str | None) -> dict[str, str | None]:
    """What was wrong with a step before and after: what its first and last call were answered, else what was found."""
    calls = [call for call in run["sent"] if call["step"] == step]
    first, last = (_error_of(calls[0]), _error_of(calls[-1])) if calls else (None, _said(run["problems"], step))
    of_the_call = run.get("error_before") if run["kind"] == "repair" else None
    return {"error_before": of_the_call or first or _said(run["found"], step), "error_after": last}


def _error_of(call: Mapping[str, Any]) -> str | None:
    """The error that a call was answered with, in words; None where it went well."""
    if call["outcome"] == "ok":
        return None
    reply: Mapping[str, Any] = call["reply"] or {}
    blocks: list[Any] = reply.get("content") or []
    texts = [str(cast("Mapping[str, Any]", block).get("text", "")) for block in blocks if isinstance(block, Mapping)]
    return call["message"] or "\n".join(text for text in texts if text) or reply.get("message") or call["outcome"]


def _said(problems: list[Mapping[str, Any]], step: str | None) -> str | None:
    """The messages of a step's problems."""
    return "; ".join(one["message"] for one in problems if one["step"] == step and one["message"]) or None


def unified(before: Any, after: Any) -> str:
    """The plan before and after as pretty JSON, compared line by line; "" where both are equal."""
    lines = (_lines(before), _lines(after))
    return "\n".join(difflib.unified_diff(*lines, "before", "after", n=3, lineterm=""))


def patch(before: Any, after: Any) -> list[dict[str, Any]]:
    """Operations of RFC 6902 that turn the one plan into the other."""
    return list(jsonpatch.make_patch(before, after))


def _lines(plan: Any) -> list[str]:
    return json.dumps(plan, indent=2, ensure_ascii=False).splitlines()
