"""Rules for values that were never meant to be sent: placeholders, and literals that came from nowhere."""

from __future__ import annotations

import re
from collections.abc import Iterator

from proxy.repair.read.spelled import is_placeholder, spelled
from proxy.repair.rules import gaps
from proxy.repair.view.coerce import Target, short
from proxy.repair.view.earlier_values import best, bind_by_name, by_argument, fitness, sure
from proxy.repair.view.schema import allowed_values, fits, type_name
from proxy.repair.view.step import StepView
from proxy.repair.view.values import join
from proxy.repair.view.words import mentions
from schemas.catalog import canonical
from schemas.edit import BindReference, Confidence, Proposal
from schemas.plan import Ref, Step
from schemas.problem import MissingArgument, Problem


def spelled_reference(problem: MissingArgument, here: StepView) -> Iterator[Proposal]:
    """Read a text that spells a reference as the reference."""
    value = here.written.get(problem.name)
    ref = spelled(value, here) if isinstance(value, str) and len(problem.at) == 1 else None
    if ref is not None:
        edit = BindReference(here.step.id, problem.at, ref)
        evidence = f"{value!r} spells a place in the result of step {ref.step!r}"
        yield Proposal(problem, (edit,), "spelled_reference", evidence, Confidence.LOSSLESS, 1.0)


def placeholder(problem: Problem, here: StepView) -> Iterator[Proposal]:
    """Bind an argument that holds a placeholder to the earlier value of its name and type."""
    for name, value in here.written.items():
        schema = here.argument_schema(name)
        if schema is None or not is_placeholder(value):
            continue
        if isinstance(problem, MissingArgument) and problem.name != name:
            continue
        wanted = Target(schema, here.schema, name)
        gap = MissingArgument(step=here.step.id, at=(name,), name=name, message="")
        named = [
            step
            for step in here.earlier
            if re.search(rf"\b{re.escape(step.id)}\b|\b{re.escape(step.tool)}\b", str(value))
        ]
        for proposal in [*_only_value(named, gap, here, wanted), *_within(named, gap, here, wanted)] or [
            *gaps.missing_from_results(gap, here),
            *_nearest_result(gap, here, wanted),
        ]:
            evidence = f"{value!r} is a placeholder; {proposal.evidence}"
            yield Proposal(problem, proposal.edits, "fill_placeholder", evidence, proposal.confidence, proposal.score)


def _within(named: list[Step], gap: MissingArgument, here: StepView, wanted: Target) -> list[Proposal]:
    ids = {step.id for step in named}
    choices = [
        c for source in here.sources if source.step in ids and (c := by_argument(source, wanted, here)) is not None
    ]
    ranked = best(choices)
    found: list[Proposal] = []
    for choice in ranked[:3]:
        edit = BindReference(here.step.id, gap.at, Ref(choice.source.step, join(list(choice.source.parts))))
        found.append(Proposal(gap, (edit,), "bind_by_name", choice.why, sure(choice, ranked), choice.score))
    return found


def _only_value(named: list[Step], gap: MissingArgument, here: StepView, wanted: Target) -> Iterator[Proposal]:
    """The one value that fits in the result of the one step that the placeholder names."""
    ids = {step.id for step in named}
    found = [
        source
        for source in here.sources
        if source.step in ids and source.parts and not source.echo and fitness(source.value, wanted) == 1.0
    ]
    if len(ids) == len(found) == 1:
        edit = BindReference(here.step.id, gap.at, Ref(found[0].step, join(list(found[0].parts))))
        evidence = f"it names {found[0].step!r}, which returned one value that fits, {short(found[0].value)}"
        yield Proposal(gap, (edit,), "only_value", evidence, Confidence.EVIDENT, 0.85)


def _nearest_result(gap: MissingArgument, here: StepView, wanted: Target) -> Iterator[Proposal]:
    """The first fitting value of the nearest earlier step, for want of any name."""
    for source in here.sources:
        if source.distance == 0 and source.parts and not source.echo and fitness(source.value, wanted) == 1.0:
            edit = BindReference(here.step.id, gap.at, Ref(source.step, join(list(source.parts))))
            evidence = f"the step before returned {short(source.value)}"
            yield Proposal(gap, (edit,), "nearest_result", evidence, Confidence.GUESS, 0.35)
            return


def invented_literal(problem: Problem, here: StepView) -> Iterator[Proposal]:
    """Bind an argument whose value stands neither in the goal nor in any result to the earlier value of its name.

    One of the argument's own allowed values was not made up, nor is one to blame where the refusal names another.
    """
    if here.evidence.single or not here.plan.goal:
        return
    known = {canonical(source.value) for source in here.sources}
    for name, value in here.written.items():
        schema = here.argument_schema(name)
        invented = type_name(value) in ("string", "integer", "number") and canonical(value) not in known
        named = {*here.reading.named, *(str(where[0]) for where in here.reading.quoted if where)}
        blamed = name in named or not named
        if (
            schema is None
            or not (invented and blamed)
            or allowed_values(schema, here.schema)
            or not fits(schema, value)
            or is_placeholder(value)
            or mentions(here.plan.goal, str(value))
        ):
            continue
        wanted = Target(schema, here.schema, name)
        gap = MissingArgument(step=here.step.id, at=(name,), name=name, message="")
        for proposal in bind_by_name(gap, here, wanted):
            if proposal.score >= 0.8:
                evidence = f"{value!r} stands neither in the goal nor in any result; {proposal.evidence}"
                yield Proposal(problem, proposal.edits, "invented_literal", evidence, Confidence.GUESS, proposal.score)
