"""An argument that a client's single call left out, and an earlier call of its session returned."""

from __future__ import annotations

from collections.abc import Iterator

from proxy.repair.rule import TEXT, Example, Offer, Rule, Tier
from proxy.repair.view.coerce import short
from proxy.repair.view.schema import fits
from proxy.repair.view.step import StepView
from proxy.repair.view.values import paths
from proxy.repair.view.words import likeness
from schemas.edit import Confidence, SetArgument
from schemas.problem import MissingArgument

NAMED = 0.9
"""Likeness from which the name of a value is that of the argument."""


def propose(problem: MissingArgument, here: StepView) -> Iterator[Offer]:
    """Take the one value of the argument's name that the session's earlier calls returned."""
    if not here.evidence.single:
        return
    schema = here.schema_at(problem.at)
    found = {
        str(value): (value, seen.tool)
        for seen in here.session
        for parts, value in paths(seen.value)
        if (last := next((part for part in reversed(parts) if not part.isdigit()), ""))
        and likeness(last, str(problem.at[-1])) >= NAMED
        and not isinstance(value, dict | list)
        and fits(schema, value)
    }
    if len(found) == 1:
        value, tool = next(iter(found.values()))
        evidence = f"{tool!r} returned {short(value)} under that name"
        yield Offer((SetArgument(here.step.id, problem.at, value),), evidence, Confidence.GUESS, 0.7)


_TAKES = {"ticket_id": TEXT, "text": TEXT}
RULE = Rule(
    "session_result",
    (MissingArgument,),
    Tier.ELSEWHERE,
    propose,
    (
        Example(_TAKES, {"text": "done"}, {"text": "done", "ticket_id": "T-7"}, session=({"ticket_id": "T-7"},)),
        Example(_TAKES, {"text": "done"}, session=([{"ticket_id": "T-7"}, {"ticket_id": "T-8"}],)),
    ),
)
