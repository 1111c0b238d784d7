"""A workflow plan: steps, references between them, and what to hand back.

Arguments are kept as JSON, so that a plan can be compared, journalled and resubmitted as it is. A reference is
`{"$ref": step, "path": path}`; a reference inside a longer text is `{{step.path}}`.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from typing import Any, Literal, TypeGuard, cast

from pydantic import BaseModel, ConfigDict, Field

from schemas.catalog import DEEPEST, Json, canonical, fingerprint, same_numbers

Location = tuple[str | int, ...]
"""Where a value stands inside a step's arguments (or inside `output`), from the outside in."""

INTERPOLATION = re.compile(r"\{\{\s*([A-Za-z0-9_-]+)(?:\.([^{}]*?))?\s*\}\}")


@dataclass(frozen=True, slots=True)
class Ref:
    """A pointer to a value in the result of an earlier step; "" is the whole value."""

    step: str
    path: str = ""

    def json(self) -> dict[str, str]:
        """The reference as it is written in a plan."""
        return {"$ref": self.step, "path": self.path}


def is_ref(value: Json) -> TypeGuard[dict[str, Any]]:
    """Tell whether a value is a reference object: exactly `$ref` (and `path`), `$ref` free of `#`, `/` and `:`."""
    if not isinstance(value, dict) or "$ref" not in value:
        return False
    value = cast("dict[str, Any]", value)
    step = value.get("$ref")
    if not isinstance(step, str) or not step or "#" in step or "/" in step or ":" in step:
        return False
    return len(value) == 1 or (len(value) == 2 and isinstance(value.get("path"), str | int))


def as_ref(value: Json) -> Ref | None:
    """Read a reference object, None for anything else."""
    return Ref(value["$ref"], str(value.get("path", ""))) if is_ref(value) else None


@dataclass(frozen=True)
class Step:
    """One tool call of a plan.

    `server` is None where the submitter named none. `arguments` is normally an object; anything else is a problem
    to be diagnosed, not an error here. `map` names the argument whose list is called item by item; `expect` is a
    JSON Schema that the result must satisfy (a validator, Evoflux section on typed workflow graphs).
    """

    id: str
    tool: str
    arguments: Json
    server: str | None = None
    after: tuple[str, ...] = ()
    map: str | None = None
    expect: Mapping[str, Any] | None = None

    def json(self) -> dict[str, Any]:
        """The step as it is written in a plan, optional keys left out where empty."""
        written: dict[str, Any] = {"id": self.id, "tool": self.tool}
        if self.server is not None:
            written["server"] = self.server
        written["arguments"] = self.arguments
        if self.after:
            written["after"] = list(self.after)
        if self.map is not None:
            written["map"] = self.map
        if self.expect is not None:
            written["expect"] = dict(self.expect)
        return written

    @cached_property
    def _references(self) -> tuple[tuple[Location, Ref, bool], ...]:
        """Every reference in the arguments; true beside those within a text, which may be literal."""
        return tuple(_pointers(self.arguments))

    def refs(self, steps: Container[str]) -> list[tuple[Location, Ref]]:
        """Every reference in the arguments, as `refs_in` finds them."""
        return [(at, ref) for at, ref, within in self._references if not within or ref.step in steps]


@dataclass(frozen=True)
class Plan:
    """Steps in listed order, the goal in words where one was given, and the wanted output (None: the default)."""

    steps: tuple[Step, ...]
    goal: str = ""
    output: Json = None

    @cached_property
    def by_id(self) -> dict[str, Step]:
        """Step id to step; of repeated ids the first."""
        found: dict[str, Step] = {}
        for step in self.steps:
            found.setdefault(step.id, step)
        return found

    @cached_property
    def key(self) -> str:
        """Digest of the canonical form: two plans of one key are the same candidate."""
        return fingerprint(self.json())

    @cached_property
    def needs(self) -> tuple[tuple[str, ...], ...]:
        """Beside each step the ids of the steps that it depends on."""
        ids = self.by_id
        return tuple(dependencies(step, ids) for step in self.steps)

    @cached_property
    def cycle(self) -> tuple[str, ...]:
        """One cycle among references and `after`, in order; () where there is none."""
        ids = self.by_id
        needs = {
            step.id: [name for name in names if name in ids] for step, names in zip(self.steps, self.needs, strict=True)
        }
        try:
            TopologicalSorter(needs).prepare()
        except CycleError as found:
            return tuple(reversed(found.args[1][1:]))
        return ()

    def json(self) -> dict[str, Any]:
        """The plan as it can be submitted again."""
        written: dict[str, Any] = {"goal": self.goal} if self.goal else {}
        written["steps"] = [step.json() for step in self.steps]
        if self.output is not None:
            written["output"] = self.output
        return written

    def with_step(self, step: Step) -> Plan:
        """The same plan with the step of this id exchanged."""
        return replace(self, steps=tuple(step if old.id == step.id else old for old in self.steps))


