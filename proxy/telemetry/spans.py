"""Spans of OpenTelemetry for what goes over the wire, by the semantic conventions of GenAI and MCP: sessions, requests.

What a client or an upstream said is in no span but for names, unless the user opts in to content; either way without
secrets. Needs the extra `otel`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, Span, SpanKind, Tracer

from proxy.telemetry import context, words
from proxy.telemetry.content import Content
from proxy.telemetry.inside import Inside
from proxy.telemetry.metrics import Backend
from proxy.telemetry.surroundings import Surroundings
from proxy.tracing import Asker, Params, Send
from proxy.wire import rpc
from proxy.wire.protocol import INITIALIZE, PROMPTS_GET, TOOLS_CALL
from schemas.record import CallRecord
from schemas.trial import Reply

_headers: ContextVar[Mapping[str, str] | None] = ContextVar("headers", default=None)
_calling: ContextVar[CallRecord | None] = ContextVar("calling", default=None)


class Spans(Inside):
    """Implements `proxy.tracing.Following`; `hide` takes secrets out of any value, `content` opts in to contents."""

    def __init__(
        self,
        tracer: Tracer,
        meters: Backend,
        around: Surroundings,
        hide: Callable[[Any], Any],
        *,
        content: bool = False,
    ) -> None:
        super().__init__(tracer, meters, hide)
        self._around = around
        self._content = content
        self._open: dict[str, Span] = {}

    def arrived(self, headers: Mapping[str, str]) -> None:
        """Keep the headers of an HTTP request: they may name a trace."""
        _headers.set(headers)

    async def request(self, method: str, params: Any, asker: Asker, answer: Callable[[], Awaitable[Reply]]) -> Reply:
        """Follow a client's request: child of the client's span, else of its session's."""
        said = rpc.fields(params)
        if method == INITIALIZE and asker.lasts:
            self._begin(asker)
        known = method != TOOLS_CALL or self._around.tool(str(said.get("name")))
        facts = self._facts(method, said) | self._of_the_client(asker) | {words.REQUEST: self.name(asker.ident)}
        parent, links = self._parent(said, asker)
        with self.span(_title(facts, known=known), facts, SpanKind.SERVER, parent, links) as span:
            reply = await super().request(method, params, asker, answer)
            self._answered(span, reply, Content(self.hide, said.get("arguments")) if self._content else None)
            return reply

    def left(self, session: str) -> None:
        """End the span of a session."""
        super().left(session)
        span = self._open.pop(session, None)
        if span is not None:
            span.end()

    def close(self) -> None:
        """End the spans of all sessions."""
        for session in list(self._open):
            self.left(session)

    def calling(self, record: CallRecord) -> None:
        """Know which record the next call belongs to."""
        _calling.set(record)

    async def sent(self, server: str, method: str, params: Params, send: Send) -> Reply:
        """Follow a request to an upstream, and let it know under which span it runs."""
        said = rpc.fields(params)
        facts = self._facts(method, said) | self._of_the_upstream(server)
        record = _calling.get() if method == TOOLS_CALL else None
        if record is not None:
            _calling.set(None)
            ids = {words.CALL: record.call_id, words.RUN: record.repair_id, words.STEP: self.name(record.step)}
            facts |= {key: value for key, value in ids.items() if value} | {words.EFFECT: record.effect}
        content = Content(self.hide, said.get("arguments")) if self._content else None
        if content is not None and method == TOOLS_CALL:
            facts[words.ARGUMENTS] = content.arguments
        with self.span(_title(facts, known=True), facts, SpanKind.CLIENT) as span:
            reply = await super().sent(server, method, context.carrying(params), send)
            self._answered(span, reply, content)
            if content is not None and method == TOOLS_CALL and reply.result is not None:
                span.set_attribute(words.RESULT, content.of(reply.result))
            return reply

    def headers(self, params: Any) -> Mapping[str, str]:
        """What a request says of its trace, for those who see its headers alone."""
        return context.headers(params)

    def _begin(self, asker: Asker) -> None:
        """Begin the span of a session, which stands for itself: clients come and go within it."""
        self.left(asker.session)
        info = rpc.fields(asker.profile.info)
        facts = self._of_the_client(asker) | {
            words.CLIENT_NAME: self.name(info.get("name")), words.CLIENT_VERSION: self.name(info.get("version"))
        }  # fmt: skip
        facts.pop(words.PROTOCOL, None)
        span = self.tracer.start_span(words.NAMES["session"], Context(), SpanKind.SERVER, facts)
        self._open[asker.session] = span

    def _parent(self, said: Mapping[str, Any], asker: Asker) -> tuple[Context, list[Link]]:
        """The context that a request names, else that of its HTTP request, else its session's; links to the others."""
        named = context.named(rpc.fields(said.get("_meta")))
        ambient = context.named(_headers.get() or {})
        session = self._open.get(asker.session)
        of_session = trace.set_span_in_context(session, Context()) if session is not None else Context()
        found = [each for each in (named, ambient, of_session) if context.valid(each)]
        parent = found[0] if found else Context()
        return parent, [Link(trace.get_current_span(other).get_span_context()) for other in found[1:]]

    def _facts(self, method: str, said: Mapping[str, Any]) -> dict[str, Any]:
        facts: dict[str, Any] = {words.METHOD: self.name(method)}
        if method == TOOLS_CALL:
            facts |= {words.OPERATION: words.EXECUTE_TOOL, words.TOOL: self.name(said.get("name"))}
        elif method == PROMPTS_GET:
            facts[words.PROMPT] = self.name(said.get("name"))
        if self._content and isinstance(said.get("uri"), str):
            facts[words.RESOURCE] = self.name(said["uri"])
        return facts

    def _of_the_client(self, asker: Asker) -> dict[str, Any]:
        facts: dict[str, Any] = {words.SESSION: asker.session} if asker.lasts else {}
        facts[words.VERSION] = self.name(asker.profile.version)
        over_http = _headers.get() is not None
        return facts | ({words.TRANSPORT: "tcp", words.PROTOCOL: "http"} if over_http else {words.TRANSPORT: "pipe"})

    def _of_the_upstream(self, server: str) -> dict[str, Any]:
        facts: dict[str, Any] = {words.SERVER: server}
        version, address = self._around.version(server), self._around.address(server)
        if version:
            facts[words.VERSION] = self.name(version)
        if address is None:
            return facts | {words.TRANSPORT: "pipe"}
        host, port = address
        return facts | {words.TRANSPORT: "tcp", words.PROTOCOL: "http", words.ADDRESS: host, words.PORT: port}

    def _answered(self, span: Span, reply: Reply, content: Content | None) -> None:
        """Say how a request failed, where it did, and in what words where these may be told."""
        if reply.lost is not None:
            self.failed(span, reply.lost.value, content and content.of(reply.message))
        elif reply.error is not None:
            code = reply.error.get("code")
            if isinstance(code, int):
                span.set_attribute(words.CODE, str(code))
            self.failed(span, str(code), content and content.of(str(reply.error.get("message", ""))))
        elif reply.refused:
            self.failed(span, "tool_error")


def _title(facts: Mapping[str, Any], *, known: bool) -> str:
    """The name of a request's span: its method, and the tool or prompt where that is of a known list."""
    target = facts.get(words.TOOL) or facts.get(words.PROMPT) if known else ""
    return f"{facts[words.METHOD]} {target or ''}".strip()
