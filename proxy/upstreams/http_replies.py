"""What an HTTP answer means for the message that it answers. Knows nothing of connections and sends nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast

import httpx2

from proxy.wire import rpc
from proxy.wire.protocol import DISCOVER, INITIALIZE, PING, PROMPTS_LIST, RESOURCES_LIST, TOOLS_LIST

LONGEST_REFUSAL = 1 << 20
"""Bytes that are read of the body of an HTTP error."""

AT_THE_DOOR = frozenset({401, 405, 406, 415})
"""Statuses by which HTTP itself says that a request was not looked at."""

HARMLESS = frozenset({INITIALIZE, DISCOVER, PING, TOOLS_LIST, PROMPTS_LIST, RESOURCES_LIST})
"""Requests that may be posted twice."""

_OF_THE_CALL = frozenset({rpc.METHOD_NOT_FOUND, rpc.INVALID_PARAMS, rpc.INTERNAL_ERROR})
"""Codes of errors that are about what was asked, not about the session that asked it."""


def session_gone(status: int, body: bytes, session: str) -> bool:
    """Tell whether the answer to a request that named a session means that there is no such session any more.

    Where the work may have been begun (any status but 400 and 404) only an answer says so that names this very session,
    or is one of the sentences that say nothing else.
    """
    if status == 404 or status not in (200, *_OF_THE_SESSION):
        return status == 404
    said = error_in(body)
    if said is None and status == 200:
        return False
    text = str(said.get("message")) if said is not None else body.decode(errors="replace")
    if said is not None and said.get("code") in _OF_THE_CALL:
        return False
    if status == 400:
        return session in text or _NAMES_SESSION.search(text) is not None
    alone = _GONE.fullmatch(text.strip()) is not None and (status != 200 or (said or {}).get("code") in _NOT_BEGUN)
    return session in text or alone


_OF_THE_SESSION = frozenset({400, 410, 503})
"""Statuses beside 404 with which servers refuse a session that they do not know."""

_NOT_BEGUN = frozenset({rpc.INVALID_REQUEST, -32001})
"""Codes for a request that is none, and, in the official SDKs, for a session that is not there."""

_NAMES_SESSION = re.compile(r"\bsession\b|session[ _-]?id|\binitializ|\binitialis", re.IGNORECASE)
"""The protocol's own words for what a session is and how it begins; a refusal in others stays what it is."""

_GONE = re.compile(
    r"(?:bad request: |error: )?(?:server not initialized|no valid session id or not an initialize request|"
    r"(?:no|no valid|invalid|unknown|missing|expired) (?:mcp[ -])?session(?:[ -]id)?(?: provided)?|"
    r"(?:mcp[ -])?session(?:[ -]id)? (?:not found|unknown|invalid|expired|terminated|does not exist|has expired))\.?",
    re.IGNORECASE,
)
"""What servers say of a session that is gone, and nothing but that; whatever else is said is no such sentence."""


async def body_of(response: httpx2.Response, most: int) -> bytes | None:
    """The whole body, None where it is longer than this."""
    parts: list[bytes] = []
    size = 0
    async for part in response.aiter_bytes():
        size += len(part)
        if size > most:
            return None
        parts.append(part)
    return b"".join(parts)


def error_in(body: bytes) -> Mapping[str, Any] | None:
    """The JSON-RPC error object of a body that is one."""
    for message in rpc.decode(body) or []:
        if isinstance(message.get("error"), Mapping):
            return cast("Mapping[str, Any]", message["error"])
    return None


def redirected(response: httpx2.Response) -> str | None:
    """Where a redirect leads, if it stays within its origin: credentials never travel further."""
    if response.status_code not in (307, 308) or "location" not in response.headers:
        return None
    return same_origin(response.request.url, response.headers["location"])


def same_origin(here: httpx2.URL, named: str) -> str | None:
    """An address that a server names, whole; None where it is of another origin, or none at all."""
    try:
        there = here.join(named)
    except httpx2.InvalidURL:
        return None
    return str(there) if (there.scheme, there.host, there.port) == (here.scheme, here.host, here.port) else None
