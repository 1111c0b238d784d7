"""A plain executor of plans, without repair: the baseline, and the proof that sound plans run.

Steps run in listed order; references resolve in `structuredContent`, else in the JSON of the text, else in the text.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from evals.cases.client import Answer, Connection


class UnresolvedError(LookupError):
    """A reference that leads nowhere."""


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


async def execute(
    steps: Sequence[Mapping[str, Any]], connection_of: Callable[[Mapping[str, Any]], Connection]
) -> tuple[dict[str, Any], str]:
    """Run the steps in listed order up to the first that fails: their values, and what that one said ("" for none)."""
    values: dict[str, Any] = {}
    for step in steps:
        try:
            answer = await connection_of(step).call(step["tool"], resolved(step["arguments"], values))
        except LookupError as fault:
            return values, str(fault)
        if answer.failed:
            return values, answer.text or "failed"
        values[step["id"]] = value_of(answer)
    return values, ""
