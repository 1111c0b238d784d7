"""A small model that writes JSON under a schema, greedily: llama.cpp and a grammar, nothing of the planner."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from proxy.model.engine import Engine
from proxy.model.requests import AbortFlag
from proxy.model.wire import Faulty

CONTEXT = 6144


class Model:
    """One loaded model; what a prompt shares with the last one is read once."""

    def __init__(self, path: Path, threads: int) -> None:
        self._engine = Engine(path, AbortFlag(), context=CONTEXT, threads=threads, gpu_layers=0)

    def write(self, prompt: str, schema: Mapping[str, Any], limit: int) -> Any:
        """The answer to a prompt, None where `limit` tokens are too few or the prompt is too long."""
        try:
            return self._engine.generate(prompt, schema, limit).value
        except (Faulty, ValueError):
            return None


def obj(properties: Mapping[str, Any], *, required: list[str] | None = None) -> dict[str, Any]:
    """The schema of an object with these keys alone; all are needed where nothing else is said."""
    needed = list(properties) if required is None else required
    return {"type": "object", "properties": dict(properties), "required": needed, "additionalProperties": False}


def call(name: str, tool: Mapping[str, Any], more: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The schema of a call of one tool; `more` may stand in place of any argument."""
    arguments = tool["arguments"]
    properties = {
        key: {"anyOf": [each, more]} if more else each for key, each in arguments.get("properties", {}).items()
    }
    return obj({"tool": {"const": name}, "arguments": obj(properties, required=list(arguments.get("required", ())))})
