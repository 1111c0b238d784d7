"""The planner behind an OpenAI-compatible address: vLLM, llama-server, Ollama, LM Studio, llama-cpp-python.

What such a server can do differs and is found out by asking, once: scores of all options in one request, else one
by one, else one choice among numbered candidates; the constraint by JSON Schema in the first spelling that it takes.
It may also ignore a constraint, so every answer is checked here.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, TypeVar

import anyio
import httpx2
import structlog

from proxy import tracing
from proxy.model.answers import chosen, json_of, likelihoods, listed
from proxy.model.breaker import Breaker
from proxy.model.client import time_for
from proxy.model.spellings import FORMS, Failed, Refused, answer_of, content_of, in_object, told
from proxy.ports import Usage
from proxy.repair.view.schema import fits
from proxy.repair.view.shown import without_secrets
from proxy.tracing import Cost, Inference
from schemas import config
from schemas.catalog import as_list, as_object

log = structlog.get_logger("planner")

T = TypeVar("T")
Way = TypeVar("Way")
Ranking = Callable[[str, Sequence[str]], Awaitable[Sequence[float] | None]]

CONNECT = 5.0
"""Seconds to connect: a machine that is gone does not take the whole of a deadline."""


@asynccontextmanager
async def open_endpoint(wanted: config.Planner) -> AsyncGenerator[Endpoint]:
    """The planner at `base_url`; its connections are closed with the block."""
    headers = {"Authorization": f"Bearer {wanted.api_key}"} if wanted.api_key else {}
    timeout = httpx2.Timeout(None, connect=CONNECT)
    address = wanted.base_url.rstrip("/") + "/"
    async with httpx2.AsyncClient(base_url=address, headers=headers, timeout=timeout) as client:
        yield Endpoint(client, wanted)


class Endpoint:
    """The `Planner` port on a server, one for all sessions. An empty `model` is the first that the server names.

    At most `requests` questions are under way at once; the deadline of a question counts while it waits for others.
    """

    def __init__(self, client: httpx2.AsyncClient, wanted: config.Planner) -> None:
        self._client = client
        self._model = wanted.model
        self._deadline = wanted.deadline
        self._turns = anyio.Semaphore(wanted.requests)
        self.breaker = Breaker(wanted.failures, address=without_secrets(str(client.base_url)))
        self.usage = Usage(model=wanted.model)
        self._forget()

    def _forget(self) -> None:
        """Know nothing of the server: it may be another one than before."""
        self._ways: Sequence[Ranking] = ()
        self._forms: Sequence[Callable[[Mapping[str, Any]], dict[str, Any]]] = FORMS

    @property
    def available(self) -> bool:
        """Whether it is asked; a server that failed is left alone for a while."""
        return self.breaker.closed

    @property
    def likelihoods(self) -> bool:
        """Whether it ranks by likelihood; a server that shows none only chooses."""
        return not self._ways or self._ways[0] != self._choose

    async def rank(self, context: str, options: Sequence[str]) -> Sequence[float] | None:
        """Mean log-likelihood per token of each option, or 0 for the chosen one and `NOT_CHOSEN` for the others."""
        if not options:
            return []
        return await self._guarded(self._deadline, self._rank, context, options)

    async def generate(self, context: str, schema: Mapping[str, Any], max_tokens: int = 256) -> Any | None:
        """One JSON value that satisfies the schema; None: no server, no time, or something else came back."""
        seconds = time_for(self._deadline, max_tokens)
        return await self._guarded(seconds, self._generate, context, schema, max_tokens)

    async def _guarded(self, seconds: float, ask: Callable[..., Awaitable[T]], *args: Any) -> T | None:
        """Ask within the deadline, the wait for a turn included; a server that fails is left alone for a while."""
        if self.breaker.refuses:
            return None
        asked, began = False, time.monotonic()
        try:
            with anyio.move_on_after(seconds):
                async with self._turns:
                    began, asked = time.monotonic(), self.breaker.admit()
                    answer = await ask(*args) if asked else None
                    if asked and self.breaker.worked():
                        self._forget()
                    return answer
            if asked:
                self.breaker.failed(f"no answer within {seconds:g} s", time.monotonic() - began)
            else:
                log.info("the planner has no answer", why=f"other questions took the {seconds:g} s")
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError, Failed) as error:
            self.breaker.failed(told(error), time.monotonic() - began)
        finally:
            if asked:
                self.breaker.left()
        return None

    async def _rank(self, context: str, options: Sequence[str]) -> Sequence[float] | None:
        ways = self._ways or await self._found_out()
        scores, self._ways = await _first(ways, lambda way: way(context, options))
        return scores

    async def _found_out(self) -> Sequence[Ranking]:
        """The ways to rank that it takes, tried on two letters: a whole question would cost as much as its answer."""
        try:
            _, ways = await _first((self._together, self._one_by_one), lambda way: way("a", ["b", "c"]))
        except Refused:
            return (self._choose,)
        return (*ways, self._choose)

    async def _together(self, context: str, options: Sequence[str]) -> Sequence[float]:
        """Let the server evaluate the context with each option as a text of its own, all in one request."""
        return await self._score(context, options, [f"{context}\n{option}" for option in options])

    async def _one_by_one(self, context: str, options: Sequence[str]) -> Sequence[float]:
        found: list[float] = []
        for option in options:
            found += await self._score(context, [option], f"{context}\n{option}")
        return found

    async def _score(self, context: str, options: Sequence[str], prompt: str | list[str]) -> Sequence[float]:
        """Mean log-likelihood per token of each option; raises Refused where the server does not show them all.

        One token is asked for, as none at all means as many as fit to llama-cpp-python.
        """
        body = {"prompt": prompt, "max_tokens": 1, "temperature": 0, "echo": True, "logprobs": 0}
        scores = likelihoods(await self._post("completions", body), len(context) + 1, [len(each) for each in options])
        if scores is None:
            raise Refused("no likelihoods of the prompt")
        return scores

    async def _choose(self, context: str, options: Sequence[str]) -> Sequence[float] | None:
        best = {"enum": [str(number) for number in range(1, len(options) + 1)]}
        schema = {"type": "object", "properties": {"best": best}, "required": ["best"], "additionalProperties": False}
        text = f"{listed(context, options)}\n\nAnswer with the number of the best one, as JSON."
        answer = await self._generate(text, schema, 16)
        return chosen(answer["best"] if answer else "", len(options))

    async def _generate(self, context: str, schema: Mapping[str, Any], limit: int) -> Any | None:
        wrapped = schema if schema.get("type") == "object" else in_object(schema)
        body = {"messages": [{"role": "user", "content": context}], "max_tokens": limit, "temperature": 0}
        reply = await self._constrained(body, wrapped)
        value = json_of(content_of(reply))
        value = value if wrapped is schema else (as_object(value) or {}).get("value")
        if not fits(schema, value):
            log.info("the planner has no answer", why="it does not satisfy the schema")
            return None
        return value

    async def _constrained(self, body: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
        """Ask under a schema in the first spelling that the server takes, and keep to that one."""
        ask = self._post
        reply, self._forms = await _first(self._forms, lambda form: ask("chat/completions", {**body, **form(schema)}))
        return reply

    async def _post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Send a request; raises Refused where the server does not take its kind, else Failed or httpx2's errors."""
        model = await self._name()
        asked = Inference("chat" if path.startswith("chat") else "text_completion", "openai", model)
        answer = await tracing.inference(asked, self._answer(path, {"model": model, **body}), _cost)
        used = as_object(answer.get("usage")) or {}
        tokens = self.usage.tokens + int(used.get("total_tokens") or 0)
        self.usage = replace(self.usage, calls=self.usage.calls + 1, tokens=tokens, model=self._model)
        return answer

    async def _answer(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return answer_of(await self._client.post(path, json=body))

    async def _name(self) -> str:
        if not self._model:
            answer = answer_of(await self._client.get("models"))
            names = [as_object(entry) or {} for entry in as_list(answer.get("data")) or []]
            self._model = str(next((entry["id"] for entry in names if "id" in entry), ""))
            if not self._model:
                raise Failed("the server names no model: set planner.model")
        return self._model


async def _first(ways: Sequence[Way], ask: Callable[[Way], Awaitable[T]]) -> tuple[T, Sequence[Way]]:
    """The answer to the first way that is not refused, and that way with those after it; raises the last Refused."""
    refused = Refused("it takes no request")
    for number, way in enumerate(ways):
        try:
            return await ask(way), ways[number:]
        except Refused as error:
            refused = error
    raise refused


def _cost(answer: Mapping[str, Any]) -> Cost:
    used = as_object(answer.get("usage")) or {}
    read, written = used.get("prompt_tokens"), used.get("completion_tokens")
    model = answer.get("model")
    return Cost(
        read if isinstance(read, int) else None,
        written if isinstance(written, int) else None,
        model if isinstance(model, str) else "",
    )
