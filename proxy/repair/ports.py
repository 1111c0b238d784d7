"""The few things that repair asks of the outside world, as protocols.

Knows nothing of sockets, processes or models: the edge implements these, tests implement them in memory.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from schemas.catalog import Catalog, Tool
from schemas.record import CallRecord, RunRecord
from schemas.trial import Reply


class Client(Protocol):
    """The client behind one request: who it is, and how to talk back while its request runs."""

    @property
    def session(self) -> str:
        """Identity of the client's session: evidence is kept per session and never crosses."""
        ...

    async def progress(self, done: float, total: float | None, message: str) -> None:
        """Send a progress notification; does nothing where the client asked for none."""
        ...

    async def elicit(self, message: str, schema: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Ask the person behind the client; None where unsupported, declined or cancelled."""
        ...


class Upstreams(Protocol):
    """Every upstream, reached by tool."""

    @property
    def catalog(self) -> Catalog:
        """The current snapshot."""
        ...

    async def ready(self, server: str) -> None:
        """Wait until this upstream has connected, given up, or its start time-out is over."""
        ...

    async def call(self, tool: Tool, params: Mapping[str, Any], client: Client | None = None) -> Reply:
        """Send one `tools/call`; `params` as the client wrote them, `name` exchanged for the upstream's own.

        `client` gets the progress, log messages and questions that the call causes. Never raises for what the
        upstream does: an error reply or a lost connection is a `Reply`. Cancelling the caller cancels upstream.
        """
        ...


@dataclass(frozen=True)
class Usage:
    """What planner requests have cost so far."""

    calls: int = 0
    tokens: int = 0


class Planner(Protocol):
    """The small model; it may only choose and suggest, everything it says is validated again."""

    async def rank(self, context: str, options: Sequence[str]) -> Sequence[float] | None:
        """Score each option (a repaired call, as text) after the context, in nats per token; None: no planner."""
        ...

    async def generate(self, context: str, schema: Mapping[str, Any], max_tokens: int = 256) -> Any | None:
        """Write one JSON value under a JSON Schema; None: no planner, or nothing within the deadline."""
        ...

    @property
    def usage(self) -> Usage:
        """Requests and tokens so far."""
        ...


class Journal(Protocol):
    """The record of what was done; writing never blocks and never fails a call."""

    def new_id(self, kind: str) -> str:
        """A fresh identifier, sortable by time: `call_...` or `run_...`."""
        ...

    def call(self, record: CallRecord) -> None:
        """Hand over one call."""
        ...

    def run(self, record: RunRecord) -> None:
        """Hand over one repair or workflow run."""
        ...

    async def flush(self) -> None:
        """Return once everything handed over is on disk: awaited before an effect is sent within a workflow."""
        ...


Progress = Callable[[float, float | None, str], Awaitable[None]]
