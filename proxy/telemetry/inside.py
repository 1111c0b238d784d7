"""Spans of OpenTelemetry for what the proxy does of itself: runs, generations, candidates, questions to a model.

By the semantic conventions of GenAI. What was asked and answered is in none of them. Needs the extra `otel`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from opentelemetry.context import Context
from opentelemetry.trace import Link, Span, SpanKind, Status, StatusCode, Tracer

from proxy.telemetry import words
from proxy.telemetry.latency import Latency
from proxy.telemetry.metrics import Backend
from proxy.telemetry.records import abstained
from proxy.tracing import Cost, Inference, Kind, T
from proxy.wire import protocol, rpc
from schemas.edit import Proposal
from schemas.record import RunRecord
from schemas.trial import Candidate

LONGEST = 200
"""Characters of a name."""

_OF_THE_PROTOCOL = frozenset(
    {*protocol.HANDSHAKE_VERSIONS, *(name for name in vars(protocol).values() if isinstance(name, str))}
)

_run: ContextVar[Span | None] = ContextVar("run", default=None)


class Inside(Latency):
    """The half of `Spans` that knows nothing of clients and upstreams; `hide` takes secrets out of any value."""

    def __init__(self, tracer: Tracer, meters: Backend, hide: Callable[[Any], Any]) -> None:
        super().__init__(meters)
        self.tracer = tracer
        self.hide = hide

    async def run(self, kind: Kind, work: Awaitable[T]) -> T:
        """Follow a run; what became of it comes with its record."""
        workflow = {words.OPERATION: words.INVOKE_WORKFLOW, words.AGENT: "run_workflow"}
        facts = {words.KIND: kind, **(workflow if kind == "workflow" else {})}
        with self.span(words.NAMES["workflow" if kind == "workflow" else "repair"], facts) as span:
            token = _run.set(span)
            try:
                return await super().run(kind, work)
            finally:
                _run.reset(token)

    def ended(self, record: RunRecord) -> None:
        """Say what became of the run."""
        span = _run.get()
        if span is None or not span.is_recording():
            return
        span.set_attribute(words.RUN, record.repair_id)
        if record.status == "running":
            return
        wrong = record.found or record.problems
        span.set_attributes(
            {
                words.STATUS: record.status,
                words.CALLS: record.calls,
                words.REPAIRS: [
                    f"{one.get('op')} by {one.get('rule')} ({one.get('confidence')})" for one in record.repairs
                ],
                words.PROBLEMS: sorted({str(one.get("kind")) for one in wrong}),
            }
        )
        if record.report is not None:
            span.set_attribute(words.STOP, str(rpc.fields(record.report.get("search")).get("stop")))
        if reason := abstained(record):
            self.failed(span, reason)

    async def generation(self, number: int, work: Awaitable[T]) -> T:
        """Follow a generation."""
        with self.span(words.NAMES["generation"], {words.GENERATION: number}) as span:
            tried = await work
            span.set_attribute(words.TRIED, bool(tried))
            return tried

    async def candidate(self, lineage: Sequence[Proposal], work: Awaitable[Candidate]) -> Candidate:
        """Follow a candidate."""
        edits = [edit.op for proposal in lineage for edit in proposal.edits]
        facts = {words.EDITS: edits, words.RULES: [proposal.rule for proposal in lineage]}
        with self.span(words.NAMES["candidate"], facts) as span:
            candidate = await work
            span.set_attribute(words.SCORE, round(candidate.outcome.score.total, 4))
            span.set_attribute(words.SOLVED, candidate.outcome.solved)
            return candidate

    async def inference(self, asked: Inference, work: Awaitable[T], cost: Callable[[T], Cost]) -> T:
        """Follow a request to a model: a question of the planner, without its words and its answer."""
        facts = {words.OPERATION: asked.operation, words.PROVIDER: asked.provider}
        model = self.name(asked.model)
        facts |= {words.MODEL: model} if model else {}
        with self.span(f"{asked.operation} {model}".strip(), facts, SpanKind.CLIENT) as span:
            answer = await work
            spent = cost(answer)
            told = {words.READ: spent.read, words.WRITTEN: spent.written, words.ANSWERED: self.name(spent.model)}
            span.set_attributes({key: value for key, value in told.items() if value not in (None, "")})
            if spent.error:
                self.failed(span, spent.error)
            return answer

    @contextmanager
    def span(
        self,
        name: str,
        facts: Mapping[str, Any],
        kind: SpanKind = SpanKind.INTERNAL,
        parent: Context | None = None,
        links: Sequence[Link] = (),
    ) -> Generator[Span]:
        """A span around a block; what ends it early is told by its kind alone, as its words may be anybody's."""
        with self.tracer.start_as_current_span(
            name, parent, kind, facts, links, record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                yield span
            except BaseException as ended:
                cancelled = isinstance(ended, asyncio.CancelledError)
                self.failed(span, "cancelled" if cancelled else type(ended).__name__)
                raise

    def failed(self, span: Span, kind: str, message: str | None = None) -> None:
        """Mark a span as failed."""
        span.set_attribute(words.ERROR, kind)
        span.set_status(Status(StatusCode.ERROR, message))

    def name(self, value: Any) -> str:
        """A name without secrets; what the protocol itself says holds none."""
        text = "" if value is None else str(value)
        if isinstance(value, int) or text in _OF_THE_PROTOCOL:
            return text
        return str(self.hide(text))[:LONGEST]
