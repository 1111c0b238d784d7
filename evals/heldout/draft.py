"""A sound plan while it is being broken: its steps, what is known of them, and which parts are broken already.

Pure; knows no case format and no kind of fault.
"""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Fault = dict[str, Any]
"""What was done to a plan: its `type`, and the place."""

Breaker = Callable[["Draft", random.Random], Fault | None]
"""Breaks one part of a draft in place; None where nothing in it can be broken so."""


@dataclass(frozen=True)
class Sound:
    """A sound plan: its steps, the input schema of every tool by name, each step's result, and the goal in words."""

    steps: list[dict[str, Any]]
    schemas: Mapping[str, Mapping[str, Any]]
    results: Mapping[str, Any]
    goal: str


@dataclass
class Draft:
    """A copy of a sound plan's steps; `broken` holds the parts that no further fault may touch."""

    sound: Sound
    steps: list[dict[str, Any]]
    broken: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])

    @staticmethod
    def of(sound: Sound) -> Draft:
        """A draft that is still whole."""
        return Draft(sound, copy.deepcopy(sound.steps))

    def take(self, step: str, part: str) -> None:
        """Claim a part of a step for one fault."""
        self.broken.add((step, part))

    def schema(self, step: Mapping[str, Any]) -> Mapping[str, Any]:
        """The input schema of the step's tool as the sound plan names it."""
        sound = next((each for each in self.sound.steps if each["id"] == step["id"]), step)
        return self.sound.schemas.get(sound["tool"], {})

    def property(self, step: Mapping[str, Any], name: str) -> Mapping[str, Any]:
        """The schema of one argument, {} where the tool declares none."""
        return (self.schema(step).get("properties") or {}).get(name) or {}

    def free_steps(self, part: str, rng: random.Random) -> list[dict[str, Any]]:
        """Steps whose `part` is whole, shuffled."""
        found = [step for step in self.steps if (step["id"], part) not in self.broken]
        return rng.sample(found, len(found))

    def arguments(self, rng: random.Random) -> Iterator[tuple[dict[str, Any], str, Any]]:
        """Every whole argument as (step, name, value), shuffled."""
        found = [
            (step, name, value)
            for step in self.steps
            for name, value in step["arguments"].items()
            if (step["id"], name) not in self.broken
        ]
        return iter(rng.sample(found, len(found)))

    def literals(self, rng: random.Random) -> Iterator[tuple[dict[str, Any], str, Any]]:
        """Whole arguments that are no references."""
        return (entry for entry in self.arguments(rng) if "$ref" not in json.dumps(entry[2]))

    def references(self, rng: random.Random) -> Iterator[tuple[dict[str, Any], str, dict[str, Any]]]:
        """Whole arguments that are references."""
        return (entry for entry in self.arguments(rng) if isinstance(entry[2], dict) and "$ref" in entry[2])


@dataclass(frozen=True)
class Place:
    """One whole argument that may be broken."""

    draft: Draft
    step: dict[str, Any]
    name: str
    value: Any
    rng: random.Random

    @property
    def schema(self) -> Mapping[str, Any]:
        """What its tool says of it."""
        return self.draft.property(self.step, self.name)

    @property
    def required(self) -> bool:
        """Tell whether its tool wants it."""
        return self.name in (self.draft.schema(self.step).get("required") or ())

    @property
    def producer(self) -> str:
        """The tool whose result a reference reads."""
        return next((each["tool"] for each in self.draft.sound.steps if each["id"] == self.value["$ref"]), "step")

    def to(self, path: str) -> dict[str, Any]:
        """The same reference to another path."""
        return {**self.value, "path": path}


GONE = object()
"""What a change gives for an argument that is to be left out."""


def breaker(kind: str, change: Callable[[Place], Any], over: str = "literals") -> Breaker:
    """Exchange the first of `over` (literals, references or arguments) for which `change` gives a value, not None."""

    def broken(draft: Draft, rng: random.Random) -> Fault | None:
        for step, name, value in getattr(draft, over)(rng):
            new = change(Place(draft, step, name, value, rng))
            if new is not None:
                return put(draft, step, name, new, kind)
        return None

    return broken


def put(draft: Draft, step: dict[str, Any], name: str, value: Any, kind: str) -> Fault:
    """Exchange one argument's value, or leave the argument out."""
    was = step["arguments"][name]
    draft.take(step["id"], name)
    fault = {"type": kind, "step": step["id"], "arg": name, "was": was}
    if value is GONE:
        del step["arguments"][name]
        return fault
    step["arguments"][name] = value
    return {**fault, "now": value}


def rename(arguments: dict[str, Any], old: str, new: str) -> None:
    """Give one key another name, in its place."""
    entries = [(new if key == old else key, value) for key, value in arguments.items()]
    arguments.clear()
    arguments.update(entries)
