"""A large catalog of made-up tools, and an upstream in memory whose own time is added up, to be left out."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from typing import Any

from schemas.catalog import Tool
from schemas.trial import Reply
from tests.fakes import Server, World

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


class Upstreams:
    """Sixteen servers with this many tools; tool `n` is always the same. `seconds` is the time that they took."""

    def __init__(self, tools: int) -> None:
        self.seconds = 0.0
        self._calls = 0
        rng = random.Random(0)  # noqa: S311 no secret
        servers = [Server(f"server{number}") for number in range(16)]
        names = [f"{verb}_{noun}_{part}" for part in _PARTS for noun in _NOUNS for verb in _VERBS]
        for number, name in enumerate(names[:tools]):
            more = {argument: dict(rng.choice(_KINDS)) for argument in rng.sample(_ARGUMENTS, 4)}
            key = f"{name.split('_')[1]}_id"
            about = f"{name.replace('_', ' ').capitalize()} of an account."
            needed = {key: {"type": "string"}, "amount": {"type": "integer"}}
            servers[number % 16].tool(name, self._item, optional=list(more), about=about, **needed, **more)
        self.world = World({server.name: server for server in servers}, self._timed)
        self.tools = sorted(self.world.catalog, key=lambda tool: names.index(tool.name))

    def _item(self, **_: Any) -> dict[str, Any]:
        self._calls += 1
        return {"item": {"id": f"x-{self._calls}", "amount": 7}}

    async def _timed(self, tool: Tool, params: Mapping[str, Any], answer: Callable[[], Reply]) -> Reply:
        del tool, params
        began = time.thread_time()
        reply = answer()
        self.seconds += time.thread_time() - began
        return reply
