"""A large catalog of made-up tools and an upstream in memory that refuses what their schemas refuse.

The time spent inside the upstream is added up, so that it can be left out of what is measured.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Mapping
from typing import Any

from jsonschema import Draft202012Validator

from catalog_cache.merge import public_name
from proxy.ports import Client, Journal, Upstreams
from schemas.catalog import Catalog, Tool
from schemas.record import CallRecord, RunRecord
from schemas.trial import Reply

_VERBS = "get list find create update count export check compare plan merge rank review split track audit".split()
_NOUNS = (
    "invoice ticket parcel forecast recipe playlist sensor vehicle lesson budget contract patient flight garden "
    "statue bridge harbour melody planet engine"
).split()
_PARTS = "summary history entry status group".split()
_KINDS: tuple[dict[str, Any], ...] = (
    {"type": "string"},
    {"type": "integer"},
    {"type": "number"},
    {"type": "boolean"},
    {"type": "array", "items": {"type": "string"}},
    {"type": "string", "enum": ["small", "medium", "large"]},
)
_ARGUMENTS = "name limit weight verbose labels size owner page ratio region".split()


def catalog(tools: int, seed: int = 0) -> Catalog:
    """A catalog of this many tools on sixteen servers; tool `n` is always the same."""
    rng = random.Random(seed)  # noqa: S311 no secret
    names = [f"{verb}_{noun}_{part}" for part in _PARTS for noun in _NOUNS for verb in _VERBS]
    made = [_tool(names[number], f"server{number % 16}", rng) for number in range(tools)]
    return Catalog(tuple(made), tuple(f"server{number}" for number in range(16)))


def _tool(name: str, server: str, rng: random.Random) -> Tool:
    properties = {f"{name.split('_')[1]}_id": {"type": "string"}, "amount": {"type": "integer"}}
    for argument in rng.sample(_ARGUMENTS, 4):
        properties[argument] = dict(rng.choice(_KINDS))
    schema = {"type": "object", "properties": properties, "required": list(properties)[:2]}
    raw = {
        "name": name,
        "description": f"{name.replace('_', ' ').capitalize()} of an account.",
        "inputSchema": {**schema, "additionalProperties": False},
        "annotations": {"readOnlyHint": True},
    }
    return Tool(server, name, public_name(server, name), raw)


class World(Upstreams):
    """Every upstream at once; `seconds` is the time that they took."""

    def __init__(self, tools: Catalog) -> None:
        self._catalog = tools
        self._validators = {tool.name: Draft202012Validator(tool.raw["inputSchema"]) for tool in tools}
        self.seconds = 0.0
        self.calls = 0

    @property
    def catalog(self) -> Catalog:
        """The one snapshot."""
        return self._catalog

    async def ready(self, server: str) -> None:
        """Everything is always ready."""

    async def call(self, tool: Tool, params: Mapping[str, Any], client: Client | None = None) -> Reply:
        """Refuse, or answer with an identifier and an amount."""
        del client
        began = time.thread_time()
        arguments = params.get("arguments") or {}
        error = next(iter(self._validators[tool.name].iter_errors(arguments)), None)
        if error is not None:
            reply = _result(f"Input validation error: {error.message}", failed=True)
        else:
            reply = _result({"item": {"id": f"x-{self.calls}", "amount": 7}, "of": tool.name})
        self.calls += 1
        self.seconds += time.thread_time() - began
        return reply


def _result(value: Any, *, failed: bool = False) -> Reply:
    text = value if isinstance(value, str) else json.dumps(value)
    structured = {} if failed else {"structuredContent": value}
    return Reply(result={"content": [{"type": "text", "text": text}], "isError": failed, **structured})


class Quiet(Journal):
    """A journal that keeps nothing."""

    def __init__(self) -> None:
        self._count = 0

    def new_id(self, kind: str) -> str:
        """A number."""
        self._count += 1
        return f"{kind}_{self._count}"

    def call(self, record: CallRecord) -> None:
        """Forget it."""

    def run(self, record: RunRecord) -> None:
        """Forget it."""

    async def flush(self) -> None:
        """Nothing to wait for."""


class Nobody(Client):
    """A client that asks for nothing; each has its own session."""

    def __init__(self, session: str) -> None:
        self._session = session

    @property
    def session(self) -> str:
        """Its name."""
        return self._session

    async def progress(self, done: float, total: float | None, message: str) -> None:
        """Not asked for."""

    async def elicit(self, message: str, schema: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Nobody is there to answer."""
        return None
