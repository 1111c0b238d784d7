"""Two arguments of one step that hold each other's values."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from proxy.repair.rule import INTEGER, TEXT, Example, Offer, Other, Rule, Tier
from proxy.repair.view.coerce import Target, short
from proxy.repair.view.step import StepView
from proxy.repair.view.values import MISSING, segments
from proxy.repair.view.words import likeness
from schemas.catalog import Json, as_object, canonical
from schemas.edit import Confidence, SetArgument
from schemas.plan import Ref, as_ref
from schemas.problem import Refused, WrongType

SAME = 0.8
"""Likeness from which the name of a result's value is that of an argument."""


def propose(problem: WrongType | Refused, here: StepView) -> Iterator[Offer]:
    """Exchange two values of which each fits where the other stands.

    Neither fits where it stands; or the upstream blames one of them, and the plan shows where it belongs.
    """
    for one, other in combinations(here.written, 2):
        if not (_fits(one, other, here) and _fits(other, one, here)):
            continue
        if isinstance(problem, Refused):
            evidence = _each_at_home(one, other, here)
        else:
            blamed = problem.at in ((one,), (other,)) and not _fits(one, one, here) and not _fits(other, other, here)
            evidence = f"neither {one!r} nor {other!r} fits its schema, and each holds what fits the other's" * blamed
        if evidence:
            edits = (
                SetArgument(here.step.id, (one,), here.written[other]),
                SetArgument(here.step.id, (other,), here.written[one]),
            )
            yield Offer(edits, evidence, Confidence.EVIDENT, 0.95)


def _fits(held: str, name: str, here: StepView) -> bool:
    """Tell whether the value that one argument holds fits the schema of another."""
    schema, value = here.argument_schema(name), here.arguments.get(held, MISSING)
    return schema is not None and value is not MISSING and Target(schema, here.schema).takes(value)


def _each_at_home(one: str, other: str, here: StepView) -> str:
    """Why a value of which the upstream blames one belongs to the other argument; "" where anything speaks against."""
    mine, theirs = here.written[one], here.written[other]
    if not {one, other} & set(here.blamed) or canonical(mine) == canonical(theirs):
        return ""
    against = _home(mine, one, here) or _home(theirs, other, here)
    return "" if against else _home(theirs, one, here) or _home(mine, other, here)


def _home(value: Json, name: str, here: StepView) -> str:
    """Why a value belongs to an argument: it is read from a value of that name, or stands so elsewhere; else ""."""
    ref = as_ref(value)
    if ref is not None:
        last = next((part for part in reversed(segments(ref.path)) if not part.isdigit()), "")
        return f"{short(value)} is a {last!r}, the value for {name!r}" if last and likeness(last, name) >= SAME else ""
    for step in here.plan.steps:
        written = as_object(step.arguments) or {}
        if step.id != here.step.id and name in written and canonical(written[name]) == canonical(value):
            return f"{short(value)} is the {name!r} of step {step.id!r}"
    return ""


_TAKES = {"name": TEXT, "count": INTEGER}
_IDS = {"user_id": TEXT, "team_id": TEXT}
_FOUND = Other("find", {"user_id": "u-1", "team_id": "t-2"})
_MINE, _THEIRS = Ref("find", "user_id").json(), Ref("find", "team_id").json()
RULE = Rule(
    "exchange_arguments",
    (WrongType, Refused),
    Tier.MISPLACED,
    propose,
    (
        Example(_TAKES, {"name": 3, "count": "can"}, {"name": "can", "count": 3}),
        Example(
            _IDS,
            {"user_id": _THEIRS, "team_id": _MINE},
            {"user_id": _MINE, "team_id": _THEIRS},
            before=(_FOUND,),
            refused="user_id: no user 't-2'",
        ),
        Example(_TAKES, {"name": 3, "count": 4}),
        Example(_IDS, {"user_id": "t-2", "team_id": "u-1"}, refused="user_id: no user 't-2'"),
    ),
)
