"""Rules that find the part of a result which the goal speaks of, where a reference names no place that is there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from proxy.repair.view.coerce import Target, short
from proxy.repair.view.earlier_values import GENERIC, fitness
from proxy.repair.view.step import Source, StepView
from proxy.repair.view.units import unit_of
from proxy.repair.view.values import at, join, segments
from proxy.repair.view.words import mentions, stem, words
from schemas.catalog import as_list, as_object
from schemas.edit import Confidence, Proposal, RepathReference
from schemas.problem import TypeMismatch, WrongPath


def named_in_goal(
    problem: WrongPath | TypeMismatch, here: StepView, sources: Sequence[Source], wanted: Target | None
) -> Iterator[Proposal]:
    """The one of several fitting values whose name the goal speaks of, as far as it is no name of the others."""
    fitting = [source for source in sources if source.name and not source.echo and fitness(source.value, wanted) == 1.0]
    names = {source.parts: _distinctive(source.name) for source in fitting}
    first = next(iter(names.values()), set[str]())
    shared = {word for word in first if len(names) > 1 and all(word in other for other in names.values())}
    goal = here.plan.goal
    spoken = [source for source in fitting if (own := names[source.parts] - shared) and _all_said(own, goal)]
    if len(spoken) == 1:
        path = join(list(spoken[0].parts))
        evidence = f"the goal speaks of {path!r}, which is {short(spoken[0].value)}"
        edit = RepathReference(here.step.id, problem.at, path)
        yield Proposal(problem, (edit,), "named_in_goal", evidence, Confidence.GUESS, 0.8)


def _distinctive(name: str) -> set[str]:
    """The words of a key that tell it from others: no units, nothing that any result is called."""
    return {stem(word) for word in words(name) if word not in GENERIC and not (len(word) < 4 and unit_of(word))}


def _all_said(own: set[str], goal: str) -> bool:
    said = {stem(word) for word in words(goal)}
    return bool(own) and all(word in said or mentions(goal, word) for word in own)


def whole_or_item(problem: WrongPath, here: StepView, wanted: Target | None) -> Iterator[Proposal]:
    """The result itself where it holds nothing else, and an item of its only list where the path is a number."""
    value = here.evidence.value(problem.ref.step)
    if as_object(value) is None and as_list(value) is None and fitness(value, wanted) > 0.0:
        evidence = f"{problem.ref.step!r} returned {short(value)} and nothing else"
        edit = RepathReference(here.step.id, problem.at, "")
        yield Proposal(problem, (edit,), "whole_result", evidence, Confidence.EVIDENT, 0.9)
        return
    asked = segments(problem.ref.path)
    lists = [key for key, inner in (as_object(value) or {}).items() if as_list(inner)]
    if len(asked) == 1 and re.fullmatch(r"-?\d+", asked[0]) and len(lists) == 1:
        path = join([lists[0], asked[0]])
        if fitness(at(value, path), wanted) > 0.0:
            evidence = f"{lists[0]!r} is the only list that {problem.ref.step!r} returned"
            edit = RepathReference(here.step.id, problem.at, path)
            yield Proposal(problem, (edit,), "item_of_only_list", evidence, Confidence.EVIDENT, 0.9)
