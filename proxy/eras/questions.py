"""An upstream's questions across the eras, both ways.

A handshake upstream asks a modern client: the call is held, and its question becomes the result. The client answers by
sending the request again with our `requestState`; the held call then goes on where it stood. A modern upstream asks a
handshake client: its `input_required` becomes questions, and what is answered goes back with the request sent anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from typing import Any, cast
from uuid import uuid4

from proxy.eras.request import Channel, ClientRequest
from proxy.wire import rpc
from proxy.wire.caller import Caller, Connection
from proxy.wire.protocol import PROMPTS_GET, RESOURCES_READ, TOOLS_CALL
from proxy.wire.tasks import Tasks, first
from schemas.trial import Reply

STATE = "mcp-mend-held:"
HOLD = 600.0
"""Seconds that a question waits for its answer before the held call is given up."""
MOST = 1000
"""Calls held at once."""
ROUNDS = 20
"""Most times one request is sent anew: an upstream that never has enough must not ask for ever."""

MAY_ASK = frozenset({TOOLS_CALL, PROMPTS_GET, RESOURCES_READ})
"""Methods whose result may ask for input; on any other a question cannot be put."""

Answer = Callable[[str, Any, ClientRequest], Coroutine[Any, Any, Reply]]


def held_in(params: Any) -> str | None:
    """The name of the held call that a request answers, None where it answers none of ours."""
    state: Any = rpc.fields(params).get("requestState")
    return state.removeprefix(STATE) if isinstance(state, str) and state.startswith(STATE) else None


class PausedCall:
    """One call under way, with the questions it has put and waits for."""

    def __init__(self) -> None:
        self.questions: dict[str, tuple[str, Any, asyncio.Future[Reply]]] = {}
        self.asked = asyncio.Event()
        self.work: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self.request: ClientRequest | None = None
        self.expiry: asyncio.TimerHandle | None = None

    async def ask(self, method: str, params: Any) -> Reply:
        """Hold the call until the client has answered."""
        key = f"question-{uuid4().hex[:8]}"
        answer: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self.questions[key] = (method, params, answer)
        self.asked.set()
        try:
            return await answer
        finally:
            self.questions.pop(key, None)

    def take(self, responses: Mapping[str, Any]) -> None:
        """Hand the client's answers to the questions they belong to; others are ignored."""
        for key, response in responses.items():
            found = self.questions.get(key)
            if found is not None and isinstance(response, Mapping) and not found[2].done():
                found[2].set_result(Reply(result=cast("Mapping[str, Any]", response)))
        if all(answer.done() for _, _, answer in self.questions.values()):
            self.asked.clear()

    def result(self, state: str) -> Reply:
        """The result that asks the client."""
        open_ones = {key: each for key, each in self.questions.items() if not each[2].done()}
        requests = {
            key: {"method": method} if params is None else {"method": method, "params": params}
            for key, (method, params, _) in open_ones.items()
        }
        return Reply(result={"resultType": "input_required", "inputRequests": requests, "requestState": STATE + state})


class PausedCalls:
    """Every call that is held for a modern client."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._held: dict[str, PausedCall] = {}
        self._tasks = Tasks()

    async def answer(self, method: str, params: Any, request: ClientRequest) -> Reply:
        """Answer one request of a modern client; cancelling it ends the call, be it new or gone on with."""
        state = held_in(params)
        if state is not None:
            return await self._resume(state, params, request)
        held = PausedCall()
        request.hold = held.ask
        held.request = request
        held.work = self._tasks.start(self._answer(method, params, request))
        return await self._next(request.name_held(), held)

    async def close(self) -> None:
        """Give up every held call."""
        self._held.clear()
        await self._tasks.close()

    async def _resume(self, state: str, params: Any, request: ClientRequest) -> Reply:
        held = self._held.pop(state, None)
        if held is None or held.request is None:
            return Reply(error=rpc.error(rpc.INVALID_PARAMS, "this requestState is unknown or was given up"))
        if held.expiry is not None:
            held.expiry.cancel()
        held.request.move(cast("Channel", request), request.token)
        responses: Any = cast("Mapping[str, Any]", params).get("inputResponses")
        held.take(rpc.fields(responses))
        return await self._next(state, held)

    async def _next(self, state: str, held: PausedCall) -> Reply:
        """Wait until the call is done or asks; then it is held for the client to come back."""
        try:
            await first(partial(asyncio.wait, (held.work,)), held.asked.wait)
        except asyncio.CancelledError:
            held.work.cancel()
            await asyncio.wait((held.work,))
            raise
        if held.work.done():
            return held.work.result()
        if len(self._held) >= MOST:
            held.work.cancel()
            return Reply(error=rpc.error(rpc.INTERNAL_ERROR, "too many calls wait for answers"))
        self._held[state] = held
        held.expiry = asyncio.get_running_loop().call_later(HOLD, self._expire, state)
        return held.result(state)

    def _expire(self, state: str) -> None:
        held = self._held.pop(state, None)
        if held is not None:
            held.work.cancel()


def asks_back(reply: Reply) -> bool:
    """Tell whether a reply asks for more input."""
    return reply.result is not None and reply.result.get("resultType") == "input_required"


async def rounds(connection: Connection, method: str, params: Mapping[str, Any], caller: Caller, reply: Reply) -> Reply:
    """Put the upstream's requests to the client and send the request again, as often as it takes."""
    for _ in range(ROUNDS):
        result = reply.result or {}
        requests = rpc.fields(result.get("inputRequests"))
        async with asyncio.TaskGroup() as tasks:
            asked = [tasks.create_task(_put(caller, request)) for request in requests.values()]
        answers = [each.result() for each in asked]
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
