"""What a rule may look at: the step in its plan, its tool, and everything that has been learnt so far.

Pure data and questions about it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from proxy.repair.read.refusal import Reading
from proxy.repair.view.notes import described
from proxy.repair.view.schema import Schema, accepts, at_location, property_schema
from proxy.repair.view.values import MISSING, Lookup, Unresolved, inside, join, lone_result, paths, replaced, resolve
from schemas.catalog import Catalog, Effect, Json, Tool, as_object, canonical, same_numbers
from schemas.plan import Location, Plan, Ref, Step, as_ref, walk
from schemas.trial import StepRun

OUTPUT = "\0output"
"""Stands for a step id where a problem or an edit is about the plan's `output`; no step has such an id."""


@dataclass(frozen=True)
class Seen:
    """A call and its result earlier in the client's session; `tool` is the public name."""

    server: str
    tool: str
    arguments: Json
    value: Json


@dataclass(frozen=True)
class Evidence:
    """What is known when a repair is sought.

    `runs` holds the last run of every step that ran; `single` tells that the plan is one client call, for which only
    exact names and session evidence count; `memory` holds what repairs that worked have taught (see `recall`).
    """

    catalog: Catalog
    runs: Mapping[str, StepRun] = field(default_factory=dict[str, StepRun])
    session: tuple[Seen, ...] = ()
    single: bool = False
    policy: Literal["cautious", "strict", "trusting"] = "cautious"
    feedback: bool = True
    """Whether what upstreams answered counts; off, only schemas and results steer the edits."""
    typed: bool = True
    """Whether a referenced value is held against the argument's schema; off, only what upstreams answer tells."""
    memory: Mapping[str, Any] = field(default_factory=dict[str, Any])
    absent: frozenset[str] = frozenset()
    """Configured upstreams that list no tool: a step that names one of them is not for another's tool."""

    def values(self, plan: Plan) -> Lookup:
        """Step id to the value that references into it see, looked up where it is asked for."""
        return _Values(plan, self)

    def value(self, step: str) -> Json:
        """The value of a step's result, `MISSING` while it has none."""
        run = self.runs.get(step)
        return run.value if run is not None and run.ok else MISSING


@dataclass(frozen=True)
class _Values(Mapping[str, Json]):
    """The values of a plan's steps; a plan of a thousand steps is not gone through for each of them."""

    plan: Plan
    evidence: Evidence

    def __getitem__(self, step: str) -> Json:
        if step not in self.plan.by_id:
            raise KeyError(step)
        return self.evidence.value(step)

    def __iter__(self) -> Iterator[str]:
        return iter(self.plan.by_id)

    def __len__(self) -> int:
        return len(self.plan.by_id)


@dataclass(frozen=True)
class Source:
    """A value that an earlier step returned; `echo` tells that the step was given that very value."""

    step: str
    parts: tuple[str, ...]
    value: Json
    echo: bool
    distance: int
    used: bool = False

    @property
    def name(self) -> str:
        """The last part of its path that is a name."""
        return next((part for part in reversed(self.parts) if not part.lstrip("-").isdigit()), "")

    @property
    def ref(self) -> Ref:
        """The reference to it."""
        return Ref(self.step, join(list(self.parts)))


