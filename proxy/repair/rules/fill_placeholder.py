"""A text that was never meant to be sent: it spells a reference, or holds the place of a value (`<user_id>`)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from proxy.repair.read.spelled import is_placeholder, spelled
from proxy.repair.rule import TEXT, Example, Offer, Other, Rule, Tier
from proxy.repair.rules import earlier_result, like_its_peers
from proxy.repair.view.coerce import short
from proxy.repair.view.earlier_values import fitting, how_sure, ranked, wanted_at, weighed
from proxy.repair.view.step import StepView
from schemas.edit import BindReference, Confidence
from schemas.plan import Ref, Step
from schemas.problem import BadFormat, MissingArgument, Refused, SilentFailure, ValueNotAllowed, WrongType

_Placeholder = MissingArgument | WrongType | ValueNotAllowed | BadFormat | Refused | SilentFailure


def propose(problem: _Placeholder, here: StepView) -> Iterator[Offer]:
    """Read a text that spells a reference as the reference; bind a placeholder to the earlier value it stands for."""
    for name, value in here.written.items():
        missing = isinstance(problem, MissingArgument)
        if (missing and problem.name != name) or here.argument_schema(name) is None:
            continue
        ref = spelled(value, here) if missing and isinstance(value, str) and len(problem.at) == 1 else None
        if ref is not None:
            edit = BindReference(here.step.id, problem.at, ref)
            evidence = f"{value!r} spells a place in the result of step {ref.step!r}"
            yield Offer((edit,), evidence, Confidence.LOSSLESS)
        elif is_placeholder(value):
            for offer in _values_for(name, str(value), here):
                yield offer.because(f"{value!r} is a placeholder")


def _values_for(name: str, text: str, here: StepView) -> list[Offer]:
    """Values of the steps that a placeholder names, else of those before it."""
    gap = MissingArgument(step=here.step.id, at=(name,), name=name, message="")
    named = [step for step in here.earlier if re.search(rf"\b{re.escape(step.id)}\b|\b{re.escape(step.tool)}\b", text)]
    return [*_only_value(named, name, here), *_by_name_within(named, name, here)] or [
        *like_its_peers.propose(gap, here),
        *earlier_result.propose(gap, here),
        *_of_the_step_before(name, here),
    ]


def _only_value(named: list[Step], name: str, here: StepView) -> Iterator[Offer]:
    """The one value that fits in the result of the one step that the placeholder names."""
    ids = {step.id for step in named}
    found = fitting((source for source in here.sources if source.step in ids), wanted_at((name,), here))
    if len(found) == len(ids) == 1:
        evidence = f"it names {found[0].step!r}, which returned one value that fits, {short(found[0].value)}"
        yield Offer((BindReference(here.step.id, (name,), found[0].ref),), evidence, Confidence.EVIDENT, 0.85)


def _by_name_within(named: list[Step], name: str, here: StepView) -> Iterator[Offer]:
    ids, wanted = {step.id for step in named}, wanted_at((name,), here)
    choices = ranked(weighed(source, wanted, here) for source in here.sources if wanted and source.step in ids)
    for choice in choices[:3]:
        edit = BindReference(here.step.id, (name,), choice.source.ref)
        yield Offer((edit,), choice.why, how_sure(choice, choices), choice.score)


def _of_the_step_before(name: str, here: StepView) -> Iterator[Offer]:
    """The first fitting value of the nearest earlier step, for want of any name."""
    for source in fitting((source for source in here.sources if source.distance == 0), wanted_at((name,), here))[:1]:
        evidence = f"the step before returned {short(source.value)}"
        yield Offer((BindReference(here.step.id, (name,), source.ref),), evidence, Confidence.GUESS, 0.35)


_TAKES = {"cart_id": TEXT}
_CART = (Other("cart", {"cart": {"id": "c-1"}}),)
_BOUND = {"cart_id": Ref("cart", "cart.id").json()}
RULE = Rule(
    "fill_placeholder",
    (MissingArgument, WrongType, ValueNotAllowed, BadFormat, Refused, SilentFailure),
    Tier.MISPLACED,
    propose,
    (
        Example(_TAKES, {"cart_id": "$cart.cart.id"}, _BOUND, before=_CART),
        Example(_TAKES, {"cart_id": "<cart_id>"}, _BOUND, before=_CART, refused="no cart '<cart_id>'"),
        Example(_TAKES, {"cart_id": "c-9"}, before=_CART, refused="no cart 'c-9'"),
    ),
)
