"""The few things that repair asks of the outside world, as protocols.

Knows nothing of sockets, processes or models: the edge implements these, tests implement them in memory.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from schemas.catalog import Catalog, Json, Tool
from schemas.plan import Location, Plan, Step
from schemas.record import CallRecord, RunRecord
from schemas.trial import Candidate, Reply


class Client(Protocol):
    """The client behind one request: who it is, and how to talk back while its request runs."""

    @property
    def session(self) -> str:
        """Identity of the client's session: evidence is kept per session and never crosses."""
        ...

    @property
    def lasts(self) -> bool:
        """Tell whether more requests may come in this session; else nothing of it is kept as evidence."""
        return True

    @property
    def structured(self) -> bool:
        """Tell whether its version of the protocol has structured content."""
        return True

    async def progress(self, done: float, total: float | None, message: str) -> None:
        """Send a progress notification; does nothing where the client asked for none."""
        ...

    async def elicit(self, message: str, schema: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Ask the person behind the client; None where unsupported, declined or cancelled."""
        ...

    async def sample(self, prompt: str, max_tokens: int) -> Written | None:
        """Ask the client's own model; None where unsupported, refused or without text."""
        ...


@dataclass(frozen=True)
class Written:
    """What a client's model wrote, and what the client calls it."""

    text: str
    model: str


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
    """What planner requests have cost so far (tokens where they are known), and whose model was asked."""

    calls: int = 0
    tokens: int = 0
    model: str = ""


class Planner(Protocol):
    """The small model; it may only choose and suggest, everything it says is validated again."""

    async def rank(self, context: str, options: Sequence[str]) -> Sequence[float] | None:
        """Score each option (a repaired call, as text) after the context, in nats per token; None: no planner."""
        ...

    async def generate(self, context: str, schema: Mapping[str, Any], max_tokens: int = 256) -> Any | None:
        """Write one JSON value under a JSON Schema; None: no planner, or nothing within the deadline."""
        ...

    @property
    def available(self) -> bool | None:
        """Whether it is asked: not while it is left alone after failures; None: there is none."""
        ...

    @property
    def likelihoods(self) -> bool:
        """Whether scores are likelihoods; what a planner that only chooses would say without a goal is no prior."""
        ...

    @property
    def usage(self) -> Usage:
        """Requests and tokens so far."""
        ...


@dataclass(frozen=True)
class Question:
    """What the planner is told about a plan that is stuck at `step`.

    `tools` is the shortlist it may choose from, in an order that stays the same from question to question about one
    plan, so that the model reads it once. `results` maps a step id to the value that references into it see.
    """

    plan: Plan
    step: str
    error: str
    tools: tuple[Tool, ...]
    results: Mapping[str, Json] = field(default_factory=dict[str, Json])


@dataclass(frozen=True)
class Advice:
    """Candidates by index, best first; `margin` is the lead of the first over the second in nats per token.

    A margin of 0 is a tie: the difference was within the model's noise and the priors decided.
    """

    order: tuple[int, ...]
    margin: float


Run = Callable[[Plan], Awaitable[Candidate | None]]
"""Runs a plan that only reads, and mends it where that is certain; None where it fails."""


@dataclass(frozen=True)
class Made:
    """A plan made from a goal, and whether it may be claimed to reach it."""

    plan: Plan
    sure: bool


class Advisor(Protocol):
    """The planner asked in the program's own nouns. Every answer is checked against schemas; None: no answer."""

    async def rank(self, question: Question, candidates: Sequence[Plan], priors: Sequence[float]) -> Advice | None:
        """Order repaired plans; of those that the model cannot tell apart the higher prior comes first."""
        ...

    async def pick(self, question: Question, candidates: Sequence[Plan]) -> Advice | None:
        """Order plans that differ in one value."""
        ...

    async def value(self, question: Question, at: Location) -> Json | None:
        """A new value for one argument of the failing step, under the argument's own schema."""
        ...

    async def step(self, question: Question) -> Step | None:
        """A step to insert before the failing one."""
        ...

    async def redesign(self, question: Question, failures: Sequence[str]) -> Plan | None:
        """Another plan for the same goal; `failures` tells in one line each what was tried."""
        ...

    async def plan(self, goal: str, tools: Sequence[Tool], run: Run) -> Made | None:
        """A plan from the goal alone, of these tools; `run` runs what only reads on the way."""
        ...

    @property
    def usage(self) -> Usage:
        """Requests and tokens so far."""
        ...


class Journal(Protocol):
    """The record of what was done; writing never blocks and never fails a call."""

    def new_id(self, kind: str, /) -> str:
        """A fresh identifier, sortable by time: `call_...` or `run_...`."""
        ...

    def call(self, record: CallRecord) -> None:
        """Hand over one call."""
        ...

    def run(self, record: RunRecord) -> None:
        """Hand over one repair or workflow run."""
        ...

    async def flush(self) -> bool:
        """Wait, not for long, until everything handed over is on disk: awaited before a workflow sends an effect.

        False where a journal that is kept may miss it.
        """
        ...
