"""Rules for two arguments of one step that hold each other's values."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from proxy.repair.view.coerce import short
from proxy.repair.view.schema import Schema, fits
from proxy.repair.view.step import StepView
from proxy.repair.view.values import MISSING, segments
from proxy.repair.view.words import likeness
from schemas.catalog import Json, as_object, canonical
from schemas.edit import Confidence, Proposal, SetArgument
from schemas.plan import as_ref
from schemas.problem import Problem, Refused, WrongType

SAME = 0.8
"""Likeness from which the name of a result's value is that of an argument."""


def misfits(problem: WrongType, here: StepView) -> Iterator[Proposal]:
    """Exchange two values of which neither fits where it stands and each fits where the other does."""
    if len(problem.at) != 1:
        return
    name = str(problem.at[0])
    for other in here.written:
        if other == name or _fits(name, name, here) or _fits(other, other, here):
            continue
        if _fits(name, other, here) and _fits(other, name, here):
            evidence = f"neither {name!r} nor {other!r} fits its schema, and each holds what fits the other's"
            yield _exchanged(problem, here, name, other, evidence, 0.95)


def refused(problem: Refused, here: StepView) -> Iterator[Proposal]:
    """Exchange two values that both fit, where the upstream blames one of them and the plan shows where it belongs."""
    blamed = {*here.reading.named, *(str(where[0]) for where in here.reading.quoted if where)}
    for name, other in combinations(here.written, 2):
        if not blamed & {name, other} or canonical(here.written[name]) == canonical(here.written[other]):
            continue
        if not (_fits(name, other, here) and _fits(other, name, here)):
            continue
        found = [_home(here.written[other], name, here), _home(here.written[name], other, here)]
        against = [_home(here.written[name], name, here), _home(here.written[other], other, here)]
        if any(found) and not any(against):
            yield _exchanged(problem, here, name, other, next(why for why in found if why), 0.85)


def _fits(held: str, name: str, here: StepView) -> bool:
    """Tell whether the value that one argument holds fits the schema of another."""
    schema: Schema | None = here.argument_schema(name)
    value = here.arguments.get(held, MISSING)
    if schema is None or value is MISSING:
        return False
    definitions = {key: here.schema[key] for key in ("$defs", "definitions") if key in here.schema}
    return fits({**definitions, **schema} if definitions else schema, value)


def _home(value: Json, name: str, here: StepView) -> str:
    """Why a value belongs to an argument: it is read from a value of that name, or stands so elsewhere; "" for no why.

    A step before the blamed one counts more than none; the step itself does not count.
    """
    ref = as_ref(value)
    if ref is not None:
        last = next((part for part in reversed(segments(ref.path)) if not part.isdigit()), "")
        return f"{short(value)} is a {last!r}, the value for {name!r}" if last and likeness(last, name) >= SAME else ""
    for step in here.plan.steps:
        written = as_object(step.arguments) or {}
        if step.id != here.step.id and name in written and canonical(written[name]) == canonical(value):
            return f"{short(value)} is the {name!r} of step {step.id!r}"
    return ""


def _exchanged(problem: Problem, here: StepView, one: str, other: str, evidence: str, score: float) -> Proposal:
    edits = (
        SetArgument(here.step.id, (one,), here.written[other]),
        SetArgument(here.step.id, (other,), here.written[one]),
    )
    return Proposal(problem, edits, "exchange_arguments", evidence, Confidence.EVIDENT, score)
