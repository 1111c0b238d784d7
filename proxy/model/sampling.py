"""The planner behind the client: its own model, asked by MCP sampling.

A client may show each question to a person first, so few are asked in one run, and none after one that was refused
or answered too late. What comes back is text: a number of the list or JSON under the schema, else no answer.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import anyio
import structlog

from proxy import tracing
from proxy.model.answers import chosen, json_of, listed
from proxy.ports import Client, Usage, Written
from proxy.repair.view.schema import fits
from proxy.repair.view.shown import one_line
from proxy.tracing import Cost, Inference

log = structlog.get_logger("planner")

QUESTIONS = 8
"""In one run; a modern client gives a call up after ten rounds, and its person may be asked something besides."""
NUMBER_TOKENS = 16
SCHEMA = 24_000
"""Characters of a schema beyond which the question is not put."""
NAME = 60


class ClientModel:
    """The `Planner` port on the model of one client, for one run; `hide` takes secrets out of what is sent."""

    available = True
    likelihoods = False

    def __init__(self, deadline: float, hide: Callable[[str], str], client: Client) -> None:
        self._client = client
        self._deadline = deadline
        self._hide = hide
        self._left = QUESTIONS
        self.usage = Usage()

    async def rank(self, context: str, options: Sequence[str]) -> Sequence[float] | None:
        """0 for the chosen option and `NOT_CHOSEN` for the others; None: no answer."""
        if len(options) < 2:
            return [0.0] * len(options)
        asked = "Answer with the number of the best one and nothing else, with 0 where you cannot tell."
        return chosen(await self._ask(f"{listed(context, options)}\n\n{asked}", NUMBER_TOKENS), len(options))

    async def generate(self, context: str, schema: Mapping[str, Any], max_tokens: int = 256) -> Any | None:
        """One JSON value that satisfies the schema; None: no answer, or something else came back."""
        shown = json.dumps(_shorter(schema), ensure_ascii=False)
        if len(shown) > SCHEMA:
            return None
        asked = f"Answer with JSON and nothing else, valid under this JSON Schema:\n{shown}"
        value = json_of(await self._ask(f"{context}\n\n{asked}", max_tokens))
        return value if fits(schema, value) else None

    async def _ask(self, text: str, tokens: int) -> str:
        """The model's answer, "" for none."""
        why = "all questions of this run are asked"
        if self._left:
            why = "the client offers no sampling, refused, or did not answer in time"
            self._left -= 1
            with anyio.move_on_after(self._deadline):
                asked = self._client.sample(self._hide(text), tokens)
                wrote = await tracing.inference(Inference("chat", "mcp.client"), asked, _cost)
                if wrote is not None:
                    name = f"the client's {one_line(wrote.model)[:NAME]}".strip()
                    self.usage = replace(self.usage, calls=self.usage.calls + 1, model=name)
                    return wrote.text.strip()
            self._left = 0
        log.info("the planner has no answer", why=why)
        return ""


def _cost(wrote: Written | None) -> Cost:
    return Cost(error="no_answer") if wrote is None else Cost(model=one_line(wrote.model)[:NAME])


def _shorter(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema with one pattern for all steps of a plan, where it has one for each of them."""
    properties = {
        name: {"type": "array", "items": inner["prefixItems"][-1], "maxItems": len(inner["prefixItems"])}
        if "prefixItems" in inner
        else inner
        for name, inner in schema.get("properties", {}).items()
    }
    return {**schema, "properties": properties} if properties else schema
