"""What mcp-mend itself adds to a client's call: the time until its answer, less that of the upstreams."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from proxy.telemetry.metrics import ADDED, Backend
from proxy.tracing import Asker, Cost, Inference, Kind, Params, Send, T
from proxy.wire.protocol import INITIALIZE, TOOLS_CALL
from schemas.edit import Proposal
from schemas.record import CallRecord, RunRecord
from schemas.trial import Candidate, Reply


@dataclass(slots=True)
class _Away:
    """What upstreams took for one request, how often they were asked, and what run it led to."""

    seconds: float = 0.0
    calls: int = 0
    run: Kind | None = None


_away: ContextVar[_Away | None] = ContextVar("away", default=None)


class Latency:
    """Implements `proxy.tracing.Following` for the one figure that no record holds, and for nothing else.

    Steps of a workflow overlap, so a workflow adds nothing to it.
    """

    def __init__(self, meters: Backend) -> None:
        self._meters = meters
        self._sessions: set[str] = set()

    @property
    def sessions(self) -> int:
        """Sessions of clients that have introduced themselves and not left."""
        return len(self._sessions)

    def close(self) -> None:
        """Nothing is held open."""

    def arrived(self, headers: Mapping[str, str]) -> None:
        """Nothing of it counts."""

    async def request(self, method: str, params: Any, asker: Asker, answer: Callable[[], Awaitable[Reply]]) -> Reply:
        """Time a client's call."""
        del params
        if method != TOOLS_CALL:
            if method == INITIALIZE and asker.lasts:
                self._sessions.add(asker.session)
            return await answer()
        away = _Away()
        token = _away.set(away)
        began = time.perf_counter()
        try:
            reply = await answer()
        finally:
            _away.reset(token)
        if away.calls and away.run != "workflow":
            added = max(0.0, time.perf_counter() - began - away.seconds)
            self._meters.record(ADDED, added, ("forwarded" if away.run is None else "examined",))
        return reply

    def left(self, session: str) -> None:
        """Forget a session."""
        self._sessions.discard(session)

    async def run(self, kind: Kind, work: Awaitable[T]) -> T:
        """Note that a request is looked at."""
        away = _away.get()
        if away is not None:
            away.run = kind
        return await work

    def ended(self, record: RunRecord) -> None:
        """The journal has it."""

    async def generation(self, number: int, work: Awaitable[T]) -> T:
        """A part of its run."""
        del number
        return await work

    async def candidate(self, lineage: Sequence[Proposal], work: Awaitable[Candidate]) -> Candidate:
        """A part of its run."""
        del lineage
        return await work

    async def inference(self, asked: Inference, work: Awaitable[T], cost: Callable[[T], Cost]) -> T:
        """The planner is timed as a whole."""
        del asked, cost
        return await work

    def calling(self, record: CallRecord) -> None:
        """The journal has it."""

    async def sent(self, server: str, method: str, params: Params, send: Send) -> Reply:
        """Time what an upstream takes."""
        del server, method
        away = _away.get()
        if away is None:
            return await send(params)
        began = time.perf_counter()
        try:
            return await send(params)
        finally:
            away.seconds += time.perf_counter() - began
            away.calls += 1

    def headers(self, params: Any) -> Mapping[str, str]:
        """None: nothing is traced."""
        del params
        return {}
