"""JSON-RPC messages as plain dicts, and their bytes.

Knows nothing of MCP: a message keeps every field it came with, nulls and unknown ones included.
"""

from __future__ import annotations

import itertools
import json
import math
import re
from collections.abc import Mapping
from typing import Any, TypeGuard, cast

from pydantic_core import from_json

from proxy.wire.unreadable import Unread, outline, within

Message = dict[str, Any]
Id = int | float | str

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603

_REPLY = re.compile(rb'\s*\{"jsonrpc": ?"2\.0", ?"id": ?(-?\d{1,18}|"[^"\\]*"), ?"result": ?(?=\{)')
"""The head of a reply as nearly everyone writes it: what follows up to the last brace is the result."""

_SPACES = bytes.maketrans(b"\n\r", b"  ")
"""A line break of JSON stands between its parts alone; within a text it is written as an escape."""

_ids = itertools.count(1)
_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, check_circular=False).encode
_encode_ascii = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


def _no_number(name: str) -> Any:
    raise ValueError(f"JSON has no {name}")


_decode = json.JSONDecoder(parse_constant=_no_number).decode


class Verbatim(dict[str, Any]):
    """A result that remembers its own bytes, and so travels on as it came; never change one in place."""

    __slots__ = ("_end", "_start", "_whole")

    def __init__(self, value: Mapping[str, Any], data: bytes, start: int = 0, end: int | None = None) -> None:
        super().__init__(value)
        self._whole, self._start, self._end = data, start, len(data) if end is None else end

    @property
    def data(self) -> bytes:
        """The bytes that it came in."""
        return self._whole[self._start : self._end]

    def line(self) -> bytes | memoryview:
        """The same without line breaks, uncopied where there are none."""
        broken = any(self._whole.find(each, self._start, self._end) >= 0 for each in (b"\n", b"\r"))
        return self.data.translate(_SPACES) if broken else memoryview(self._whole)[self._start : self._end]


def next_id() -> int:
    """A request id that this process has not used on any connection."""
    return next(_ids)


def is_id(value: Any) -> TypeGuard[Id]:
    """Tell whether a value can be the id of a request: a text or a finite number, which JSON-RPC lets be a fraction."""
    return type(value) in (int, str) or (type(value) is float and math.isfinite(value))


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


def encode(message: Any, end: bytes = b"") -> bytes:
    """Write one message as UTF-8 JSON without line breaks, and `end` after it; lone surrogates stay escaped."""
    if type(message) is dict:
        result = cast("Message", message).get("result")
        if type(result) is Verbatim:
            head = b'{"jsonrpc":"2.0","id":%b,"result":' % _encode(message["id"]).encode()
            return b"".join((head, result.line(), b"}", end))
    try:
        return _encode(message).encode() + end
    except UnicodeEncodeError:
        return _encode_ascii(message).encode() + end


def decode(data: bytes) -> list[Message] | None:
    """Read the message (or batch) in `data`; None where it holds no JSON-RPC at all.

    What the JSON reader refuses is read as far as it goes: a reply keeps its own text, with `null` for NaN and
    Infinity, and an `Unread` stands for a message of which no more than id and method can be made out.
    """
    try:
        return _messages(data)
    except (ValueError, RecursionError):
        return _second_look(data)


def _messages(data: bytes) -> list[Message] | None:
    value = _read(data)
    found = cast("list[Any]", value) if isinstance(value, list) else [value]
    messages = [cast("Message", item) for item in found if isinstance(item, dict)]
    looks_right = messages and all("method" in item or "id" in item for item in messages)
    if not looks_right or len(messages) != len(found):
        return None
    return [_verbatim_reply(data, messages[0])] if isinstance(value, dict) else messages


def _read(data: bytes) -> Any:
    """A JSON value; what the fast reader refuses (lone surrogates, deep nesting) the other may take."""
    try:
        return from_json(data, allow_inf_nan=False, cache_strings="keys")
    except ValueError:
        return _decode(data.decode())


def _verbatim_reply(data: bytes, message: Message) -> Message:
    """A plain reply with the bytes of its result; any other message as it is."""
    head = _REPLY.match(data) if "result" in message and len(message) == 3 else None
    if head is None or type(message["result"]) is not dict or _read(head[1]) != message["id"]:
        return message
    return {**message, "result": Verbatim(cast("Message", message["result"]), data, head.end(), data.rindex(b"}"))}


def _second_look(data: bytes) -> list[Message] | None:
    cut = within(data)
    try:
        messages = _messages(cut.text.encode())
    except (ValueError, RecursionError):
        known = outline(cut.text, "it is no valid JSON, or too long to be looked through")
        return [known] if known is not None else None
    if messages is None:
        return None
    if cut.no_number:
        messages = [_no_request(message) for message in messages]
    if not cut.left_out:
        return messages
    return [_as_far_as_read(message, cut.whole, cut.left_out) for message in messages]


def _as_far_as_read(message: Message, whole: str, why: str) -> Message:
    """A message of which parts were left out: only a reply can pass on as it came, by its own text."""
    data = whole.encode()
    result, head = message.get("result"), _REPLY.match(data)
    if type(result) is Verbatim and head is not None:
        return {**message, "result": Verbatim(result, data, head.end(), data.rindex(b"}"))}
    if "error" in message:
        return message
    return _known(message, why)


def _no_request(message: Message) -> Message:
    """A reply as it is; what asks for something is not exchanged for something else."""
    if "method" not in message:
        return message
    return _known(message, "JSON has no NaN and no Infinity")


def _known(message: Message, why: str) -> Unread:
    return Unread({key: message[key] for key in ("jsonrpc", "id", "method") if key in message}, why)


def verbatim(result: Mapping[str, Any]) -> Mapping[str, Any]:
    """A result of ours that is sent often, written once."""
    try:
        return Verbatim(result, _encode(result).encode())
    except UnicodeEncodeError:
        return result


def extended(result: Mapping[str, Any], more: Mapping[str, Any]) -> Mapping[str, Any]:
    """A result with further fields; one that travels by its own text goes on doing so where they are new to it."""
    grown = {**result, **more}
    if type(result) is not Verbatim or len(grown) < len(result) + len(more):
        return grown
    own = result.data
    comma = b"," if result else b""
    return Verbatim(grown, own[: own.rindex(b"}")] + comma + _encode(more)[1:].encode())
