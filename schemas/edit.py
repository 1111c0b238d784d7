"""What may be changed about a plan: a closed union of small typed edits, matched exhaustively.

An edit says what to do, never why: the why (rule, evidence, confidence) is on the `Proposal` that carries it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar

from schemas.plan import Location, Ref, Step
from schemas.problem import Problem


class Confidence(StrEnum):
    """How sure a proposal is; decides what may be applied without asking."""

    LOSSLESS = "lossless"
    """The same meaning by the schema alone."""
    EVIDENT = "evident"
    """One candidate, and its evidence is named."""
    GUESS = "guess"
    """Plausible, not proven."""

    @property
    def rank(self) -> int:
        """0 for the surest."""
        return ("lossless", "evident", "guess").index(self.value)


@dataclass(frozen=True)
class SwapTool:
    """Call another tool."""

    op: ClassVar[str] = "swap_tool"
    step: str
    server: str
    tool: str


@dataclass(frozen=True)
class RenameArgument:
    """Give the value at `at` another key."""

    op: ClassVar[str] = "rename_argument"
    step: str
    at: Location
    name: str


@dataclass(frozen=True)
class SetArgument:
    """Put a value where none was, or another meaning where one was."""

    op: ClassVar[str] = "set_argument"
    step: str
    at: Location
    value: Any


@dataclass(frozen=True)
class CoerceArgument:
    """Write the same meaning as another type or spelling."""

    op: ClassVar[str] = "coerce_argument"
    step: str
    at: Location
    value: Any


@dataclass(frozen=True)
class DropArgument:
    """Leave an argument out."""

    op: ClassVar[str] = "drop_argument"
    step: str
    at: Location


@dataclass(frozen=True)
class BindReference:
    """Take the value from an earlier step's result."""

    op: ClassVar[str] = "bind_reference"
    step: str
    at: Location
    ref: Ref


@dataclass(frozen=True)
class RepathReference:
    """Point an existing reference at another place of the same result."""

    op: ClassVar[str] = "repath_reference"
    step: str
    at: Location
    path: str


@dataclass(frozen=True)
class UnwrapValue:
    """Replace a wrapper (JSON text, a one-item list, a lone key) by what it holds."""

    op: ClassVar[str] = "unwrap_value"
    step: str
    at: Location
    value: Any


@dataclass(frozen=True)
class WrapValue:
    """Put a value into the list or object that the schema wants around it."""

    op: ClassVar[str] = "wrap_value"
    step: str
    at: Location
    value: Any


@dataclass(frozen=True)
class MapStep:
    """Call the step once per item of the list in this argument."""

    op: ClassVar[str] = "map_step"
    step: str
    argument: str


@dataclass(frozen=True)
class InsertValidator:
    """Demand that the step's result satisfies a JSON Schema."""

    op: ClassVar[str] = "insert_validator"
    step: str
    schema: Mapping[str, Any]


@dataclass(frozen=True)
class AddStep:
    """Insert a new step before another (None: at the end)."""

    op: ClassVar[str] = "add_step"
    step: str
    new: Step
    before: str | None


@dataclass(frozen=True)
class RemoveStep:
    """Take a step out; refused while anything refers to it."""

    op: ClassVar[str] = "remove_step"
    step: str


@dataclass(frozen=True)
class Reorder:
    """Make a step wait for these others, and for nothing else but its references."""

    op: ClassVar[str] = "reorder"
    step: str
    after: tuple[str, ...]


@dataclass(frozen=True)
class Dedupe:
    """Remove a step in favour of its twin, whose result its readers get instead."""

    op: ClassVar[str] = "dedupe"
    step: str
    keep: str


Edit = (
    SwapTool
    | RenameArgument
    | SetArgument
    | CoerceArgument
    | DropArgument
    | BindReference
    | RepathReference
    | UnwrapValue
    | WrapValue
    | MapStep
    | InsertValidator
    | AddStep
    | RemoveStep
    | Reorder
    | Dedupe
)
"""Everything that may be done to a plan."""


@dataclass(frozen=True)
class Proposal:
    """Edits that together would solve one problem, and why we think so.

    `score` in 0..1 orders proposals of one confidence.
    """

    problem: Problem
    edits: tuple[Edit, ...]
    rule: str
    evidence: str
    confidence: Confidence
    score: float = 1.0
