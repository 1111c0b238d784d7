"""JSON-RPC messages as plain dicts, and their bytes.

Knows nothing of MCP: a message keeps every field it came with, nulls and unknown ones included.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from typing import Any, cast

Message = dict[str, Any]
Id = int | str

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603

_ids = itertools.count(1)
_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, check_circular=False).encode
_encode_ascii = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode
_decode = json.JSONDecoder().decode


def next_id() -> int:
    """A request id that this process has not used on any connection."""
    return next(_ids)


def request(ident: Id, method: str, params: Mapping[str, Any] | None) -> Message:
    """A request; absent `params` stay absent."""
    if params is None:
        return {"jsonrpc": "2.0", "id": ident, "method": method}
    return {"jsonrpc": "2.0", "id": ident, "method": method, "params": params}


def notification(method: str, params: Mapping[str, Any] | None) -> Message:
    """A notification; absent `params` stay absent."""
    if params is None:
        return {"jsonrpc": "2.0", "method": method}
    return {"jsonrpc": "2.0", "method": method, "params": params}


def error(code: int, message: str, data: Any = None) -> dict[str, Any]:
    """An error object; `data` None is left out."""
    return {"code": code, "message": message} if data is None else {"code": code, "message": message, "data": data}


def fields(value: Any) -> Mapping[str, Any]:
    """A JSON value as an object; {} where it is none."""
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}


def encode(message: Any) -> bytes:
    """Write one message as UTF-8 JSON without line breaks; lone surrogates stay escaped."""
    try:
        return _encode(message).encode()
    except UnicodeEncodeError:
        return _encode_ascii(message).encode()


def decode(data: bytes) -> list[Message] | None:
    """Read the message (or batch) in `data`; None where it holds no JSON-RPC at all."""
    try:
        value: Any = _decode(data.decode())
    except (ValueError, RecursionError):
        return None
    found = cast("list[Any]", value) if isinstance(value, list) else [value]
    messages = [cast("Message", item) for item in found if isinstance(item, dict)]
    looks_right = messages and all("method" in item or "id" in item for item in messages)
    return messages if looks_right and len(messages) == len(found) else None
