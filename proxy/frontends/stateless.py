"""Streamable HTTP as the modern era speaks it: every POST stands by itself.

The routing headers are checked against the body with the SDK's own ladder; what passes is answered raw.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any, cast
from uuid import uuid4

from mcp.shared.inbound import (
    ERROR_CODE_HTTP_STATUS,
    InboundLadderRejection,
    classify_inbound_request,
    find_duplicated_routing_header,
    unsupported_protocol_version_rejection,
    validate_mcp_param_headers,
)

from proxy.aggregate.router import Router
from proxy.eras.envelope import envelope, of_envelope
from proxy.frontends.streams import COMMIT, Headers, Receive, Send, Stream, event, refuse, respond, stream_out
from proxy.wire import rpc
from proxy.wire.protocol import BY_TASK_ID, HEADER_MISMATCH, NAME_HEADER, TOOLS_CALL, VERSION_HEADER
from proxy.wire.rpc import Message
from proxy.wire.unreadable import Unread
from schemas.trial import Reply


class ModernStream(Stream):
    """The response of one request: notifications, then the answer."""

    def tell(self, method: str, params: Any) -> None:
        """Send a notification."""
        self.push(event(rpc.encode(rpc.notification(method, params))))

    async def ask(self, method: str, params: Any) -> Reply:
        """The modern era has no questions to the client on the way."""
        del params
        return Reply(error=rpc.error(rpc.METHOD_NOT_FOUND, f"{method} cannot be sent to this client now"))

    def pause(self) -> None:
        """A modern stream cannot be resumed: it stays open."""


async def post(
    router: Router, pairs: Iterable[tuple[str, str]], headers: Headers, body: bytes, receive: Receive, send: Send
) -> None:
    """Answer one request; closing the connection cancels it."""
    message = await _readable(pairs, headers, body, send)
    if message is None:
        return
    if "id" not in message:
        router.hear(message["method"], message.get("params"), modern=True)
        await respond(send, 202)
        return
    refused = _refusal(router, message, headers)
    if refused is not None:
        error = rpc.error(refused.code, refused.message, refused.data)
        await _whole(send, message["id"], Reply(error=error))
        return
    await _answer(router, message, receive, send)


async def _readable(pairs: Iterable[tuple[str, str]], headers: Headers, body: bytes, send: Send) -> Message | None:
    """The one request or notification in the body; anything else has been answered."""
    accept = headers.get("accept", "")
    if not ("application/json" in accept and "text/event-stream" in accept) and "*/*" not in accept:
        await respond(send, 406)
        return None
    messages = rpc.decode(body)
    if messages is None and not _is_json(body):
        await refuse(send, 400, "Parse error", rpc.PARSE_ERROR)
        return None
    if messages is None or len(messages) != 1 or body.lstrip()[:1] == b"[":
        await refuse(send, 400, "Body must be a single JSON-RPC request or notification object")
        return None
    (message,) = messages
    if not isinstance(message.get("method"), str) or message.get("jsonrpc") != "2.0":
        await refuse(send, 400, "Body must be a single JSON-RPC request or notification object")
        return None
    if "id" not in message:
        unsupported = unsupported_protocol_version_rejection(headers.get(VERSION_HEADER, ""))
        if unsupported is None:
            return message
        await refuse(send, 400, unsupported.message, unsupported.code)
        return None
    if not rpc.is_id(message["id"]):
        await refuse(send, 400, "The id of a request must be a string or a number")
        return None
    if isinstance(message, Unread):
        await refuse(send, 400, f"Invalid request: it cannot be read: {message.why}", ident=message["id"])
        return None
    doubled = find_duplicated_routing_header(pairs)
    if doubled is not None:
        await refuse(send, 400, f"{doubled} header appears more than once", HEADER_MISMATCH, message["id"])
        return None
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


async def _answer(router: Router, message: Message, receive: Receive, send: Send) -> None:
    stream = ModernStream()
    params = message.get("params")
    request = router.client_request(stream, uuid4().hex, of_envelope(envelope(params) or {}), params, modern=True)
    request.ident, request.lasts = message["id"], False
    work = asyncio.ensure_future(router.answer(message["method"], params, request))
    work.add_done_callback(lambda _: stream.wake())
    try:
        await _either(stream, work, COMMIT)
        if work.done() and not stream.events:
            await _whole(send, message["id"], work.result())
            return
        work.add_done_callback(lambda done: _finish(stream, message["id"], done))
        await stream_out(stream, receive, send, ())
    finally:
        if not work.done():
            work.cancel()
            await asyncio.wait([work])


async def _either(stream: Stream, work: asyncio.Future[Reply], seconds: float) -> None:
    if not work.done():
        await stream.changed(seconds)


def _finish(stream: Stream, ident: Any, work: asyncio.Future[Reply]) -> None:
    if work.cancelled():
        stream.end()
        return
    failure = work.exception()
    reply = work.result() if failure is None else _bug(failure)
    stream.push(event(rpc.encode(_response(ident, reply))), last=True)


async def _whole(send: Send, ident: Any, reply: Reply) -> None:
    code: Any = reply.error.get("code") if reply.error is not None else None
    status = ERROR_CODE_HTTP_STATUS.get(code, 200) if isinstance(code, int) else 200
    await respond(send, status, rpc.encode(_response(ident, reply)))


def _response(ident: Any, reply: Reply) -> Message:
    body = {"result": reply.result} if reply.result is not None else {"error": reply.error}
    return {"jsonrpc": "2.0", "id": ident, **body}


def _bug(failure: BaseException) -> Reply:
    return Reply(error=rpc.error(rpc.INTERNAL_ERROR, f"mcp-mend failed on this request: {failure!r}"))


def _is_json(body: bytes) -> bool:
    import json

    try:
        json.loads(body)
    except (ValueError, RecursionError):
        return False
    return True
