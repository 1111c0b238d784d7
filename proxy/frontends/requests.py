"""What a client posts over HTTP: bodies bounded in size and time, and the refusal of those that mean nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from proxy.wire import rpc
from proxy.wire.rpc import Message
from proxy.wire.unreadable import Unread

LARGEST_BODY = 32 * 1024 * 1024
"""Bytes of one request: base64 of a large file fits, a memory exhaustion does not."""

BODY_SECONDS = 60.0
"""Seconds for one request to arrive whole."""


class RefusedError(HTTPException):
    """A request that is answered with an HTTP status and a JSON-RPC error."""

    def __init__(
        self,
        status: int,
        message: str,
        code: int = rpc.INVALID_REQUEST,
        ident: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status, message, headers)
        self.body = {"jsonrpc": "2.0", "id": ident, "error": rpc.error(code, message)}


async def refuse(request: Request, error: Exception) -> Response:
    """Answer for an `HTTPException`."""
    del request
    assert isinstance(error, HTTPException)  # noqa: S101 (registered for nothing else)
    body = error.body if isinstance(error, RefusedError) else {"error": error.detail.lower()}
    return Response(rpc.encode(body), error.status_code, error.headers, "application/json")


def accepted(request: Request) -> str:
    """All that the client says it takes."""
    return ", ".join(request.headers.getlist("accept"))


async def body_of(request: Request) -> bytes:
    """The whole body. Raises `RefusedError` where it is too large or too slow."""
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for part in request.stream():
                size += len(part)
                if size > LARGEST_BODY:
                    raise RefusedError(413, "The request is too large")
                if part:
                    parts.append(part)
    except TimeoutError as late:
        raise RefusedError(408, f"The request was not whole within {BODY_SECONDS:g} s") from late
    return b"".join(parts)


def answerable(message: Message) -> Message:
    """A request, where its id can be answered and the rest of it be read. Raises `RefusedError`."""
    if not rpc.is_id(message["id"]):
        raise RefusedError(400, "The id of a request must be a string or a number")
    if isinstance(message, Unread):
        raise RefusedError(400, f"Invalid request: it cannot be read: {message.why}", ident=message["id"])
    return message
