"""The planner, timed."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any

from proxy.ports import Planner, Usage
from proxy.telemetry.metrics import PLANNER_DURATION, PLANNER_TOKENS, Backend
from proxy.tracing import T


class TimedPlanner:
    """Implements `proxy.ports.Planner` by another, and says what its answers took."""

    def __init__(self, planner: Planner, meters: Backend) -> None:
        self._planner = planner
        self._meters = meters
        self._tokens = planner.usage.tokens

    @property
    def available(self) -> bool | None:
        """Whether it is asked."""
        return self._planner.available

    @property
    def likelihoods(self) -> bool:
        """Whether scores are likelihoods."""
        return self._planner.likelihoods

    @property
    def usage(self) -> Usage:
        """Requests and tokens so far."""
        return self._planner.usage

    async def rank(self, context: str, options: Sequence[str]) -> Sequence[float] | None:
        """Score each option after the context."""
        return await self._timed("rank", self._planner.rank(context, options))

    async def generate(self, context: str, schema: Mapping[str, Any], max_tokens: int = 256) -> Any | None:
        """Write one JSON value under a JSON Schema."""
        return await self._timed("generate", self._planner.generate(context, schema, max_tokens))

    async def _timed(self, question: str, answer: Awaitable[T]) -> T:
        began, answered = time.perf_counter(), "no"
        try:
            given = await answer
            answered = "no" if given is None else "yes"
            return given
        finally:
            self._meters.record(PLANNER_DURATION, time.perf_counter() - began, (question, answered))
            before, self._tokens = self._tokens, self._planner.usage.tokens
            if self._tokens > before:
                self._meters.add(PLANNER_TOKENS, self._tokens - before)
