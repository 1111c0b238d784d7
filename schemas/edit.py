"""What may be changed about a plan: a closed union of small typed edits, matched exhaustively.

An edit says what to do, never why: the why (rule, evidence, confidence) is on the `Proposal` that carries it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar

from schemas.plan import Location, Ref, Step
from schemas.problem import Problem, named


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
        return list(Confidence).index(self)


@dataclass(frozen=True)
class _Edit:
    op: ClassVar[str]
    step: str

    def __init_subclass__(cls) -> None:
        cls.op = named(cls)


@dataclass(frozen=True)
class AtPlace(_Edit):
    """What is done at one place of a step's arguments."""

    at: Location


@dataclass(frozen=True)
class PutValue(AtPlace):
    """What puts a value at a place."""

    value: Any


@dataclass(frozen=True)
class SwapTool(_Edit):
    """Call another tool."""

    server: str
    tool: str


@dataclass(frozen=True)
class RenameArgument(AtPlace):
    """Give the value at `at` another key."""

    name: str


class SetArgument(PutValue):
    """Put a value where none was, or another meaning where one was."""


class CoerceArgument(PutValue):
    """Write the same meaning as another type or spelling."""


class DropArgument(AtPlace):
    """Leave an argument out."""


@dataclass(frozen=True)
class BindReference(AtPlace):
    """Take the value from an earlier step's result."""

    ref: Ref


@dataclass(frozen=True)
class RepathReference(AtPlace):
    """Point an existing reference at another place of the same result."""

    path: str


class UnwrapValue(PutValue):
    """Replace a wrapper (JSON text, a one-item list, a lone key) by what it holds."""


class WrapValue(PutValue):
    """Put a value into the list or object that the schema wants around it."""


@dataclass(frozen=True)
class MapStep(_Edit):
    """Call the step once per item of the list in this argument."""

    argument: str


@dataclass(frozen=True)
class InsertValidator(_Edit):
    """Demand that the step's result satisfies a JSON Schema."""

    schema: Mapping[str, Any]


@dataclass(frozen=True)
class AddStep(_Edit):
    """Insert a new step before another (None: at the end)."""

    new: Step
    before: str | None


class RemoveStep(_Edit):
    """Take a step out; refused while anything refers to it."""


@dataclass(frozen=True)
class Dedupe(_Edit):
    """Remove a step in favour of its twin, whose result its readers get instead."""

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
