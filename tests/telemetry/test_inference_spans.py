"""Questions to a model as spans, at the SDK's exporter in memory: the semantic conventions of GenAI, and no words."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

from proxy import tracing
from proxy.model.client import LocalPlanner, Remote
from proxy.model.openai import Endpoint
from proxy.model.sampling import ClientModel
from proxy.model.wire import Settings
from proxy.ports import Written
from proxy.telemetry import words
from proxy.telemetry.metrics import Meters
from proxy.telemetry.spans import Spans
from proxy.telemetry.surroundings import Surroundings
from schemas.config import Planner
from tests.fakes import Person

SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
SECRET = "hush-of-the-question"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def followed() -> tuple[Spans, InMemorySpanExporter]:
    kept, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    return Spans(provider.get_tracer("test"), Meters(), Surroundings(), lambda value: value), kept


def facts(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


@asynccontextmanager
async def endpoint(answer: Callable[[httpx2.Request], httpx2.Response]) -> AsyncGenerator[Endpoint]:
    """A planner whose server is a function."""
    async with httpx2.AsyncClient(transport=httpx2.MockTransport(answer), base_url="http://model/v1/") as client:
        yield Endpoint(client, Planner(model="small-1", deadline=5))


async def asked(work: Any) -> tuple[Any, list[ReadableSpan]]:
    """What a question gave, and its spans, each of them within the generation that asked."""
    spans, kept = followed()
    with tracing.following(spans):
        value = await tracing.generation(1, work)
    *found, generation = kept.get_finished_spans()
    for span in found:
        assert span.parent is not None
        assert generation.context is not None
        assert span.parent.span_id == generation.context.span_id
        assert set(facts(span)) <= set(words.SPANS["inference"])
        assert SECRET not in span.to_json()
    return value, found


async def test_a_question_to_an_endpoint_is_a_chat_with_its_model_and_tokens() -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        usage = {"prompt_tokens": 21, "completion_tokens": 3, "total_tokens": 24}
        message = {"content": json.dumps({"n": 5})}
        assert SECRET in request.content.decode()
        return httpx2.Response(200, json={"model": "small-1-today", "choices": [{"message": message}], "usage": usage})

    async with endpoint(answer) as planner:
        value, (span,) = await asked(planner.generate(SECRET, SCHEMA))
    assert value == {"n": 5}
    assert (span.name, span.kind) == ("chat small-1", SpanKind.CLIENT)
    assert facts(span) == {
        words.OPERATION: "chat", words.PROVIDER: "openai", words.MODEL: "small-1",
        words.ANSWERED: "small-1-today", words.READ: 21, words.WRITTEN: 3,
    }  # fmt: skip


async def test_each_request_for_the_likelihood_of_given_answers_is_a_text_completion() -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        written = json.loads(request.content)["prompt"]
        choices: list[Any] = []
        for index, prompt in enumerate(written if isinstance(written, list) else [written]):
            likelihoods = [None, *(-1.0 for _ in prompt[1:])]
            told = {"tokens": list(prompt), "token_logprobs": likelihoods, "text_offset": list(range(len(prompt)))}
            choices.append({"index": index, "text": prompt, "logprobs": told})
        return httpx2.Response(200, json={"choices": choices})

    async with endpoint(answer) as planner:
        scores, spans = await asked(planner.rank(SECRET, ["yes", "no"]))
    assert scores == [-1.0, -1.0]
    assert {span.name for span in spans} == {"text_completion small-1"}
    assert facts(spans[-1]) == {
        words.OPERATION: "text_completion", words.PROVIDER: "openai", words.MODEL: "small-1"
    }  # fmt: skip


async def test_an_endpoint_that_breaks_is_an_error_by_its_kind_alone() -> None:
    async with endpoint(lambda request: httpx2.Response(503, text=SECRET)) as planner:
        value, (span,) = await asked(planner.generate("x", SCHEMA))
    assert value is None
    assert facts(span)[words.ERROR] == "Failed"
    assert span.status.description is None


class Worker(Remote):
    """A worker that gives one answer, without a process."""

    def __init__(self, folder: Path, answer: dict[str, Any] | None) -> None:
        super().__init__(Settings("/models/tiny.gguf", 512, 1, 0, 1, 1.0), folder)
        self._answer = answer

    async def ask(self, body: Mapping[str, Any], seconds: float) -> dict[str, Any] | None:
        del body, seconds
        return self._answer


async def test_the_local_planner_tells_what_it_read_and_wrote(tmp_path: Path) -> None:
    wrote = {"value": {"n": 5}, "tokens": 30, "reused": 100, "sampled": 4, "forced": 6}
    _, (span,) = await asked(LocalPlanner(Worker(tmp_path, wrote), 5).generate(SECRET, SCHEMA))
    assert span.name.startswith("chat ")
    told = facts(span)
    assert told[words.PROVIDER] == "llama.cpp"
    assert "tiny" in told[words.MODEL]
    assert (told[words.READ], told[words.WRITTEN]) == (120, 10)
    ranked = {"value": [-1.0], "tokens": 30, "reused": 0, "sampled": 0, "forced": 0}
    _, (span,) = await asked(LocalPlanner(Worker(tmp_path, ranked), 5).rank(SECRET, ["a"]))
    assert span.name.startswith("text_completion ")
    _, (span,) = await asked(
        LocalPlanner(Worker(tmp_path, {"error": "deadline", "message": SECRET}), 5).rank("x", ["a"])
    )
    assert facts(span)[words.ERROR] == "deadline"


class Model(Person):
    """A client with a model of its own."""

    async def sample(self, prompt: str, max_tokens: int) -> Written | None:
        del max_tokens
        return Written(json.dumps({"n": 5}), "theirs") if SECRET in prompt else None


async def test_a_clients_own_model_is_named_as_it_names_it() -> None:
    value, (span,) = await asked(ClientModel(5, str, Model()).generate(SECRET, SCHEMA))
    assert value == {"n": 5}
    assert facts(span) == {words.OPERATION: "chat", words.PROVIDER: "mcp.client", words.ANSWERED: "theirs"}
    _, (span,) = await asked(ClientModel(5, str, Model()).generate("x", SCHEMA))
    assert facts(span)[words.ERROR] == "no_answer"
