"""The `openai` backend: against llama-cpp-python's own server, and against replies as other servers write them."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from structlog.testing import capture_logs

from proxy.model.openai import Endpoint, open_endpoint
from schemas.config import Planner

NUMBER = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"], "additionalProperties": False}
Answer = Callable[[httpx2.Request], httpx2.Response]


@pytest.fixture(scope="module")
def server(model: Path) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = f"--host 127.0.0.1 --port {port} --n_ctx 1024 --n_threads 1 --logits_all true --verbose false"
    command = [sys.executable, "-m", "llama_cpp.server", "--model", str(model), *options.split()]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            anyio.run(_listening, port)
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            process.terminate()


async def _listening(port: int) -> None:
    with anyio.fail_after(120):
        while True:
            try:
                await (await anyio.connect_tcp("127.0.0.1", port)).aclose()
            except OSError:
                await anyio.sleep(0.1)
            else:
                return


def counted(planner: Endpoint) -> list[Any]:
    """The prompts of the requests that it sends from here on."""
    sent: list[Any] = []

    async def note(request: httpx2.Request) -> None:
        if request.content:
            sent.append(json.loads(request.content).get("prompt"))

    planner._client.event_hooks["request"] = [note]
    return sent


@pytest.mark.model
async def test_a_real_server_ranks_by_the_likelihood_of_whole_options(server: str) -> None:
    """That of llama-cpp-python refuses several prompts in one request, which is asked once."""
    async with open_endpoint(Planner(base_url=server, deadline=120)) as planner:
        sent = counted(planner)
        for tries in (1, 0):
            scores = await planner.rank("The capital of France is", ["a potato", "Paris", "Berlin"])
            assert scores is not None
            assert max(range(3), key=scores.__getitem__) == 1
            assert [isinstance(prompt, list) for prompt in sent] == [True, False, False] * tries + [False] * 3
            sent.clear()
        assert planner.likelihoods
        assert planner.available
        assert planner.usage.calls == 8


@pytest.mark.model
async def test_a_real_server_writes_values_under_a_schema(server: str) -> None:
    async with open_endpoint(Planner(base_url=server, deadline=120)) as planner:
        value = await planner.generate("How many legs has a dog? Answer in JSON.", NUMBER, 40)
        assert isinstance(value["n"], int)
        assert await planner.generate("Which is a colour?", {"enum": ["red", "seven"]}, 40) in ("red", "seven")


@pytest.fixture
async def endpoint() -> AsyncIterator[Callable[[Answer], Endpoint]]:
    """A planner whose server is a function."""
    opened: list[httpx2.AsyncClient] = []

    def make(answer: Answer) -> Endpoint:
        opened.append(httpx2.AsyncClient(transport=httpx2.MockTransport(answer), base_url="http://model/v1/"))
        return Endpoint(opened[-1], Planner(model="m", deadline=5, failures=1))

    yield make
    for client in opened:
        await client.aclose()


def chat(content: str) -> httpx2.Response:
    return httpx2.Response(200, json={"choices": [{"message": {"content": content}}], "usage": {"total_tokens": 7}})


def echoed(index: int, option: str, chance: float) -> dict[str, Any]:
    """A choice as vLLM 0.32 writes it for the prompt "Indeed?" and an option of one token."""
    return {
        "index": index,
        "text": f"Indeed?\n{option}.",
        "logprobs": {
            "text_offset": [0, 6, 7, 8, 8 + len(option)],
            "token_logprobs": [None, -9.0, -2.0, chance, -0.5],
            "tokens": ["Indeed", "?", "\n", option, "."],
        },
    }


def letters(index: int) -> dict[str, Any]:
    """A choice for what is asked first, to find out what the server can do: "a" and an option of one letter."""
    return {"index": index, "logprobs": {"text_offset": [0, 1, 2, 3], "token_logprobs": [None, -1.0, -2.0, -0.5]}}


BOTH = [echoed(1, "yes", -1.0), echoed(0, "no", -4.0)]


async def test_all_options_are_ranked_in_one_request_as_vllm_answers_it(
    endpoint: Callable[[Answer], Endpoint],
) -> None:
    bodies: list[dict[str, Any]] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        bodies.append(json.loads(request.content))
        if len(bodies) == 1:
            return httpx2.Response(200, json={"choices": [letters(0), letters(1)]})
        return httpx2.Response(200, json={"choices": BOTH})

    assert await endpoint(answer).rank("Indeed?", ["no", "yes"]) == [-4.0, -1.0]
    assert [body["prompt"] for body in bodies[1:]] == [["Indeed?\nno", "Indeed?\nyes"]]


async def test_an_answer_that_lacks_an_option_is_none_and_they_are_asked_one_by_one(
    endpoint: Callable[[Answer], Endpoint],
) -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        prompt = json.loads(request.content)["prompt"]
        if prompt[0].startswith("a"):
            return httpx2.Response(200, json={"choices": [letters(0), letters(1)]})
        one = isinstance(prompt, str)
        return httpx2.Response(200, json={"choices": [echoed(0, "no", -3.0 if one else -4.0)]})

    planner = endpoint(answer)
    assert await planner.rank("Indeed?", ["no", "si"]) == [-3.0, -3.0]
    assert planner.likelihoods


async def test_what_was_found_out_is_forgotten_with_the_server(endpoint: Callable[[Answer], Endpoint]) -> None:
    """A server that comes back may be another one."""
    bare = [True]

    def answer(request: httpx2.Request) -> httpx2.Response:
        if "chat" in request.url.path:
            return chat('{"best": "2"}')
        if bare[0]:
            return httpx2.Response(404, text="no such address")
        found = [letters(0), letters(1)] if b"Indeed" not in request.content else BOTH
        return httpx2.Response(200, json={"choices": found})

    planner = endpoint(answer)
    assert await planner.rank("Indeed?", ["no", "yes"]) == [-1.0, 0.0]
    bare[0] = False
    assert await planner.rank("Indeed?", ["no", "yes"]) == [-1.0, 0.0]
    planner.breaker.failed("gone")
    planner.breaker._until = 0.0
    assert await planner.rank("Indeed?", ["no", "yes"]) == [-1.0, 0.0]
    assert await planner.rank("Indeed?", ["no", "yes"]) == [-4.0, -1.0]


async def test_a_prompt_that_is_too_long_says_nothing_of_what_the_server_can_do(
    endpoint: Callable[[Answer], Endpoint],
) -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        if b"long" in request.content:
            return httpx2.Response(400, json={"error": {"type": "BadRequestError", "code": 400}})
        found = [letters(0), letters(1)] if b"Indeed" not in request.content else BOTH
        return httpx2.Response(200, json={"choices": found})

    planner = endpoint(answer)
    assert await planner.rank("long", ["no", "yes"]) is None
    assert planner.likelihoods
    planner.breaker._until = 0.0
    assert await planner.rank("Indeed?", ["no", "yes"]) == [-4.0, -1.0]


async def test_a_server_without_likelihoods_chooses_among_numbers(endpoint: Callable[[Answer], Endpoint]) -> None:
    paths: list[str] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        paths.append(request.url.path)
        if request.url.path.endswith("/completions") and "chat" not in request.url.path:
            return httpx2.Response(404, text="no such address")
        assert "2) yes" in json.loads(request.content)["messages"][0]["content"]
        return chat('{"best": "2"}')

    planner = endpoint(answer)
    assert await planner.rank("Indeed?", ["no", "yes"]) == [-1.0, 0.0]
    assert await planner.rank("Indeed?", ["no", "yes"]) == [-1.0, 0.0]
    assert len(paths) == 4, "it does not ask for likelihoods again"


async def test_the_constraint_is_spelled_as_the_server_takes_it(endpoint: Callable[[Answer], Endpoint]) -> None:
    kinds: list[str] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        kinds.append(json.loads(request.content)["response_format"]["type"])
        return chat('{"n": 4}') if kinds[-1] == "json_object" else httpx2.Response(422, text="unknown type")

    planner = endpoint(answer)
    assert await planner.generate("x", NUMBER) == {"n": 4}
    assert await planner.generate("x", NUMBER) == {"n": 4}
    assert kinds == ["json_schema", "json_object", "json_object"]
    assert planner.usage.tokens == 14


@pytest.mark.parametrize("content", ["four", '{"n": "four"}', '{"n": 4', "", '{"n": 4, "m": 5}'])
async def test_an_answer_that_ignores_the_schema_is_no_answer(
    endpoint: Callable[[Answer], Endpoint], content: str
) -> None:
    assert await endpoint(lambda _: chat(content)).generate("x", NUMBER) is None


async def test_a_value_that_is_no_object_travels_in_one(endpoint: Callable[[Answer], Endpoint]) -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        schema = json.loads(request.content)["response_format"]["json_schema"]["schema"]
        assert schema["properties"]["value"] == {"type": "string"}
        return chat('```json\n{"value": "red"}\n```')

    assert await endpoint(answer).generate("x", {"type": "string"}) == "red"


async def test_a_server_that_is_not_there_is_reported_once_and_left_alone(
    endpoint: Callable[[Answer], Endpoint],
) -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("refused", request=request)

    planner = endpoint(answer)
    with capture_logs() as lines:
        assert await planner.generate("x", NUMBER) is None
        assert await planner.rank("x", ["a", "b"]) is None
    assert [line["log_level"] for line in lines] == ["warning"]


async def test_the_model_is_the_first_that_the_server_names(endpoint: Callable[[Answer], Endpoint]) -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.method == "GET":
            return httpx2.Response(200, json={"data": [{"id": "first"}, {"id": "second"}]})
        assert json.loads(request.content)["model"] == "first"
        return chat('{"n": 1}')

    planner = endpoint(answer)
    planner._model = ""
    assert await planner.generate("x", NUMBER) == {"n": 1}
