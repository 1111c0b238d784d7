"""What happened when a plan was tried: replies, runs, executions, outcomes and candidates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from schemas.catalog import Effect, Json
from schemas.edit import Proposal
from schemas.plan import Plan
from schemas.problem import Problem


class Lost(StrEnum):
    """Why a call has no reply."""

    NOT_SENT = "not_sent"
    """The upstream was not there: the call never left."""
    TIMED_OUT = "timed_out"
    BROKEN = "broken"
    """The connection ended after the call had left."""


@dataclass(frozen=True)
class Reply:
    """What came back for one `tools/call`: a result, a JSON-RPC error, or nothing.

    Exactly one of `result`, `error` and `lost` is set. `result` is the upstream's own object. `stderr` holds the
    upstream's last lines where the connection was lost. `waited` are the seconds until the upstream was connected,
    which are no part of what the call itself took.
    """

    result: Mapping[str, Any] | None = None
    error: Mapping[str, Any] | None = None
    lost: Lost | None = None
    message: str = ""
    stderr: tuple[str, ...] = ()
    waited: float = 0.0

    @property
    def refused(self) -> bool:
        """Tell whether the upstream itself said no: a JSON-RPC error or `isError`."""
        return self.error is not None or (self.result is not None and self.result.get("isError") is True)


class Verdict(StrEnum):
    """What one execution of a step means for what may be sent next."""

    OK = "ok"
    NOT_SENT = "not_sent"
    """Nothing left the proxy: anything may be sent."""
    NOT_EXECUTED = "not_executed"
    """Proven: the upstream has no such tool, or its validator refused the arguments before anything ran."""
    REFUSED = "refused"
    """A normal error reply that quotes a value, names an argument or lists accepted values."""
    FAILED = "failed"
    """An error reply of another kind; the effect may or may not have happened."""
    SILENT = "silent"
    """Success was reported with an error inside."""
    UNKNOWN = "unknown"
    """No reply: timed out or broken off."""
    BLOCKED = "blocked"
    """Not run: a step it needs has failed."""


@dataclass(frozen=True)
class StepRun:
    """The last execution of one step.

    `arguments` are as sent, references resolved; `value` is what references into this step see. `ms` counts the
    upstream's time. `reused` marks a result taken from the ledger.
    """

    step: str
    server: str
    tool: str
    arguments: Json
    verdict: Verdict
    reply: Reply | None = None
    value: Json = None
    call_id: str = ""
    effect: Effect = Effect.UNKNOWN
    ms: float = 0.0
    reused: bool = False
    problems: tuple[Problem, ...] = ()
    blamed: frozenset[str] = frozenset()
    """Arguments whose faults prove that the call was refused before it ran (see `proxy.repair.read.proof`)."""

    @property
    def ok(self) -> bool:
        """Tell whether the step has a result that others may use."""
        return self.verdict is Verdict.OK


@dataclass(frozen=True)
class Execution:
    """One try of a whole plan: step id to its run, steps that never ran included as blocked or not sent."""

    runs: Mapping[str, StepRun] = field(default_factory=dict[str, StepRun])
    calls: int = 0
    reused: int = 0

    @property
    def ok(self) -> bool:
        """Tell whether every step ended well."""
        return all(run.ok for run in self.runs.values())


@dataclass(frozen=True)
class Score:
    """Six dimensions in 0..1 and their weighted sum (Evoflux, section on workflow scoring)."""

    task_fulfilment: float = 0.0
    grounding: float = 0.0
    tool_appropriateness: float = 0.0
    parameter_accuracy: float = 0.0
    dependency_awareness: float = 0.0
    parallelism_efficiency: float = 0.0
    total: float = 0.0


@dataclass(frozen=True)
class Outcome:
    """What an execution says about its plan."""

    problems: tuple[Problem, ...]
    score: Score

    @property
    def solved(self) -> bool:
        """Tell whether nothing is left to repair."""
        return not self.problems


@dataclass(frozen=True)
class Rivals:
    """What else a step could have been given where a guess was taken: `count` proposals of the lineage from `at` on."""

    step: str
    at: int
    count: int
    others: tuple[tuple[Proposal, ...], ...]


@dataclass(frozen=True)
class Candidate:
    """A plan in the population: where it came from, what it did, what it is worth.

    `rivals` belong to the guesses in it, which only their failure or their agreement can bear out.
    """

    plan: Plan
    lineage: tuple[Proposal, ...] = ()
    execution: Execution = field(default_factory=Execution)
    outcome: Outcome = Outcome((), Score())
    generation: int = 0
    rivals: tuple[Rivals, ...] = ()