def walk(value: Json, at: Location = ()) -> Iterator[tuple[Location, Json]]:
    """Yield every value inside a value with its location, outermost first; does not look inside references.

    What lies deeper than `DEEPEST` is not visited.
    """
    yield at, value
    if len(at) >= DEEPEST:
        return
    if isinstance(value, dict) and not is_ref(value):
        for key, inner in cast("dict[str, Any]", value).items():
            yield from walk(inner, (*at, key))
    elif isinstance(value, list):
        for index, inner in enumerate(cast("list[Any]", value)):
            yield from walk(inner, (*at, index))


def refs_in(value: Json, steps: Container[str]) -> Iterator[tuple[Location, Ref]]:
    """Yield every reference inside a value, interpolations included.

    Text is a reference only if its head names one of `steps`; a reference object always is one.
    """
    return ((at, ref) for at, ref, within in _pointers(value) if not within or ref.step in steps)


def _pointers(value: Json) -> Iterator[tuple[Location, Ref, bool]]:
    for at, inner in walk(value):
        ref = as_ref(inner)
        if ref is not None:
            yield at, ref, False
        elif isinstance(inner, str) and "{{" in inner:
            yield from ((at, Ref(match[1], match[2] or ""), True) for match in INTERPOLATION.finditer(inner))


def dependencies(step: Step, steps: Container[str]) -> tuple[str, ...]:
    """Ids of the steps that this one refers to or must come after, each once."""
    return tuple(dict.fromkeys([*(ref.step for _, ref in step.refs(steps)), *step.after]))


def same_call(left: Step, right: Step) -> bool:
    """Tell whether two steps send the same call; 3 and 3.0 are one number."""
    ours, theirs = canonical(same_numbers(left.arguments)), canonical(same_numbers(right.arguments))
    return (left.server, left.tool) == (right.server, right.tool) and ours == theirs


class SubmittedStep(BaseModel):
    """One step as a client may write it; other dialects are read too and normalised."""

    model_config = ConfigDict(extra="allow", frozen=True)

    id: str | None = Field(default=None, description="Name of the step, unique in the plan.")
    tool: str = Field(description="Name of the tool, as listed or as its server calls it.")
    server: str | None = Field(default=None, description="Name of the upstream server, where the tool name needs it.")
    arguments: dict[str, Any] = Field(
        default_factory=dict,
        description='Arguments; {"$ref": "step", "path": "items.0.id"} stands for a value of an earlier result.',
    )
    after: list[str] = Field(default_factory=list, description="Steps that must have finished first.")
    map: str | None = Field(default=None, description="Argument holding a list: call the tool once per item.")
    expect: dict[str, Any] | None = Field(default=None, description="JSON Schema that the result must satisfy.")


class SubmittedBudget(BaseModel):
    """Limits of one run."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    generations: int | None = Field(default=None, ge=0, description="Generations of the search.")
    population: int | None = Field(default=None, ge=1, description="Candidates kept at once.")
    calls: int | None = Field(default=None, ge=1, description="Upstream calls in the whole run, first ones included.")
    seconds: float | None = Field(default=None, gt=0, description="Wall-clock time of the whole run.")


class Submission(BaseModel):
    """The input of `run_workflow` and of `mcp-mend run`."""

    model_config = ConfigDict(extra="forbid", frozen=True, title="mcp-mend plan")

    goal: str | None = Field(default=None, description="What the workflow is for, in words.")
    steps: list[SubmittedStep] | None = Field(default=None, description="The plan; left out, it is made from goal.")
    output: Any = Field(default=None, description="Any JSON with references; default: the final step's result.")
    mode: Literal["auto", "suggest", "off"] | None = Field(
        default=None, description="auto repairs; suggest proposes at the first failure; off only runs."
    )
    budget: SubmittedBudget | None = Field(default=None, description="Limits of this run.")
    seed: int | None = Field(default=None, description="Seed of the search, for a run that can be repeated.")
