"""The settings that are compared: one difference at a time from the defaults, rules only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from evals.cases.workspace import Options
from schemas.config import Evolution

CALLS_PER_STEP = (1.0, 1.25, 1.5, 2.0, 3.0)
"""Budgets of the sweep, in upstream calls per submitted step; the last is the default."""


@dataclass(frozen=True)
class Variant:
    """One set of options and the name of its row."""

    name: str
    options: Options


PLANNED = frozenset({"redesign", "planning"})
"""Mechanisms that do nothing without a planner."""


def mechanisms() -> list[str]:
    """The switches of `[evolution]` that decide without a planner."""
    found = [name for name, field in Evolution.model_fields.items() if field.annotation is bool]
    return [name for name in found if name not in PLANNED]


def ablation(base: Options) -> Iterator[Variant]:
    """Everything on, then each mechanism off, then no goal text, no search at all, and no repair at all."""
    yield Variant("everything", base)
    for name in mechanisms():
        yield Variant(f"without {name}", _without(base, name))
    yield Variant("without the goal text", replace(base, goal=False))
    yield Variant("without a second generation", replace(base, budget={**base.budget, "generations": 1}))
    yield Variant("without repair", replace(base, settings={**base.settings, "repair": {"mode": "off"}}))


def _without(base: Options, mechanism: str) -> Options:
    return replace(base, settings={**base.settings, "evolution": {mechanism: False}})


def sweep(base: Options) -> Iterator[Variant]:
    """More and more upstream calls per step."""
    for calls in CALLS_PER_STEP:
        yield Variant(f"{calls:g} calls per step", replace(base, budget={**base.budget, "calls_per_step": calls}))


def planners(base: Options) -> Iterator[Variant]:
    """Rules only, and rules with the planner that is installed."""
    yield Variant("rules only", base)
    yield Variant("rules and the local planner", replace(base, planner="auto"))
