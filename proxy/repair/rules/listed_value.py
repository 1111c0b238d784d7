"""A value that the upstream refused, naming those that it takes."""

from __future__ import annotations

from collections.abc import Iterator

from proxy.repair.rule import TEXT, Example, Offer, Rule, Tier
from proxy.repair.rules.rewrite_value import UNSENT, rewritten
from proxy.repair.view.choices import Coercion, choose
from proxy.repair.view.step import StepView
from proxy.repair.view.values import inside
from proxy.repair.view.words import likeness
from schemas.edit import Confidence
from schemas.problem import ValueNotAllowed

NEAR = 0.65
"""Likeness from which a value that an upstream suggests is the sent one, misspelled."""


def propose(problem: ValueNotAllowed, here: StepView) -> Iterator[Offer]:
    """Choose among the values that the upstream itself listed as accepted."""
    value = inside(here.step.arguments, problem.at)
    if not isinstance(value, str) or not problem.at:
        return
    texts = tuple(str(option) for option in problem.allowed)
    for option in choose(value, texts):
        yield rewritten(option, problem.at, here)
    if len(texts) == 1:
        found = Coercion(texts[0], "suggested", Confidence.GUESS, f"the upstream suggests {texts[0]!r}")
        yield rewritten(found, problem.at, here, 0.8 if likeness(value, texts[0]) >= NEAR else UNSENT)


_TAKES = {"colour": TEXT}
RULE = Rule(
    "listed_value",
    (ValueNotAllowed,),
    Tier.DECLARED,
    propose,
    (
        Example(_TAKES, {"colour": "Red"}, {"colour": "red"}, refused="colour must be one of 'red', 'green'"),
        Example(_TAKES, {"colour": "blue"}, refused="colour must be one of 'red', 'green'"),
    ),
)
