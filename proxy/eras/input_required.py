"""Answer a modern upstream's `input_required` for a client of the handshake era: its requests become questions.

What the client answers goes back with the request sent anew, until the upstream has all it needs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, cast

from proxy.wire import rpc
from proxy.wire.caller import Caller, Connection
from schemas.trial import Reply

ROUNDS = 20
"""Most times one request is sent anew: an upstream that never has enough must not ask for ever."""


def asks_back(reply: Reply) -> bool:
    """Tell whether a reply asks for more input."""
    return reply.result is not None and reply.result.get("resultType") == "input_required"


async def rounds(connection: Connection, method: str, params: Mapping[str, Any], caller: Caller, reply: Reply) -> Reply:
    """Put the upstream's requests to the client and send the request again, as often as it takes."""
    for _ in range(ROUNDS):
        result = reply.result or {}
        wanted: Any = result.get("inputRequests")
        requests = rpc.fields(wanted)
        answers = await asyncio.gather(*(_put(caller, request) for request in requests.values()))
        failed = next((answer for answer in answers if answer.result is None), None)
        if failed is not None:
            return failed
        given = {key: answer.result for key, answer in zip(requests, answers, strict=True)}
        again = {**params, "inputResponses": given}
        if "requestState" in result:
            again["requestState"] = result["requestState"]
        reply = await connection.request(method, again, caller)
        if not asks_back(reply):
            return reply
    return Reply(error=rpc.error(rpc.INTERNAL_ERROR, f"{connection.name} asked for more input {ROUNDS} times"))


async def _put(caller: Caller, request: Any) -> Reply:
    if not isinstance(request, Mapping):
        return Reply(error=rpc.error(rpc.INTERNAL_ERROR, "the upstream sent a malformed input request"))
    asked = cast("Mapping[str, Any]", request)
    return await caller.ask(str(asked.get("method")), asked.get("params"))
