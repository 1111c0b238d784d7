"""A value that was made up: it stands neither in the goal nor in any result."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from proxy.repair.read.spelled import is_placeholder
from proxy.repair.rule import TEXT, Example, Offer, Other, Rule, Tier
from proxy.repair.rules.earlier_result import by_name
from proxy.repair.view.schema import allowed_values, fits, type_name
from proxy.repair.view.step import StepView
from proxy.repair.view.words import mentions
from schemas.catalog import Json, canonical
from schemas.edit import Confidence
from schemas.plan import Ref
from schemas.problem import Refused, SilentFailure

NAMED = 0.8
"""Score from which an earlier value may take the place of one that somebody wrote."""


def propose(problem: Refused | SilentFailure, here: StepView) -> Iterator[Offer]:
    """Bind an argument whose value stands neither in the goal nor in any result to the earlier value of its name.

    One of the argument's own allowed values was not made up, nor is one to blame where the refusal names another.
    """
    if here.evidence.single or not here.plan.goal:
        return
    for name, value in here.written.items():
        blamed = name in here.blamed or not (here.reading.named or here.reading.quoted)
        if blamed and _invented(name, value, here):
            for offer in by_name((name,), here):
                if offer.score >= NAMED:
                    reason = f"{value!r} stands neither in the goal nor in any result"
                    yield replace(offer, confidence=Confidence.GUESS).because(reason)


def _invented(name: str, value: Json, here: StepView) -> bool:
    schema = here.argument_schema(name)
    if schema is None or type_name(value) not in ("string", "integer", "number") or is_placeholder(value):
        return False
    if allowed_values(schema, here.schema) or not fits(schema, value) or mentions(here.plan.goal, str(value)):
        return False
    return canonical(value) not in {canonical(source.value) for source in here.sources}


_TAKES = {"user_id": TEXT}
_FOUND = (Other("find", {"user_id": "u-31"}),)
RULE = Rule(
    "invented_literal",
    (Refused, SilentFailure),
    Tier.ELSEWHERE,
    propose,
    (
        Example(
            _TAKES,
            {"user_id": "u-1"},
            {"user_id": Ref("find", "user_id").json()},
            goal="write to Ada",
            before=_FOUND,
            refused="no user 'u-1'",
        ),
        Example(_TAKES, {"user_id": "u-1"}, goal="write to u-1", before=_FOUND, refused="no user 'u-1'"),
    ),
)
