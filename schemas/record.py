"""What the journal keeps: one record per upstream call, one per repair or run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from schemas.catalog import Json


@dataclass(frozen=True)
class CallRecord:
    """One `tools/call` that was sent upstream (or answered by the proxy itself, `server` "").

    `outcome` is "sent" for the note written before a call with an effect leaves, and its verdict afterwards; a
    record of the same `call_id` replaces the earlier one. `repair_id` joins the calls of one run. Time in seconds
    since the epoch, `ms` the upstream's share, `start_ms` how long the call waited for the upstream to be connected.
    `tenant` is whose call it was, "" where there is one tenant alone.
    """

    call_id: str
    at: float
    session: str
    server: str
    tool: str
    arguments: Json
    outcome: str
    ms: float = 0.0
    repair_id: str | None = None
    step: str | None = None
    effect: str = "unknown"
    reply: Json = None
    message: str = ""
    start_ms: float = 0.0
    tenant: str = ""


@dataclass(frozen=True)
class RunRecord:
    """One repaired (or unrepairable) call, or one workflow run.

    `before` and `after` are plans as JSON: a single call is a plan of one step. `repairs` and `problems` are as in
    the report; `found` are the problems of the plan as it was submitted, in the same form. `report` is the whole report
    of a workflow, None for a single call. `tried` are the candidates of the search in the order they were tried.
    """

    repair_id: str
    at: float
    kind: Literal["call", "workflow"]
    session: str
    status: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    repairs: list[Mapping[str, Any]] = field(default_factory=list[Mapping[str, Any]])
    problems: list[Mapping[str, Any]] = field(default_factory=list[Mapping[str, Any]])
    error_before: str = ""
    error_after: str = ""
    calls: int = 0
    seconds: float = 0.0
    report: Mapping[str, Any] | None = None
    found: list[Mapping[str, Any]] = field(default_factory=list[Mapping[str, Any]])
    tried: Sequence[Mapping[str, Any]] = ()
    tenant: str = ""
