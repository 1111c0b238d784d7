"""Streamable HTTP as the modern era speaks it: every POST stands by itself.

The routing headers are checked against the body with the SDK's own ladder; what passes is answered raw.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, cast
from uuid import uuid4

import structlog
from mcp.shared.inbound import (
    ERROR_CODE_HTTP_STATUS,
    InboundLadderRejection,
    classify_inbound_request,
    find_duplicated_routing_header,
    unsupported_protocol_version_rejection,
    validate_mcp_param_headers,
)
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from proxy.aggregate.router import Router
from proxy.eras.envelope import envelope, of_envelope
from proxy.eras.questions import held_in
from proxy.frontends.forwarding import Replicas
from proxy.frontends.requests import RefusedError, accepted, answerable, body_of
from proxy.frontends.streams import COMMIT, Stream, event, stream_out
from proxy.wire import rpc
from proxy.wire.protocol import BY_TASK_ID, HEADER_MISMATCH, NAME_HEADER, TOOLS_CALL, VERSION_HEADER
from proxy.wire.rpc import Message
from schemas.trial import Reply

log = structlog.get_logger("server")

NameHeld = Callable[[], str]


class ModernStream(Stream):
    """The response of one request: notifications, then the answer; `reply` is the answer where nothing precedes it."""

    def __init__(self, ident: Any) -> None:
        super().__init__()
        self.reply: Reply | None = None
        self._ident = ident

    def tell(self, method: str, params: Any) -> None:
        """Send a notification."""
        self.push(event(rpc.encode(rpc.notification(method, params))))

    async def ask(self, method: str, params: Any) -> Reply:
        """The modern era has no questions to the client on the way."""
        del params
        return Reply(error=rpc.error(rpc.METHOD_NOT_FOUND, f"{method} cannot be sent to this client now"))

    def pause(self) -> None:
        """A modern stream cannot be resumed: it stays open."""

    def answer(self, reply: Reply) -> None:
        """Take the answer: the last event, or the whole response where nothing has been sent."""
        if self.attached or self.events:
            self.push(event(_response(self._ident, reply)), last=True)
        else:
            self.reply = reply


async def post(router: Router, request: Request, replicas: Replicas | None) -> ASGIApp:
    """Answer one request, or hand it on to the replica that holds the call which it answers.

    Closing the connection cancels it.
    """
    body = await body_of(request)
    accept = accepted(request)
    if not ("application/json" in accept and "text/event-stream" in accept) and "*/*" not in accept:
        raise HTTPException(406)
    message = _one(body)
    if "id" not in message:
        unsupported = unsupported_protocol_version_rejection(request.headers.get(VERSION_HEADER, ""))
        if unsupported is not None:
            raise RefusedError(400, unsupported.message, unsupported.code)
        router.hear(message["method"], message.get("params"), modern=True)
        return Response(status_code=202)
    answerable(message)
    doubled = find_duplicated_routing_header(request.headers.items())
    if doubled is not None:
        raise RefusedError(400, f"{doubled} header appears more than once", HEADER_MISMATCH, message["id"])
    refused = _refusal(router, message, request.headers)
    if refused is not None:
        return _whole(message["id"], Reply(error=rpc.error(refused.code, refused.message, refused.data)))
    held = held_in(message.get("params"))
    owner = await _owner(replicas, request, held, body) if replicas is not None and held is not None else None
    return owner or partial(_answer, router, message, replicas.ids.new if replicas is not None else None)


async def _owner(replicas: Replicas, request: Request, held: str, body: bytes) -> ASGIApp | None:
    """The answer of the replica that holds a call; None where that is this one, or none any more."""
    try:
        return await replicas.owner(request, held, body)
    except RefusedError as refused:
        if refused.status_code != 404:
            raise
        return None


def _one(body: bytes) -> Message:
    """The one request or notification in the body. Raises `RefusedError`."""
    messages = rpc.decode(body)
    if messages is None and not _is_json(body):
        raise RefusedError(400, "Parse error", rpc.PARSE_ERROR)
    message = messages[0] if messages is not None and len(messages) == 1 and body.lstrip()[:1] != b"[" else {}
    if not isinstance(message.get("method"), str) or message.get("jsonrpc") != "2.0":
        raise RefusedError(400, "Body must be a single JSON-RPC request or notification object")
    return message


def _refusal(router: Router, message: Message, headers: Headers) -> InboundLadderRejection | None:
    """Why the request may not be served: its envelope, or headers that say something else than its body."""
    verdict = classify_inbound_request(message, headers=headers)
    if isinstance(verdict, InboundLadderRejection):
        return verdict
    params = cast("Mapping[str, Any]", message["params"])
    if message["method"] in BY_TASK_ID and headers.get(NAME_HEADER, params.get("taskId")) != params.get("taskId"):
        return InboundLadderRejection(HEADER_MISMATCH, "Header mismatch: Mcp-Name is not the taskId of the body")
    if message["method"] != TOOLS_CALL:
        return None
    schema = router.input_schema(str(params.get("name")))
    arguments: Any = params.get("arguments")
    if schema is None or not (arguments is None or isinstance(arguments, Mapping)):
        return None
    return validate_mcp_param_headers(schema, cast("Mapping[str, Any]", arguments or {}), headers)


async def _answer(
    router: Router, message: Message, name_held: NameHeld | None, scope: Scope, receive: Receive, send: Send
) -> None:
    """Send the answer as a whole where it comes soon and alone, else as a stream."""
    stream = ModernStream(message["id"])
    async with asyncio.TaskGroup() as tasks:
        work = tasks.create_task(_work(router, message, name_held, stream))
        await stream.changed(COMMIT)
        if stream.reply is not None:
            await _whole(message["id"], stream.reply)(scope, receive, send)
        else:
            await stream_out(stream, receive, send, {})
        work.cancel()


async def _work(router: Router, message: Message, name_held: NameHeld | None, stream: ModernStream) -> None:
    method, params = message["method"], message.get("params")
    request = router.client_request(stream, uuid4().hex, of_envelope(envelope(params) or {}), params, modern=True)
    request.ident, request.lasts = message["id"], False
    request.name_held = name_held or request.name_held
    try:
        stream.answer(await router.answer(method, params, request))
    except Exception as bug:
        log.exception("request failed inside the proxy", method=method)
        failure = rpc.error(rpc.INTERNAL_ERROR, f"mcp-mend failed on this request: {bug!r}")
        stream.answer(Reply(error=failure))
    finally:
        stream.end()


def _whole(ident: Any, reply: Reply) -> Response:
    code: Any = reply.error.get("code") if reply.error is not None else None
    status = ERROR_CODE_HTTP_STATUS.get(code, 200) if isinstance(code, int) else 200
    return Response(_response(ident, reply), status, media_type="application/json")


def _response(ident: Any, reply: Reply) -> bytes:
    body = {"result": reply.result} if reply.result is not None else {"error": reply.error}
    return rpc.encode({"jsonrpc": "2.0", "id": ident, **body})


def _is_json(body: bytes) -> bool:
    try:
        json.loads(body)
    except (ValueError, RecursionError):
        return False
    return True
