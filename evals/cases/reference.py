"""A plain executor of plans, without repair: the baseline, and the proof that sound plans run.

Steps run in listed order; references resolve in `structuredContent`, else in the JSON of the text, else in the text.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from evals.cases.client import Answer, Connection


class UnresolvedError(LookupError):
    """A reference that leads nowhere."""


@dataclass
class Run:
    """What a plan did until its end or first failure."""

    values: dict[str, Any] = field(default_factory=dict[str, Any])
    failure: str = ""


def value_of(answer: Answer) -> Any:
    """The value that references into this answer see."""
    result = answer.result or {}
    if "structuredContent" in result:
        return result["structuredContent"]
    try:
        return json.loads(answer.text)
    except ValueError:
        return answer.text


def resolved(value: Any, values: Mapping[str, Any]) -> Any:
    """Exchange every reference inside a value for what it points at."""
    if isinstance(value, Mapping):
        if "$ref" in value and set(value) <= {"$ref", "path"}:
            if value["$ref"] not in values:
                raise UnresolvedError(f"no result of step {value['$ref']!r}")
            return _followed(values[value["$ref"]], str(value.get("path", "")))
        return {key: resolved(inner, values) for key, inner in value.items()}
    if isinstance(value, list):
        return [resolved(inner, values) for inner in value]
    return value


def _followed(value: Any, path: str) -> Any:
    for part in path.split(".") if path else []:
        try:
            value = value[int(part)] if isinstance(value, list) else value[part]
        except (KeyError, IndexError, ValueError, TypeError) as missing:
            raise UnresolvedError(f"nothing at {path!r}") from missing
    return value


async def execute(steps: Sequence[Mapping[str, Any]], connection_of: Callable[[Mapping[str, Any]], Connection]) -> Run:
    """Run the steps in listed order and stop at the first failure."""
    run = Run()
    for step in steps:
        try:
            arguments = resolved(step["arguments"], run.values)
            connection = connection_of(step)
        except LookupError as fault:
            run.failure = str(fault)
            return run
        answer = await connection.call(step["tool"], arguments)
        if answer.failed:
            run.failure = answer.text
            return run
        run.values[step["id"]] = value_of(answer)
    return run