@dataclass(frozen=True)
class StepView:
    """One step of a plan and what is known about it; `tool` is None while its name leads nowhere."""

    plan: Plan
    step: Step
    tool: Tool | None
    evidence: Evidence
    reading: Reading = field(default_factory=Reading)

    @cached_property
    def resolved(self) -> tuple[Json, list[Unresolved]]:
        """The arguments with references filled in (`MISSING` where not), and the references that failed."""
        resolved, missing = resolve(self.step.arguments, self.evidence.values(self.plan))
        for where, value in walk(self.step.arguments):
            ref = as_ref(value)
            if ref is not None and not ref.path and where and inside(resolved, where) is not MISSING:
                resolved = replaced(resolved, where, self._opened(inside(resolved, where), where))
        return resolved, missing

    def _opened(self, value: Json, where: Location) -> Json:
        """Take x out of a lone `{"result": x}` where the argument does not take an object."""
        inner = lone_result(value)
        if inner is value or accepts(self.schema_at(where), self.schema, "object"):
            return value
        return inner

    @property
    def arguments(self) -> dict[str, Json]:
        """The resolved arguments, {} where they are no object."""
        return as_object(self.resolved[0]) or {}

    @property
    def written(self) -> dict[str, Json]:
        """The arguments as written in the plan, {} where they are no object."""
        return as_object(self.step.arguments) or {}

    @property
    def blamed(self) -> tuple[str, ...]:
        """The arguments that the refusal names, or whose value it repeats."""
        quoted = (str(where[0]) for where in self.reading.quoted if where)
        return tuple(dict.fromkeys(name for name in (*self.reading.named, *quoted) if name in self.written))

    @property
    def session(self) -> tuple[Seen, ...]:
        """What the step's own upstream returned earlier in the session: a value of another one never goes to it."""
        server = self.tool.server if self.tool is not None else None
        return tuple(seen for seen in self.evidence.session if seen.server == server)

    @property
    def reads(self) -> bool:
        """Tell whether the step's tool is known to change nothing."""
        return self.tool is not None and self.tool.effect is Effect.READ

    @property
    def schema(self) -> Schema:
        """The tool's input schema, {} without a tool."""
        return self.tool.schema if self.tool else {}

    def schema_at(self, where: Location) -> Schema:
        """The schema that governs a location of the arguments; one argument's with what the docstring says of it."""
        if self.tool is not None and len(where) == 1 and str(where[0]) in self.tool.properties:
            return described(self.tool, str(where[0]))
        return at_location(self.schema, self.schema, where)

    def argument_schema(self, name: str) -> Schema | None:
        """The schema of a declared argument, None for others."""
        if self.tool is not None and name in self.tool.properties:
            return described(self.tool, name)
        return property_schema(self.schema, self.schema, name)

    @cached_property
    def earlier(self) -> tuple[Step, ...]:
        """Steps whose results this one may read: all that do not themselves wait for it, nearest first."""
        waiting = {self.step.id}
        needs = [(other.id, names) for other, names in zip(self.plan.steps, self.plan.needs, strict=True)]
        changed = True
        while changed:
            more = {other for other, named in needs if not waiting.isdisjoint(named)} - waiting
            waiting |= more
            changed = bool(more)
        mine = next((index for index, step in enumerate(self.plan.steps) if step.id == self.step.id), 0)
        free = [(abs(mine - index) + (100 if index > mine else 0), step) for index, step in enumerate(self.plan.steps)]
        return tuple(step for _, step in sorted(free, key=lambda pair: pair[0]) if step.id not in waiting)

    @cached_property
    def sources(self) -> tuple[Source, ...]:
        """Every value in the results of earlier steps, nearest step first."""
        return tuple(self._sources())

    def _sources(self) -> Iterator[Source]:
        ids = self.plan.by_id
        used = {(ref.step, ref.path) for step in self.plan.steps for _, ref in step.refs(ids)}
        for distance, step in enumerate(self.earlier):
            value = self.evidence.value(step.id)
            if value is MISSING:
                continue
            given = {canonical(same_numbers(inner)) for _, inner in walk(self.evidence.runs[step.id].arguments)}
            yield Source(step.id, (), value, echo=False, distance=distance, used=(step.id, "") in used)
            for parts, inner in paths(value):
                path = ".".join(parts)
                echo = canonical(same_numbers(inner)) in given
                yield Source(step.id, tuple(parts), inner, echo, distance, (step.id, path) in used)

    def literals(self) -> set[str]:
        """Every literal that the plan already uses somewhere, as canonical text in lower case."""
        return {
            canonical(inner).strip('"').lower()
            for step in self.plan.steps
            for _, inner in walk(step.arguments)
            if not isinstance(inner, dict | list)
        }
