"""The report of a run: what a client gets back, what the journal keeps, what a person reads.

`Report` is the `structuredContent` of `run_workflow`; its field names are fixed.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from schemas.catalog import as_list, as_object

FORMAT = 1
"""Version of the journalled report."""


class Stop(StrEnum):
    """Why a search ended."""

    SOLVED = "solved"
    NO_EDITS = "no_edits"
    BUDGET = "budget"
    DEADLINE = "deadline"
    CANCELLED = "cancelled"
    OFF = "off"
    SUGGESTED = "suggested"
    INVALID = "invalid"
    FAULT = "fault"
    CONTESTED = "contested"
    UNCOVERED = "uncovered"

    @property
    def sentence(self) -> str:
        """What a person reads."""
        return _SENTENCES[self]


_SENTENCES = {
    Stop.SOLVED: "Every step succeeded.",
    Stop.NO_EDITS: "No repair is left that the evidence supports.",
    Stop.BUDGET: "The budget of generations or calls is used up.",
    Stop.DEADLINE: "The time for this run is over.",
    Stop.CANCELLED: "The client cancelled the run.",
    Stop.OFF: "Repair is off: the plan ran as it was submitted.",
    Stop.SUGGESTED: "Repair is set to suggest: nothing more was sent after the first failure.",
    Stop.INVALID: "The plan could not be read.",
    Stop.CONTESTED: "Several repairs ran to the end with different values, so none is claimed.",
    Stop.UNCOVERED: "Every step ran, but the goal states what the repaired plan does not use, so it is not claimed.",
    Stop.FAULT: "A fault in mcp-mend itself ended the search.",
}


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class StepReport(_Part):
    """The last execution of one step of the final plan."""

    id: str
    server: str | None
    tool: str
    arguments: Any = Field(description="As sent, references resolved.")
    ok: bool
    result: Any = Field(description="structuredContent, else the JSON of the text, else the text.")
    call_id: str | None = Field(description="The journal's number of the call: `mcp-mend log show CALL_ID`.")
    effect: Literal["read", "idempotent", "write", "destructive", "unknown"]
    ms: float
    reused: bool


class RepairReport(_Part):
    """One edit that was applied (or, in suggest mode, proposed)."""

    op: str
    step: str
    before: Any
    after: Any
    rule: str
    evidence: str
    confidence: Literal["lossless", "evident", "guess"]


class NormalisedReport(_Part):
    """A spelling that was read as its standard form; no repair."""

    step: str
    before: Any
    after: Any
    rule: str


class ProblemReport(_Part):
    """Something that is still wrong."""

    kind: str
    step: str
    message: str
    path: str | None = Field(default=None, description="JSON Pointer inside the step's arguments.")
    candidates: list[str] | None = Field(default=None, description="What it might have meant, nearest first.")


class ScoreReport(_Part):
    """Six dimensions in 0..1 and their weighted sum."""

    task_fulfilment: float
    grounding: float
    tool_appropriateness: float
    parameter_accuracy: float
    dependency_awareness: float
    parallelism_efficiency: float
    total: float


class SearchReport(_Part):
    """What the search cost and why it stopped."""

    generations: int
    candidates: int
    upstream_calls: int = Field(description="Every tools/call sent in this run, first ones included.")
    reused_calls: int
    planner_calls: int
    planner_tokens: int
    planner: str = Field(default="", description="The model that was asked, where one was.")
    seconds: float
    seed: int
    stop: str = Field(description="A sentence.")


class AlternativeReport(_Part):
    """A plan that ran to the end and was not claimed."""

    output: Any = None
    repairs: list[RepairReport]
    why: str = Field(description="Why it is not the answer.")


class Report(_Part):
    """What `run_workflow` answers."""

    model_config = ConfigDict(frozen=True, extra="forbid", title="mcp-mend report")

    status: Literal["succeeded", "repaired", "suggested", "failed"]
    output: Any = None
    steps: list[StepReport]
    repairs: list[RepairReport]
    normalised: list[NormalisedReport]
    problems: list[ProblemReport]
    score: ScoreReport
    search: SearchReport
    alternatives: list[AlternativeReport] = Field(default=[], description="The best that was not claimed, at most two.")
    uncovered: list[str] = Field(default=[], description="What the goal states and nothing used.")
    plan: dict[str, Any] = Field(description="The final plan; it can be submitted again as it is.")
    repair_id: str = Field(description="The journal's number of this run: `mcp-mend log diff REPAIR_ID`.")

    def written(self) -> dict[str, Any]:
        """The report as JSON values; a lone surrogate, which nothing can be encoded with, becomes its escape."""
        try:
            return self.model_dump(mode="json")
        except UnicodeEncodeError:
            return type(self).model_validate(_encodable(self.model_dump())).model_dump(mode="json")


def _encodable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    keys, items = as_object(value), as_list(value)
    if keys is not None:
        return {_encodable(key): _encodable(inner) for key, inner in keys.items()}
    return [_encodable(item) for item in items] if items is not None else value
