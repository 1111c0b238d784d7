"""The planner behind an OpenAI-compatible address: vLLM, llama-server, Ollama, LM Studio, llama-cpp-python.

What such a server can do differs and is found out by asking: the constraint by JSON Schema in the first spelling
that it takes; scores of whole options where it returns the likelihoods of a prompt, else one choice among numbered
candidates. It may also ignore a constraint, so every answer is checked here.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import anyio
import httpx2
import structlog

from proxy import tracing
from proxy.model.answers import chosen, json_of, likelihood, listed
from proxy.model.client import Pauses, time_for
from proxy.ports import Usage
from proxy.repair.view.schema import fits
from proxy.tracing import Cost, Inference
from schemas import config
from schemas.catalog import Json, as_list, as_object

log = structlog.get_logger("planner")

REFUSED = frozenset({400, 404, 405, 422, 500, 501})
"""Statuses by which servers say that they do not know an address or a parameter (llama-cpp-python says 500)."""


class Refused(Exception):  # noqa: N818 - an answer like others
    """The server does not take this kind of request."""


@asynccontextmanager
async def open_endpoint(wanted: config.Planner) -> AsyncGenerator[Endpoint]:
    """The planner at `base_url`; its connections are closed with the block."""
    headers = {"Authorization": f"Bearer {wanted.api_key}"} if wanted.api_key else {}
    async with httpx2.AsyncClient(base_url=wanted.base_url.rstrip("/") + "/", headers=headers, timeout=None) as client:
        yield Endpoint(client, wanted.model, wanted.deadline)


class Endpoint:
    """The `Planner` port on a server. `model` may be empty: then it is the first that the server names."""

    def __init__(self, client: httpx2.AsyncClient, model: str, deadline: float) -> None:
        self._client = client
        self._model = model
        self._deadline = deadline
        self.usage = Usage(model=model)
        self._forms = list(FORMS)
        self._scores = True
        self._pauses = Pauses()

    @property
    def likelihoods(self) -> bool:
        """Whether it ranks by likelihood; a server that shows none only chooses."""
        return self._scores

    async def rank(self, context: str, options: Sequence[str]) -> Sequence[float] | None:
        """Mean log-likelihood per token of each option, or 0 for the chosen one and `NOT_CHOSEN` for the others."""
        if not options:
            return []
        return await self._guarded(self._deadline, self._rank, context, options)

    async def generate(self, context: str, schema: Mapping[str, Any], max_tokens: int = 256) -> Any | None:
        """One JSON value that satisfies the schema; None: no server, no time, or something else came back."""
        seconds = time_for(self._deadline, max_tokens)
        return await self._guarded(seconds, self._generate, context, schema, max_tokens)

    async def _guarded(self, seconds: float, ask: Any, *args: Any) -> Any | None:
        """Ask within the deadline; a server that cannot be reached is left alone for a while."""
        if self._pauses.on:
            return None
        try:
            with anyio.move_on_after(seconds):
                answer = await ask(*args)
                self._pauses.worked()
                return answer
            log.info("the planner has no answer", why="deadline")
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError, Refused) as error:
            self._pauses.failed(f"{type(error).__name__}: {error}", address=str(self._client.base_url))
        return None

    async def _rank(self, context: str, options: Sequence[str]) -> Sequence[float] | None:
        if self._scores:
            try:
                return await self._score(context, options)
            except Refused:
                self._scores = False
        return await self._choose(context, options)

    async def _score(self, context: str, options: Sequence[str]) -> Sequence[float]:
        """Let the server evaluate context and option as one text; raises Refused where it shows no likelihoods."""
        start = f"{context}\n"
        found: list[float] = []
        for option in options:
            body = {
                "prompt": start + option,
                "max_tokens": 1,
                "temperature": 0,
                "echo": True,
                "logprobs": 1,
                "prompt_logprobs": 1,
            }
            score = likelihood(await self._post("completions", body), len(start), len(option))
            if score is None:
                raise Refused("no likelihoods of the prompt")
            found.append(score)
        return found

    async def _choose(self, context: str, options: Sequence[str]) -> Sequence[float] | None:
        best = {"enum": [str(number) for number in range(1, len(options) + 1)]}
        schema = {"type": "object", "properties": {"best": best}, "required": ["best"], "additionalProperties": False}
        text = f"{listed(context, options)}\n\nAnswer with the number of the best one, as JSON."
        answer = await self._generate(text, schema, 16)
        return chosen(answer["best"] if answer else "", len(options))

    async def _generate(self, context: str, schema: Mapping[str, Any], limit: int) -> Any | None:
        wrapped = schema if schema.get("type") == "object" else _wrap(schema)
        body = {"messages": [{"role": "user", "content": context}], "max_tokens": limit, "temperature": 0}
        reply = await self._constrained(body, wrapped)
        value = json_of(_content(reply))
        value = value if wrapped is schema else (as_object(value) or {}).get("value")
        if not fits(schema, value):
            log.info("the planner has no answer", why="it does not satisfy the schema")
            return None
        return value

    async def _constrained(self, body: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
        """Ask under a schema in the first spelling that the server takes, and keep to that one."""
        refused = Refused("it takes no request")
        for number, form in enumerate(self._forms):
            try:
                reply = await self._post("chat/completions", {**body, **form(schema)})
            except Refused as error:
                refused = error
            else:
                self._forms = self._forms[number:]
                return reply
        raise refused

    async def _post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Send a request; raises Refused where the server does not take its kind, else httpx2's errors."""
        model = await self._name()
        asked = Inference("chat" if path.startswith("chat") else "text_completion", "openai", model)
        answer = await tracing.inference(asked, self._answer(path, {"model": model, **body}), _cost)
        used = as_object(answer.get("usage")) or {}
        tokens = self.usage.tokens + int(used.get("total_tokens") or 0)
        self.usage = replace(self.usage, calls=self.usage.calls + 1, tokens=tokens, model=self._model)
        return answer

    async def _answer(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        reply = await self._client.post(path, json=body)
        if reply.status_code in REFUSED:
            raise Refused(f"{reply.status_code} {reply.text[:300]}")
        reply.raise_for_status()
        return as_object(reply.json()) or {}

    async def _name(self) -> str:
        if not self._model:
            reply = await self._client.get("models")
            reply.raise_for_status()
            names = [as_object(entry) or {} for entry in as_list((as_object(reply.json()) or {}).get("data")) or []]
            self._model = str(next((entry["id"] for entry in names if "id" in entry), ""))
            if not self._model:
                raise ValueError("the server names no model: set planner.model")
        return self._model


def _cost(answer: Mapping[str, Any]) -> Cost:
    used = as_object(answer.get("usage")) or {}
    read, written = used.get("prompt_tokens"), used.get("completion_tokens")
    model = answer.get("model")
    return Cost(
        read if isinstance(read, int) else None,
        written if isinstance(written, int) else None,
        model if isinstance(model, str) else "",
    )


def _standard(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The spelling of OpenAI, vLLM, llama-server, LM Studio and Ollama."""
    return {"response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}}


def _object(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The spelling of llama-cpp-python and of older llama-servers."""
    return {"response_format": {"type": "json_object", "schema": schema}}


def _plain(schema: Mapping[str, Any]) -> dict[str, Any]:
    """No constraint: the answer is only checked."""
    del schema
    return {}


FORMS = (_standard, _object, _plain)
"""Ways to ask for an answer under a schema, best first."""


def _wrap(schema: Mapping[str, Any]) -> dict[str, Json]:
    """An object with the value in it: some servers take no other schema. Definitions move to its root."""
    inner = {key: value for key, value in schema.items() if key not in ("$defs", "definitions")}
    definitions = {key: schema[key] for key in ("$defs", "definitions") if key in schema}
    return {
        "type": "object",
        "properties": {"value": inner},
        "required": ["value"],
        "additionalProperties": False,
        **definitions,
    }


def _content(reply: Mapping[str, Any]) -> str:
    choice = as_object((as_list(reply.get("choices")) or [None])[0]) or {}
    return str((as_object(choice.get("message")) or {}).get("content") or "")
