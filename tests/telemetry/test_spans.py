"""Spans of a proxy over real servers, at the SDK's exporter in memory: their names, parents and attributes."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from proxy import app
from proxy.aggregate.router import Router
from proxy.planner.opening import NoPlanner
from proxy.telemetry import words
from proxy.telemetry.metrics import Meters
from proxy.telemetry.spans import Spans
from proxy.tracing import followed, following
from proxy.wire.caller import Profile
from schemas.config import Config, Upstream
from schemas.trial import Reply
from tests.frontends.httpclient import free_port
from tests.telemetry.proxies import TRACED, traced_over_http

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TRACEPARENT = f"00-{TRACE}-{PARENT}-01"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Deaf:
    """A way back to a client that says nothing."""

    def tell(self, method: str, params: Any) -> None:
        del method, params

    def pause(self) -> None:
        pass

    async def ask(self, method: str, params: Any) -> Reply:
        raise AssertionError(f"nobody should be asked: {method} {params}")


@dataclass
class Desk:
    """A client of a proxy in this process, and the spans that have ended so far."""

    router: Router
    profile: Profile = field(default_factory=lambda: Profile(info={"name": "desk", "version": "7"}))
    kept: InMemorySpanExporter = field(default_factory=InMemorySpanExporter)

    async def ask(self, method: str, params: Any = None) -> Reply:
        request = self.router.client_request(Deaf(), "session-1", self.profile, params)
        request.ident = 41
        return await self.router.answer(method, params, request)

    async def call(self, tool: str, meta: Any = None, **arguments: Any) -> dict[str, Any]:
        more = {} if meta is None else {"_meta": meta}
        reply = await self.ask("tools/call", {"name": tool, "arguments": arguments, **more})
        assert reply.result is not None, reply
        return dict(reply.result)

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        return self.kept.get_finished_spans()

    def named(self, name: str) -> ReadableSpan:
        (found,) = (span for span in self.spans if span.name == name)
        return found


def facts(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


def kind_of(span: ReadableSpan) -> str:
    """Which of the documented spans this is."""
    own = {name: kind for kind, name in words.NAMES.items() if "{" not in name}
    return own.get(span.name) or ("server" if span.kind is SpanKind.SERVER else "client")


def child(span: ReadableSpan, parent: ReadableSpan) -> bool:
    assert span.context is not None
    assert parent.context is not None
    same = span.context.trace_id == parent.context.trace_id
    return same and span.parent is not None and span.parent.span_id == parent.context.span_id


def said(result: dict[str, Any]) -> dict[str, Any]:
    return json.loads(result["content"][0]["text"])


@asynccontextmanager
async def desk(
    home: Path, monkeypatch: pytest.MonkeyPatch, *, traced: bool = True, content: bool = False, **upstreams: Upstream
) -> AsyncGenerator[Desk]:
    monkeypatch.setenv("MCP_MEND_HOME", str(home))
    config = Config.model_validate({"upstreams": upstreams, "planner": {"backend": "none"}})
    async with app.running(config) as proxy:
        made = Desk(Router(proxy.fleet, proxy.calls, None))
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(made.kept))
        proxy.telemetry.attach(proxy.fleet, proxy.journal, NoPlanner(), proxy.calls.own_names, proxy.journal.hidden)
        around, hide = proxy.telemetry.around, proxy.telemetry.hidden
        spans = Spans(provider.get_tracer("test"), Meters(), around, hide, content=content)
        for name in upstreams:
            await proxy.fleet.ready(name)
        with following(spans if traced else None):
            yield made
            spans.close()
        for span in made.spans:
            assert set(facts(span)) <= set(words.SPANS[kind_of(span)]), span.name


def on_stdio(**more: Any) -> Upstream:
    return Upstream(command=TRACED[0], args=TRACED[1:], **more)


async def test_a_sound_call_is_a_call_upstream_within_a_request_within_a_session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desk(tmp_path, monkeypatch, a=on_stdio()) as client:
        await client.ask("initialize", {"protocolVersion": "2025-11-25"})
        await client.call("a__count", number=5)
        client.router.leave("session-1")
        session, request, sent = (
            client.named(name) for name in ("session", "tools/call a__count", "tools/call count")
        )  # fmt: skip
    assert child(client.named("initialize"), session)
    assert child(request, session)
    assert child(sent, request)
    assert session.parent is None
    assert (request.kind, sent.kind) == (SpanKind.SERVER, SpanKind.CLIENT)
    assert facts(session) == {
        words.SESSION: "session-1", words.VERSION: "2025-11-25", words.TRANSPORT: "pipe",
        words.CLIENT_NAME: "desk", words.CLIENT_VERSION: "7",
    }  # fmt: skip
    assert facts(request) == {
        words.METHOD: "tools/call", words.OPERATION: "execute_tool", words.TOOL: "a__count", words.REQUEST: "41",
        words.SESSION: "session-1", words.VERSION: "2025-11-25", words.TRANSPORT: "pipe",
    }  # fmt: skip
    told = facts(sent)
    assert told.pop(words.CALL).startswith("call_")
    assert told == {
        words.METHOD: "tools/call", words.OPERATION: "execute_tool", words.TOOL: "count", words.SERVER: "a",
        words.VERSION: "2025-11-25", words.TRANSPORT: "pipe", words.EFFECT: "read",
    }  # fmt: skip
    assert {span.status.status_code for span in client.spans} == {StatusCode.UNSET}


async def test_a_repair_holds_generations_with_candidates_with_calls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desk(tmp_path, monkeypatch, a=on_stdio()) as client:
        await client.call("a__count", number="5")
        request, repair = client.named("tools/call a__count"), client.named("repair")
        generation, candidate = client.named("generation"), client.named("candidate")
        refused, again = (span for span in client.spans if span.name == "tools/call count")
    assert child(refused, request)
    assert child(repair, request)
    assert child(generation, repair)
    assert child(candidate, generation)
    assert child(again, candidate)
    assert facts(refused)[words.ERROR] == "tool_error"
    assert refused.status.status_code is StatusCode.ERROR
    told = facts(repair)
    assert told.pop(words.RUN).startswith("run_")
    assert told == {
        words.KIND: "call", words.STATUS: "repaired", words.CALLS: 2, words.PROBLEMS: ("refused", "wrong_type"),
        words.REPAIRS: (f"coerce_argument by {told[words.REPAIRS][0].split()[2]} (lossless)",),
    }  # fmt: skip
    assert facts(generation) == {words.GENERATION: 1, words.TRIED: True}
    assert facts(candidate)[words.EDITS] == ("coerce_argument",)
    assert facts(candidate)[words.SOLVED] is True
    assert facts(again)[words.RUN] == facts(repair)[words.RUN]
    assert facts(again)[words.STEP] == "call"


async def test_a_workflow_is_a_span_of_its_own_over_what_it_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = [
        {"id": "one", "tool": "count", "arguments": {"number": 5, "more": 6}},
        {"id": "two", "tool": "count", "arguments": {"number": {"$ref": "one", "path": "the_number"}}},
    ]
    async with desk(tmp_path, monkeypatch, a=on_stdio()) as client:
        result = await client.call("run_workflow", steps=steps)
        assert result["structuredContent"]["status"] == "repaired"
        request, run = client.named("tools/call run_workflow"), client.named("invoke_workflow run_workflow")
        generation = client.named("generation")
        first, second = (span for span in client.spans if span.name == "candidate")
        calls = [span for span in client.spans if span.name == "tools/call count"]
    assert child(run, request)
    assert child(first, run), "what was submitted is tried before the first generation"
    assert child(generation, run)
    assert child(second, generation)
    assert [child(calls[0], first), child(calls[1], second)] == [True, True]
    told = facts(run)
    assert told[words.OPERATION] == "invoke_workflow"
    assert (told[words.KIND], told[words.STATUS], told[words.CALLS]) == ("workflow", "repaired", 2)
    assert told[words.STOP] == "Every step succeeded."


async def test_the_clients_own_trace_goes_on_to_an_upstream_on_stdio(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"traceparent": TRACEPARENT, "tracestate": "vendor=1", "baggage": "who=me", "x-vendor": 1}
    async with desk(tmp_path, monkeypatch, a=on_stdio()) as client:
        await client.ask("initialize", {"protocolVersion": "2025-11-25"})
        meta = said(await client.call("a__look", meta=given))["meta"]
        request, sent = client.named("tools/call a__look"), client.named("tools/call look")
        session_links = [link.context.span_id for link in request.links]
        client.router.leave("session-1")
        session = client.named("session")
        prompt = await client.ask("prompts/get", {"name": "a__hello", "_meta": given})
        asked = client.named("prompts/get hello")
    assert request.parent is not None
    assert f"{request.parent.span_id:016x}" == PARENT
    assert request.context is not None
    assert sent.context is not None
    assert session.context is not None
    assert asked.context is not None
    assert f"{request.context.trace_id:032x}" == TRACE
    assert session_links == [session.context.span_id]
    assert meta == {**given, "traceparent": f"00-{TRACE}-{sent.context.span_id:016x}-01"}
    assert prompt.result is not None
    carried = json.loads(prompt.result["description"])
    assert carried == {**given, "traceparent": f"00-{TRACE}-{asked.context.span_id:016x}-01"}
    assert (facts(asked)[words.METHOD], facts(asked)[words.PROMPT]) == ("prompts/get", "hello")


async def test_the_trace_of_an_http_request_goes_on_to_an_upstream_over_http(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    with traced_over_http(port) as url:
        async with desk(tmp_path, monkeypatch, b=Upstream(url=url)) as client:
            assert followed.by is not None
            followed.by.arrived({"traceparent": TRACEPARENT, "baggage": "who=me"})
            told = said(await client.call("b__look"))
            request, sent = client.named("tools/call b__look"), client.named("tools/call look")
    assert request.parent is not None
    assert sent.context is not None
    assert f"{request.parent.span_id:016x}" == PARENT
    carried = f"00-{TRACE}-{sent.context.span_id:016x}-01"
    assert told["headers"]["traceparent"] == carried
    assert told["meta"] == {"traceparent": carried}
    assert "baggage" not in told["headers"]
    assert facts(request)[words.TRANSPORT] == "tcp"
    assert facts(sent) | {words.ADDRESS: "127.0.0.1", words.PORT: port, words.TRANSPORT: "tcp"} == facts(sent)


async def test_without_telemetry_a_trace_passes_on_as_it_came(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"traceparent": TRACEPARENT, "baggage": "who=me"}
    with traced_over_http(free_port()) as url:
        async with desk(tmp_path, monkeypatch, traced=False, a=on_stdio(), b=Upstream(url=url)) as client:
            for tool in ("a__look", "b__look"):
                told = said(await client.call(tool, meta=given))
                assert told["meta"] == given
                assert "traceparent" not in told["headers"]
                assert said(await client.call(tool))["meta"] is None


async def test_spans_hold_no_content_unless_the_user_opts_in_and_never_a_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    leaking = on_stdio(env={"LEAKED": "hush-of-env", "API_TOKEN": "hush-of-env"})
    for content in (False, True):
        async with desk(tmp_path, monkeypatch, content=content, a=leaking) as client:
            await client.call("a__leak", password="hush-of-args")  # noqa: S106
            await client.call("a__count", number="hush-no-number")
            await client.ask("tools/call", {"name": "hush-of-env-is-no-tool", "arguments": {}})
            written = "\n".join(span.to_json() for span in client.spans)
            sent = next(span for span in client.spans if span.name == "tools/call leak")
        assert "hush-of" not in written
        assert ("hush-no-number" in written) is content
        assert (words.ARGUMENTS in facts(sent)) is content
        if content:
            assert json.loads(facts(sent)[words.ARGUMENTS]) == {"password": "[redacted]"}


async def test_what_ends_a_request_early_is_told_by_its_kind_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desk(tmp_path, monkeypatch, a=on_stdio()) as client:
        await client.ask("tools/call", {"name": "a__nothing_like_it_at_all", "arguments": {}})
        failed = client.named("tools/call")
        for odd in ({"name": {"not": "a text"}}, {"name": None}, [1], "text", None):
            assert (await client.ask("tools/call", odd)).error is not None
    assert facts(failed)[words.ERROR] == "-32602"
    assert facts(failed)[words.CODE] == "-32602"
    assert failed.status.description is None
    assert facts(failed)[words.TOOL] == "a__nothing_like_it_at_all"
