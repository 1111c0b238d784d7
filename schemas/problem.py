"""What can be wrong with a step: a closed union, matched exhaustively.

Every problem names its step; `at` is the location inside the step's arguments, () for the step as a whole.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, ClassVar

from schemas.plan import Location, Ref


def named(kind: type) -> str:
    """The name of a kind of problem, or of edit, in reports and journals: `UnknownTool` is `unknown_tool`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).lower()


@dataclass(frozen=True, kw_only=True)
class _Problem:
    kind: ClassVar[str]
    step: str
    message: str
    at: Location = ()
    candidates: tuple[str, ...] = ()

    def __init_subclass__(cls) -> None:
        cls.kind = cls.__dict__.get("kind", named(cls))


@dataclass(frozen=True, kw_only=True)
class UnknownTool(_Problem):
    """No upstream offers a tool of this name."""

    tool: str
    server: str | None = None


@dataclass(frozen=True, kw_only=True)
class AmbiguousTool(_Problem):
    """The name fits several tools equally."""

    tool: str


@dataclass(frozen=True, kw_only=True)
class MissingArgument(_Problem):
    """A required argument (or key of a nested object) is absent."""

    name: str


@dataclass(frozen=True, kw_only=True)
class UnexpectedArgument(_Problem):
    """A key that the schema does not know; `forbidden` where schema or upstream refuse it."""

    name: str
    forbidden: bool


@dataclass(frozen=True, kw_only=True)
class WrongType(_Problem):
    """A value of a type that the schema does not accept."""

    value: Any


@dataclass(frozen=True, kw_only=True)
class ValueNotAllowed(_Problem):
    """A value outside `enum`, `const` or the bounds of the schema, or outside the list an upstream named."""

    value: Any
    allowed: tuple[Any, ...] = ()


@dataclass(frozen=True, kw_only=True)
class BadFormat(_Problem):
    """A text that does not follow the `format`, `pattern` or described layout."""

    value: Any


@dataclass(frozen=True, kw_only=True)
class UntypedRefused(_Problem):
    """The schema leaves the argument open, yet the upstream refused its type."""

    kind: ClassVar[str] = "untyped_argument_refused"
    value: Any
    wanted: str = ""


@dataclass(frozen=True, kw_only=True)
class UnresolvedReference(_Problem):
    """A placeholder stands where a value belongs, or the referenced step gave no result."""

    value: Any = None


@dataclass(frozen=True, kw_only=True)
class WrongPath(_Problem):
    """The producing step ran, but its result has nothing at this path."""

    kind: ClassVar[str] = "wrong_reference_path"
    ref: Ref


@dataclass(frozen=True, kw_only=True)
class TypeMismatch(_Problem):
    """The referenced value exists but does not fit the argument's schema."""

    ref: Ref
    value: Any = None


@dataclass(frozen=True, kw_only=True)
class DanglingDependency(_Problem):
    """A reference or `after` names a step that the plan does not have."""

    target: str


@dataclass(frozen=True, kw_only=True)
class CyclicDependency(_Problem):
    """Steps wait for one another; `cycle` lists them in order."""

    cycle: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class DuplicateStep(_Problem):
    """A repeated step id, or the same intent submitted twice and refused the second time."""

    twin: str


@dataclass(frozen=True, kw_only=True)
class Refused(_Problem):
    """The upstream answered with an error; `named` are the arguments that its text names."""

    text: str
    code: int | None = None
    named: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class SilentFailure(_Problem):
    """A success flag with an error inside."""

    text: str


@dataclass(frozen=True, kw_only=True)
class OutputBroken(_Problem):
    """The result does not satisfy the tool's output schema, or the step's own validator."""

    kind: ClassVar[str] = "output_schema_broken"


@dataclass(frozen=True, kw_only=True)
class TimedOut(_Problem):
    """No answer within the call's time."""


@dataclass(frozen=True, kw_only=True)
class UpstreamDown(_Problem):
    """The upstream is not there; the call never reached it."""


@dataclass(frozen=True, kw_only=True)
class OutcomeUnknown(_Problem):
    """The call may have had its effect: it is not sent again."""


Problem = (
    UnknownTool
    | AmbiguousTool
    | MissingArgument
    | UnexpectedArgument
    | WrongType
    | ValueNotAllowed
    | BadFormat
    | UntypedRefused
    | UnresolvedReference
    | WrongPath
    | TypeMismatch
    | DanglingDependency
    | CyclicDependency
    | DuplicateStep
    | Refused
    | SilentFailure
    | OutputBroken
    | TimedOut
    | UpstreamDown
    | OutcomeUnknown
)
"""Everything that can be wrong; adding a member makes the type checker point at every place that must know it."""
