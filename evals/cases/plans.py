"""What a plan's run is worth, whatever upstreams it ran on: the report, the calls they saw, the effects they had."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evals.cases.client import Answer

CLAIMED = ("succeeded", "repaired")
"""Statuses that tell the client that its plan has run well."""


@dataclass(frozen=True)
class Ran:
    """One plan after its run: what `run_workflow` answered, and every call that its upstreams logged."""

    answer: Answer
    calls: Sequence[Mapping[str, Any]]

    @property
    def report(self) -> Mapping[str, Any]:
        """The structured report, empty where the answer has none."""
        found = (self.answer.result or {}).get("structuredContent")
        return found if isinstance(found, Mapping) else {}

    @property
    def status(self) -> str:
        """The report's status, "" without a report."""
        return str(self.report.get("status", ""))

    @property
    def claimed(self) -> bool:
        """Tell whether the client is told that its plan has run well."""
        return self.status in CLAIMED and not self.answer.failed

    @property
    def repairs(self) -> list[Mapping[str, Any]]:
        """The repairs that the report lists."""
        return list(self.report.get("repairs") or [])

    @property
    def candidates(self) -> int:
        """How many candidates the search tried."""
        return int((self.report.get("search") or {}).get("candidates", 0))

    def untouched(self, gold_calls: int) -> bool:
        """Tell whether the plan ran as submitted, each call once."""
        return self.status == "succeeded" and not self.repairs and len(self.calls) == gold_calls

    def effects_repeated(self) -> int:
        """Count executed calls that changed the state and are not the one execution of a step of the final plan.

        A call changed the state where the digest that its upstream wrote differs from the one before it.
        """
        owed = Counter(_call(step) for step in self.report.get("steps") or [] if step.get("ok"))
        repeated = 0
        for call in self.calls:
            if not call["ok"]:
                continue
            if owed[_call(call)] > 0:
                owed[_call(call)] -= 1
            elif call.get("changed"):
                repeated += 1
        return repeated

    def detail(self) -> dict[str, Any]:
        """What a reader of the JSON file wants to see."""
        return {
            "report": self.report,
            "calls": [[call["tool"], call["arguments"], call["ok"]] for call in self.calls],
            "answer": "" if self.report else self.answer.text[:2000],
        }


def _call(call: Mapping[str, Any]) -> str:
    return json.dumps([call["tool"], call["arguments"] or {}], sort_keys=True)


def marked(calls: Sequence[Mapping[str, Any]], first: str | None) -> list[dict[str, Any]]:
    """The logged calls, each with `changed`: whether it left another state than the call before it did."""
    found: list[dict[str, Any]] = []
    state = first
    for call in calls:
        found.append({**call, "changed": call["state"] is not None and call["state"] != state})
        state = call["state"] or state
    return found


def close(value: Any, expected: Any, tolerance: float) -> bool:
    """Compare a final value: numbers within the tolerance (relative above 1), all else exactly."""
    numbers = all(isinstance(each, int | float) and not isinstance(each, bool) for each in (value, expected))
    if numbers:
        return bool(abs(value - expected) <= tolerance * max(1.0, abs(expected)))
    return type(value) is type(expected) and bool(value == expected)
